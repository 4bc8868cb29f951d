"""What is shipped: the wheel works alone, and the lock holds what it should and nothing more."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution, distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"sunspot", "cmdb", "telemetry", "features", "models", "training", "service", "experiments"}
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=100)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run_from(site: Path, folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
        text=True,
    )
    return done.stdout


def test_the_wheel_runs_in_an_empty_folder(unpacked: Path, tmp_path: Path) -> None:
    where = run_from(unpacked, tmp_path, "-c", "import sunspot; print(sunspot.__file__)")
    assert where.startswith(str(unpacked))
    assert "Train, serve and explain" in run_from(unpacked, tmp_path, "-m", "sunspot", "--help")


def test_the_wheel_holds_every_package_and_the_pages(unpacked: Path) -> None:
    assert {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")} == PACKAGES
    assert (unpacked / "service" / "pages" / "templates" / "incident.html").is_file()
    assert (unpacked / "service" / "store" / "migrations" / "versions" / "v0001_baseline.py").is_file()
    assert not list(unpacked.glob("**/test_*.py"))


def test_the_wheel_cannot_be_published_by_mistake() -> None:
    assert "Private :: Do Not Upload" in distribution("sunspot").metadata.get_all("Classifier", [])


def test_no_locked_distribution_ships_one_of_our_names() -> None:
    for each in distributions():
        if each.name != "sunspot":
            tops = {path.parts[0] for path in each.files or () if len(path.parts) > 1}
            assert not tops & PACKAGES, each.name


def test_the_lock_has_hashes_and_no_address() -> None:
    assert not re.search(r"https?://", LOCK)
    pinned = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert all("--hash=sha256:" in entry for entry in pinned if "==" in entry.split("\n")[0])


def test_mlflow_is_the_version_that_was_measured() -> None:
    assert version("mlflow").startswith("3.17.")


def test_nothing_locked_pulls_what_was_kept_out() -> None:
    names = set(re.findall(r"^([a-z0-9.-]+)==", LOCK, flags=re.MULTILINE))
    assert not names & {"torch", "tensorflow", "drain3", "vus"}
