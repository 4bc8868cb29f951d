"""Errors of saved feature state."""

from __future__ import annotations


class BadMinerStateError(ValueError):
    """A saved state of the template miner that cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot read the template miner's state: {reason}")
        self.reason = reason
