"""Progress of a long command: a bar on a terminal, a few plain lines elsewhere."""

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
"""Without a terminal, a step that lasts longer than this is printed again."""


def shown_progress() -> AbstractContextManager[Progress]:
    """Show progress on standard error until the block ends."""
    from rich.console import Console

    return progress_on(Console(stderr=True))


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """Show progress until the block ends; on a terminal, clear it afterwards."""
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    if not console.is_terminal:
        yield PlainLines(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        yield OneBar(bars)


class OneBar:
    """One bar for the current step; it pulses where no share is reported."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None)
        self._doing = ""

    def __call__(self, doing: str, share: float | None = None, /) -> None:
        """Show the step and its share."""
        if doing != self._doing:
            self._bars.remove_task(self._task)
            self._task = self._bars.add_task(doing, total=None)
            self._doing = doing
        if share is not None:
            self._bars.update(self._task, total=1.0, completed=share)


class PlainLines:
    """One line per step, repeated from time to time while the step lasts."""

    def __init__(self, console: Console, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._elapsed_s = elapsed_s
        self._doing = ""
        self._printed_s = 0.0

    def __call__(self, doing: str, share: float | None = None, /) -> None:
        """Print the step if it is new or was last printed some time ago."""
        now_s = self._elapsed_s()
        if doing == self._doing and (share is None or now_s < self._printed_s + QUIET_S):
            return
        text = doing if share is None else f"{doing}: {share:.0%}"
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._doing, self._printed_s = doing, now_s
