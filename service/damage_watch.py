"""Damage of the histories on disk, looked for in the background and told in the log, each piece once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from telemetry.damage import Damage

logger = logging.getLogger(__name__)


class Checked(Protocol):
    """A history that finds damage."""

    @property
    def damage(self) -> Sequence[Damage]:
        """Damage found since it was opened, in the order it was found."""
        ...

    def check(self) -> None:
        """Look for damage in some of its files."""
        ...


class DamageWatch:
    """Checks each history a little in every round.

    `/readyz` shows what was found; the log has every piece.
    """

    def __init__(self, histories: Mapping[str, Checked]) -> None:
        self._histories = histories
        self._n_told = dict.fromkeys(histories, 0)

    def look(self) -> None:
        """Check some files, and log the damage found since the last call, by whomever."""
        for name, history in self._histories.items():
            history.check()
            for each in history.damage[self._n_told[name] :]:
                logger.error("damage found", extra={"history": name, "damage": str(each)})
                self._n_told[name] += 1
