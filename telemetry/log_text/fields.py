"""Which field of an object, or which label of a stream, means what.

Names are compared without regard to case, ``_`` and ``-``, and dots may be left out. A dot goes into an inner
object: ``log.level`` is also ``{"log": {"level": …}}``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from telemetry.log_text.levels import (
    severity_of,
    severity_of_logback,
    severity_of_opentelemetry,
    severity_of_python,
    severity_of_syslog,
)
from telemetry.log_text.line import Line
from telemetry.log_text.times import UnreadableTimeError, instant_ms
from telemetry.names import CONTROL, MAX_NAME_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_NAME: Final = MAX_NAME_LENGTH
"""Characters of the name of a service or logger, or of a trace id, that are stored."""

MAX_MESSAGE: Final = 16_384
"""Characters of a message that are read; miners read even fewer."""

MAX_DEPTH: Final = 4
"""Inner objects are looked into so deep."""

SERVICE: Final = (
    "service", "service.name", "service_name", "item", "app", "application", "app_name",
    "app.kubernetes.io/name", "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name",
    "k8s.cronjob.name", "k8s.job.name", "k8s.container.name", "kubernetes.labels.app.kubernetes.io/name",
    "kubernetes.labels.app", "kubernetes.labels.k8s-app", "kubernetes.deployment.name",
    "kubernetes.container.name", "kubernetes.container_name", "compose_service", "container",
    "container.name", "syslog_identifier", "job", "unit", "systemd_unit", "k8s.pod.name",
    "kubernetes.pod.name", "kubernetes.pod_name", "pod", "pod_name", "host.name", "host", "hostname",
    "filename", "log.file.path",
)  # fmt: skip
"""Fields, labels and attributes that may name the service that wrote a line, best first."""

MESSAGE: Final = (
    "message", "msg", "body", "log", "text", "@m", "renderedmessage", "shortmessage", "textpayload", "event",
    "event.original", "@mt", "messagetemplate", "error.message", "exception.message", "err.message",
    "errormessage", "error", "err", "exception",
)  # fmt: skip
LEVEL: Final = (
    "severity", "level", "severitytext", "loglevel", "log.level", "lvl", "@l", "levelname", "level.name",
    "severitynumber", "levelno", "levelvalue", "priority", "s", "syslog.severity.name", "detectedlevel",
    "level_name", "status",
)  # fmt: skip
LOGGER: Final = (
    "logger", "loggername", "log.logger", "name", "class", "target", "sourcecontext", "category",
    "scope.name", "component",
)  # fmt: skip
TRACE: Final = ("traceid", "trace.id", "otel.traceid", "xb3traceid", "@tr", "dd.traceid")
TEMPLATE: Final = ("log.record.template", "messagetemplate", "@mt")
TIME: Final = (
    "timems", "timeunixnano", "time", "timestamp", "@timestamp", "ts", "date", "datetime", "@t", "t",
    "timestampms", "timemillis", "eventtime", "instant", "timestampnanos", "__realtime_timestamp", "asctime",
    "logtime", "observedtimestamp",
)  # fmt: skip

INNER: Final = (
    "fields",
    "attributes",
    "properties",
    "extra",
    "context",
    "contextmap",
    "mdc",
    "jsonpayload",
    "labels",
)
"""Objects whose fields count as those of the object around them, but after its own."""

HOSTS: Final = ("host.name", "host", "hostname", "filename", "log.file.path")
"""Names among them that tell where a line was written rather than who wrote it."""

INNER_PENALTY: Final = 100
MAX_KNOWN_NAMES: Final = 10_000
MAX_KNOWN_NAME: Final = 128

_N_ROLES: Final = 8
_OWNER, _HOST, _MESSAGE, _LEVEL, _LOGGER, _TRACE, _TEMPLATE, _TIME = range(_N_ROLES)
_LAST: Final = 1_000
_POD = re.compile(r"(.{1,200}?)(?:(?:-[b-df-hj-np-tv-z2-9]{3,10})?-[b-df-hj-np-tv-z2-9]{5}|-[0-9]{1,4})$")
"""A pod's name: its workload, the hash of the ReplicaSet, and five letters or the number in a StatefulSet."""


class Fields(NamedTuple):
    """What an object's fields mean.

    Attributes
    ----------
    line
        All that was found; the body is the message as it is.
    inner
        The object in the place of the message, if there is one.
    why_no_time
        Why a field that should hold the time does not; empty if there is none, or if there is a time.
    """

    line: Line
    inner: Mapping[str, Any] | None = None
    why_no_time: str = ""


def fields_of(document: Mapping[str, Any], service_keys: tuple[str, ...] = SERVICE) -> Fields:
    """What the fields of an object, or labels, mean; never fails.

    >>> fields_of({"log": {"level": "error"}, "message": "late", "service": {"name": "order"}}).line[:3]
    ('ERROR', '', 'late')
    """
    search = _Search(_names_of(service_keys))
    search.look_into(document, "", 0, MAX_DEPTH)
    return search.fields()


class _Meaning(NamedTuple):
    """What the name of a field means.

    Attributes
    ----------
    roles
        Its roles, with its rank among the names of each, and how its value is read.
    prefix
        What the names of the fields in it begin with, if it is an object.
    penalty
        By how much they rank lower.
    """

    roles: Sequence[tuple[int, int, Callable[[Any], Any]]]
    prefix: str
    penalty: int


class _Names(dict[str, "_Meaning | None"]):
    """The meaning of each name, worked out once; cleared when full, and without long names."""

    def __init__(self, service_keys: tuple[str, ...]) -> None:
        hosts = tuple(key for key in service_keys if key in HOSTS)
        services = tuple(key for key in service_keys if key not in HOSTS)
        self._roles: dict[str, list[tuple[int, int, Callable[[Any], Any]]]] = {}
        by_role = (services, hosts, MESSAGE, LEVEL, LOGGER, TRACE, TEMPLATE, TIME)
        for role, names in enumerate(by_role):
            for rank, name in enumerate(map(_plain, names)):
                self._roles.setdefault(name, []).append((role, rank, _reader_of(role, name)))
        for name in list(self._roles):  # Loki and Prometheus have no dots in names
            self._roles.setdefault(name.replace(".", "").replace("/", ""), self._roles[name])
        dots = ((name, at) for name in self._roles for at, letter in enumerate(name) if letter == ".")
        self._prefixes = {name[:at] for name, at in dots}

    def __missing__(self, name: str) -> _Meaning | None:
        plain = _plain(name)
        roles = self._roles.get(plain, ())
        meaning = None
        if plain in self._prefixes:
            meaning = _Meaning(roles, f"{plain}.", 0)
        elif plain in INNER:
            meaning = _Meaning(roles, "", INNER_PENALTY)
        elif roles:
            meaning = _Meaning(roles, "", _LAST)
        if len(name) <= MAX_KNOWN_NAME:
            if len(self) >= MAX_KNOWN_NAMES:
                self.clear()
            self[name] = meaning
        return meaning


_names_of = lru_cache(maxsize=16)(_Names)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


class _Search:
    """The best value of each role among the fields seen so far."""

    def __init__(self, names: _Names) -> None:
        self._names = names
        self._ranks = [_LAST] * _N_ROLES
        self._texts = [""] * _TIME
        self._time_ms: int | None = None
        self._inner: Mapping[str, Any] | None = None
        self._why_no_time = ""

    def look_into(self, document: Mapping[str, Any], prefix: str, penalty: int, depth: int) -> None:
        """Look at the fields of an object; each has a rank that grows by a penalty."""
        names, ranks, texts = self._names, self._ranks, self._texts
        for key, value in document.items():
            meaning = names[prefix + key if prefix else key]
            if meaning is None:
                continue
            is_object = isinstance(value, dict)
            for role, own_rank, read in meaning.roles:
                rank = own_rank + penalty
                if rank >= ranks[role]:
                    continue
                if role == _TIME:
                    if value is not None and self._takes_time(read, value):
                        ranks[role] = rank
                elif text := read(value):
                    texts[role], ranks[role] = text, rank
                elif is_object and role == _MESSAGE and self._inner is None:
                    self._inner = value
            if is_object and depth and meaning.penalty < _LAST:
                self.look_into(value, meaning.prefix, penalty + meaning.penalty, depth - 1)

    def fields(self) -> Fields:
        """What was found."""
        service, host, message, level, logger, trace_id, template = self._texts
        line = Line(
            level, logger[:MAX_NAME], message, trace_id[:MAX_NAME], template, service, host, self._time_ms
        )
        why = self._why_no_time if self._time_ms is None else ""
        return Fields(line, None if message else self._inner, why)

    def _takes_time(self, read: Callable[[Any], Any], value: object) -> bool:
        try:
            self._time_ms = read(value)
        except UnreadableTimeError as error:
            self._why_no_time = self._why_no_time or str(error)
            return False
        return True


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _reader_of(role: int, name: str) -> Callable[[Any], Any]:
    """How a value of a role is read: as a text, empty if it is none; or as milliseconds."""
    if role == _TIME:
        return _TIME_READERS.get(name, instant_ms)
    if role == _LEVEL:
        return _LEVEL_READERS.get(name, severity_of)
    if role in {_OWNER, _HOST}:
        return lambda value: service_name(name, value) if isinstance(value, str) else ""
    return _text


@lru_cache(maxsize=10_000)
def service_name(name: str, value: str) -> str:
    """The service that a field with a plain name names; empty if it is no name of one.

    Of a pod the workload counts, of a file its name, of a unit or job its last part.

    >>> service_name("pod", "order-5d9f8c7b6-x2kq9"), service_name("filename", "/var/log/order.log")
    ('order', 'order')
    >>> service_name("service.name", "unknown_service:java")
    ''
    """
    tidy = _TIDIED.get(name)
    if tidy is not None:
        value = tidy(value)
    is_name = 0 < len(value) <= MAX_NAME and not CONTROL.search(value)
    return value if is_name and not value.startswith("unknown_service") else ""


def _workload(pod: str) -> str:
    found = _POD.match(pod)
    return found[1] if found else pod


def _stem(path: str) -> str:
    parent, _, name = path.replace("\\", "/").rpartition("/")
    stem = name.partition(".")[0]
    return parent.rpartition("/")[2] if stem.isdecimal() else stem


def _severity_of_status(status: object) -> str:
    return severity_of(status) if isinstance(status, str) and status.isalpha() else ""


def _counted_in(units_a_ms: int) -> Callable[[object], int]:
    """Reader of a time whose field names its unit."""

    def milliseconds(value: object) -> int:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            try:
                return int(value) // units_a_ms
            except (ValueError, OverflowError):
                pass
        raise UnreadableTimeError("it has no time that can be read")

    return milliseconds


_LEVEL_READERS: Final[Mapping[str, Callable[[object], str]]] = {
    "severitynumber": severity_of_opentelemetry,
    "levelno": severity_of_python,
    "levelvalue": severity_of_logback,
    "priority": severity_of_syslog,
    "status": _severity_of_status,
}
_TIME_READERS: Final[Mapping[str, Callable[[object], int]]] = {
    "timems": _counted_in(1),
    "timeunixnano": _counted_in(1_000_000),
    "realtimetimestamp": _counted_in(1_000),
}
_TIDIED: Final[Mapping[str, Callable[[str], str]]] = {
    "k8s.pod.name": _workload,
    "kubernetes.pod.name": _workload,
    "kubernetes.podname": _workload,
    "pod": _workload,
    "podname": _workload,
    "job": lambda job: job.rpartition("/")[2],
    "unit": lambda unit: unit.removesuffix(".service"),
    "systemdunit": lambda unit: unit.removesuffix(".service"),
    "filename": _stem,
    "log.file.path": _stem,
}
