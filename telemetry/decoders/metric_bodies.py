"""OpenTelemetry's export of metrics as types: what a sender's well-formed body in JSON looks like.

The decoder reads it by the published messages, which hold more.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from telemetry.decoders.log_bodies import Nanoseconds, OtlpAttribute, OtlpResource


class OtlpNumber(msgspec.Struct, rename="camel"):
    """One value of a gauge or a sum."""

    time_unix_nano: Nanoseconds
    start_time_unix_nano: Nanoseconds | UnsetType = UNSET
    as_double: float | UnsetType = UNSET
    as_int: Annotated[str, msgspec.Meta(pattern="^-?[0-9]{1,19}$")] | UnsetType = UNSET
    attributes: list[OtlpAttribute] | UnsetType = UNSET


class OtlpGauge(msgspec.Struct, rename="camel"):
    """A metric of any value."""

    data_points: list[OtlpNumber] | UnsetType = UNSET


class OtlpSum(msgspec.Struct, rename="camel"):
    """A metric that adds up: since its start (2), or since the point before (1)."""

    aggregation_temporality: Annotated[int, msgspec.Meta(ge=1, le=2)]
    is_monotonic: bool | UnsetType = UNSET
    data_points: list[OtlpNumber] | UnsetType = UNSET


class OtlpMetric(msgspec.Struct):
    """One metric; histograms and summaries are understood too."""

    name: str
    unit: str | UnsetType = UNSET
    gauge: OtlpGauge | UnsetType = UNSET
    sum: OtlpSum | UnsetType = UNSET


class OtlpScopeMetrics(msgspec.Struct):
    """The metrics of one instrumentation scope."""

    metrics: list[OtlpMetric] | UnsetType = UNSET


class OtlpResourceMetrics(msgspec.Struct, rename="camel"):
    """The metrics of one resource."""

    resource: OtlpResource | UnsetType = UNSET
    scope_metrics: list[OtlpScopeMetrics] | UnsetType = UNSET


class OtlpMetricsExport(msgspec.Struct, rename="camel"):
    """An export of metrics of OpenTelemetry's."""

    resource_metrics: list[OtlpResourceMetrics] | UnsetType = UNSET
