"""Names and labels of OpenTelemetry's metrics, as Prometheus would have them.

So a service is the same series whichever of the two it is sent by. OpenTelemetry, "Prometheus and OpenMetrics
Compatibility": characters that Prometheus does not know become ``_``, the unit ends the name, and counters
end in ``_total``.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from telemetry.metric_names import COUNTER_ENDING, NAME, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

INSTANCE_ATTRIBUTES = frozenset(
    {
        "service.name",
        "service.namespace",
        "service.instance.id",
        "host.name",
        "k8s.namespace.name",
        "k8s.pod.name",
        "k8s.container.name",
        "k8s.node.name",
    }
)
"""Attributes of a resource that tell one instance from another; the others describe it."""

UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "%": "percent",
}
TIMES = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}
OTHER_CHARACTERS = re.compile(r"[^a-zA-Z0-9_]+")
IN_BRACES = re.compile(r"\{[^}]*\}")
MAX_NESTING = 8


@lru_cache(maxsize=10_000)
def metric_name(name: str, unit: str, kind: Kind) -> str:
    """A metric's name as Prometheus would have it.

    >>> metric_name("http.server.request.duration", "s", Kind.HISTOGRAM)
    'http_server_request_duration_seconds'
    >>> metric_name("http.server.requests", "{request}", Kind.COUNTER)
    'http_server_requests_total'
    >>> metric_name("system.cpu.utilization", "1", Kind.GAUGE)
    'system_cpu_utilization_ratio'
    """
    plain = _plain(name).removesuffix(COUNTER_ENDING) if kind is Kind.COUNTER else _plain(name)
    for word in _words(unit, kind):
        if word not in plain.split("_"):
            plain = f"{plain}_{word}"
    return plain + COUNTER_ENDING if kind is Kind.COUNTER else plain


@lru_cache(maxsize=10_000)
def label_name(attribute: str) -> str:
    """An attribute's name as Prometheus would have it.

    >>> label_name("http.request.method")
    'http_request_method'
    """
    return _plain(attribute)


def resource_texts(attributes: Iterable[KeyValue]) -> list[str]:
    """Labels of the attributes of a resource that tell instances apart: names and values in turn."""
    return attribute_texts(each for each in attributes if each.key in INSTANCE_ATTRIBUTES)


def attribute_texts(attributes: Iterable[KeyValue]) -> list[str]:
    """Labels of attributes: names and values in turn."""
    return [text for each in attributes for text in (label_name(each.key), value_text(each.value))]


def labels_of_attributes(name: str, texts: Sequence[str]) -> dict[str, str]:
    """Labels of a metric; values of attributes that get the same name are joined."""
    labels: dict[str, str] = {}
    for label, text in zip(texts[::2], texts[1::2], strict=True):
        labels[label] = f"{labels[label]};{text}" if label in labels else text
    return {**labels, NAME: name}


def value_text(value: AnyValue) -> str:
    """An attribute's value as text."""
    if value.WhichOneof("value") == "string_value":
        return value.string_value
    plain = _value(value, MAX_NESTING)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _value(value: AnyValue, depth: int) -> object:
    kind = value.WhichOneof("value")
    if kind is None or not depth:
        return ""
    if kind == "array_value":
        return [_value(each, depth - 1) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: _value(each.value, depth - 1) for each in value.kvlist_value.values}
    found = getattr(value, kind)
    return found.hex() if isinstance(found, bytes) else found


def _plain(name: str) -> str:
    plain = OTHER_CHARACTERS.sub("_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain


def _words(unit: str, kind: Kind) -> list[str]:
    """The words for a unit: bytes, per, second."""
    if unit == "1":
        return ["ratio"] if kind is Kind.GAUGE else []
    above, _, below = IN_BRACES.sub("", unit).partition("/")
    words = [_plain(UNITS.get(above, above))] if above else []
    if below:
        words += ["per", _plain(TIMES.get(below, below))]
    return words
