"""Errors of queries to the CMDB and of tables imported into it."""

from __future__ import annotations


class UnknownItemError(KeyError):
    """An id that no configuration item has."""

    def __init__(self, item: str) -> None:
        super().__init__(f"no configuration item has the id {item!r}")
        self.item = item

    def __str__(self) -> str:
        """Return the message, without the quotes that a KeyError adds."""
        return str(self.args[0])


class BadTableError(ValueError):
    """A table that cannot be read; nothing of it was imported."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"cannot import {source}: {reason}")
        self.source = source
        self.reason = reason


class ShrinkingGraphError(ValueError):
    """A new graph that has much less than the one in use; nothing was imported."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; if that is right, import it again and allow it to shrink")
        self.reason = reason
