"""What every test may ask for: the public data, and the promise that the run says what it left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from public_sets import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "sunspot",
    deadline=None,
    derandomize=True,  # the gate's answer is the same for the same code
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sunspot")

LEFT_OUT: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the pinned names anew."""
    parser.addoption("--update-pins", action="store_true", help="store the names others rely on as they are")


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Return the folder of public data sets named by SUNSPOT_DATA; leave the test out where there is none."""
    named = os.environ.get("SUNSPOT_DATA", "")
    if not named or not Path(named).is_dir():
        pytest.skip("needs SUNSPOT_DATA")
    return Path(named)


@pytest.fixture(scope="session")
def petshop(public_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked PetShop data set."""
    return unpacked(public_data, "petshop", tmp_path_factory.mktemp("petshop"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember which tests were left out for want of public data."""
    report = yield
    if report.skipped and "SUNSPOT_DATA" in str(report.longrepr):
        LEFT_OUT.append(item.nodeid)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were left out."""
    if LEFT_OUT:
        terminalreporter.write_line(
            f"{len(LEFT_OUT)} tests left out: set SUNSPOT_DATA to the public data sets"
        )
