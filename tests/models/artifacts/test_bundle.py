"""Bundles: they load the data that was saved, and nothing but data."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import a_frame
from training_builders import a_bundle, feature_rows

from features.calendar import CLOCKS
from features.frame import Frame
from models.artifacts.bundle import bundle_files, load_bundle, make_bundle, normal_part, save_bundle
from models.artifacts.bundle_files import MANIFEST, digest_of_bytes
from models.artifacts.detector_pyfunc import _load_pyfunc
from models.detectors import DETECTORS
from models.detectors.three_scores import score
from models.errors import BadBundleError
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from pathlib import Path


def rewritten(directory: Path, name: str, content: bytes) -> None:
    """Replace a file and its digest in the manifest."""
    (directory / name).write_bytes(content)
    manifest = json.loads((directory / MANIFEST).read_text())
    manifest["files"][name] = digest_of_bytes(content)
    (directory / MANIFEST).write_text(json.dumps(manifest))


def changed(directory: Path, **changes: object) -> None:
    """Change entries of the manifest."""
    manifest = json.loads((directory / MANIFEST).read_text())
    (directory / MANIFEST).write_text(json.dumps(manifest | changes))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_bundle(a_bundle(), tmp_path)
    return tmp_path


def test_a_bundle_loads_to_what_was_saved(tmp_path: Path) -> None:
    bundle = a_bundle(detectors=tuple(DETECTORS))
    save_bundle(bundle, tmp_path)
    again = load_bundle(tmp_path)
    assert again.version == bundle.version
    assert bundle_files(again) == bundle_files(bundle)
    np.testing.assert_array_equal(again.normal.values, a_frame(["order", "quotes"]).values)  # bit for bit
    assert (again.threshold, again.row_thresholds, again.metadata) == (
        6.0,
        dict.fromkeys(DETECTORS, 3.0),
        {"note": ""},
    )
    live = a_frame(["order", "quotes"], n_ticks=60, seed=3)
    for each in (bundle, again):
        assert each.clock_used is CLOCKS["always"]
    np.testing.assert_array_equal(
        score(live, again.baseline, again.clock_used)[1].onset.values,
        score(live, bundle.baseline, bundle.clock_used)[1].onset.values,
    )
    for name, detector in bundle.detectors.items():
        np.testing.assert_array_equal(
            again.detectors[name].score(feature_rows()), detector.score(feature_rows())
        )


def test_equal_content_has_one_version_and_other_content_another() -> None:
    assert a_bundle().version == a_bundle().version
    assert a_bundle().version != a_bundle(threshold=6.5).version
    assert a_bundle().version != a_bundle(note="other").version


def test_a_damaged_file_is_found(saved: Path) -> None:
    content = bytearray((saved / "baseline.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (saved / "baseline.npz").write_bytes(content)
    with pytest.raises(BadBundleError, match="does not match its digest"):
        load_bundle(saved)


@pytest.mark.parametrize("name", ["normal.npz", "mad.npz", MANIFEST])
def test_a_missing_file_is_found(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(BadBundleError):
        load_bundle(saved)


class Bomb:
    """Ends the test if it is ever unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code was run')",)


def test_a_detector_for_rows_of_another_width_is_refused(tmp_path: Path) -> None:
    narrow = DETECTORS["mad"]().fit(np.random.default_rng(0).normal(size=(50, 3)))
    save_bundle(replace(a_bundle(), detectors={"mad": narrow}), tmp_path)
    with pytest.raises(BadBundleError):
        load_bundle(tmp_path)


def test_a_pickled_array_is_refused_and_not_run(saved: Path) -> None:
    written = io.BytesIO()
    np.savez(written, values=np.array([Bomb()], dtype=object))
    rewritten(saved, "normal.npz", written.getvalue())
    with pytest.raises(BadBundleError):
        load_bundle(saved)


def test_a_bare_pickle_is_refused_and_not_run(saved: Path) -> None:
    rewritten(saved, "normal.npz", pickle.dumps(Bomb()))
    with pytest.raises(BadBundleError):
        load_bundle(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 2},
        {"clock": "XNYS-of-tomorrow"},
        {"step_ms": 0},
        {"step_ms": "soon"},
        {"threshold": float("nan")},
        {"threshold": None},
        {"row_thresholds": {"mad": float("inf")}},
        {"detectors": {"os.system": {}}},
        {"detectors": {"mad": {}}},
        {"detectors": {"isolation_forest": {"n_trees": 1, "seed": 0}}},
        {"baseline": {"keys": [["order", "requests"]]}},
        {"normal": {"start_ms": 0, "keys": []}},
        {"normal": None},
        {"files": {"../../etc/passwd": "sha256:0"}},
        {"files": {}},
        {"files": []},
    ],
    ids=str,
)
def test_a_manifest_with_invalid_values_is_refused(saved: Path, changes: dict[str, object]) -> None:
    changed(saved, **changes)
    with pytest.raises(BadBundleError):
        load_bundle(saved)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_content_that_is_no_manifest_is_refused(saved: Path, content: bytes) -> None:
    (saved / MANIFEST).write_bytes(content)
    with pytest.raises(BadBundleError):
        load_bundle(saved)


def test_arrays_of_another_type_or_not_finite_are_refused(saved: Path) -> None:
    with np.load(saved / "baseline.npz") as stored:
        arrays = dict(stored)
    for name, array in (("profile", arrays["profile"].astype(float)), ("mean", arrays["mean"] * np.nan)):
        written = io.BytesIO()
        np.savez(written, allow_pickle=False, **{**arrays, name: array})
        rewritten(saved, "baseline.npz", written.getvalue())
        with pytest.raises(BadBundleError):
            load_bundle(saved)


def test_a_bundle_holds_only_golden_signals_and_resources() -> None:
    keys = (
        SeriesKey("order", "requests"),
        SeriesKey("order", "queue_length"),
        SeriesKey("order", "cpu_ratio"),
    )
    normal = normal_part(Frame(0, 60_000, keys, np.arange(6.0).reshape(2, 3)))
    assert normal.keys == (keys[0], keys[2])
    np.testing.assert_array_equal(normal.values, np.array([[0.0, 2.0], [3.0, 5.0]]))


def test_an_empty_normal_frame_is_allowed() -> None:
    bundle = a_bundle(frame=a_frame(["order"], n_ticks=0), detectors=())
    assert make_bundle(
        clock=bundle.clock,
        normal=normal_part(bundle.normal),
        baseline=bundle.baseline,
        threshold=1.0,
        detectors={},
        row_thresholds={},
        metadata={},
    ).version.startswith("sha256:")


def test_mlflow_users_get_a_table_of_scores(saved: Path) -> None:
    pd = pytest.importorskip("pandas")
    live = a_frame(["order", "quotes"], n_ticks=40, seed=4)
    rows = [
        (key.item, key.metric, int(at_ms), float(live.values[tick, column]))
        for column, key in enumerate(live.keys)
        for tick, at_ms in enumerate(live.times_ms)
    ]
    table = pd.DataFrame(rows, columns=["item", "metric", "time_ms", "value"])
    model = _load_pyfunc(str(saved))
    scored = model.predict(table.sample(frac=1, random_state=0))
    assert len(scored) == len(table)
    _, scores = score(live, model.bundle.baseline, model.bundle.clock_used)
    np.testing.assert_array_equal(scored["score"], scores.onset.values.ravel())
    np.testing.assert_array_equal(scored["severity"], scores.severity.ravel())
    assert np.isnan(scores.novelty).all(), "its first day is not over"
    assert set(scored["novelty"]) == {None}, "NaN would be no JSON"
    assert set(scored["status"]) == {"scored"}
    assert not model.predict(table[:0]).size
