"""Errors of the simulator."""

from __future__ import annotations


class UnknownFaultError(KeyError):
    """A kind of fault that the registry does not have."""

    def __init__(self, kind: str, known: list[str]) -> None:
        super().__init__(f"no fault is called {kind!r}; choose from {', '.join(known)}")
        self.kind = kind

    def __str__(self) -> str:
        """Return the message without the quotes that a KeyError adds."""
        return str(self.args[0])


class BadFaultError(ValueError):
    """A fault that cannot happen as described."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind} cannot happen: {reason}")
        self.kind = kind
        self.reason = reason
