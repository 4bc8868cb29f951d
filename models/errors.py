"""Errors of learned models, stored cases and checkpoints."""

from __future__ import annotations


class BadBundleError(ValueError):
    """A bundle that is damaged, has an unknown layout, or contains more than data."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"cannot load the bundle {source}: {reason}")
        self.source = source
        self.reason = reason


class BadCaseError(ValueError):
    """A stored case that cannot be read."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"cannot read the case {source}: {reason}; see docs/cases.md for the format")
        self.source = source
        self.reason = reason


class CaseTooLargeError(ValueError):
    """A case that exceeds the size limit of its files."""

    def __init__(self, case: str, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"the case {case} takes {size_bytes} bytes, more than the limit of {limit_bytes}")
        self.case = case
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class BadStateError(ValueError):
    """A checkpoint of the first stage that cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot read the first stage's state: {reason}")
        self.reason = reason


class OutOfOrderTickError(ValueError):
    """A tick at or before the last scored one, whose score can no longer change."""

    def __init__(self, *, tick_ms: int, last_ms: int) -> None:
        super().__init__(f"the tick at {tick_ms} ms is not after the last scored tick, {last_ms} ms")
        self.tick_ms = tick_ms
        self.last_ms = last_ms


class NotEnoughRowsError(ValueError):
    """Too few feature rows to fit a detector."""

    def __init__(self, *, needed: int, got: int) -> None:
        super().__init__(f"a detector needs at least {needed} rows with a value, got {got}")
        self.needed = needed
        self.got = got


class NotFittedError(RuntimeError):
    """A detector asked for scores before it was fitted."""

    def __init__(self, detector: str) -> None:
        super().__init__(f"{detector} must be fitted before it scores")
        self.detector = detector
