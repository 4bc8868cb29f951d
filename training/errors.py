"""Errors about the history that a training learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 10
"""Number of items named in a message."""


class NoHistoryError(ValueError):
    """A source without samples to learn from."""

    def __init__(self, source: str) -> None:
        super().__init__(f"there is nothing to learn from in {source}")
        self.source = source


class BadHistoryError(ValueError):
    """A table of samples that cannot be read."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"cannot read {source}: {reason}")
        self.source = source
        self.reason = reason


class HistoryTooLargeError(ValueError):
    """A source that holds more than a training may read."""

    def __init__(self, source: str, what: str) -> None:
        super().__init__(f"{source} holds too much: {what}; ask for less with --match or --days")
        self.source = source
        self.what = what


class ShortHistoryError(ValueError):
    """Too few ticks to fit, calibrate and hold some back."""

    def __init__(self, *, needed: int, got: int) -> None:
        super().__init__(f"training needs at least {needed} ticks of history, got {got}")
        self.needed = needed
        self.got = got


class FewCasesError(ValueError):
    """Too few closed cases with a confirmed cause to learn from."""

    def __init__(self, *, needed: int, got: int) -> None:
        super().__init__(f"training needs at least {needed} cases with a confirmed cause, got {got}")
        self.needed = needed
        self.got = got


class EmptyScopeError(ValueError):
    """A scope that matches no item."""

    def __init__(self, scope: Sequence[str], items: Sequence[str]) -> None:
        shown = ", ".join(items[:SHOWN]) + (", …" if len(items) > SHOWN else "")
        super().__init__(f"no item matches {' or '.join(scope)}; the items are {shown}")
        self.scope = scope
        self.items = items
