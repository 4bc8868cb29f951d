"""The incident page in a real browser, from a demo that keeps serving until it is stopped."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

DEADLINE_S = 240.0

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses printed by a demo that is serving; it must stop with its servers when asked."""
    folder = tmp_path_factory.mktemp("demo")
    said = folder / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sunspot", "demo", "--keep", str(folder / "kept")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + DEADLINE_S
        while "until Ctrl-C" not in said.read_text():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.2)
        addresses = dict(
            re.findall(r"^  (incident|MLflow) +(http://\S+)$", said.read_text(), flags=re.MULTILINE)
        )
        yield addresses
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    with pytest.raises(httpx2.TransportError):
        httpx2.get(addresses["incident"], trust_env=False)


def browse(address: str, folder: Path) -> str:
    """The document as Chromium leaves it after its scripts ran."""
    done = subprocess.run(
        [
            "chromium",
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={folder}", "--virtual-time-budget=10000", "--dump-dom", address),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def test_the_incident_page_names_the_cause_with_its_evidence(pages: dict[str, str], tmp_path: Path) -> None:
    page = browse(pages["incident"], tmp_path)
    assert "Most likely cause" in page
    assert "excess failures a minute arise in order-db itself" in page
    assert "What could not be checked" in page
    assert page.count("<svg") >= 4


def test_mlflow_shows_the_run_and_the_champion(pages: dict[str, str], tmp_path: Path) -> None:
    page = browse(pages["MLflow"], tmp_path)
    assert "sunspot-detectors" in page
    assert "fit-detectors" in page
