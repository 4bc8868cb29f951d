"""Whether alerts can be explained, and what else an operator should know."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.access.marker import EMPTIED
from service.errors import StoreUnavailableError
from service.signals.history import history_problems
from service.signals.present import calendar_known
from service.signals.series_shares import IDLE_MS
from telemetry.addresses import shown_address
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from service.rooms import Rooms
    from service.signals.room import SignalsRoom


@dataclass(frozen=True, slots=True)
class Readiness:
    """The reasons not to be ready, and the remarks that do not prevent it."""

    blocking: list[str]
    remarks: list[str]

    @property
    def is_ready(self) -> bool:
        """Whether alerts can be explained."""
        return not self.blocking

    @property
    def reasons(self) -> list[str]:
        """Every reason and remark, the blocking ones first."""
        return self.blocking + self.remarks


def readiness(rooms: Rooms) -> Readiness:
    """Return what prevents alerts from being explained, and what else an operator should know."""
    signals, logs, models = rooms.signals, rooms.logs, rooms.models
    bundle = signals.in_use.bundle
    patience, waiting, is_open, is_emptied = rooms.settings.silent_after, [], False, False
    with suppress(StoreUnavailableError):  # the store's own health says so
        waiting = rooms.paging.outbox.health_problems()
        is_open, is_emptied = rooms.access.gate.is_open, rooms.access.gate.is_emptied
    blocking = rooms.health.problems(patience=patience, is_vital=True)
    if bundle is None:
        blocking.append("no bundle: no champion was found yet")
    remarks = rooms.health.problems(patience=patience, is_vital=False)
    remarks += rooms.marks.health_problems()
    if not len(rooms.cmdb.graph):
        remarks.append(
            "no graph: no CMDB document was imported yet, so items are ranked on their own signals alone"
        )
    remarks += (
        history_problems(signals.history)
        + rooms.scoring.first_stage.health_problems()
        + logs.health_problems()
        + rooms.spans.health_problems()
        + rooms.incidents.cases.health_problems()
    )
    remarks += _refused_series(signals)
    if not calendar_known(signals.in_use.clock, signals.present()):
        remarks.append(
            "calendar: today is not in the exchange calendar, so a weekday counts as a trading day"
        )
    if bundle is not None and bundle.pages is None:
        remarks.append("paging: the bundle has no counts of false pages: train again")
    remarks += waiting
    if models.champion.problem:
        remarks.append(f"registry: {models.champion.problem}")
    if models.ranker.problem and not models.champion.problem:
        remarks.append(f"ranker: {models.ranker.problem}; the ranker in use stays")
    if models.log_champion.problem and not models.champion.problem:
        usual = "the bundle in use" if logs.bundle_version else "each service's own past"
        remarks.append(f"logs: {models.log_champion.problem}; normal behaviour comes from {usual}")
    if is_open:
        remarks.append("open: no token exists, so everything is allowed, from this machine only")
    elif is_emptied:
        remarks.append(f"closed: {EMPTIED}")
    return Readiness([shown_address(each) for each in blocking], [shown_address(each) for each in remarks])


def _refused_series(signals: SignalsRoom) -> list[str]:
    """Name the senders whose new series lately found no room in memory."""
    window, since_ms = signals.in_use.window, to_ms(signals.present()) - IDLE_MS
    held = window.series_by_sender
    return [
        f"series: {sender!r} has {held.get(sender, 0):,} in memory, and {each.n_series:,} of its last batch "
        f"found no room: their samples are only stored; {each.n_samples:,} samples so far"
        for sender, each in sorted(window.refused_by_sender.items())
        if each.at_ms >= since_ms
    ]
