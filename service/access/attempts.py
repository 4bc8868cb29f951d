"""Failed attempts to sign in, and how long the next one has to wait.

Nobody is locked out for good, and nobody can lock out a person on call: failures elsewhere do not delay
an address from which that person has signed in before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from service.errors import SignInDelayedError

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_S = 60.0
FORGOTTEN_S = 900.0
N_KEPT = 20_000

FREE_OF_PAIR, FREE_OF_ADDRESS, FREE_OF_NAME, FREE_OF_ALL = 4, 20, 50, 300
"""Failures without a delay: of a name from one address, of an address, of a name, and of everybody."""


@dataclass(frozen=True, slots=True)
class _Failures:
    n_failed: int = 0
    last_s: float = 0.0

    def wait_s(self, now_s: float, n_free: int) -> float:
        """Return the seconds until the next attempt: 1, 2, 4 and so on after the last, up to a minute."""
        n_over = self.n_failed - n_free
        if n_over < 0:
            return 0.0
        return max(0.0, self.last_s + min(LONGEST_S, 2.0 ** min(n_over, 10)) - now_s)


class Attempts:
    """What was tried lately, in memory: a restart forgets it.

    Parameters
    ----------
    elapsed_s
        Seconds since any fixed instant.
    """

    def __init__(self, elapsed_s: Callable[[], float]) -> None:
        self._elapsed_s = elapsed_s
        self._failures: dict[tuple[str, ...], _Failures] = {}
        self._lock = Lock()

    def begin(self, name: str, address: str, *, is_known: bool) -> None:
        """Count an attempt as failed before its password is compared, so that many at once count, too.

        Parameters
        ----------
        is_known
            Whether the person signed in from this address before: then only their own failures there count.

        Raises
        ------
        SignInDelayedError
            If it comes too soon; it is then not counted.
        """
        buckets = _buckets(name, address, is_known=is_known)
        with self._lock:
            now_s = self._elapsed_s()
            wait_s = max(self._of(each, now_s).wait_s(now_s, n_free) for each, n_free in buckets.items())
            if wait_s > 0:
                raise SignInDelayedError(wait_s)
            for each in buckets:
                before = self._failures.pop(each, _Failures())  # to the end: the oldest are dropped first
                self._failures[each] = _Failures(before.n_failed + 1, now_s)
            while len(self._failures) > N_KEPT:
                self._failures.pop(next(iter(self._failures)))

    def succeeded(self, name: str, address: str) -> None:
        """Take back the count of an attempt that succeeded, and the failures of its name and address."""
        with self._lock:
            for each in _buckets(name, address, is_known=False):
                before = self._failures.get(each)
                if before is not None:
                    self._failures[each] = replace(before, n_failed=max(0, before.n_failed - 1))
            self._failures.pop(("pair", name, address), None)

    def _of(self, bucket: tuple[str, ...], now_s: float) -> _Failures:
        found = self._failures.get(bucket, _Failures())
        if now_s - found.last_s > FORGOTTEN_S:
            self._failures.pop(bucket, None)
            return _Failures()
        return found


def _buckets(name: str, address: str, *, is_known: bool) -> dict[tuple[str, ...], int]:
    """Return what an attempt counts for, each with its free failures."""
    own: dict[tuple[str, ...], int] = {("pair", name, address): FREE_OF_PAIR}
    if is_known:
        return own
    return own | {
        ("address", address): FREE_OF_ADDRESS,
        ("name", name): FREE_OF_NAME,
        ("all",): FREE_OF_ALL,
    }
