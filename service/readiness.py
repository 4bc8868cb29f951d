"""Whether alerts can be explained, and what else an operator should know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.access.marker import EMPTIED
from service.signals.history import history_problems
from service.signals.present import calendar_known

if TYPE_CHECKING:
    from service.rooms import Rooms


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
    blocking = [] if bundle is not None else ["no bundle: no champion was found yet"]
    remarks = rooms.health.problems(patience=rooms.settings.silent_after)
    if not len(rooms.cmdb.graph):
        remarks.append(
            "no graph: no CMDB document was imported yet, so items are ranked on their own signals alone"
        )
    remarks += (
        history_problems(signals.history) + logs.health_problems() + rooms.incidents.cases.health_problems()
    )
    if not calendar_known(signals.in_use.clock, signals.present()):
        remarks.append(
            "calendar: today is not in the exchange calendar, so a weekday counts as a trading day"
        )
    if bundle is not None and bundle.pages is None:
        remarks.append("paging: the bundle has no counts of false pages: train again")
    remarks += rooms.paging.outbox.health_problems()
    if models.champion.problem:
        remarks.append(f"registry: {models.champion.problem}")
    if models.ranker.problem and not models.champion.problem:
        remarks.append(f"ranker: {models.ranker.problem}; the ranker in use stays")
    if models.log_champion.problem and not models.champion.problem:
        usual = "the bundle in use" if logs.bundle_version else "each service's own past"
        remarks.append(f"logs: {models.log_champion.problem}; normal behaviour comes from {usual}")
    if rooms.access.gate.is_open:
        remarks.append("open: no token exists, so everything is allowed, from this machine only")
    elif rooms.access.gate.is_emptied:
        remarks.append(f"closed: {EMPTIED}")
    return Readiness(blocking, remarks)
