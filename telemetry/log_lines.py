"""One log line, whatever its sender: its message, with time, level and ids taken out of the text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINE: Final = 16_384
"""Characters of a line that are looked at; miners read even less."""

MAX_NAME: Final = 256
"""Characters of a logger's name or of a trace id that are kept."""

MAX_NESTING: Final = 4
"""Envelopes within envelopes that are opened, such as a container runtime's around an application's."""

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
"""An object whose end was cut off, and what is in the string that it begins with."""


class Line(NamedTuple):
    """What a line says, and what stood around it."""

    severity: str
    logger: str
    body: str
    trace_id: str = ""
    template: str = ""


def severity_of(level: object) -> str:
    """A level in any sender's spelling as one of `telemetry.logs.SEVERITIES`; empty where it is none.

    >>> severity_of("warning"), severity_of("notice"), severity_of("blue")
    ('WARN', 'INFO', '')
    """
    return _LEVELS.get(level.strip().upper(), "") if isinstance(level, str) else ""


def read_line(text: str) -> Line:
    """Take a line apart; never fails.

    JSON is opened, its message kept, the rest dropped. A leading time, level and logger, and the ids of trace
    and span wherever they are, are taken out. Of a stack trace the first line is kept.

    >>> read_line("17:35:38.386 INFO  o.s.Orders#365 TraceID: 0493e275 order 17 placed")
    Line(severity='INFO', logger='o.s.Orders#365', body='order 17 placed', trace_id='0493e275', template='')
    """
    return _read(text[:MAX_LINE], Line("", "", ""), MAX_NESTING)


def read_object(document: Mapping[str, Any]) -> Line:
    """The line in a JSON object; never fails."""
    return _opened(document, Line("", "", ""), MAX_NESTING)


def read_labelled(text: str, labels: Mapping[str, Any]) -> Line:
    """The line in a text with labels or attributes beside it, which say what it does not; never fails.

    If the text is empty, a message may be among the labels.
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
    """The text of a JSON string as far as it goes: up to its end, or to where the line was cut off."""
    whole = _STRING.match(text)
    escaped = whole.group() if whole else text
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found.group(1), " "), escaped)


def _opened(document: Mapping[str, Any], outer: Line, depth: int) -> Line:
    return _read(_first(document, BODY_KEYS)[:MAX_LINE], _around(document, outer), depth - 1)


def _around(document: Mapping[str, Any], outer: Line) -> Line:
    """What stands around a line, without its body."""
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
    if (level := _LEVEL.match(text, at)) and (read := severity_of(level.group(1))):
        severity, at = severity or read, level.end()
        if named := _LOGGER.match(text, at):
            logger, at = logger or named.group(1), named.end()
    body = text[at:]
    if "id" in body or "ID" in body or "Id" in body:
        if not trace_id:
            found = (each.group(2) for each in _IDS.finditer(body) if each.group(1)[0] in "tT")
            trace_id = next(found, "")
        body = _IDS.sub("", body)
    return Line(severity, logger, body.strip(), trace_id, outer.template)
