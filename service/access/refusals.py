"""Requests without valid credentials: logged, and refused outright where an address sends many."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from service.access.addresses import network_of
from service.errors import TooManyRefusalsError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PERIOD_S = 60.0
N_FREE = 30
N_LOGGED = 60
N_ADDRESSES = 10_000


@dataclass(slots=True)
class _Count:
    since_s: float
    n_refused: int = 0
    n_unlogged: int = 0


class Refusals:
    """Refused requests of the last minute, by address.

    A request with valid credentials never comes here: a wrong token behind the same address delays nobody.

    Parameters
    ----------
    elapsed_s
        Seconds since any fixed instant.
    n_free
        Requests of an address in a minute that are answered as usual.
    """

    def __init__(self, elapsed_s: Callable[[], float], *, n_free: int = N_FREE) -> None:
        self._elapsed_s = elapsed_s
        self._n_free = n_free
        self._by_address: dict[str, _Count] = {}
        self._logged = _Count(elapsed_s())
        self._lock = Lock()

    def add(self, address: str, route: str, *, has_credentials: bool) -> None:
        """Count a refused request; of each address one is logged at once, then each tenth.

        Raises
        ------
        TooManyRefusalsError
            If the address has sent too many within a minute.
        """
        with self._lock:
            now_s = self._elapsed_s()
            count = self._count(network_of(address), now_s)
            count.n_refused += 1
            is_told = count.n_refused % 10 == 1 and self._may_log(now_s)
            n_before, count.n_unlogged = count.n_unlogged, 0 if is_told else count.n_unlogged + 1
            retry_s = count.since_s + PERIOD_S - now_s if count.n_refused > self._n_free else 0.0
        if is_told:
            fields = {"address": address, "route": route, "has_credentials": has_credentials}
            logger.warning("request without valid credentials", extra={**fields, "unlogged": n_before})
        if retry_s > 0:
            raise TooManyRefusalsError(max(1.0, retry_s))

    def _count(self, network: str, now_s: float) -> _Count:
        found = self._by_address.pop(network, None)
        if found is None or now_s - found.since_s >= PERIOD_S:
            found = _Count(now_s, n_unlogged=found.n_unlogged if found else 0)
        self._by_address[network] = found  # to the end: the oldest are dropped first
        while len(self._by_address) > N_ADDRESSES:
            self._by_address.pop(next(iter(self._by_address)))
        return found

    def _may_log(self, now_s: float) -> bool:
        if now_s - self._logged.since_s >= PERIOD_S:
            self._logged = _Count(now_s)
        self._logged.n_refused += 1
        return self._logged.n_refused <= N_LOGGED
