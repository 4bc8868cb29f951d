"""The role of each metric: the golden signals and the resources.

A metric's name ends in its unit, so that a role can be read in one canonical unit, whatever unit the
sender uses.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What a metric measures of its item, in a canonical unit."""

    REQUESTS = "requests"  # handled in the tick: one sample a tick, or some are lost
    LATENCY = "latency"  # mean seconds per request
    ERRORS = "errors"  # failed share of the requests, 0 to 1
    CPU = "cpu"  # used share, 0 to 1
    MEMORY = "memory"  # used share, 0 to 1
    SATURATION = "saturation"  # used share of a pool or queue, 0 and up
    LOSS = "loss"  # lost share of packets, 0 to 1


class Meaning(NamedTuple):
    """How to read a metric: ``role`` value = ``offset + scale × metric value``."""

    role: Role
    scale: float = 1.0
    offset: float = 0.0


MEANINGS: dict[str, Meaning] = {
    "requests": Meaning(Role.REQUESTS),
    "latency_s": Meaning(Role.LATENCY),
    "latency_ms": Meaning(Role.LATENCY, scale=1e-3),
    "latency_us": Meaning(Role.LATENCY, scale=1e-6),
    "error_ratio": Meaning(Role.ERRORS),
    "error_percent": Meaning(Role.ERRORS, scale=0.01),
    "availability_ratio": Meaning(Role.ERRORS, scale=-1.0, offset=1.0),
    "availability_percent": Meaning(Role.ERRORS, scale=-0.01, offset=1.0),
    "cpu_ratio": Meaning(Role.CPU),
    "cpu_percent": Meaning(Role.CPU, scale=0.01),
    "memory_ratio": Meaning(Role.MEMORY),
    "memory_percent": Meaning(Role.MEMORY, scale=0.01),
    "saturation_ratio": Meaning(Role.SATURATION),
    "loss_ratio": Meaning(Role.LOSS),
    "loss_percent": Meaning(Role.LOSS, scale=0.01),
}


def meaning_of(metric: str) -> Meaning | None:
    """Role and unit of a metric, or ``None`` for a metric without a golden role.

    >>> meaning_of("latency_ms").scale
    0.001
    """
    return MEANINGS.get(metric)
