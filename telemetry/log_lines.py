"""One log line from any sender: its message, without the time, level and ids in the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from telemetry.json_text import json_of
from telemetry.log_text.fields import MAX_MESSAGE, SERVICE, fields_of
from telemetry.log_text.forms import read_pairs, shaped
from telemetry.log_text.header import hinted_severity, read_header
from telemetry.log_text.levels import severity_of
from telemetry.log_text.line import NOTHING, Line, merged

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_LINE", "Line", "read_labelled", "read_line", "read_object", "severity_of"]

MAX_LINE: Final = MAX_MESSAGE
"""Characters of a line that are read."""

MAX_NESTING: Final = 4
"""Nested envelopes that are opened, such as a container runtime's around an application's."""

_COLOUR = re.compile(
    r"(?:\x1b|#033)(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])"
)
_COLOUR_WITHOUT_ESCAPE = re.compile(r"\[\d{1,3}(?:;\d{1,3}){0,4}m")
_IDS = re.compile(
    r"\b(trace|span)[_ -]?id[\"']?\s{0,3}[:=]\s{0,3}[\"']?([0-9a-fA-F]{8,64})[\"']?[,;]?\s{0,3}",
    re.IGNORECASE,
)
_PAIRS_WITH_LEVEL = re.compile(r"(?:level|lvl|severity|msg|ts|time|caller)=")
_BLANK: Final = " \t\r\n\x00\ufeff"

_CUT_OFF = re.compile(r'\{\s{0,8}"(?:message|msg|body|log|text)"\s{0,8}:\s{0,8}"')
_STRING = re.compile(r'(?:[^"\\]|\\.)*+')
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\n", '"': '"', "\\": "\\", "/": "/"}
"""For an object whose end was cut off: its start, and the content of its first string."""


def read_line(text: str, outer: Line = NOTHING, *, service_keys: tuple[str, ...] = SERVICE) -> Line:
    """Parse a line; never fails.

    Of JSON, only the known fields are read. Colours, and a leading time, level and logger are removed from
    the message, and so are trace and span ids anywhere in it. Of a stack trace only the first line remains.

    Parameters
    ----------
    outer
        What is known of the line already, from labels or an envelope.
    service_keys
        Fields that may name the service, best first.

    Examples
    --------
    >>> read_line("17:35:38.386 INFO  o.s.Orders#365 TraceID: 0493e275 order 17 placed")[:4]
    ('INFO', 'o.s.Orders#365', 'order 17 placed', '0493e275')
    """
    return _read(text[:MAX_LINE], outer, MAX_NESTING, service_keys)


def read_object(
    document: Mapping[str, Any], outer: Line = NOTHING, *, service_keys: tuple[str, ...] = SERVICE
) -> Line:
    """Read the line in a JSON object; never fails."""
    return _opened(document, outer, MAX_NESTING, service_keys)


def read_labelled(text: str, labels: Mapping[str, Any], *, service_keys: tuple[str, ...] = SERVICE) -> Line:
    """Read a line with labels or attributes, which fill in what the text lacks; never fails.

    If the text is empty, the message may be among the labels.
    """
    if not text:
        return read_object(labels, service_keys=service_keys)
    return read_line(text, fields_of(labels, service_keys).line, service_keys=service_keys)


def _read(text: str, outer: Line, depth: int, service_keys: tuple[str, ...]) -> Line:
    text = _without_colours(text).lstrip(_BLANK)
    if depth and text.startswith("{"):
        document = _object_in(text)
        if document is not None:
            return _opened(document, outer, depth, service_keys)
        if cut := _CUT_OFF.match(text):
            return _read(_unescaped(text[cut.end() :]), outer, depth - 1, service_keys)
    found = shaped(text)
    if found is None:
        return _headed(text, outer, depth, service_keys)
    if depth and not found.is_whole:
        return _read(found.line.body, merged(found.line, outer), depth - 1, service_keys)
    return _finished(found.line, outer)


def _headed(text: str, outer: Line, depth: int, service_keys: tuple[str, ...]) -> Line:
    """A line that is a header, perhaps none, and a message; or a time and then an object or pairs."""
    line = read_header(text, outer)
    if line is None:
        return _message(text, outer)
    if depth and not line.severity:
        if line.body.startswith("{"):
            return _read(line.body, merged(line, outer), depth - 1, service_keys)
        if _PAIRS_WITH_LEVEL.match(line.body):
            return _finished(merged(read_pairs(line.body), line), outer)
    return _finished(line if line.body.strip() else line._replace(body=text), outer)


def _without_colours(text: str) -> str:
    if "\x1b" in text or "#033[" in text:
        text = _COLOUR.sub("", text)
    if "[0m" in text:  # a collector took the escape characters away
        return _COLOUR_WITHOUT_ESCAPE.sub("", text)
    return text


def _object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, or ``None``."""
    try:
        document = json_of(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _unescaped(text: str) -> str:
    """The text of a JSON string up to its end, or to where the line was cut off."""
    match = _STRING.match(text)
    escaped = match.group() if match else text
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found.group(1), " "), escaped)


def _opened(document: Mapping[str, Any], outer: Line, depth: int, service_keys: tuple[str, ...]) -> Line:
    found = fields_of(document, service_keys)
    around = merged(found.line, outer)
    if found.inner is not None and depth:
        return _opened(found.inner, around, depth - 1, service_keys)
    return _read(found.line.body[:MAX_LINE], around, depth - 1, service_keys)


def _finished(line: Line, outer: Line) -> Line:
    """A line with what was known around it, and its message tidied."""
    return _message(line.body, merged(line, outer))


def _message(text: str, around: Line) -> Line:
    """The message of a line, of which all else is known: one line without ids."""
    severity, logger, _, trace_id, template, service, host, time_ms = around
    if "\n" in text:
        text = next((each for each in text.split("\n", 20) if each.strip()), "").partition("\n")[0]
    if "race" in text or "RACE" in text or "pan" in text or "PAN" in text:
        if not trace_id:
            found = (each.group(2) for each in _IDS.finditer(text) if each.group(1)[0] in "tT")
            trace_id = next(found, "")
        text = _IDS.sub("", text)
    severity = severity or hinted_severity(text)
    return Line(severity, logger, text.strip(), trace_id, template, service, host, time_ms)
