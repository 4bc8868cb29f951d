"""What a long command shows of what it does."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from sunspot.progress import OneBar, progress_on, shown_progress


def test_without_a_terminal_there_is_a_line_for_each_thing_and_each_quarter() -> None:
    written = io.StringIO()
    with progress_on(Console(file=written)) as progress:
        progress("reading [history]")
        progress("learning")
        for done in range(101):
            progress("learning", done / 100)
        progress("registering")
        progress("registering")
    assert written.getvalue().splitlines() == [
        "reading [history]",
        "learning",
        "learning: 25%",
        "learning: 50%",
        "learning: 75%",
        "learning: 100%",
        "registering",
    ]


def test_what_begins_again_is_told_again() -> None:
    written = io.StringIO()
    with progress_on(Console(file=written)) as progress:
        for doing in ("one", "other", "one"):
            progress(doing, 0.3)
    assert written.getvalue().splitlines() == ["one: 30%", "other: 30%", "one: 30%"]


def test_on_a_terminal_there_is_a_bar_of_which_nothing_stays() -> None:
    written = io.StringIO()
    with progress_on(Console(file=written, force_terminal=True, width=80)) as progress:
        progress("registering")
    shown = written.getvalue()
    assert "registering" in shown
    assert shown.endswith("\x1b[1A\x1b[2K"), "the last line is wiped out"


def test_the_bar_is_of_what_is_being_done_now() -> None:
    bars = Progress(disable=True)
    bar = OneBar(bars)
    for doing, share, total in (
        ("learning", None, None),
        ("learning", 0.5, 1.0),
        ("learning", 0.75, 1.0),
        ("registering", None, None),
    ):
        bar(doing, share)
        (task,) = bars.tasks
        assert (task.description, task.total, task.completed) == (doing, total, share or 0)


def test_it_is_shown_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as progress:
        progress("learning")
    assert capsys.readouterr() == ("", "learning\n")
