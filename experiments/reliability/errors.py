"""Errors of the measurements of reliability."""

from __future__ import annotations


class ServiceDidNotStartError(RuntimeError):
    """A service that stopped before it listened, and the end of its log."""

    def __init__(self, log: str) -> None:
        super().__init__(f"the service did not start; its log ends with: {log}")
        self.log = log


class RefusedError(RuntimeError):
    """A request that had to be accepted and was not."""

    def __init__(self, path: str, status: int, answer: bytes) -> None:
        super().__init__(f"{path} was answered with {status}: {answer[:500].decode(errors='replace')}")
        self.path = path
        self.status = status
        self.answer = answer


class UnreadableCorpusError(ValueError):
    """A file of written forms that is not the list that is expected."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path} cannot be read as a corpus of forms: {reason}")
        self.path = path
        self.reason = reason
