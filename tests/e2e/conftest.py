"""Whether an end-to-end test may be left out: not in CI, where its peer can be installed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def must_run() -> bool:
    """Whether every peer can be had here, so that a test without its peer hides a failed installation."""
    return os.environ.get("CI") == "true" and os.geteuid() == 0 and shutil.which("apt-get") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Fail a test that would be left out where it must run."""
    report = yield
    if report.skipped and item.get_closest_marker("e2e") and must_run():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was left out in CI: {report.longrepr[2]}"
    return report
