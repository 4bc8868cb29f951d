"""Which code, which locked dependencies and which seed a run was made with."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

COMMIT_TAG = "mlflow.source.git.commit"
ROOT = Path(__file__).resolve().parents[1]


def provenance(*, seed: int) -> dict[str, str]:
    """Tags of a run; what cannot be known here is absent."""
    tags = {"sunspot.version": version("sunspot"), "sunspot.seed": str(seed)}
    lock = ROOT / "requirements.lock"
    if lock.is_file():
        tags["sunspot.lock_digest"] = f"sha256:{hashlib.sha256(lock.read_bytes()).hexdigest()}"
    commit = _commit()
    if commit:
        tags[COMMIT_TAG] = commit
    return tags


def _commit() -> str:
    """Commit of the checkout that this code runs from, with ``-dirty`` if it was edited; else nothing."""
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
