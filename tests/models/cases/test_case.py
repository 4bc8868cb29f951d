from datetime import timedelta

import numpy as np
import pytest
from builders import MINUTE_MS, ONSET, a_frame, a_graph
from log_builders import requests, sums_of

from cmdb.errors import UnknownItemError
from cmdb.graph import DependencyGraph
from cmdb.items import ChangeEvent, Item
from features.calendar import ExchangeClock
from features.frame import Frame
from features.golden import Role
from models.cases.case import BEFORE, LEAD, Alert, Case, build_case
from models.cases.normal_ticks import MAX_NORMAL_TICKS
from telemetry.batches import SeriesKey

ALERT = Alert("app", "Slow", ONSET)
AT = ONSET + timedelta(minutes=10)


def built(
    *, frame: Frame | None = None, normal: Frame | None = None, graph: DependencyGraph | None = None
) -> Case:
    return build_case(
        ALERT,
        AT,
        graph or a_graph(("app", "db")),
        frame or a_frame(["app", "db"], n_ticks=120, end=AT),
        normal=normal or a_frame(["app", "db"], end=ONSET - timedelta(hours=3)),
    )


def ms(minutes: float) -> int:
    return int((ONSET + timedelta(minutes=minutes)).timestamp() * 1000)


def test_the_window_runs_from_the_lead_before_the_alert_to_the_present() -> None:
    case = built()
    assert case.window.times_ms[0] == ms(-LEAD.total_seconds() / 60)
    assert case.window.times_ms[-1] == ms(9)


def test_the_level_before_ends_where_the_window_begins() -> None:
    case = built()
    assert case.before.times_ms[-1] == case.window.times_ms[0] - MINUTE_MS
    assert len(case.before.times_ms) == BEFORE // timedelta(minutes=1)


def test_ticks_after_the_present_are_not_looked_at() -> None:
    late = a_frame(["app", "db"], n_ticks=300, end=AT + timedelta(hours=2))
    assert built(frame=late).window.times_ms[-1] == ms(9)


def test_normal_ticks_of_the_incident_itself_are_left_out() -> None:
    overlapping = a_frame(["app", "db"], n_ticks=900, end=AT + timedelta(hours=1))
    case = built(normal=overlapping)
    before, end = case.before.times_ms[0], case.window.times_ms[-1] + MINUTE_MS
    assert not ((case.normal.times_ms >= before) & (case.normal.times_ms < end)).any()


def test_normal_ticks_come_from_the_same_session_phase() -> None:
    three_days = a_frame(["app"], n_ticks=3 * 1440, end=ONSET - timedelta(hours=1))
    clock = ExchangeClock()
    case = build_case(
        ALERT, AT, a_graph(alone=["app"]), a_frame(["app"], end=AT), normal=three_days, clock=clock
    )
    assert set(clock.phases(case.normal.times_ms)) == set(clock.phases(case.window.times_ms))
    assert 0 < len(case.normal.times_ms) <= MAX_NORMAL_TICKS


def test_without_history_of_the_phase_all_of_it_serves_and_that_is_said() -> None:
    night = a_frame(["app"], n_ticks=200, end=ONSET - timedelta(hours=8))
    case = build_case(
        ALERT, AT, a_graph(alone=["app"]), a_frame(["app"], end=AT), normal=night, clock=ExchangeClock()
    )
    assert len(case.normal.times_ms) == 200
    assert "session phase" in case.notes[0]


def test_a_phase_without_values_counts_as_no_history_of_it() -> None:
    three_days = a_frame(["app"], n_ticks=3 * 1440, end=ONSET - timedelta(hours=1))
    clock, window = ExchangeClock(), a_frame(["app"], end=AT)
    phase = clock.phases(np.array([ms(0)]))
    three_days.values[clock.phases(three_days.times_ms) == phase] = np.nan
    case = build_case(ALERT, AT, a_graph(alone=["app"]), window, normal=three_days, clock=clock)
    assert len(case.normal.times_ms) == MAX_NORMAL_TICKS
    assert "session phase" in case.notes[0]


def test_roles_come_in_canonical_units() -> None:
    frame = Frame(ms(-10), MINUTE_MS, (SeriesKey("app", "latency_ms"),), np.full((20, 1), 250.0))
    case = built(frame=frame)
    np.testing.assert_allclose(case.window.of(Role.LATENCY, 2)[:, case.items.index("app")], 0.25)
    assert np.isnan(case.window.of(Role.CPU, 2)).all()


def test_a_graph_without_edges_keeps_every_item_as_a_candidate() -> None:
    assert built(graph=DependencyGraph([Item("app"), Item("db")])).items == ("app", "db")


def test_only_changes_of_the_neighbourhood_up_to_the_present_are_kept() -> None:
    changes = [
        ChangeEvent("1", "db", ONSET),
        ChangeEvent("2", "elsewhere", ONSET),
        ChangeEvent("3", "db", AT + timedelta(minutes=1)),
    ]
    case = build_case(
        ALERT, AT, a_graph(("app", "db")), a_frame(["app"], end=AT), normal=a_frame(["app"]), changes=changes
    )
    assert [change.id for change in case.changes] == ["1"]


def test_an_alert_on_an_unknown_item_is_refused() -> None:
    with pytest.raises(UnknownItemError, match="nowhere"):
        build_case(
            Alert("nowhere", "Slow", ONSET), AT, a_graph(("app", "db")), a_frame(["app"]), normal=a_frame([])
        )


def test_frames_on_different_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="do not compare"):
        built(normal=a_frame(["app"], step_ms=5 * MINUTE_MS))


def test_no_signals_at_all_still_make_a_case() -> None:
    empty = a_frame([], n_ticks=0, end=AT)
    case = built(frame=empty, normal=empty)
    assert not len(case.window.times_ms)
    assert case.items == ("app", "db")


def test_other_alerts_of_the_neighbourhood_are_kept_by_their_start() -> None:
    early, late = (
        Alert("db", name, ONSET + timedelta(minutes=at)) for name, at in (("Errors", -1), ("Slow", 2))
    )
    elsewhere = Alert("printer", "Paper", ONSET)
    future = Alert("db", "Later", AT + timedelta(minutes=1))
    case = build_case(
        ALERT,
        AT,
        a_graph(("app", "db")),
        a_frame(["app", "db"], n_ticks=120, end=AT),
        normal=a_frame(["app", "db"], end=ONSET - timedelta(hours=3)),
        other_alerts=(late, elsewhere, future, ALERT, early),
    )
    assert case.other_alerts == (early, late)


def test_logs_are_cut_as_the_signals_are() -> None:
    sums = sums_of(requests(ms(-120), ms(10), services=("app", "db")))
    case = build_case(
        ALERT,
        AT,
        a_graph(("app", "db")),
        a_frame(["app", "db"], n_ticks=120, end=AT),
        normal=a_frame(["app", "db"], end=ONSET - timedelta(hours=3)),
        logs=sums,
        normal_logs=sums,
    )
    assert case.window_logs is not None
    assert case.normal_logs is not None
    assert case.window_logs.counts.starts_ms.min() >= case.window.times_ms[0]
    assert case.normal_logs.counts.starts_ms.max() < case.before.times_ms[0]
