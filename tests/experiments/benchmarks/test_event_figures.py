from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.benchmarks.event_figures import count_events, event_f1, f1_interval, rate_interval, segments
from experiments.benchmarks.vus import N_THRESHOLDS, vus_pr, widened

MINUTE_MS = 60_000


def flags(n: int, *at: int) -> np.ndarray:
    found = np.zeros(n, dtype=bool)
    found[list(at)] = True
    return found


def test_an_event_is_found_only_within_its_first_points_and_counts_once() -> None:
    labels = flags(100, *range(20, 40))
    in_time = count_events(flags(100, 26, 30, 35), labels, step_ms=MINUTE_MS)
    assert (in_time.found, in_time.events, in_time.false_pages, in_time.delays) == (1, 1, 0, (6,))
    late = count_events(flags(100, 27), labels, step_ms=MINUTE_MS)
    assert (late.found, late.false_pages, late.delays) == (0, 0, (7,))


def test_every_page_on_a_normal_point_is_a_false_page() -> None:
    always = count_events(np.ones(100, dtype=bool), flags(100, 20), step_ms=MINUTE_MS)
    assert (always.found, always.false_pages) == (1, 99)
    assert event_f1([always]) == pytest.approx(2 / 101)
    assert event_f1([count_events(flags(5), flags(5), step_ms=MINUTE_MS)]) == 0


def test_weeks_are_those_of_the_series_and_intervals_contain_the_figure() -> None:
    week = 7 * 1440
    counts = [
        count_events(flags(week, *range(each)), flags(week, 9000), step_ms=MINUTE_MS) for each in range(9)
    ]
    assert counts[0].weeks == 1
    low, high = rate_interval(counts)
    assert low < 4 < high
    low, high = f1_interval(counts)
    assert low == high == 0


@given(st.lists(st.booleans(), max_size=30))
def test_segments_cover_the_labels_and_nothing_else(labels: list[bool]) -> None:
    covered = np.zeros(len(labels), dtype=bool)
    for first, last in segments(np.array(labels, dtype=bool)):
        assert not covered[max(0, first - 1) : last + 1].any()
        covered[first : last + 1] = True
    assert covered.tolist() == labels


def naive_vus(scores: np.ndarray, labels: np.ndarray, window: int) -> float:
    """The definition, one threshold and one buffer at a time."""
    runs, areas = segments(labels), []
    descending = np.sort(scores)[::-1]
    for width in range(window + 1):
        weights = labels.astype(float)
        for first, last in runs:
            for distance in range(1, width // 2 + 1):
                for place in (first - distance, last + distance):
                    if 0 <= place < len(labels):
                        weights[place] += np.sqrt(1 - distance / width)
        weights = np.minimum(weights, 1)
        reached = segments(
            np.array(
                [any(abs(i - j) <= width // 2 for j in np.flatnonzero(labels)) for i in range(len(labels))]
            )
        )
        total = (labels.sum() + weights.sum()) / 2
        area, before = 0.0, 0.0
        for place in np.linspace(0, len(scores) - 1, N_THRESHOLDS).astype(int):
            predicted = scores >= descending[place]
            hits = (weights * predicted).sum()
            found = np.mean([predicted[first : last + 1].any() for first, last in reached])
            recall = min(hits / total, 1) * found
            area += (recall - before) * hits / predicted.sum()
            before = recall
        areas.append(area)
    return float(np.mean(areas))


@pytest.mark.parametrize("seed", range(4))
def test_the_volume_matches_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = flags(120, *range(20, 28), *range(60, 62), *range(90, 91))
    scores = np.round(rng.normal(size=120) + 2 * labels, 1)  # with ties
    assert vus_pr(scores, labels, window=12) == pytest.approx(naive_vus(scores, labels, 12))


def test_a_perfect_score_beats_a_random_one_and_missing_scores_count_as_lowest() -> None:
    labels = flags(2000, *range(500, 550), *range(1500, 1550))
    noise = np.random.default_rng(0).random(2000)
    assert vus_pr(labels + noise / 2, labels) > 0.7
    assert vus_pr(noise, labels) < 0.2
    holes = np.where(labels, 1 + noise, np.nan)
    assert vus_pr(holes, labels) == pytest.approx(vus_pr(np.where(labels, 1 + noise, 0.1), labels), abs=0.05)
    assert widened(labels, segments(labels), 0).tolist() == labels.tolist()
    with pytest.raises(ValueError, match="nothing is labelled"):
        vus_pr(noise, flags(2000))
