"""Errors of peers."""

from __future__ import annotations


class PeerError(RuntimeError):
    """A peer that could not be installed or run here."""

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(f"{peer} cannot be installed or run here: {reason}")
        self.peer = peer
        self.reason = reason
