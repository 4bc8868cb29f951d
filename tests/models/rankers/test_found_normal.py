"""Nothing that is far from usual is called as usual, whatever explains it."""

from datetime import timedelta

import numpy as np
import pytest
from builders import MINUTE_MS, ONSET, a_case, a_frame, a_graph

from features.frame import Frame
from models.cases.case import Alert, build_case
from models.evidence.far_off import is_far_off
from models.rankers import rank
from telemetry.batches import SeriesKey

SHOP = a_graph(("app", "cart"), ("cart", "db"), ("app", "search"))


def test_a_symptom_that_its_dependency_explains_is_not_as_usual() -> None:
    slow = {(item, "latency_s"): 0.5 for item in ("app", "cart", "db")}
    ranking = rank(a_case(SHOP, slow, alerting="app"))
    assert ranking.causes == ("db",)
    assert ranking.found_normal[0] == "Own latency: 4 items looked at, 1 as usual."


def test_a_kind_in_which_no_item_is_as_usual_is_not_listed() -> None:
    slow = {(item, "latency_s"): 0.5 for item in SHOP.items}
    ranking = rank(a_case(SHOP, slow, alerting="app"))
    assert not any(sentence.startswith("Own latency") for sentence in ranking.found_normal)


@pytest.mark.parametrize("level", [0.96, 0.01])
def test_cpu_far_above_or_below_its_usual_level_is_not_as_usual(level: float) -> None:
    end = ONSET + timedelta(minutes=10)
    frames = []
    for seed, n_ticks, until in ((1, 60, end), (2, 600, ONSET - timedelta(hours=2))):
        signals = a_frame(sorted(SHOP.items), n_ticks=n_ticks, end=until, seed=seed)
        cpu = 0.16 * np.random.default_rng(seed).lognormal(0.0, 0.03, (n_ticks, 4))
        keys = signals.keys + tuple(SeriesKey(item, "cpu_ratio") for item in sorted(SHOP.items))
        frames.append(Frame(signals.start_ms, MINUTE_MS, keys, np.hstack([signals.values, cpu])))
    frames[0].values[-3:, frames[0].column_of[SeriesKey("db", "cpu_ratio")]] = level
    case = build_case(Alert("app", "Slow", ONSET), end, SHOP, frames[0], normal=frames[1])
    assert "CPU: 4 items looked at, 3 as usual." in rank(case).found_normal


def test_far_off_is_two_ticks_in_a_row_or_the_mean() -> None:
    normal, usual = np.full((30, 4), 0.1), np.full(4, 0.1)
    window = np.full((5, 4), 0.1)
    window[1, 0] = 0.13
    window[1:3, 1] = 0.13
    window[1, 2] = 9.0
    window[:, 3] = np.nan
    assert is_far_off(window, normal, usual).tolist() == [False, True, True, False]


def test_a_window_of_one_tick_is_judged_by_it() -> None:
    normal = np.full((30, 1), 0.1)
    assert is_far_off(np.array([[0.2]]), normal, np.array([0.1])).tolist() == [True]
