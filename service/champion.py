"""The champion, looked at again and again and swapped in without a request noticing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.bundle import Bundle
    from service.live import LiveSignals

logger = logging.getLogger(__name__)


class BundleSource(Protocol):
    """Where the champion's bundle comes from."""

    @property
    def problem(self) -> str:
        """Why the registry could not be read; empty if it could."""
        ...

    def current(self) -> Bundle | None:
        """Return the champion's bundle as last fetched."""
        ...

    def refresh(self) -> bool:
        """Look again; true when the champion changed."""
        ...


class Champion:
    """Keeps the live signals judged by the champion.

    Parameters
    ----------
    open_source
        Makes the source; called in the background, for it may take seconds.
    """

    def __init__(self, open_source: Callable[[], BundleSource], live: LiveSignals) -> None:
        self._open_source = open_source
        self._live = live
        self._source: BundleSource | None = None

    @property
    def problem(self) -> str:
        """Why the registry could not be read; empty if it could, or was not asked yet."""
        return "" if self._source is None else self._source.problem

    def refresh(self) -> None:
        """Look at the registry and adopt the champion if it is another one."""
        if self._source is None:
            self._source = self._open_source()
            self._adopt(self._source.current())  # the one kept from last time, while the registry is asked
        self._source.refresh()
        self._adopt(self._source.current())

    def _adopt(self, bundle: Bundle | None) -> None:
        in_use = self._live.in_use.bundle
        if bundle is not None and (in_use is None or in_use.version != bundle.version):
            self._live.adopt(bundle)
            logger.info("champion adopted", extra={"version": bundle.version})
