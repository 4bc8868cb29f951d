"""Bounded sums of lines: only the distinction between rare kinds is lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from log_builders import NORMAL_MS, SERVICES, requests, sums_of

from features.logs.past import commonest_kinds, folded, with_fewer_waits, without_old
from features.logs.series import SERIES, log_series
from features.logs.tree import OTHER
from features.logs.windows import log_reference
from telemetry.logs import LogRecord

SUMS = sums_of(requests(*NORMAL_MS))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y y", "z z z"])), min_size=1))
def test_folding_preserves_the_number_of_lines_of_each_service(lines: list[tuple[str, str]]) -> None:
    sums = sums_of([LogRecord(service, "INFO", "", 0, body) for service, body in lines])
    common = commonest_kinds([sums], 2)
    small = folded(sums, common)
    for service in {service for service, _ in lines}:
        assert small.of_services([service]).counts.counts.sum() == sum(each[0] == service for each in lines)
    assert {kind for kind in small.counts.kinds if kind.template != OTHER} <= common
    assert set(small.examples) <= common


def test_folding_drops_the_waits_of_folded_kinds() -> None:
    common = frozenset(kind for kind in SUMS.counts.kinds if kind.service != "stock")
    small = folded(SUMS, common)
    assert folded(SUMS, SUMS.counts.kinds) is SUMS
    assert {small.gaps.kinds[each].service for each in small.gaps.kind} == {"gateway", "order"}


def test_every_wait_of_the_commonest_kinds_remains() -> None:
    fewer = with_fewer_waits(SUMS.gaps, n_kinds=2)
    n_waits = np.bincount(SUMS.gaps.kind, weights=SUMS.gaps.n)
    assert fewer.n.sum() == np.sort(n_waits)[-2:].sum()
    assert len(fewer.kinds) == 2
    assert len(with_fewer_waits(SUMS.gaps, n_kinds=99).kinds) == len(SUMS.gaps.kinds)


def test_old_windows_are_dropped_except_for_frozen_services() -> None:
    latest = without_old(SUMS, n_windows=10)
    assert latest.counts.starts_ms.tolist() == SUMS.counts.starts_ms[-10:].tolist()
    assert set(latest.gaps.start_ms) <= set(latest.counts.starts_ms)
    frozen = without_old(SUMS, n_windows=10, frozen=["order"])
    assert len(frozen.counts.starts_ms) == 20
    per_service = [frozen.of_services([each]).counts.counts.any(axis=1).sum() for each in SERVICES]
    assert per_service == [10, 20, 10]


def test_a_silent_service_has_a_rate_of_zero_and_no_shares() -> None:
    minute = SUMS.of_services(["order"]).counts.between(NORMAL_MS[0], NORMAL_MS[0] + 60_000)
    samples = log_series(minute, log_reference(SUMS.counts))
    found = dict(zip((samples.keys[each] for each in samples.series), samples.values, strict=True))
    assert {key.metric for key in found if key.item == "order"} == set(SERIES)
    assert [(key.metric, value) for key, value in found.items() if key.item == "stock"] == [("log_rate", 0.0)]
