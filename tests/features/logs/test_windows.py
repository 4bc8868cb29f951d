import numpy as np
import pytest
from log_builders import FAULT_MS, NORMAL_MS, SERVICES, requests, sums_of

from features.logs.counts import LogCounts, LogKind, count_lines
from features.logs.gaps import MAX_GAP_MS, measure_gaps
from features.logs.sums import LogSums
from features.logs.windows import LogReference, log_features, log_reference, mix_change, stabilised
from telemetry.logs import LogRecord, Logs


def counts(*rows: tuple[int, ...], kinds: tuple[LogKind, ...]) -> LogCounts:
    starts = np.arange(len(rows), dtype=np.int64) * 60_000
    return LogCounts(60_000, starts, kinds, np.array(rows, dtype=np.float64).reshape(len(rows), len(kinds)))


A, B, C = (
    LogKind("order", severity, name) for severity, name in (("INFO", "a"), ("WARN", "b"), ("ERROR", "c"))
)
ELSE = LogKind("stock", "INFO", "a")


def a_reference() -> LogReference:
    return log_reference(counts(*([(80, 20)] * 20), kinds=(A, B)))


def features_of(*rows: tuple[int, ...], kinds: tuple[LogKind, ...]) -> dict[str, float]:
    _, features = log_features(counts(*rows, kinds=kinds), a_reference())
    return {name: float(each[0, 0]) for name, each in features.items()}


def test_lines_are_counted_per_window_service_severity_and_template() -> None:
    logs = Logs.from_records(
        [
            LogRecord("order", "INFO", "x.Y", 10, "one"),
            LogRecord("order", "INFO", "x.Z", 59_999, "one"),
            LogRecord("order", "INFO", "", 60_000, "two"),
        ]
    )
    found = count_lines(logs, ["t", "t", "u"], step_ms=60_000)
    assert found.kinds == (LogKind("order", "INFO", "t"), LogKind("order", "INFO", "u"))
    np.testing.assert_array_equal(found.counts, [[2, 0], [0, 1]])
    assert found.coarser(120_000).counts.tolist() == [[2, 1]]
    assert found.between(60_000, 120_000).counts.tolist() == [[0, 1]]
    assert found.outside(60_000, 120_000).counts.tolist() == [[2, 0]]
    assert found.of_kinds([C, found.kinds[1]]).counts.tolist() == [[0, 0], [0, 1]]


def test_no_lines_give_no_windows() -> None:
    sums = sums_of([])
    assert sums.counts.counts.shape == (0, 0)
    assert sums.gaps.kinds == ()
    services, features = log_features(sums.counts, log_reference(sums.counts))
    assert services == ()
    assert all(each.shape == (0, 0) for each in features.values())


def test_a_usual_window_has_usual_features() -> None:
    usual = features_of((80, 20), kinds=(A, B))
    assert usual["log_rate"] == pytest.approx(100 / 60)
    assert usual["log_warn_share"] == pytest.approx(0.2)
    assert usual["log_error_share"] == 0.0
    for name in ("log_new", "log_rare", "log_missing", "log_excess", "log_shift", "log_distance"):
        assert usual[name] == pytest.approx(0.0, abs=1e-9), name


def test_a_replaced_template_is_missing_and_its_replacement_is_new_and_in_excess() -> None:
    broken = features_of((80, 0, 20), kinds=(A, B, C))
    assert broken["log_missing"] == pytest.approx(float(stabilised(np.array(20)) - stabilised(np.array(0))))
    assert broken["log_excess"] == pytest.approx(broken["log_missing"])
    assert broken["log_new"] == 20
    assert broken["log_error_share"] == pytest.approx(0.2)
    assert broken["log_shift"] == pytest.approx(0.2)
    assert broken["log_distance"] > 5


def test_replacing_the_complete_mix_shifts_it_by_one_bit() -> None:
    assert features_of((0, 0, 50), kinds=(A, B, C))["log_shift"] == pytest.approx(1.0)


def test_fewer_than_five_expected_lines_are_never_missing() -> None:
    assert features_of((16, 0), kinds=(A, B))["log_missing"] == 0.0
    assert features_of((40, 0), kinds=(A, B))["log_missing"] > 3.0


def test_a_template_that_comes_in_bursts_is_missed_less() -> None:
    steady = log_reference(counts(*([(80, 20)] * 20), kinds=(A, B)))
    bursts = log_reference(counts(*([(80, 0), (80, 40)] * 10), kinds=(A, B)))
    now = counts((100, 0), kinds=(A, B))
    assert mix_change(now, bursts).change[0, 1] > mix_change(now, steady).change[0, 1] / 2


def test_rare_templates_are_counted() -> None:
    reference = log_reference(counts(*([(4000, 1)] * 4), kinds=(A, B)))
    _, features = log_features(counts((10, 3), kinds=(A, B)), reference)
    assert features["log_rare"][0, 0] == 3


def test_during_warm_up_nothing_is_new_and_nothing_compared() -> None:
    reference = log_reference(counts((80, 20), (80, 20), kinds=(A, B)))
    now = counts((80, 20, 9), kinds=(A, B, C))
    assert not mix_change(now, reference).is_new.any()
    _, features = log_features(now, reference)
    assert np.isnan(features["log_new"]).all()
    assert features["log_rate"][0, 0] > 0


def test_a_service_without_a_past_does_not_change_the_mix() -> None:
    now = counts((80, 20, 50), kinds=(A, B, ELSE))
    change = mix_change(now, a_reference())
    assert change.change[0, 2] == 0.0
    assert not change.is_new.any()
    services, features = log_features(now, a_reference())
    assert services == ("order", "stock")
    assert np.isnan(features["log_shift"][0]).tolist() == [False, True]


def test_a_service_without_lines_has_no_shares() -> None:
    silent = features_of((0, 0), kinds=(A, B))
    assert silent["log_rate"] == 0.0
    assert np.isnan(silent["log_warn_share"])
    assert np.isnan(silent["log_missing"])


def test_kinds_with_no_line_in_the_reference_are_new_when_they_come() -> None:
    reference = log_reference(counts(*([(80, 20, 0)] * 5), kinds=(A, B, C)))
    assert mix_change(counts((80, 20, 5), kinds=(A, B, C)), reference).is_new.tolist() == [False, False, True]


def test_waits_are_measured_between_consecutive_lines_of_a_trace_in_any_order() -> None:
    records = [
        LogRecord("stock", "INFO", "", 1_100, "reserved", "t1"),
        LogRecord("order", "INFO", "", 1_000, "received", "t1"),
        LogRecord("order", "INFO", "", 1_050, "alone"),
        LogRecord("order", "INFO", "", 2_000 + MAX_GAP_MS, "late", "t1"),
        LogRecord("order", "INFO", "", 70_000, "received", "t2"),
    ]
    gaps = measure_gaps(Logs.from_records(records), list("abcde"), step_ms=1_000)
    assert [tuple(kind) for kind in gaps.kinds] == [("order", "b", "stock", "a")]
    assert gaps.n.tolist() == [1.0]
    np.testing.assert_allclose(gaps.total, [np.log1p(100)])
    assert gaps.start_ms.tolist() == [1_000]


def test_waits_and_counts_do_not_depend_on_the_length_of_windows() -> None:
    sums = sums_of(requests(*NORMAL_MS), step_ms=5_000)
    coarse = sums.gaps.coarser(60_000)
    assert coarse.n.sum() == sums.gaps.n.sum()
    assert coarse.squares.sum() == pytest.approx(sums.gaps.squares.sum())
    assert len(coarse.n) < len(sums.gaps.n)
    assert sums.counts.coarser(60_000).counts.sum() == sums.counts.counts.sum()


def test_sums_hold_only_a_few_lines_and_trace_ids_of_each_kind() -> None:
    records = [
        LogRecord("order", "INFO", "", each, f"login token=abc{each}", f"t{each}") for each in range(9)
    ]
    sums = sums_of([*records, LogRecord("stock", "INFO", "", 0, "hello")])
    (login,) = (kind for kind in sums.counts.kinds if kind.service == "order")
    assert sums.examples[login] == ("login token=abc0", "login token=abc1", "login token=abc2")
    assert sums.traces[login] == ("t0", "t1", "t2")
    assert sums.of_services({"stock"}).counts.services == ("stock",)
    assert len(sums.of_services({"stock"}).gaps.n) == 0
    assert set(sums.of_services({"stock"}).examples) == set(sums.of_services({"stock"}).counts.kinds)


def test_single_windows_can_be_selected() -> None:
    sums = sums_of([*requests(*NORMAL_MS), *requests(*FAULT_MS, seed=1)])
    selected: LogSums = sums.at([FAULT_MS[0]])
    assert selected.counts.starts_ms.tolist() == [FAULT_MS[0]]
    assert set(selected.gaps.start_ms.tolist()) == {FAULT_MS[0]}
    assert sums.counts.services == SERVICES
