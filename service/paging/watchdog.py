"""The dead man's page: somebody is told when nothing is scored any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.paging.notifications import SCORING_STOPPED, over_notice, stopped_notice
from service.paging.teams import budget_of
from service.settings import Present
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from service.clock import WallClock
    from service.paging.notifications import Notice
    from service.scoring.series import FirstStage
    from service.settings import Settings


class Watchdog:
    """Looks from beside the scoring whether it goes on.

    It tells once, and again when scoring goes on. Before the first tick, and while stored days are
    replayed, there is nothing to miss. That Sunspot itself is gone must be seen from elsewhere: by an alert
    on the age of ``sunspot_scored_until_seconds``.
    """

    def __init__(
        self,
        settings: Settings,
        first_stage: FirstStage,
        clock: WallClock,
        *,
        tell: Callable[[Iterable[Notice]], None],
    ) -> None:
        self._settings = settings
        self._first_stage = first_stage
        self._clock = clock
        self._tell = tell
        self._stopped_at: datetime | None = None

    def look(self) -> None:
        """Tell if scoring stopped, or goes on again."""
        until = self._first_stage.scored_until
        if until is None or self._settings.present is Present.SIGNALS:
            return
        stopped_at = self._stopped_at
        if stopped_at is not None and until > stopped_at:
            self._tell([over_notice(SCORING_STOPPED, "", to_ms(stopped_at), to_ms(until))])
            self._stopped_at = stopped_at = None
        if stopped_at is None and self._clock.now() - until > self._settings.silent_after:
            team = self._settings.default_team
            self._tell(
                [stopped_notice(to_ms(until), team=team, budget_per_week=budget_of(team, self._settings))]
            )
            self._stopped_at = until
