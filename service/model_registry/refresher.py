"""A registered bundle, checked at intervals and swapped in without interrupting a request."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from models.artifacts.model_kinds import AnyBundle

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

Given_co = TypeVar("Given_co", covariant=True)


class BundleSource(Protocol[Given_co]):
    """Where a champion's bundle comes from."""

    @property
    def problem(self) -> str:
        """Why the registry could not be read; empty if it could."""
        ...

    def current(self) -> Given_co | None:
        """Return the champion's bundle as last fetched."""
        ...

    def refresh(self) -> bool:
        """Ask again, and return whether the champion changed."""
        ...


class NoSource:
    """No registry: the shipped ranker serves, or none."""

    problem = ""

    def current(self) -> None:
        """Return that there is no champion."""

    def refresh(self) -> bool:
        """Report that nothing changed."""
        return False


class AliasedBundle(Generic[AnyBundle]):
    """Keeps the bundle of one alias of a registered model in use; safe to use from several threads.

    Parameters
    ----------
    open_source
        Makes the source; called in the background, because it may take seconds.
    adopt
        Puts a bundle to use.
    withdraw
        Stops using the bundle, once the source has none any more.
    """

    def __init__(
        self,
        open_source: Callable[[], BundleSource[AnyBundle]],
        adopt: Callable[[AnyBundle], None],
        *,
        withdraw: Callable[[], None] = lambda: None,
    ) -> None:
        self._open_source = open_source
        self._adopt = adopt
        self._withdraw = withdraw
        self._refreshing = Lock()
        self._source: BundleSource[AnyBundle] | None = None
        self._version = ""

    @property
    def problem(self) -> str:
        """Why the registry could not be read; empty if it could, or was not asked yet."""
        return "" if self._source is None else self._source.problem

    def refresh(self) -> None:
        """Ask the registry and adopt its bundle if it is another one."""
        with self._refreshing:
            if self._source is None:
                self._source = self._open_source()
                # the cached bundle, until the registry answers
                self._put_to_use(self._source.current())
            self._source.refresh()
            self._put_to_use(self._source.current())

    def _put_to_use(self, bundle: AnyBundle | None) -> None:
        version = "" if bundle is None else bundle.version
        if version == self._version:
            return
        if bundle is None:
            self._withdraw()
        else:
            self._adopt(bundle)
        self._version = version
        logger.info("bundle changed", extra={"version": version or "none"})
