"""The service's own metrics, for Prometheus; each application has its own registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.current_graph import GraphInUse
    from service.health import HealthRegistry
    from service.high_water import HighWaterMarks
    from service.logs.intake import ReceivedLogs
    from service.logs.room import LogsRoom
    from service.scoring.series import FirstStage
    from service.shadow.runner import Shadow
    from service.signals.intake import Received
    from service.signals.room import SignalsRoom
    from service.spans.intake import ReceivedSpans
    from service.spans.room import SpansRoom
    from service.store.incidents import IncidentStore

RANKING_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counters of one running service, and the registry of all its metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._samples = Counter(
            "sunspot_samples",
            "Samples received, by outcome: each has exactly one.",
            ["outcome"],
            registry=self.registry,
        )
        self._remarks = Counter(
            "sunspot_sample_remarks",
            "Remarks about samples received; one sample may have several.",
            ["remark"],
            registry=self.registry,
        )
        self._lines = Counter(
            "sunspot_log_lines",
            "Log lines received, by outcome: each has exactly one.",
            ["outcome"],
            registry=self.registry,
        )
        self._line_remarks = Counter(
            "sunspot_log_line_remarks",
            "Remarks about log lines received; one line may have several.",
            ["remark"],
            registry=self.registry,
        )
        self._spans = Counter(
            "sunspot_spans",
            "Spans received, by outcome: each has exactly one.",
            ["outcome"],
            registry=self.registry,
        )
        self._records = Counter(
            "sunspot_kafka_records",
            "Records read from Kafka, by topic and outcome: stored, or why they were given up.",
            ["topic", "outcome"],
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
        self._refusals = Counter(
            "sunspot_refused_requests",
            "Requests refused before their bodies were read, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.webhook_s = Histogram(
            "sunspot_webhook_seconds",
            "From an alert webhook to its answer.",
            buckets=RANKING_BUCKETS_S,
            registry=self.registry,
        )
        self.ticks = Counter("sunspot_ticks_scored", "Ticks scored.", registry=self.registry)

    def count_batch(
        self, received: Received, *, n_rejected: int, n_unknown: int, n_without_value: int = 0
    ) -> None:
        """Count a batch of samples."""
        outcomes = {
            "accepted": received.n_accepted,
            "rejected": n_rejected,
            "too_old": received.n_too_old,
            "too_new": received.n_too_new,
        }
        remarks = {
            "duplicate": received.added.n_duplicate,
            "out_of_order": received.added.n_out_of_order,
            "late": received.added.n_late,
            "outside_window": received.added.n_outside,
            "over_series_limit": received.added.n_over_limit,
            "unknown_item": n_unknown,
            "without_value": n_without_value,
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

    def count_spans(self, received: ReceivedSpans, *, n_rejected: int) -> None:
        """Count a batch of spans."""
        outcomes = {
            "accepted": received.n_accepted - received.n_late,
            "late": received.n_late,
            "rejected": n_rejected,
            "too_old": received.n_too_old,
            "too_new": received.n_too_new,
        }
        for outcome, n_spans in outcomes.items():
            self._spans.labels(outcome).inc(n_spans)

    def count_records(self, topic: str, outcome: str, n_records: int = 1) -> None:
        """Count records that were read from Kafka."""
        self._records.labels(topic, outcome).inc(n_records)

    def count_alert(self, *, is_enriched: bool) -> None:
        """Count an alert."""
        self._alerts.labels("enriched" if is_enriched else "unenriched").inc()

    def count_request(self, method: str, route: str, status: int) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, route, str(status)).inc()

    def count_refusal(self, reason: str) -> None:
        """Count a request that was refused for who sent it, or an attempt to sign in that failed."""
        self._refusals.labels(reason).inc()

    def observe(self, state: Collector) -> None:
        """Include what a collector reads each time the metrics are requested."""
        self.registry.register(state)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)


class StateCollector(Collector):
    """Gauges that are read from the rooms when the metrics are requested."""

    def __init__(
        self,
        *,
        signals: SignalsRoom,
        logs: LogsRoom,
        spans: SpansRoom,
        cmdb: GraphInUse,
        incidents: IncidentStore,
        first_stage: FirstStage,
        shadow: Shadow,
        health: HealthRegistry,
        marks: HighWaterMarks,
    ) -> None:
        self._signals = signals
        self._logs = logs
        self._spans = spans
        self._cmdb = cmdb
        self._incidents = incidents
        self._first_stage = first_stage
        self._shadow = shadow
        self._health = health
        self._marks = marks

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the present state."""
        in_use, until = self._signals.in_use, self._first_stage.scored_until
        yield GaugeMetricFamily(
            "sunspot_window_series", "Series held in memory.", value=in_use.window.n_series
        )
        yield _labelled(
            "sunspot_sender_series",
            "Series held in memory, by the token that sent them; empty for those read from history.",
            "sender",
            in_use.window.series_by_sender,
        )
        yield _labelled(
            "sunspot_sender_refused_samples",
            "Samples of series for which memory had no room, by token, since the window was made.",
            "sender",
            {sender: each.n_samples for sender, each in in_use.window.refused_by_sender.items()},
        )
        yield GaugeMetricFamily(
            "sunspot_histograms_over_limit",
            "Histograms and pieces of them for which there was no room since the service started.",
            value=self._signals.labelled.n_over_limit,
        )
        yield GaugeMetricFamily(
            "sunspot_graph_items", "Items of the current graph.", value=len(self._cmdb.graph)
        )
        yield GaugeMetricFamily("sunspot_incidents", "Incidents stored.", value=self._incidents.count())
        yield _labelled(
            "sunspot_bundle",
            "The bundle in use: always 1.",
            "version",
            {} if in_use.bundle is None else {in_use.bundle.version: 1},
        )
        yield from self._compared()
        yield GaugeMetricFamily(
            "sunspot_history_damaged",
            "Pieces of history found damaged since the service started.",
            value=sum(len(each.history.damage) for each in (self._signals, self._logs, self._spans)),
        )
        yield from self._traces()
        yield GaugeMetricFamily(
            "sunspot_scored_until_seconds",
            "End of the last tick scored, since the epoch: alert on its age, in case Sunspot itself is down.",
            value=0 if until is None else until.timestamp(),
        )
        yield _labelled(
            "sunspot_marks_brought_back",
            "How often a mark that only rises stood beyond the present, because a clock was ahead.",
            "mark",
            self._marks.n_brought_back,
        )
        yield from self._parts()

    def _traces(self) -> Iterator[GaugeMetricFamily]:
        """What became of the spans in memory."""
        memory = self._spans.memory
        yield GaugeMetricFamily(
            "sunspot_open_spans", "Spans of traces that have not ended.", value=memory.open.n_spans
        )
        yield _labelled(
            "sunspot_span_remarks",
            "Spans since the service started: summed up, of these without the parent that they name, and "
            "summed up early because too many were held.",
            "remark",
            {
                "summed": memory.n_summed,
                "without_parent": memory.n_without_parent,
                "early": memory.open.n_hurried,
            },
        )
        yield GaugeMetricFamily(
            "sunspot_latest_span_seconds",
            "Start of the latest span received, since the epoch; 0 before the first.",
            value=memory.latest_ms / 1000,
        )

    def _parts(self) -> Iterator[GaugeMetricFamily]:
        """The health of the parts that work in the background."""
        parts = self._health.parts()
        yield _labelled(
            "sunspot_part_failing",
            "Whether a background part fails: 1 from its first failure to its next success.",
            "part",
            {each.name: each.failing_since is not None for each in parts},
        )
        yield _labelled(
            "sunspot_part_failures",
            "Rounds of each part that failed since the service started.",
            "part",
            {each.name: each.n_failures for each in parts},
        )
        yield _labelled(
            "sunspot_part_skipped_ticks",
            "Ticks that each part could not process and went past.",
            "part",
            {each.name: each.n_skipped for each in parts},
        )

    def _compared(self) -> Iterator[GaugeMetricFamily]:
        """Champion and challenger over the same ticks; no samples while there is no comparison."""
        record = self._shadow.record
        pages: dict[str, float] = {}
        ticks: dict[str, float] = {}
        if record is not None:
            pages = {
                "both": record.n_both,
                "champion": record.n_champion,
                "challenger": record.n_challenger,
            }
            ticks = {"alike": record.n_ticks - record.n_apart, "apart": record.n_apart}
        yield _labelled(
            "sunspot_shadow_pages",
            "Pages since the challenger began: by both, or by one alone; absent without a comparison.",
            "by",
            pages,
        )
        yield _labelled(
            "sunspot_shadow_ticks",
            "Ticks compared with the challenger: alike, or with other items over their thresholds.",
            "outcome",
            ticks,
        )


def _labelled(name: str, description: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, description, labels=[label])
    for value_of_label, value in values.items():
        family.add_metric([value_of_label], value)
    return family
