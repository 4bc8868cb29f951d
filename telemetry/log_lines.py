"""One log line from any sender: its message, without the time, level and ids in the text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINE: Final = 16_384
"""Characters of a line that are read; miners read even fewer."""

MAX_NAME: Final = 256
"""Characters of a logger's name or of a trace id that are stored."""

MAX_NESTING: Final = 4
"""Nested envelopes that are opened, such as a container runtime's around an application's."""

BODY_KEYS = ("message", "msg", "body", "log", "text")
SEVERITY_KEYS = ("severity", "level", "severity_text", "severityText", "loglevel", "log.level", "lvl")
LOGGER_KEYS = ("logger", "logger_name", "loggerName", "log.logger", "name", "class")
TRACE_KEYS = ("trace_id", "traceId", "traceID", "TraceID", "trace.id", "traceid")
TEMPLATE_KEYS = ("log.record.template", "message_template", "@mt")

_LEVELS: Final = {
    "TRACE": "TRACE",
    "VERBOSE": "TRACE",
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "INFORMATION": "INFO",
    "NOTICE": "INFO",
    "WARN": "WARN",
    "WARNING": "WARN",
    "ERR": "ERROR",
    "ERROR": "ERROR",
    "SEVERE": "ERROR",
    "FATAL": "FATAL",
    "CRITICAL": "FATAL",
    "CRIT": "FATAL",
    "ALERT": "FATAL",
    "EMERG": "FATAL",
    "PANIC": "FATAL",
}

_TIME = re.compile(
    r"\s*[\[(]?(?:\d{4}[-/]\d\d[-/]\d\d[T ]?)?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[\])]?\s*"
)
_LEVEL = re.compile(r"[\[(<]?([A-Za-z]{3,11})[\])>]?:?(?=\s)\s*")
_LOGGER = re.compile(r"\[?([A-Za-z_$][\w$]{0,63}(?:\.[\w$]{1,63}){1,12}(?:#\d{1,6})?)\]?\s*:?(?:\s|$)\s*")
_IDS = re.compile(
    r"\b(trace|span)[_ -]?id[\"']?\s{0,3}[:=]\s{0,3}[\"']?([0-9a-fA-F]{8,64})[\"']?[,;]?\s{0,3}",
    re.IGNORECASE,
)

_CUT_OFF = re.compile(r'\{\s{0,8}"(?:message|msg|body|log|text)"\s{0,8}:\s{0,8}"')
_STRING = re.compile(r'(?:[^"\\]|\\.)*+')
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\n", '"': '"', "\\": "\\", "/": "/"}
"""For an object whose end was cut off: its start, and the content of its first string."""


class Line(NamedTuple):
    """A line's message and the fields found around it."""

    severity: str
    logger: str
    body: str
    trace_id: str = ""
    template: str = ""


def severity_of(level: object) -> str:
    """One of `telemetry.logs.SEVERITIES` for a level in any sender's spelling; empty if it is unknown.

    >>> severity_of("warning"), severity_of("notice"), severity_of("blue")
    ('WARN', 'INFO', '')
    """
    return _LEVELS.get(level.strip().upper(), "") if isinstance(level, str) else ""


def read_line(text: str) -> Line:
    """Parse a line; never fails.

    Of JSON, only the known fields are read. A leading time, level and logger are removed from the message,
    and so are trace and span ids anywhere in it. Of a stack trace only the first line remains.

    >>> read_line("17:35:38.386 INFO  o.s.Orders#365 TraceID: 0493e275 order 17 placed")
    Line(severity='INFO', logger='o.s.Orders#365', body='order 17 placed', trace_id='0493e275', template='')
    """
    return _read(text[:MAX_LINE], Line("", "", ""), MAX_NESTING)


def read_object(document: Mapping[str, Any]) -> Line:
    """Read the line in a JSON object; never fails."""
    return _opened(document, Line("", "", ""), MAX_NESTING)


def read_labelled(text: str, labels: Mapping[str, Any]) -> Line:
    """Read a line with labels or attributes, which fill in what the text lacks; never fails.

    If the text is empty, the message may be among the labels.
    """
    if not text:
        return read_object(labels)
    return _read(text[:MAX_LINE], _around(labels, Line("", "", "")), MAX_NESTING)


def _read(text: str, outer: Line, depth: int) -> Line:
    if text.startswith("{") and depth:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            return _opened(document, outer, depth)
        if cut := _CUT_OFF.match(text):
            return _read(_unescaped(text[cut.end() :]), outer, depth - 1)
    return _plain(text, outer)


def _unescaped(text: str) -> str:
    """The text of a JSON string up to its end, or to where the line was cut off."""
    match = _STRING.match(text)
    escaped = match.group() if match else text
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found.group(1), " "), escaped)


def _opened(document: Mapping[str, Any], outer: Line, depth: int) -> Line:
    return _read(_first(document, BODY_KEYS)[:MAX_LINE], _around(document, outer), depth - 1)


def _around(document: Mapping[str, Any], outer: Line) -> Line:
    """The fields around a line, without its body."""
    return Line(
        severity_of(_first(document, SEVERITY_KEYS)) or outer.severity,
        _first(document, LOGGER_KEYS)[:MAX_NAME] or outer.logger,
        "",
        _first(document, TRACE_KEYS)[:MAX_NAME] or outer.trace_id,
        _first(document, TEMPLATE_KEYS)[:MAX_LINE] or outer.template,
    )


def _first(document: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = document.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _plain(text: str, outer: Line) -> Line:
    severity, logger, trace_id = outer.severity, outer.logger, outer.trace_id
    text = text.lstrip().partition("\n")[0]
    at = time.end() if (time := _TIME.match(text)) else 0
    if (level := _LEVEL.match(text, at)) and (found_severity := severity_of(level.group(1))):
        severity, at = severity or found_severity, level.end()
        if named := _LOGGER.match(text, at):
            logger, at = logger or named.group(1), named.end()
    body = text[at:]
    if "id" in body or "ID" in body or "Id" in body:
        if not trace_id:
            found = (each.group(2) for each in _IDS.finditer(body) if each.group(1)[0] in "tT")
            trace_id = next(found, "")
        body = _IDS.sub("", body)
    return Line(severity, logger, body.strip(), trace_id, outer.template)
