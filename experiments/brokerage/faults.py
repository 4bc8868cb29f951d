"""Faults with ground truth: one registry of the kinds of fault.

A fault only turns knobs of `experiments.brokerage.conditions`; its effects on other items come from the
mechanisms of `experiments.brokerage.propagation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cmdb.items import ChangeEvent
from experiments.brokerage.conditions import Chatter, Knob
from experiments.brokerage.errors import BadFaultError, UnknownFaultError
from experiments.brokerage.estate import COMPONENTS, ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from experiments.brokerage.conditions import Conditions


@dataclass(frozen=True, order=True)
class Fault:
    """One fault and its ground truth.

    Attributes
    ----------
    kind
        A key of `FAULTS`.
    item
        Where it happens.
    start, duration
        Timezone-aware start, and duration; the fault ends at ``start + duration``, its effects soon after.
    severity
        Above 0 and up to 1, the worst of the kind.

    Raises
    ------
    UnknownFaultError
        If there is no such kind.
    BadFaultError
        If the kind cannot happen to the item, or the time, duration or severity is invalid.
    """

    kind: str
    item: str
    start: datetime
    duration: timedelta = timedelta(minutes=30)
    severity: float = 0.7

    def __post_init__(self) -> None:
        """Check that the fault can happen."""
        if self.kind not in FAULTS:
            raise UnknownFaultError(self.kind, sorted(FAULTS))
        component = COMPONENTS.get(self.item)
        if component is None:
            raise BadFaultError(self.kind, f"the brokerage has no item {self.item!r}")
        if not FAULTS[self.kind].happens_to(self.item):
            raise BadFaultError(self.kind, f"it does not happen to {self.item!r}, a {component.kind}")
        if self.start.tzinfo is None:
            raise BadFaultError(self.kind, "its start has no time zone")
        if self.duration <= timedelta():
            raise BadFaultError(self.kind, f"a duration of {self.duration} is not positive")
        if not 0.0 < self.severity <= 1.0:
            raise BadFaultError(self.kind, f"a severity of {self.severity} is not in (0, 1]")

    @property
    def causes(self) -> tuple[str, ...]:
        """The causing items; none for a traffic surge."""
        return (self.item,) if FAULTS[self.kind].is_fault else ()

    @property
    def end(self) -> datetime:
        """End of the fault."""
        return self.start + self.duration


class Course(NamedTuple):
    """The course of a fault on the grid of the simulation.

    Attributes
    ----------
    on
        Share of the tick in which the fault acts, 0 to 1; shape ``(n_ticks,)``.
    elapsed, after
        Minutes since its start and since its end, negative before; shape ``(n_ticks,)``.
    length
        Its duration in minutes.
    """

    on: NDArray[np.float64]
    elapsed: NDArray[np.float64]
    after: NDArray[np.float64]
    length: float


class FaultKind(NamedTuple):
    """A kind of fault.

    Attributes
    ----------
    summary
        What happens, in one line.
    example
        A typical item for it.
    kinds
        The kinds of item it can happen to; empty if only the example.
    act
        Turns the knobs.
    is_fault
        Whether anything is broken.
    """

    summary: str
    example: str
    kinds: frozenset[str]
    act: Callable[[Fault, Course, Conditions], None]
    is_fault: bool = True

    def happens_to(self, item: str) -> bool:
        """Whether this fault can happen to an item."""
        return COMPONENTS[item].kind in self.kinds if self.kinds else item == self.example


def _slow_callee(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.add(Knob.WAIT_S, fault.item, course.on * 1.5 * fault.severity**2)


def _error_burst(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.add(Knob.FAIL, fault.item, course.on * 0.7 * fault.severity)


def _exhausted_pool(fault: Fault, course: Course, conditions: Conditions) -> None:
    leaked = np.clip((course.elapsed + 1.0) / 4.0, 0.0, 1.0)
    conditions.scale(Knob.POOL, fault.item, 0.006 ** (fault.severity * course.on * leaked))


def _cpu_hog(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.add(Knob.HOG, fault.item, course.on * (0.35 + 0.57 * fault.severity))


def _memory_leak(fault: Fault, course: Course, conditions: Conditions) -> None:
    n_fillings = 1.0 + 2.0 * fault.severity  # the process is killed when its memory is full, and leaks again
    conditions.add(Knob.LEAK, fault.item, course.on * ((course.elapsed / course.length * n_fillings) % 1.0))


def _packet_loss(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.add(Knob.LOSS, fault.item, course.on * 0.3 * fault.severity)


def _slow_database(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.scale(Knob.WORK, fault.item, 1.0 + course.on * 12.0 * fault.severity**2)


def _cache_loss(fault: Fault, course: Course, conditions: Conditions) -> None:
    refill = np.where(course.after > 0, np.exp(-np.maximum(course.after, 0.0) / 6.0), course.on)
    conditions.add(Knob.COLD, fault.item, fault.severity * refill)


def _bad_deploy(fault: Fault, course: Course, conditions: Conditions) -> None:
    rolled_out = np.clip((course.elapsed + 1.0) / 5.0, 0.0, 1.0)  # instance by instance
    conditions.add(Knob.FAIL, fault.item, course.on * rolled_out * 0.25 * fault.severity)
    conditions.scale(Knob.WORK, fault.item, 1.0 + course.on * rolled_out * 1.5 * fault.severity)
    conditions.add(Knob.WAIT_S, fault.item, course.on * rolled_out * 0.25 * fault.severity)
    for at, verb in ((fault.start, "Release"), (fault.end, "Roll back")):
        number = int(at.astimezone(UTC).timestamp()) // 60
        conditions.changes.append(
            ChangeEvent(
                f"change-{number}-{fault.item}",
                fault.item,
                at,
                "deploy",
                f"{verb} {fault.item} 2.{number % 97}",
            )
        )


def _data_centre_down(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.add(Knob.LOST, fault.item, course.on * fault.severity)
    noticed = course.on * np.exp(-np.maximum(course.elapsed, 0.0) / 5.0)
    conditions.chatter.append(Chatter(ENTRY, "node_lost", 60.0 * fault.severity * noticed))


def _traffic_surge(fault: Fault, course: Course, conditions: Conditions) -> None:
    ramp = np.clip((course.elapsed + 1.0) / 5.0, 0.0, 1.0)
    conditions.scale(Knob.DEMAND, fault.item, 1.0 + course.on * ramp * 1.5 * fault.severity)


def _missing_open(_fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.opens &= course.on == 0


def _slow_consumer(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.scale(Knob.WORK, fault.item, 1.0 + course.on * 9.0 * fault.severity)


def _broken_replication(fault: Fault, course: Course, conditions: Conditions) -> None:
    conditions.chatter.append(
        Chatter(fault.item, "replication_lost", course.on * (2.0 + 20.0 * fault.severity))
    )
    conditions.chatter.append(Chatter(fault.item, "replication_behind", course.on * 6.0))


SERVICE = frozenset({"service"})

FAULTS: dict[str, FaultKind] = {
    "slow_callee": FaultKind(
        "Each request waits longer, without using more CPU", "risk-check", SERVICE, _slow_callee
    ),
    "error_burst": FaultKind("A share of the requests fails at once", "position", SERVICE, _error_burst),
    "exhausted_pool": FaultKind(
        "Connections leak until hardly any are left", "funds", SERVICE | {"database"}, _exhausted_pool
    ),
    "cpu_hog": FaultKind("Something else uses the cores", "quotes", SERVICE | {"database"}, _cpu_hog),
    "memory_leak": FaultKind(
        "Memory fills, collection pauses grow, the process is killed", "kline", SERVICE, _memory_leak
    ),
    "packet_loss": FaultKind("A link loses packets", "link-telecom", frozenset({"link"}), _packet_loss),
    "slow_database": FaultKind(
        "Each query takes more disk time", "order-db", frozenset({"database"}), _slow_database
    ),
    "cache_loss": FaultKind(
        "The cache is empty and its database takes the load",
        "quote-cache",
        frozenset({"cache", "cdn"}),
        _cache_loss,
    ),
    "bad_deploy": FaultKind(
        "A release is slower and fails, until it is rolled back", "order", SERVICE, _bad_deploy
    ),
    "data_centre_down": FaultKind(
        "A data centre loses part of its machines", "dc-b", frozenset({"data_centre"}), _data_centre_down
    ),
    "traffic_surge": FaultKind(
        "Many customers arrive at once; nothing is broken", ENTRY, frozenset(), _traffic_surge, is_fault=False
    ),
    "missing_open": FaultKind(
        "The exchange's feed does not open and customers stay away",
        "exchange-feed",
        frozenset(),
        _missing_open,
    ),
    "slow_consumer": FaultKind("A queue's consumer falls behind", "push", SERVICE, _slow_consumer),
    "broken_replication": FaultKind(
        "Replication stops; only the log says so", "ledger-db", frozenset({"database"}), _broken_replication
    ),
}
"""Every kind of fault by its name."""


def example_fault(
    kind: str, start: datetime, *, duration: timedelta = timedelta(minutes=30), severity: float = 0.7
) -> Fault:
    """A fault of the given kind at its typical item.

    Raises
    ------
    UnknownFaultError
        If there is no such kind.
    """
    if kind not in FAULTS:
        raise UnknownFaultError(kind, sorted(FAULTS))
    return Fault(kind, FAULTS[kind].example, start, duration, severity)


def apply_fault(fault: Fault, conditions: Conditions, start: datetime, step: timedelta) -> None:
    """Turn the knobs for one fault on a grid that starts at ``start``; the rest of the fault is ignored."""
    minute = timedelta(minutes=1)
    begins, ends = (fault.start - start) / minute, (fault.end - start) / minute
    width = step / minute
    ticks = conditions.minutes
    on = np.clip(np.minimum(ticks + width, ends) - np.maximum(ticks, begins), 0.0, width) / width
    course = Course(on, ticks - begins, ticks - ends, fault.duration / minute)
    FAULTS[fault.kind].act(fault, course, conditions)
