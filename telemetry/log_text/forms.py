"""Lines that are not a header and a message: one entry a form, chosen by the first character.

Each form is one bounded expression at the start of the line, and what its parts mean. A form that wraps
another line, such as a container runtime's, leaves that line to be read in turn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from telemetry.log_text.fields import fields_of
from telemetry.log_text.levels import NAMED, severity_of_syslog
from telemetry.log_text.line import Line
from telemetry.log_text.times import UnreadableTimeError, instant_ms

if TYPE_CHECKING:
    from collections.abc import Callable

DIGITS: Final = "0123456789"
CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTERS: Final = CAPITALS + CAPITALS.lower()

MAX_START: Final = 160
"""Characters in which what a form holds must stand."""

MAX_PAIRS: Final = 200
_PAIR = re.compile(r'(?<![\w.@/-])([A-Za-z_@][\w.@/-]{0,63})=(?:"((?:[^"\\]|\\.)*+)"|([^\s"]*+))')
_PAIRS_BEGIN = re.compile(r'[A-Za-z_@][\w.@-]{0,63}=(?:"|\S*(?:\s+[A-Za-z_@][\w.@-]{0,63}=|$))')
_ESCAPED = re.compile(r"\\(.)")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_REDIS: Final = {"#": "WARN", "*": "INFO", "-": "DEBUG", ".": "DEBUG"}
_NIL: Final = "-"


class Shaped(NamedTuple):
    """What a form gives.

    Attributes
    ----------
    line
        What its parts say; the body is the message, or the line inside.
    is_whole
        Whether the body is the message. Else it is a line to be read in turn, and what it says counts first.
    """

    line: Line
    is_whole: bool = False


class Form(NamedTuple):
    """One form of lines.

    Attributes
    ----------
    name
        What writes it.
    firsts
        The characters that it may begin with.
    holds
        What stands in its first characters, so that most others are told apart without an expression.
    pattern
        What it begins with.
    read
        What the match says.
    """

    name: str
    firsts: str
    holds: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Shaped]


def _rest(found: re.Match[str]) -> str:
    return found.string[found.end() :]


def _time_ms(text: str) -> int | None:
    try:
        return instant_ms(text)
    except UnreadableTimeError:
        return None


def _container(found: re.Match[str]) -> Shaped:
    return Shaped(Line(body=_rest(found), time_ms=_time_ms(found["time"])))


def _syslog(found: re.Match[str]) -> Shaped:
    parts = found.groupdict("")
    severity = severity_of_syslog(str(int(parts["priority"]) % 8)) if parts.get("priority") else ""
    service, host = (parts.get(each, "").removeprefix(_NIL) for each in ("service", "host"))
    time_ms = _time_ms(parts.get("time", ""))
    return Shaped(Line(severity, body=_rest(found), service=service, host=host, time_ms=time_ms))


def _level_and_logger(found: re.Match[str]) -> Shaped:
    parts = found.groupdict("")
    severity = NAMED.get(parts["level"].upper(), "")
    line = Line(
        severity, parts.get("logger", "").strip(), _rest(found), time_ms=_time_ms(parts.get("time", ""))
    )
    return Shaped(line, is_whole=True)


def _redis(found: re.Match[str]) -> Shaped:
    return Shaped(Line(_REDIS[found["level"]], body=_rest(found)), is_whole=True)


def _access(found: re.Match[str]) -> Shaped:
    return Shaped(Line(body=found.string, time_ms=_time_ms(found["time"])), is_whole=True)


def _pairs(found: re.Match[str]) -> Shaped:
    return Shaped(read_pairs(found.string), is_whole=True)


def read_pairs(text: str) -> Line:
    """A line of logfmt: ``level=error msg="order 17 failed"``.

    >>> read_pairs('level=error caller=main.go:17 msg="order 17 failed"')[:3]
    ('ERROR', '', 'order 17 failed')
    """
    pairs: dict[str, str] = {}
    for key, quoted, plain in _PAIR.findall(text)[:MAX_PAIRS]:
        pairs.setdefault(key, _ESCAPED.sub(_unescaped, quoted) if quoted else plain)
    line = fields_of(pairs).line
    return line if line.body else line._replace(body=text)


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\n"}.get(found[1], found[1])


FORMS: Final = (
    Form(
        "containerd and CRI-O",
        DIGITS,
        " std",
        re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\S{8,30}) (?:stdout|stderr) [FP](?: |$)"),
        _container,
    ),
    Form(
        "redis",
        DIGITS,
        " 20",
        re.compile(r"\d{1,8}:[MSCX] \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} (?P<level>[.*#-]) "),
        _redis,
    ),
    Form(
        "web servers",
        DIGITS,
        '] "',
        re.compile(
            r"[\da-fA-F.:]{7,45} \S{1,64} \S{1,64} \[(?P<time>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
        ),
        _access,
    ),
    Form(
        "Android",
        DIGITS,
        ": ",
        re.compile(
            r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6}\s{1,6}\d{1,8}\s{1,6}\d{1,8} "
            r"(?P<level>[VDIWEF]) (?P<logger>[^:]{1,80}): "
        ),
        _level_and_logger,
    ),
    Form(
        "syslog, RFC 5424",
        "<",
        ">",
        re.compile(
            r"<(?P<priority>\d{1,3})>\d{1,2} (?P<time>\S{1,40}) (?P<host>\S{1,255}) (?P<service>\S{1,64}) "
            r'\S{1,128} \S{1,32} (?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*+")*+\])++)(?: |$)'
        ),
        _syslog,
    ),
    Form(
        "syslog, RFC 3164",
        "<",
        ">",
        re.compile(
            rf"<(?P<priority>\d{{1,3}})>(?:(?P<time>{_MONTH} {{1,2}}\d{{1,2}} \d\d:\d\d:\d\d"
            r"|\d{4}-\S{6,30}) "
            r"(?:(?P<host>[\w.:-]{1,255}) )?(?P<service>[\w./-]{1,64}?)(?:\[\d{1,10}\])?: )?"
        ),
        _syslog,
    ),
    Form(
        "syslog in a file",
        "JFMASOND",
        ": ",
        re.compile(
            rf"(?P<time>{_MONTH} {{1,2}}\d{{1,2}} \d\d:\d\d:\d\d) (?P<host>[\w.:-]{{1,255}}) "
            r"(?P<service>[\w./-]{1,64}?)(?:\[\d{1,10}\])?: "
        ),
        _syslog,
    ),
    Form(
        "syslog in a file, with an ISO time",
        DIGITS,
        "]: ",
        re.compile(
            r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)) (?P<host>[\w.-]{1,255}) "
            r"(?P<service>[\w./-]{1,64})\[\d{1,10}\]: "
        ),
        _syslog,
    ),
    Form(
        "java.util.logging",
        "JFMASOND",
        "M ",
        re.compile(
            rf"{_MONTH} \d{{1,2}}, \d{{4}} \d{{1,2}}:\d\d:\d\d [AP]M (?P<logger>[\w.$]{{1,200}})"
            r"[^\n]{0,100}\n(?P<level>[A-Z]{4,7}): "
        ),
        _level_and_logger,
    ),
    Form(
        "klog and glog",
        "IWEF",
        "] ",
        re.compile(
            r"(?P<level>[IWEF])\d{4,8} \d\d:\d\d:\d\d\.\d{3,6}\s{1,8}\d{1,8} (?P<logger>[^\]\s]{1,200})\] "
        ),
        _level_and_logger,
    ),
    Form(
        "logrus on a terminal",
        "TDIWEFP",
        "] ",
        re.compile(r"(?P<level>TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[\d{4,8}\] "),
        _level_and_logger,
    ),
    Form(
        "NestJS",
        "[",
        "[Nest]",
        re.compile(
            r"\[Nest\] \d{1,10}\s{1,4}- [\d/]{8,10}, \d{1,2}:\d\d:\d\d [AP]M\s{1,8}(?P<level>[A-Z]{3,7}) "
            r"(?:\[(?P<logger>[^\]\s]{1,100})\] )?"
        ),
        _level_and_logger,
    ),
    Form(
        "Ruby's Logger",
        "DIWEFA",
        " -- ",
        re.compile(
            r"[DIWEFA], \[(?P<time>\S{10,40}) #\d{1,10}\] {1,3}"
            r"(?P<level>[A-Z]{3,7}) -- (?P<logger>[^:]{0,100}): "
        ),
        _level_and_logger,
    ),
    Form(
        "Python's basicConfig",
        "DIWEC",
        ":",
        re.compile(r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[\w.-]{1,200}):"),
        _level_and_logger,
    ),
    Form(
        ".NET's console",
        "tdiwfc",
        "]",
        re.compile(
            r"(?P<level>trce|dbug|info|warn|fail|crit): (?P<logger>[\w.`+]{1,200})\[\d{1,10}\]\s{0,20}"
        ),
        _level_and_logger,
    ),
    Form("logfmt", LETTERS + "_@", "=", _PAIRS_BEGIN, _pairs),
)
"""Every form; where several may begin with a character, the first that matches counts."""

_BY_FIRST: Final = {
    first: tuple(form for form in FORMS if first in form.firsts)
    for first in {letter for form in FORMS for letter in form.firsts}
}


def shaped(text: str) -> Shaped | None:
    """What the form of a line gives; ``None`` if it is a header and a message.

    >>> shaped("E0304 02:00:00.123456       1 controller.go:114] loading failed").line[:3]
    ('ERROR', 'controller.go:114', 'loading failed')
    """
    forms = _BY_FIRST.get(text[:1])
    if forms:
        start = text[:MAX_START]
        for form in forms:
            if form.holds in start and (found := form.pattern.match(text)):
                return form.read(found)
    return None
