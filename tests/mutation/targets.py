"""What is mutated, and which tests have to notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = {
    "ranking": ("models/rankers/*.py", "models/evidence/*.py"),
    "paging": ("models/paging/*.py", "service/paging/*.py"),
    "windows": (
        "models/cases/case.py",
        "models/cases/first_change.py",
        "models/cases/normal_ticks.py",
        "service/signals/item_status.py",
        "service/signals/recent_window.py",
        "service/signals/series_ring.py",
    ),
    "intake": (
        "service/intake/*.py",
        "service/signals/history.py",
        "service/signals/in_use.py",
        "service/signals/intake.py",
        "service/signals/present.py",
    ),
    "outbox": ("service/notify/outbox.py", "service/store/outbox.py"),
}
"""Patterns of the modules of each area."""

TESTS = (
    "tests/models/cases/test_case.py",
    "tests/models/cases/test_first_change.py",
    "tests/models/cases/test_normal_ticks.py",
    "tests/models/evidence",
    "tests/models/paging",
    "tests/models/rankers",
    "tests/service/intake",
    "tests/service/notify",
    "tests/service/paging",
    "tests/service/signals",
)
"""Only these and the doctests of the modules count: what they cover is to be pinned where it belongs."""


def modules_by_area(root: Path) -> dict[str, list[str]]:
    """Return the modules of each area, as paths from the root of the project."""
    return {
        area: sorted(
            path.relative_to(root).as_posix()
            for pattern in patterns
            for path in root.glob(pattern)
            if path.name != "__init__.py" or path.stat().st_size > 200  # more than a docstring
        )
        for area, patterns in TARGETS.items()
    }
