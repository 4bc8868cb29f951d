"""What a long command is doing: a bar on a terminal, and a few plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console
    from rich.progress import Progress as Bars

    from training.progress import Progress

QUIET_S = 10.0
"""Without a terminal, what takes longer than this is told of again."""


def shown_progress() -> AbstractContextManager[Progress]:
    """Show what is being done on standard error until the block ends."""
    from rich.console import Console

    return progress_on(Console(stderr=True))


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """Show what is being done until the block ends; on a terminal nothing of it stays."""
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    if not console.is_terminal:
        yield PlainLines(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        yield OneBar(bars)


class OneBar:
    """One bar for what is being done now; it only swings to and fro where no share is told."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None)
        self._doing = ""

    def __call__(self, doing: str, share: float | None = None, /) -> None:
        """Show it."""
        if doing != self._doing:
            self._bars.remove_task(self._task)
            self._task = self._bars.add_task(doing, total=None)
            self._doing = doing
        if share is not None:
            self._bars.update(self._task, total=1.0, completed=share)


class PlainLines:
    """A line for each thing that is done, and one more from time to time while it lasts."""

    def __init__(self, console: Console, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._elapsed_s = elapsed_s
        self._doing = ""
        self._told_s = 0.0

    def __call__(self, doing: str, share: float | None = None, /) -> None:
        """Print it, if it is new or was last told of some time ago."""
        now_s = self._elapsed_s()
        if doing == self._doing and (share is None or now_s < self._told_s + QUIET_S):
            return
        text = doing if share is None else f"{doing}: {share:.0%}"
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._doing, self._told_s = doing, now_s
