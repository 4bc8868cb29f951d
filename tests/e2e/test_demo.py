"""The main job as a new user runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


def demo(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sunspot", "demo", "--exit", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_brokerages_fault_is_found(tmp_path: Path) -> None:
    report = demo(tmp_path)
    assert "1. order-db" in report
    assert "/incidents/1" in report
    assert "MLflow" in report


def test_a_petshop_incident_is_found(tmp_path: Path, petshop: Path) -> None:
    report = demo(tmp_path, "--data", str(petshop), "--incident", "low_traffic/test/issue_9")
    assert "1. payforadoption_AWS::ECS::Container" in report
