"""Provenance of a run and its bundle: code, locked dependencies, seed, data and time."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telemetry.instants import from_ms

if TYPE_CHECKING:
    from training.tracker import DataSet, Tracker

COMMIT_TAG = "mlflow.source.git.commit"
ROOT = Path(__file__).resolve().parents[1]


PARENT_CHAMPION = "sunspot.parent_champion"
"""Tag of a run: the version that was champion when it began."""


def provenance(*, seed: int) -> dict[str, str]:
    """Tags of a run; unknown ones are absent."""
    tags = {"sunspot.version": version("sunspot"), "sunspot.seed": str(seed)}
    lock = ROOT / "requirements.lock"
    if lock.is_file():
        tags["sunspot.lock_digest"] = f"sha256:{hashlib.sha256(lock.read_bytes()).hexdigest()}"
    commit = _commit()
    if commit:
        tags[COMMIT_TAG] = commit
    return tags


def run_tags(tracker: Tracker[Any], *, seed: int) -> dict[str, str]:
    """Tags of a training's run: its provenance, and the champion it is compared with."""
    return provenance(seed=seed) | {PARENT_CHAMPION: tracker.champion_version() or "none"}


def history_metadata(
    data: DataSet,
    *,
    seed: int,
    budget_per_week: float,
    fitted_ms: tuple[int, int],
    calibrated_until_ms: int,
    held_back_until_ms: int,
) -> dict[str, str]:
    """Metadata of a bundle trained on history."""
    return {
        **provenance(seed=seed),
        "data_name": data.name,
        "data_digest": data.digest,
        "fitted_from": text_of(fitted_ms[0]),
        "fitted_until": text_of(fitted_ms[1]),
        "calibrated_until": text_of(calibrated_until_ms),
        "held_back_until": text_of(held_back_until_ms),
        "budget_per_week": str(budget_per_week),
    }


def text_of(time_ms: int) -> str:
    """An instant as readable text, UTC."""
    return from_ms(time_ms).isoformat()


def _commit() -> str:
    """Commit of the checkout that this code runs from, with ``-dirty`` if edited; empty if unknown."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return ""
    described = subprocess.run(  # noqa: S603  a fixed command
        [git, "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--match="],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return described.stdout.strip() if described.returncode == 0 else ""
