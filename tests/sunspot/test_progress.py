"""Progress shown by a long command."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from sunspot.progress import OneBar, PlainLines, progress_on, shown_progress


def test_without_a_terminal_each_step_prints_a_line_and_more_while_it_lasts() -> None:
    written = io.StringIO()
    now_s = iter([100.0, 101.0, 102.0, 108.0, 111.0, 112.0, 113.0, 125.0, 126.0])
    progress = PlainLines(Console(file=written), elapsed_s=lambda: next(now_s))
    progress("reading [history]")
    progress("learning")
    for share in (0.1, 0.5, 0.8, 0.9):
        progress("learning", share)
    progress("registering")
    progress("registering")
    progress("learning", 0.25)
    assert written.getvalue().splitlines() == [
        "reading [history]",
        "learning",
        "learning: 80%",
        "registering",
        "learning: 25%",
    ]


def test_on_a_terminal_the_bar_is_cleared_at_the_end() -> None:
    written = io.StringIO()
    with progress_on(Console(file=written, force_terminal=True, width=80)) as progress:
        progress("registering")
    shown = written.getvalue()
    assert "registering" in shown
    assert shown.endswith("\x1b[1A\x1b[2K"), "the last line is cleared"


def test_the_bar_shows_the_current_step() -> None:
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
