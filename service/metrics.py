"""What the service counts of itself, for Prometheus; each application has a registry of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.health import Health
    from service.logs.intake import ReceivedLogs
    from service.shadow.record import ShadowRecord
    from service.signals.intake import Received

RANKING_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counters of one running service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._samples = Counter(
            "sunspot_samples",
            "Samples received, by what became of them: each has one outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self._remarks = Counter(
            "sunspot_sample_remarks",
            "What was remarkable about samples received; one sample may have several remarks.",
            ["remark"],
            registry=self.registry,
        )
        self._lines = Counter(
            "sunspot_log_lines",
            "Log lines received, by what became of them: each has one outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self._line_remarks = Counter(
            "sunspot_log_line_remarks",
            "What was remarkable about log lines received; one line may have several remarks.",
            ["remark"],
            registry=self.registry,
        )
        self._alerts = Counter(
            "sunspot_alerts",
            "Alerts received, by how they were answered.",
            ["answer"],
            registry=self.registry,
        )
        self._requests = Counter(
            "sunspot_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.webhook_s = Histogram(
            "sunspot_webhook_seconds",
            "From an alert webhook to its answer.",
            buckets=RANKING_BUCKETS_S,
            registry=self.registry,
        )
        self.series = Gauge("sunspot_window_series", "Series held in memory.", registry=self.registry)
        self.items = Gauge("sunspot_graph_items", "Items of the current graph.", registry=self.registry)
        self.incidents = Gauge("sunspot_incidents", "Incidents kept.", registry=self.registry)
        self.bundle = Gauge(
            "sunspot_bundle", "The bundle in use: always 1.", ["version"], registry=self.registry
        )
        self._shadow_pages = Gauge(
            "sunspot_shadow_pages",
            "Pages since the challenger began: by both, or by one alone; absent while nothing is compared.",
            ["by"],
            registry=self.registry,
        )
        self._shadow_ticks = Gauge(
            "sunspot_shadow_ticks",
            "Ticks compared with the challenger: alike, or with other items over their thresholds.",
            ["outcome"],
            registry=self.registry,
        )
        self.damage = Gauge(
            "sunspot_history_damaged",
            "Pieces of history found damaged since the service started.",
            registry=self.registry,
        )
        self.scored_until = Gauge(
            "sunspot_scored_until_seconds",
            "End of the last tick scored, since the epoch: alert on its age, for Sunspot may be gone.",
            registry=self.registry,
        )
        self._failing = Gauge(
            "sunspot_part_failing",
            "Whether a background part fails: 1 from its first failure to its next success.",
            ["part"],
            registry=self.registry,
        )
        self._failures = Gauge(
            "sunspot_part_failures",
            "Rounds of each part that failed since the service started.",
            ["part"],
            registry=self.registry,
        )
        self._skipped = Gauge(
            "sunspot_part_skipped_ticks",
            "Ticks that each part could not process and went past.",
            ["part"],
            registry=self.registry,
        )
        self.ticks = Counter("sunspot_ticks_scored", "Ticks scored.", registry=self.registry)

    def count_batch(self, received: Received, *, n_rejected: int, n_unknown: int) -> None:
        """Count a batch of samples."""
        outcomes = {
            "accepted": received.n_accepted,
            "rejected": n_rejected,
            "too_old": received.n_too_old,
            "too_new": received.n_too_new,
        }
        remarks = {
            "duplicate": received.taken.n_duplicate,
            "out_of_order": received.taken.n_out_of_order,
            "late": received.taken.n_late,
            "outside_window": received.taken.n_outside,
            "over_series_limit": received.taken.n_over_limit,
            "unknown_item": n_unknown,
        }
        for outcome, n_samples in outcomes.items():
            self._samples.labels(outcome).inc(n_samples)
        for remark, n_samples in remarks.items():
            self._remarks.labels(remark).inc(n_samples)

    def count_lines(self, received: ReceivedLogs, *, n_rejected: int, n_garbled: int) -> None:
        """Count a batch of log lines."""
        outcomes = {
            "accepted": received.n_accepted,
            "rejected": n_rejected,
            "too_old": received.n_too_old,
            "too_new": received.n_too_new,
            "without_service": received.n_without_service,
        }
        remarks = {
            "garbled": n_garbled,
            "late": received.n_late,
            "outside_window": received.n_outside,
        }
        for outcome, n_lines in outcomes.items():
            self._lines.labels(outcome).inc(n_lines)
        for remark, n_lines in remarks.items():
            self._line_remarks.labels(remark).inc(n_lines)

    def count_alert(self, *, is_enriched: bool) -> None:
        """Count an alert."""
        self._alerts.labels("enriched" if is_enriched else "unenriched").inc()

    def count_request(self, method: str, route: str, status: int) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, route, str(status)).inc()

    def set_health(self, parts: Sequence[Health]) -> None:
        """Update the health of the parts that work in the background."""
        for each in parts:
            self._failing.labels(each.name).set(each.failing_since is not None)
            self._failures.labels(each.name).set(each.n_failures)
            self._skipped.labels(each.name).set(each.n_skipped)

    def set_shadow(self, record: ShadowRecord | None) -> None:
        """Take over what came of the challenger."""
        self._shadow_pages.clear()
        self._shadow_ticks.clear()
        if record is not None:
            self._shadow_pages.labels("both").set(record.n_both)
            self._shadow_pages.labels("champion").set(record.n_champion)
            self._shadow_pages.labels("challenger").set(record.n_challenger)
            self._shadow_ticks.labels("alike").set(record.n_ticks - record.n_apart)
            self._shadow_ticks.labels("apart").set(record.n_apart)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)
