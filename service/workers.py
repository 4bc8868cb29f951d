"""The service's background work: the only list of it, and what is saved once at the end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service.background import Repeating
from service.batch_log import retain_batches
from service.incidents.retention import retain_incidents
from service.signals.history import retain_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.rooms import Rooms

CHECKPOINT_S, RETENTION_S, CASES_S, SPANS_S = 60.0, 3600.0, 2.0, 5.0
WATCHDOG_S, OUTBOX_S, DAMAGE_S, WRITE_PATHS_S = 15.0, 2.0, 60.0, 10.0
VITAL = frozenset(
    {
        "checkpoint",
        "log checkpoint",
        "span checkpoint",
        "paging checkpoint",
        "shadow checkpoint",
        "outbox",
    }
)
"""Workers that write what a restart continues from, or what people wait for."""


def workers_of(rooms: Rooms) -> tuple[Repeating, ...]:
    """Return every background worker of the service, not yet started, with its health record."""
    settings, models, scoring, paging = rooms.settings, rooms.models, rooms.scoring, rooms.paging
    cases, logs, spans, shadow = rooms.incidents.cases, rooms.logs, rooms.spans, rooms.shadow

    def repeating(
        name: str, work: Callable[[], object], *, every_s: float, at_once: bool = True
    ) -> Repeating:
        record = rooms.health.record(name, every=timedelta(seconds=every_s), is_vital=name in VITAL)
        return Repeating(work, record, every_s=every_s, at_once=at_once)

    return (
        repeating("champion", models.champion.refresh, every_s=settings.refresh_s),
        repeating("challenger", models.challenger.refresh, every_s=settings.refresh_s),
        repeating("ranker", models.ranker.refresh, every_s=settings.refresh_s),
        repeating("log champion", models.log_champion.refresh, every_s=settings.refresh_s),
        repeating("ticks", lambda: score_closed(rooms), every_s=settings.scoring_s, at_once=False),
        repeating("page delivery", paging.dispatcher.deliver, every_s=settings.scoring_s, at_once=False),
        repeating("re-ranking", rooms.incidents.reranker.advance, every_s=settings.scoring_s, at_once=False),
        repeating("watchdog", scoring.watchdog.look, every_s=WATCHDOG_S),
        repeating("write paths", rooms.write_paths.look, every_s=WRITE_PATHS_S),
        repeating("outbox", paging.outbox.deliver, every_s=OUTBOX_S),
        repeating("cases", cases.advance_in_pause, every_s=CASES_S),
        repeating("checkpoint", scoring.first_stage.checkpoint, every_s=CHECKPOINT_S),
        repeating("log checkpoint", logs.checkpoint, every_s=CHECKPOINT_S),
        repeating("traces", spans.closing.advance, every_s=SPANS_S),
        repeating("span checkpoint", spans.checkpoint, every_s=CHECKPOINT_S),
        repeating("paging checkpoint", lambda: _checkpoint_paging(rooms), every_s=CHECKPOINT_S),
        repeating("shadow checkpoint", shadow.checkpoint, every_s=CHECKPOINT_S),
        repeating("damage", rooms.damage.look, every_s=DAMAGE_S),
        repeating("retention", lambda: _retain_signals(rooms), every_s=RETENTION_S, at_once=False),
        repeating(
            "log retention",
            lambda: retain_batches(logs.history, settings.log_retention, what="log lines"),
            every_s=RETENTION_S,
            at_once=False,  # what cannot be undone waits until a wrong clock was noticed
        ),
        repeating(
            "span retention",
            lambda: retain_batches(spans.history, settings.span_retention, what="spans"),
            every_s=RETENTION_S,
            at_once=False,
        ),
        repeating("incident retention", lambda: _retain_incidents(rooms), every_s=RETENTION_S, at_once=False),
        repeating("case retention", cases.retain, every_s=RETENTION_S, at_once=False),
    )


def checkpoint_all(rooms: Rooms) -> None:
    """Save the state of every room once more, after the workers have stopped; a failure affects no other."""
    for name, work in (
        ("checkpoint", rooms.scoring.first_stage.checkpoint),
        ("log checkpoint", rooms.logs.checkpoint),
        ("span checkpoint", rooms.spans.checkpoint),
        ("paging checkpoint", lambda: _checkpoint_paging(rooms)),
        ("shadow checkpoint", rooms.shadow.checkpoint),
        ("cases", rooms.incidents.cases.advance),
    ):
        rooms.health.record(name).run(work)


def score_closed(rooms: Rooms) -> None:
    """Make the log series of the minutes that have closed, then score the ticks that have."""
    rooms.marks.bring_back()  # first: no tick closes before a mark that a clock left in the future
    rooms.health.record("log series").run(rooms.logs.closing.advance)  # its failure must not stop scoring
    rooms.metrics.ticks.inc(rooms.scoring.pipeline.advance())


def _retain_signals(rooms: Rooms) -> int:
    return retain_history(rooms.signals.history, rooms.settings, now=rooms.signals.present())


def _retain_incidents(rooms: Rooms) -> None:
    retain_incidents(rooms.incidents.retention, rooms.settings, now=rooms.signals.present())


def _checkpoint_paging(rooms: Rooms) -> None:
    state = rooms.paging.pager.state  # a tick processed meanwhile may call for pages that still wait
    rooms.paging.dispatcher.deliver()  # first: a page that the checkpoint counts as sent must not be lost
    if state is not None:
        rooms.paging.pager.checkpoint(state)
