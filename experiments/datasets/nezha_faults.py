"""Nezha's injected faults: when, where and of what kind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from experiments.datasets.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One injected fault."""

    at: datetime
    service: str
    kind: str


def service_of(pod: str) -> str:
    """The service a pod belongs to: its name without the two generated parts.

    >>> service_of("ts-basic-service-5dc8d4f9fd-46997")
    'ts-basic-service'
    """
    return pod.rsplit("-", 2)[0] if pod.count("-") > 1 else pod


def read_faults(path: Path) -> Iterator[Fault]:
    """The faults of one day, in order of time.

    ``inject_time`` is read as UTC; ``inject_timestamp`` is sometimes hours off, and is not read.

    Raises
    ------
    DatasetError
        If the file is not a list of faults.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        listed = [each for hour in document.values() for each in hour]
        for each in sorted(listed, key=lambda each: str(each["inject_time"])):
            at = datetime.strptime(each["inject_time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            yield Fault(at, service_of(str(each["inject_pod"])), str(each["inject_type"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError("nezha", path, f"not a list of faults: {error}") from error
