"""Where the service gets its bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from log_builders import a_log_bundle
from training_builders import a_bundle

from models.artifacts.mlflow_names import CHALLENGER, tracking_uri_for
from models.artifacts.model_kinds import DETECTORS_MODEL, LOGS_MODEL, RANKER_MODEL
from models.artifacts.ranker_bundle import make_ranker_bundle
from models.rankers.posterior import Belief
from service.model_registry.mlflow_source import ModelSource
from service.outgoing import Outgoing
from training.tracking import MlflowTracker

if TYPE_CHECKING:
    from pathlib import Path

    from models.artifacts.bundle import Bundle

NOWHERE = "sqlite:////nowhere/at/all/mlflow.db"


def publish(tracker: MlflowTracker[Bundle], bundle: Bundle) -> None:
    with tracker.run("test", {}) as run:
        tracker.promote(tracker.register(run, bundle))


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> MlflowTracker[Bundle]:
    return MlflowTracker(tracking_uri_for(tmp_path_factory.mktemp("mlflow")), DETECTORS_MODEL)


@pytest.fixture
def cache_dir(tracker: MlflowTracker[Bundle], tmp_path: Path) -> Path:
    """Return a cache that holds a bundle."""
    publish(tracker, a_bundle(note="kept"))
    assert ModelSource(tracker.uri, DETECTORS_MODEL, tmp_path / "cache").refresh()
    return tmp_path / "cache"


def test_the_champion_is_swapped_in_when_the_alias_moves(
    tracker: MlflowTracker[Bundle], tmp_path: Path
) -> None:
    first, second = a_bundle(note="first"), a_bundle(note="second")
    publish(tracker, first)
    source = ModelSource(tracker.uri, DETECTORS_MODEL, tmp_path)
    assert source.current() is None
    assert source.refresh()
    in_use = source.current()
    assert in_use is not None
    assert in_use.version == first.version
    assert not source.refresh()
    publish(tracker, second)
    assert source.refresh()
    swapped = source.current()
    assert swapped is not None
    assert swapped.version == second.version
    assert source.problem == ""
    assert len(list(tmp_path.iterdir())) == 2  # the pointer and one bundle


def test_a_registry_out_of_reach_keeps_the_last_bundle_across_restarts(cache_dir: Path) -> None:
    source = ModelSource(NOWHERE, DETECTORS_MODEL, cache_dir)
    before = source.current()
    assert before is not None
    assert before.metadata["note"] == "kept"
    assert not source.refresh()
    assert source.current() is before
    assert "no tracking store" in source.problem


class MisleadingRegistry:
    """A client of MLflow whose registry says that bundles are on another machine."""

    def __init__(self, place: str) -> None:
        self.artifact_location = place

    def get_model_version_by_alias(self, _name: str, _alias: str) -> Any:
        return SimpleNamespace(version="1", tags={}, source="models:/m-1")

    def get_logged_model(self, _model: str) -> Any:
        return self


@pytest.mark.parametrize("place", ["HTTP://169.254.169.254/meta", "mlflow-artifacts://evil.test/1"])
def test_a_bundle_is_fetched_only_from_where_the_service_may_send(cache_dir: Path, place: str) -> None:
    outgoing = Outgoing({}, configured={"SUNSPOT_TRACKING_URI": "https://mlflow.example"})
    source = ModelSource("https://mlflow.example", DETECTORS_MODEL, cache_dir, check=outgoing.check)
    source._client = MisleadingRegistry(place)
    assert not source.refresh()
    assert "SUNSPOT_OUTGOING does not allow it" in source.problem
    assert source.current() is not None


def test_without_a_champion_there_is_no_bundle_and_no_problem(
    tracker: MlflowTracker[Bundle], tmp_path: Path
) -> None:
    source = ModelSource(tracker.uri, replace(DETECTORS_MODEL, name="a-model-nobody-registered"), tmp_path)
    assert not source.refresh()
    assert (source.current(), source.problem) == (None, "")


def test_a_challenger_is_fetched_kept_and_dropped_with_its_alias(
    tracker: MlflowTracker[Bundle], tmp_path: Path
) -> None:
    rival = a_bundle(note="rival")
    with tracker.run("test", {}) as run:
        version = tracker.register(run, rival)
    source = ModelSource(tracker.uri, DETECTORS_MODEL, tmp_path, alias=CHALLENGER)
    assert not source.refresh(), "what is only registered does not challenge"
    tracker.challenge(version)
    assert source.refresh()
    unreachable = ModelSource(NOWHERE, DETECTORS_MODEL, tmp_path, alias=CHALLENGER)
    unreachable.refresh()
    cached = unreachable.current()
    assert cached is not None
    assert cached.version == rival.version
    tracker.withdraw()
    assert source.refresh()
    assert (source.current(), source.problem, list(tmp_path.iterdir())) == (None, "", [])
    tracker.challenge(version)
    assert source.refresh(), "the same version, once more"
    tracker.withdraw()


def test_a_damaged_cache_is_not_used_and_the_registry_mends_it(
    tracker: MlflowTracker[Bundle], cache_dir: Path
) -> None:
    name = json.loads((cache_dir / "current.json").read_text())["directory"]
    (cache_dir / name / "baseline.npz").write_bytes(b"damage")
    source = ModelSource(NOWHERE, DETECTORS_MODEL, cache_dir)
    assert source.current() is None
    assert "could not be used" in source.problem
    mended = ModelSource(tracker.uri, DETECTORS_MODEL, cache_dir)
    assert mended.refresh()
    assert ModelSource(NOWHERE, DETECTORS_MODEL, cache_dir).current() is not None


@pytest.mark.parametrize("pointer", ["", "{", "[]", '{"directory": 7}', '{"directory": "../.."}'])
def test_a_pointer_that_makes_no_sense_is_a_problem_not_a_crash(cache_dir: Path, pointer: str) -> None:
    (cache_dir / "current.json").write_text(pointer)
    source = ModelSource(NOWHERE, DETECTORS_MODEL, cache_dir)
    assert source.current() is None
    assert source.problem


def test_a_cached_bundle_that_is_another_one_is_not_used(cache_dir: Path) -> None:
    name = json.loads((cache_dir / "current.json").read_text())["directory"]
    (cache_dir / name).rename(cache_dir / "sha256-0")
    (cache_dir / "current.json").write_text(json.dumps({"directory": "sha256-0"}))
    source = ModelSource(NOWHERE, DETECTORS_MODEL, cache_dir)
    assert source.current() is None
    assert "not the bundle that was cached" in source.problem


def test_a_bundle_that_is_not_what_the_registry_says_leaves_the_last_in_use(
    tracker: MlflowTracker[Bundle], cache_dir: Path, tmp_path: Path
) -> None:
    source = ModelSource(tracker.uri, DETECTORS_MODEL, cache_dir)
    before = source.current()
    publish(tracker, a_bundle(note="to be damaged"))
    artifacts = tmp_path.parent  # every manifest of the store is searched for the one just published
    for store in artifacts.glob("mlflow*"):
        for manifest in store.rglob("bundle.json"):
            text = manifest.read_text()
            if "to be damaged" in text:
                manifest.write_text(text.replace("to be damaged", "damaged since"))
    assert not source.refresh()
    assert source.current() is before
    assert "the registry says" in source.problem


def test_many_threads_swap_once(tracker: MlflowTracker[Bundle], cache_dir: Path) -> None:
    publish(tracker, a_bundle(note="for many"))
    source = ModelSource(tracker.uri, DETECTORS_MODEL, cache_dir)
    swapped: list[bool] = []
    threads = [Thread(target=lambda: swapped.append(source.refresh())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(swapped) == [False, False, False, True]


def test_what_is_learned_from_logs_and_how_to_rank_come_the_same_way(
    tracker: MlflowTracker[Bundle], tmp_path: Path
) -> None:
    logs, ranker = a_log_bundle(), make_ranker_bundle(weights={}, belief=Belief(), floor=0.3, metadata={})
    for model, bundle in ((LOGS_MODEL, logs), (RANKER_MODEL, ranker)):
        other: MlflowTracker[Any] = MlflowTracker(tracker.uri, model)
        with other.run("training", {}) as run:
            other.promote(other.register(run, bundle))
        source: ModelSource[Any] = ModelSource(tracker.uri, model, tmp_path / model.name)
        assert source.refresh()
        in_use = source.current()
        assert in_use is not None
        assert (type(in_use), in_use.version) == (type(bundle), bundle.version)
