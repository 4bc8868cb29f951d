"""The ranker's numbers as data, and how a ranking refers to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from builders import a_case, a_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from models.artifacts.bundle_files import MANIFEST
from models.artifacts.ranker_bundle import (
    load_ranker_bundle,
    make_ranker_bundle,
    ranker_bundle_files,
    save_ranker_bundle,
)
from models.artifacts.ranker_pyfunc import _load_pyfunc
from models.errors import BadBundleError
from models.rankers.posterior import Belief
from models.rankers.sunspot import SunspotRanker

if TYPE_CHECKING:
    from pathlib import Path

    from models.artifacts.ranker_bundle import RankerBundle

SHOP = a_graph(("app", "cart"), ("cart", "db"), ("app", "cache"))


def a_ranker_bundle(**weights: float) -> RankerBundle:
    return make_ranker_bundle(weights=weights, belief=Belief(), floor=0.3, metadata={"data_name": "test"})


def test_a_bundle_survives_a_round_trip_and_every_ranking_names_its_version(tmp_path: Path) -> None:
    bundle = a_ranker_bundle(own=1.5, cpu=0.0)
    save_ranker_bundle(bundle, tmp_path)
    again = load_ranker_bundle(tmp_path)
    assert again == bundle
    case = a_case(SHOP, {("db", "latency_s"): 0.4}, alerting="app")
    assert again.ranker.rank(case).ranker_version == bundle.version
    assert SunspotRanker().rank(case).ranker_version == "default"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("floor", -0.1),
        ("floor", "half"),
        ("weights", {"own": -1.0}),
        ("weights", {"own": float("nan")}),
        ("belief", {"sharpness": 3.0}),
        ("belief", {"sharpness": 3.0, "doubt": float("inf"), "surge_bonus": 1.0}),
        ("kind", "logs"),
        ("schema_version", 1),
        ("metadata", 1),
    ],
)
def test_numbers_that_no_ranker_can_use_are_refused(tmp_path: Path, name: str, value: object) -> None:
    manifest = json.loads(ranker_bundle_files(a_ranker_bundle(own=1.0))[MANIFEST])
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, name: value}))
    with pytest.raises(BadBundleError):
        load_ranker_bundle(tmp_path)


@settings(max_examples=25, deadline=None)
@given(
    shifts=st.dictionaries(
        st.tuples(
            st.sampled_from(["app", "cart", "db", "cache"]),
            st.sampled_from(["latency_s", "error_ratio"]),
        ),
        st.floats(0.01, 50),
        max_size=4,
    ),
    weight=st.floats(0, 5),
)
def test_contributions_add_up_to_the_log_odds_shown(
    shifts: dict[tuple[str, str], float], weight: float
) -> None:
    ranking = a_ranker_bundle(own=weight).ranker.rank(a_case(SHOP, shifts, alerting="app"))
    for candidate in ranking.candidates:
        total = sum(evidence.weight for evidence in candidate.evidence)
        assert total == pytest.approx(candidate.score, rel=1e-9, abs=1e-12)


def test_a_table_of_evidence_gives_the_probabilities_of_the_ranking(tmp_path: Path) -> None:
    bundle = a_ranker_bundle(own=0.8)
    save_ranker_bundle(bundle, tmp_path)
    case = a_case(SHOP, {("db", "latency_s"): 0.4}, alerting="app")
    gathered, _ = SunspotRanker().gathered(case)
    rows = [
        {"case": case.id, "item": item, "meaning": finding.meaning, "surprise": weight}
        for finding, weights in zip(gathered.findings, gathered.weights, strict=True)
        for item, weight, known in zip(case.items, weights, finding.is_known, strict=True)
        if known
    ]
    predicted = _load_pyfunc(str(tmp_path)).predict(pd.DataFrame(rows)).set_index("item")
    for candidate in bundle.ranker.rank(case).candidates:
        assert predicted["probability"][candidate.item] == pytest.approx(candidate.probability)
        assert predicted["log_odds"][candidate.item] == pytest.approx(candidate.score)
