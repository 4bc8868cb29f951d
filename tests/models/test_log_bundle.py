"""Log bundles: data in, the same data out, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from log_builders import a_log_bundle

from models.bundle_files import MANIFEST, arrays_from_bytes, arrays_to_bytes, digest_of_bytes
from models.errors import BadBundleError
from models.log_bundle import load_log_bundle, log_bundle_files, save_log_bundle

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
    """Replace a file and make the manifest agree."""
    (directory / name).write_bytes(content)
    manifest = json.loads((directory / MANIFEST).read_text())
    changed(directory, files={**manifest["files"], name: digest_of_bytes(content)})


def test_a_log_bundle_loads_to_what_was_saved(tmp_path: Path) -> None:
    bundle = a_log_bundle()
    save_log_bundle(bundle, tmp_path)
    again = load_log_bundle(tmp_path)
    assert again.version == bundle.version
    assert log_bundle_files(again) == log_bundle_files(bundle)
    np.testing.assert_array_equal(again.reference.share, bundle.reference.share)
    assert again.normal.examples == bundle.normal.examples
    assert again.step_ms == 60_000


def test_its_miner_continues_where_training_stopped(saved: Path) -> None:
    bundle = load_log_bundle(saved)
    known = set(bundle.miner().tree("order").templates)
    assert bundle.miner().add("order", "INFO", "", "request 77 received") in known
    assert bundle.miner().add("order", "INFO", "", "never heard of before") not in known


def test_other_content_has_another_version() -> None:
    assert a_log_bundle().version == a_log_bundle().version
    assert a_log_bundle().version != a_log_bundle(seed=1).version


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("kind", "detectors", "no log bundle"),
        ("schema_version", 99, "no log bundle"),
        ("normal", {}, "KeyError"),
        ("metadata", 3, "AttributeError"),
    ],
)
def test_a_manifest_that_is_not_one_is_refused(saved: Path, name: str, value: object, reason: str) -> None:
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
        ("start_ms", np.array([60_000, 60_000]), "follow one another"),
        ("gap_n", np.array([0.5]), "one row for each cell"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(saved: Path, name: str, value: Any, reason: str) -> None:
    arrays = arrays_from_bytes((saved / "normal.npz").read_bytes())
    rewritten(saved, "normal.npz", arrays_to_bytes({**arrays, name: value}))
    with pytest.raises(BadBundleError, match=reason):
        load_log_bundle(saved)


def test_counts_that_would_fill_memory_are_refused(saved: Path) -> None:
    arrays = arrays_from_bytes((saved / "normal.npz").read_bytes())
    rewritten(saved, "normal.npz", arrays_to_bytes({**arrays, "start_ms": np.arange(2**26)}))
    with pytest.raises(BadBundleError, match="over"):
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
