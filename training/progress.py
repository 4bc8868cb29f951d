"""Progress reports of a long training."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Progress(Protocol):
    """Called with the current step, repeatedly while it lasts.

    Parameters
    ----------
    doing
        The step, in a few words; the same words throughout the step.
    share
        The share of it that is done, 0 to 1; ``None`` if unknown.
    """

    def __call__(self, doing: str, share: float | None = None, /) -> None: ...  # noqa: D102  see the class


def silent(_doing: str, _share: float | None = None, /) -> None:
    """Progress that is not shown."""


def begin_step(progress: Progress, doing: str) -> Callable[[float], None]:
    """Report a new step; return a function that reports the share of it that is done."""
    progress(doing)
    return partial(progress, doing)
