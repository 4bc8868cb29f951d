"""A log line as it was read."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A line's message and what was found around it; everything may be missing.

    Attributes
    ----------
    severity
        One of `telemetry.logs.SEVERITIES`.
    logger
        Name of the logger or class.
    body
        The message, one line.
    trace_id
        Id of the trace, as it was written.
    template
        The constant text that a collector or a library set.
    service
        Who wrote the line.
    host
        Where it was written: a machine or a file. It stands for the service where nothing names one.
    time_ms
        When it was written, in UTC milliseconds; ``None`` without an instant that can be read.
    """

    severity: str = ""
    logger: str = ""
    body: str = ""
    trace_id: str = ""
    template: str = ""
    service: str = ""
    host: str = ""
    time_ms: int | None = None


NOTHING = Line()
"""The line of which nothing is known."""


def merged(inner: Line, outer: Line) -> Line:
    """A line with what was known around it.

    Its own fields count before the outer ones, but for service and time: who collects lines knows whose they
    are, and has the time in a form that needs no guess.

    >>> merged(Line(body="placed"), Line(severity="INFO", body="{…}"))[:3]
    ('INFO', '', 'placed')
    """
    if outer is NOTHING:
        return inner
    return Line(
        inner.severity or outer.severity,
        inner.logger or outer.logger,
        inner.body,
        inner.trace_id or outer.trace_id,
        inner.template or outer.template,
        outer.service or inner.service,
        outer.host or inner.host,
        inner.time_ms if outer.time_ms is None else outer.time_ms,
    )
