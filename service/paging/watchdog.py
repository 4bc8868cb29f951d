"""The dead man's pages: the default team is notified when scoring or another part of Sunspot fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.paging.notifications import (
    PART_FAILING,
    SCORING_STOPPED,
    failing_notice,
    fingerprint_of,
    over_notice,
    stopped_notice,
)
from service.paging.teams import budget_of
from service.settings import Present
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from service.clock import WallClock
    from service.health import HealthRegistry
    from service.paging.notifications import Notice
    from service.scoring.series import FirstStage
    from service.settings import Settings


class Watchdog:
    """Checks, independently of scoring, that ticks are scored and that every part works.

    It notifies once, and again when all is well, also after a restart. Before the first tick, and while
    stored days are replayed, scoring is not expected. Whether Sunspot itself is down must be watched from
    outside: by an alert on the age of ``sunspot_scored_until_seconds``.

    Parameters
    ----------
    firing_since
        Returns when the alert of a fingerprint began that an earlier process raised and that still fires.
    """

    def __init__(
        self,
        settings: Settings,
        first_stage: FirstStage,
        health: HealthRegistry,
        clock: WallClock,
        *,
        notify: Callable[[Iterable[Notice]], None],
        firing_since: Callable[[str], datetime | None],
    ) -> None:
        self._settings = settings
        self._first_stage = first_stage
        self._health = health
        self._clock = clock
        self._notify = notify
        self._firing_since = firing_since
        self._has_resumed = False
        self._is_late = False
        self._stopped_at: datetime | None = None
        self._broken_at: datetime | None = None

    def look(self) -> None:
        """Notify if scoring or a part stopped, or works again."""
        if not self._has_resumed:
            self._stopped_at = self._firing_since(fingerprint_of(SCORING_STOPPED))
            self._broken_at = self._firing_since(fingerprint_of(PART_FAILING))
            self._has_resumed = True
        self._look_at_scoring()
        self._look_at_parts()

    def _look_at_scoring(self) -> None:
        until = self._first_stage.scored_until
        if until is None or self._settings.present is Present.SIGNALS:
            return
        stopped_at = self._stopped_at
        if stopped_at is not None and until > stopped_at:
            self._notify([over_notice(SCORING_STOPPED, "", to_ms(stopped_at), to_ms(until))])
            self._stopped_at = stopped_at = None
        was_late, self._is_late = self._is_late, self._clock.now() - until > self._settings.silent_after
        if stopped_at is None and was_late and self._is_late:  # seen twice: a clock may be ahead for seconds
            team, budget = self._owner()
            self._notify([stopped_notice(to_ms(until), team=team, budget_per_week=budget)])
            self._stopped_at = until

    def _look_at_parts(self) -> None:
        now, patience = self._clock.now(), self._settings.silent_after
        broken = {
            each.problem(now, patience=patience): since
            for each in self._health.parts()
            if (since := each.broken_since(now, patience=patience)) is not None and now - since > patience
        }
        if broken and self._broken_at is None:
            self._broken_at = min(broken.values())
            team, budget = self._owner()
            since_ms = to_ms(self._broken_at)
            self._notify(
                [failing_notice(since_ms, problems=sorted(broken), team=team, budget_per_week=budget)]
            )
        elif not broken and self._broken_at is not None:
            self._notify([over_notice(PART_FAILING, "", to_ms(self._broken_at), to_ms(now))])
            self._broken_at = None

    def _owner(self) -> tuple[str, float]:
        team = self._settings.default_team
        return team, budget_of(team, self._settings)
