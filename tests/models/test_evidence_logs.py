from dataclasses import replace

import numpy as np
import pytest
from builders import a_case, a_graph
from log_builders import SERVICES, a_logged_case, sums_of

from models.evidence.log_templates import MAX_SURPRISE, log_evidence, log_findings
from models.rankers import rank


@pytest.mark.parametrize("broken", SERVICES)
def test_the_service_whose_lines_are_missing_scores_most_and_says_why(broken: str) -> None:
    case = a_logged_case(broken=broken)
    evidence = log_evidence(case)
    assert evidence is not None
    index = case.items.index(broken)
    assert int(np.argmax(evidence.score)) == index
    sentence, figures = evidence.sentence(index, case)
    assert "lines missing: 0 came" in sentence
    assert "“request is done after" in sentence
    assert "new lines in excess" in sentence
    assert figures["lines_missing_expected"] > 20
    assert figures["lines_in_excess_observed"] > 20


def test_a_calm_window_scores_little() -> None:
    evidence = log_evidence(a_logged_case())
    assert evidence is not None
    assert evidence.score.max() < 6.0


def test_a_service_that_is_slow_between_its_own_lines_scores_most() -> None:
    case = a_logged_case(slow="order")
    evidence = log_evidence(case)
    assert evidence is not None
    assert case.items[int(np.argmax(evidence.score))] == "order"
    assert np.nanmax(evidence.slow) <= MAX_SURPRISE


def test_a_service_all_of_whose_answers_are_late_scores_more_than_its_neighbours() -> None:
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


def test_a_window_without_lines_says_nothing() -> None:
    case = replace(a_logged_case(), window_logs=sums_of([]))
    evidence = log_evidence(case)
    assert evidence is not None
    assert evidence.score.max() == 0.0
    assert evidence.sentence(0, case) == ("", {})


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
    evidence = log_evidence(bare)
    assert evidence is not None
    assert "such as template " in evidence.sentence(bare.items.index("order"), bare)[0]


def test_the_ranker_names_the_service_whose_logs_changed_and_quotes_them() -> None:
    ranking = rank(a_logged_case(broken=SERVICES[1]))
    best = ranking.candidates[0]
    assert best.item == SERVICES[1]
    assert {"log_missing", "log_excess"} <= {evidence.kind for evidence in best.evidence}
    assert "lines missing: 0 came" in best.evidence[0].sentence


def test_longer_waits_are_evidence_of_their_own() -> None:
    waits = next(each for each in log_findings(a_logged_case(slow="order")) if each.kind == "log_waits")
    case = a_logged_case(slow="order")
    assert case.items[int(np.nanargmax(waits.surprise))] == "order"
    assert (
        "waits between the lines of one trace grew at order" in waits.sentence(case.items.index("order"))[0]
    )


def test_a_case_without_logs_has_no_log_findings() -> None:
    assert log_findings(a_case(a_graph(("a", "b")), {}, alerting="a")) == []
