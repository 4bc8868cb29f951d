"""What a long training tells whoever waits for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Progress(Protocol):
    """Told what is being done, again and again while it lasts.

    Parameters
    ----------
    doing
        What, in a few words; the same words while it is the same thing.
    share
        The part of it that is done, 0 to 1; ``None`` where that cannot be said.
    """

    def __call__(self, doing: str, share: float | None = None, /) -> None: ...  # noqa: D102  as the class says


def untold(_doing: str, _share: float | None = None, /) -> None:
    """Progress that nobody waits for."""


def begun(progress: Progress, doing: str) -> Callable[[float], None]:
    """Tell what begins, and return what is to be told the share of it that is done."""
    progress(doing)
    return partial(progress, doing)
