"""What is wrong with a series, in one plain sentence: its value beside what is usual at this time."""

from __future__ import annotations

from math import isfinite

from features.golden import Role, meaning_of
from models.evidence.figures import figure, percent

TIMES = 1.5
"""From this multiple of the usual latency on, the sentence states the multiple."""

SHARES = {
    Role.CPU: "CPU of {item} is at {now}",
    Role.MEMORY: "Memory of {item} is at {now}",
    Role.SATURATION: "A pool or queue of {item} is {now} full",
    Role.LOSS: "{item} loses {now} of its packets",
}


def symptom(item: str, metric: str, value: float, usual: float) -> str:
    """Describe a value and what is usual, without scores or thresholds.

    Parameters
    ----------
    value, usual
        In the metric's unit; ``nan`` where not known.

    Examples
    --------
    >>> symptom("web", "latency_ms", 160.0, 20.0)
    'Latency of web is 8 times its usual 20.0 ms'
    >>> symptom("web", "latency_ms", 31_500.0, 20.0)
    'Latency of web is 1,575 times its usual 20.0 ms'
    >>> symptom("web", "error_percent", 4.1, 0.2)
    '4.1 % of requests to web fail, usually 0.2 %'
    >>> symptom("db", "cpu_ratio", 0.96, float("nan"))
    'CPU of db is at 96.0 %'
    >>> symptom("db", "sessions", 7.0, 250.0)
    'sessions of db is 7, usually 250'
    """
    meaning = meaning_of(metric)
    if meaning is None:
        return f"{metric} of {item} is {figure(value)}" + _usually(figure(usual), usual)
    value, usual = (meaning.offset + meaning.scale * each for each in (value, usual))
    if meaning.role is Role.LATENCY:
        if isfinite(usual) and usual > 0 and value >= TIMES * usual:
            return f"Latency of {item} is {_times(value / usual)} times its usual {_seconds(usual)}"
        return f"Latency of {item} is {_seconds(value)}" + _usually(_seconds(usual), usual)
    if meaning.role is Role.ERRORS:
        return f"{percent(value)} of requests to {item} fail" + _usually(percent(usual), usual)
    if meaning.role is Role.REQUESTS:
        return f"{item} handles {figure(value)} requests" + _usually(figure(usual), usual)
    sentence = SHARES[meaning.role].format(item=item, now=percent(value))
    return sentence[0].upper() + sentence[1:] + _usually(percent(usual), usual)


def _times(ratio: float) -> str:
    """Format a multiple with two significant digits below a hundred, and as a whole number from there on."""
    return f"{ratio:.2g}" if ratio < 99.5 else f"{ratio:,.0f}"  # noqa: PLR2004


def _seconds(value: float) -> str:
    return f"{figure(value * 1000)} ms" if value < 1 else f"{figure(value)} s"


def _usually(text: str, usual: float) -> str:
    return f", usually {text}" if isfinite(usual) else ""
