"""Log bundles: they load the data that was saved, and nothing but data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from log_builders import FAULT_MS, a_log_bundle, requests, sums_of

from models.artifacts.bundle_files import MANIFEST, arrays_from_bytes, arrays_to_bytes, digest_of_bytes
from models.artifacts.log_bundle import load_log_bundle, log_bundle_files, save_log_bundle
from models.artifacts.log_pyfunc import _load_pyfunc
from models.detectors import SESSION_DETECTORS
from models.errors import BadBundleError
from telemetry.logs import LogRecord

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_log_bundle(a_log_bundle(), tmp_path)
    return tmp_path


def changed(directory: Path, **changes: object) -> None:
    """Change entries of the manifest."""
    manifest = json.loads((directory / MANIFEST).read_text())
    (directory / MANIFEST).write_text(json.dumps(manifest | changes))


def rewritten(directory: Path, name: str, content: bytes) -> None:
    """Replace a file and its digest in the manifest."""
    (directory / name).write_bytes(content)
    manifest = json.loads((directory / MANIFEST).read_text())
    changed(directory, files={**manifest["files"], name: digest_of_bytes(content)})


def test_a_log_bundle_loads_to_what_was_saved(tmp_path: Path) -> None:
    bundle = a_log_bundle()
    save_log_bundle(bundle, tmp_path)
    again = load_log_bundle(tmp_path)
    assert again.version == bundle.version
    assert log_bundle_files(again) == log_bundle_files(bundle)
    np.testing.assert_array_equal(again.past.reference.share, bundle.past.reference.share)
    assert again.normal.examples == bundle.normal.examples
    assert again.step_ms == 60_000


@pytest.mark.parametrize("name", SESSION_DETECTORS)
def test_a_session_model_is_part_of_the_bundle(tmp_path: Path, name: str) -> None:
    bundle = a_log_bundle(sessions=name)
    save_log_bundle(bundle, tmp_path)
    again = load_log_bundle(tmp_path)
    assert log_bundle_files(again) == log_bundle_files(bundle)
    assert again.sessions is not None
    assert bundle.sessions is not None
    sessions = [("open", "read", "read", "close"), ("open", *["fail"] * 9), ()]
    usual, odd, _ = again.sessions.score(sessions)
    assert odd >= usual
    np.testing.assert_array_equal(again.sessions.score(sessions), bundle.sessions.score(sessions))


def test_a_session_model_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    save_log_bundle(a_log_bundle(sessions="nearest_session"), tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    changed(tmp_path, sessions={**manifest["sessions"], "kinds": ["open"]})
    with pytest.raises(BadBundleError):
        load_log_bundle(tmp_path)


def test_a_broken_service_is_over_the_threshold_and_normal_services_are_not() -> None:
    bundle = a_log_bundle()
    services, scores = bundle.scores(sums_of(requests(*FAULT_MS, seed=3, broken="order")))
    assert services == ("gateway", "order", "stock")
    assert (scores[-1] > bundle.threshold).tolist() == [False, True, False]


def test_the_bundle_can_be_used_through_mlflow(saved: Path) -> None:
    model = _load_pyfunc(str(saved))
    records = requests(*FAULT_MS, seed=3, broken="order")
    table = pd.DataFrame(records, columns=[*LogRecord._fields])
    scored = model.predict(table)
    assert set(scored[scored["is_anomalous"]]["service"]) == {"order"}
    assert set(scored.columns) == {"service", "time_ms", "score", "is_anomalous"}


def test_its_miner_continues_where_training_stopped(saved: Path) -> None:
    bundle = load_log_bundle(saved)
    known = set(bundle.miner().tree("order").templates)
    assert bundle.miner().add("order", "INFO", "", "request 77 received") in known
    assert bundle.miner().add("order", "INFO", "", "an entirely unknown line") not in known


def test_other_content_has_another_version() -> None:
    assert a_log_bundle().version == a_log_bundle().version
    assert a_log_bundle().version != a_log_bundle(seed=1).version


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("kind", "detectors", "not a log bundle"),
        ("schema_version", 99, "not a log bundle"),
        ("normal", {}, "KeyError"),
        ("metadata", 3, "AttributeError"),
        ("threshold", "nan", "a threshold"),
        ("windows", {"params": {"prior_windows": 20}, "services": ["order"]}, "1 services"),
        ("windows", {"params": {"prior_windows": 0}, "services": ["gateway", "order", "stock"]}, "prior"),
        ("sessions", {"detector": "exec"}, "is unknown"),
    ],
)
def test_a_manifest_with_invalid_values_is_refused(
    saved: Path, name: str, value: object, reason: str
) -> None:
    changed(saved, **{name: value})
    with pytest.raises(BadBundleError, match=reason):
        load_log_bundle(saved)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("kind", np.array([10**6]), "index of kind"),
        ("window", np.array([-1]), "index of window"),
        ("count", np.array([np.inf]), "not finite"),
        ("count", np.array([-1.0]), "negative"),
        ("count", np.array([1], dtype=np.int32), "int32"),
        ("start_ms", np.array([60_000, 60_000]), "not rising"),
        ("gap_n", np.array([0.5]), "one row for each cell"),
    ],
)
def test_invalid_numbers_are_refused(saved: Path, name: str, value: Any, reason: str) -> None:
    arrays = arrays_from_bytes((saved / "normal.npz").read_bytes())
    rewritten(saved, "normal.npz", arrays_to_bytes({**arrays, name: value}))
    with pytest.raises(BadBundleError, match=reason):
        load_log_bundle(saved)


def test_counts_that_would_fill_memory_are_refused(saved: Path) -> None:
    arrays = arrays_from_bytes((saved / "normal.npz").read_bytes())
    rewritten(saved, "normal.npz", arrays_to_bytes({**arrays, "start_ms": np.arange(2**14)}))
    manifest = json.loads((saved / MANIFEST).read_text())
    kinds = [["order", "INFO", str(number)] for number in range(2**13)]
    changed(saved, normal={**manifest["normal"], "kinds": kinds})
    with pytest.raises(BadBundleError, match="exceed the limit"):
        load_log_bundle(saved)


def test_windows_without_a_length_are_refused(saved: Path) -> None:
    manifest = json.loads((saved / MANIFEST).read_text())
    changed(saved, normal={**manifest["normal"], "step_ms": 0})
    with pytest.raises(BadBundleError, match="0 ms"):
        load_log_bundle(saved)


@pytest.mark.parametrize("content", [b"[]", b'{"version": 9}', b"\xff"])
def test_a_miner_that_cannot_be_restored_is_refused(saved: Path, content: bytes) -> None:
    rewritten(saved, "miner.json", content)
    with pytest.raises(BadBundleError):
        load_log_bundle(saved)
