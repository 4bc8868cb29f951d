from dataclasses import replace

import numpy as np
import pytest
from builders import a_case, a_graph
from log_builders import FAULT_MS, NORMAL_MS, SERVICES, a_logged_case, sums_of

from features.logs.counts import LogKind
from features.logs.sums import LogSums
from features.span_sums import Cells, SpanSums
from models.cases.case import Case
from models.evidence.finding import MAX_SURPRISE
from models.evidence.log_templates import log_evidence, log_findings
from models.rankers import rank
from models.rankers.sunspot import SunspotRanker


@pytest.mark.parametrize("broken", SERVICES)
def test_the_service_with_missing_lines_scores_most_and_the_sentence_quotes_them(broken: str) -> None:
    case = a_logged_case(broken=broken)
    evidence = log_evidence(case)
    assert evidence is not None
    index = case.items.index(broken)
    assert int(np.argmax(evidence.score)) == index
    missing, excess, _ = log_findings(case)
    sentence, figures = missing.sentence(index)
    assert f"Missing log lines of {broken}: 0 logged" in sentence
    assert "“request is done after" in sentence
    assert figures["missing_lines_expected"] > 20
    sentence, figures = excess.sentence(index)
    assert f"New log lines of {broken}: " in sentence
    assert figures["excess_lines_observed"] > 20


def test_a_normal_window_scores_little() -> None:
    evidence = log_evidence(a_logged_case())
    assert evidence is not None
    assert evidence.score.max() < 6.0


def test_a_service_that_is_slow_between_its_own_lines_scores_most() -> None:
    case = a_logged_case(slow="order")
    evidence = log_evidence(case)
    assert evidence is not None
    assert case.items[int(np.argmax(evidence.score))] == "order"
    assert np.nanmax(evidence.slow) <= MAX_SURPRISE


def test_a_service_with_only_late_answers_scores_more_than_its_neighbours() -> None:
    services = ("a", "b", "c", "d", "e")
    case = a_logged_case(services=services)
    gaps = case.window_logs.gaps if case.window_logs else None
    assert gaps is not None
    touched = [kind.service == "c" != kind.next_service for kind in gaps.kinds]
    slower = gaps.total + np.array(touched)[gaps.kind] * gaps.n * 2.0
    window = replace(case.window_logs, gaps=replace(gaps, total=slower))  # type: ignore[type-var]
    evidence = log_evidence(replace(case, window_logs=window))
    assert evidence is not None
    assert case.items[int(np.nanargmax(evidence.slow))] == "c"


def test_without_logs_or_without_a_past_there_is_no_evidence() -> None:
    assert log_evidence(a_case(a_graph(("a", "b")), {}, alerting="a")) is None
    case = a_logged_case()
    assert log_evidence(replace(case, normal_logs=sums_of([]))) is None


def test_a_window_without_lines_is_no_evidence() -> None:
    case = replace(a_logged_case(), window_logs=sums_of([]))
    evidence = log_evidence(case)
    assert evidence is not None
    assert evidence.score.max() == 0.0
    assert log_findings(case)[0].sentence(0) == (
        "The log lines of gateway differ from the usual ones.",
        {},
    )


def test_items_that_write_no_logs_score_nothing() -> None:
    case = replace(a_logged_case(broken="order"), items=("order", "zone"))
    evidence = log_evidence(case)
    assert evidence is not None
    assert evidence.score[0] > 0.0
    assert evidence.score[1] == 0.0


def test_without_an_example_the_template_is_named() -> None:
    case = a_logged_case(broken="order")
    bare = replace(
        case,
        window_logs=replace(case.window_logs, examples={}),  # type: ignore[type-var]
        normal_logs=replace(case.normal_logs, examples={}),  # type: ignore[type-var]
    )
    missing = log_findings(bare)[0]
    assert "such as template " in missing.sentence(bare.items.index("order"))[0]


def test_the_ranker_names_the_service_whose_logs_changed_and_quotes_them() -> None:
    ranking = rank(a_logged_case(broken=SERVICES[1]))
    best = ranking.candidates[0]
    assert best.item == SERVICES[1]
    assert {"log_missing", "log_excess"} <= {evidence.kind for evidence in best.evidence}
    missing, new = sorted(best.evidence, key=lambda each: each.kind, reverse=True)[:2]
    assert "Missing log lines of order: 0 logged" in missing.sentence
    [change] = missing.templates
    assert (change.kind, change.severity, change.unit, change.observed) == ("missing", "INFO", "lines", 0.0)
    assert change.first_seen_ms == NORMAL_MS[0]
    change = new.templates[0]
    assert (change.kind, change.severity, change.first_seen_ms) == ("new", "ERROR", FAULT_MS[0])
    assert len(change.examples) == len(change.trace_ids) == 3
    assert change.examples[0].startswith("request failed badly")


def test_longer_waits_are_evidence_of_their_own() -> None:
    waits = next(each for each in log_findings(a_logged_case(slow="order")) if each.kind == "log_waits")
    case = a_logged_case(slow="order")
    assert case.items[int(np.nanargmax(waits.surprise))] == "order"
    index = case.items.index("order")
    assert "order is slow after “request" in waits.sentence(index)[0]
    assert waits.templates is not None
    [change] = waits.templates(index)
    assert (change.kind, change.unit) == ("slow", "ms")
    assert change.observed > 3 * change.expected > 30


def test_waits_count_only_where_no_span_measures_an_item_s_own_time() -> None:
    slow = a_logged_case(slow="order")

    def kinds_against_order(case: Case) -> set[str]:
        gathered, _ = SunspotRanker().gathered(case)
        weights = gathered.weights[:, case.items.index("order")]
        return {finding.kind for finding, weight in zip(gathered.findings, weights, strict=True) if weight}

    def traced(service: str) -> Case:
        return replace(slow, window_spans=own_times(service), normal_spans=own_times(service))

    assert "log_waits" in kinds_against_order(slow)
    assert "log_waits" not in kinds_against_order(traced("order"))
    assert "log_waits" in kinds_against_order(traced("stock"))


def own_times(service: str) -> SpanSums:
    """Spans of one operation, all of equal length and without calls."""
    zeros, figures = np.zeros(20, dtype=np.int64), np.full(20, 10.0)
    own = Cells(((service, "serve", "", ""),), zeros, zeros, figures, 7.0 * figures, 49.0 * figures)
    none = own.where(np.zeros(20, dtype=bool)).of_kinds(())
    return SpanSums(own, none, none, none)


def test_a_rarely_seen_template_is_called_rare() -> None:
    case = a_logged_case()
    assert case.window_logs is not None
    assert case.normal_logs is not None
    kind = LogKind("order", "WARN", "seldom")

    def with_kind(sums: LogSums, n_lines: list[float]) -> LogSums:
        column = np.zeros((len(sums.counts.counts), 1))
        column[: len(n_lines), 0] = n_lines
        counts = replace(
            sums.counts,
            kinds=(*sums.counts.kinds, kind),
            counts=np.hstack([sums.counts.counts, column]),
        )
        return replace(sums, counts=counts, texts={kind: "disk <*> is tired"})

    rare = replace(
        case,
        window_logs=with_kind(case.window_logs, [9.0]),
        normal_logs=with_kind(case.normal_logs, [1.0]),
    )
    excess = next(each for each in log_findings(rare) if each.kind == "log_excess")
    assert excess.templates is not None
    change = excess.templates(rare.items.index("order"))[0]
    assert (change.kind, change.template, change.observed) == ("rare", "disk <*> is tired", 9.0)
    assert change.first_seen_ms == NORMAL_MS[0]


def test_a_case_without_logs_has_no_log_findings() -> None:
    assert log_findings(a_case(a_graph(("a", "b")), {}, alerting="a")) == []
