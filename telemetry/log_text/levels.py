"""Levels in the spellings and numbers of many loggers, as one of `telemetry.logs.SEVERITIES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPELLINGS: Final = {
    "TRACE": "TRACE TRC TRAC TRCE VERBOSE VRB FINEST FINER SILLY T V 跟踪 追踪",
    "DEBUG": "DEBUG DBG DBUG DEBU DEBUG1 DEBUG2 DEBUG3 DEBUG4 DEBUG5 FINE D 调试",
    "INFO": "INFO INF INFORMATION INFORMATIONAL NOTICE NOTE LOG CONFIG SUCCESS OK SYSTEM I N 信息 提示 通知",
    "WARN": "WARN WRN WARNING DEPRECATED W 警告 告警",
    "ERROR": "ERROR ERR ERRO EROR SEVERE FAIL FAILURE E 错误 异常",
    "FATAL": "FATAL FATA FTL CRITICAL CRIT CRI ALERT EMERG EMERGENCY PANIC PANI DPANIC F C A 严重 致命 紧急",
}
_OPENTELEMETRY: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

NAMED: Final = {word: severity for severity, words in _SPELLINGS.items() for word in words.split()} | {
    f"{severity}{n}": severity for severity in _OPENTELEMETRY for n in (2, 3, 4)
}
"""Severity by level, in capitals: for fields that hold a level, and for words that are marked as one."""

LOUD: Final = {
    word: NAMED[word]
    for word in (
        *(
            "TRACE",
            "DEBUG",
            "INFO",
            "NOTICE",
            "WARN",
            "WARNING",
            "ERROR",
            "ERR",
            "SEVERE",
            "FATAL",
            "CRITICAL",
        ),
        *("CRIT", "ALERT", "EMERG", "PANIC", "TRC", "DBG", "INF", "WRN", "FTL", "ERRO", "DEBU", "FATA"),
    )
}
"""Levels that a word in capitals is even where nothing marks it."""

PLAIN: Final = {
    spelling: NAMED[word]
    for word in (
        *("TRACE", "DEBUG", "INFO", "INFORMATION", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "SEVERE"),
        *("FATAL", "CRITICAL", "PANIC"),
    )
    for spelling in (word.lower(), word.capitalize())
}
"""Levels that the first word of a message is in other letters: a hint, and still a part of the message."""

SYSLOG: Final = ("FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG")
"""Severity by the number of RFC 5424, from emergency to debug."""

MAX_LENGTH: Final = 16


def severity_of(level: object) -> str:
    """One of `telemetry.logs.SEVERITIES` for a level in any sender's spelling; empty if it is unknown.

    Numbers up to 7 are those of syslog, which GELF and journald use; from 10 on those of pino and bunyan.

    >>> severity_of("warning"), severity_of("notice"), severity_of(50), severity_of("blue")
    ('WARN', 'INFO', 'ERROR', '')
    """
    if isinstance(level, str):
        if len(level) > MAX_LENGTH:
            return ""
        found = NAMED.get(level) or NAMED.get(level.strip().upper())
        if found is None and level.isascii() and level.isdigit():
            return severity_of(int(level))
        return found or ""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 <= level < 70:  # noqa: PLR2004
        return ""
    number = int(level)
    if number < len(SYSLOG):
        return SYSLOG[number]
    return _OPENTELEMETRY[number // 10 - 1] if number >= 10 else ""  # noqa: PLR2004


def severity_of_opentelemetry(number: object) -> str:
    """Severity for a number from 1 to 24, four for each: OpenTelemetry, Logs Data Model.

    >>> severity_of_opentelemetry(17), severity_of_opentelemetry("9"), severity_of_opentelemetry(0)
    ('ERROR', 'INFO', '')
    """
    level = _integer(number)
    return _OPENTELEMETRY[(level - 1) // 4] if 0 < level <= 4 * len(_OPENTELEMETRY) else ""


def severity_of_python(number: object) -> str:
    """Severity for Python's ``levelno``, whose 40 is an error."""
    return _PYTHON.get(_integer(number), "")


def severity_of_logback(number: object) -> str:
    """Severity for logback's ``level_value``, such as 40000 for an error."""
    return _PYTHON.get(_integer(number) // 1000, "")


def severity_of_syslog(number: object) -> str:
    """Severity for a number from 0 to 7, RFC 5424.

    >>> severity_of_syslog("3")
    'ERROR'
    """
    level = _integer(number)
    return SYSLOG[level] if 0 <= level < len(SYSLOG) else ""


_PYTHON: Final[Mapping[int, str]] = {
    5: "TRACE",
    10: "DEBUG",
    20: "INFO",
    25: "INFO",
    30: "WARN",
    40: "ERROR",
    50: "FATAL",
}


def _integer(number: object) -> int:
    """A whole number, given as one or in a text; -1 if it is none."""
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    if isinstance(number, str) and len(number) <= MAX_LENGTH and number.isascii() and number.isdigit():
        return int(number)
    return -1
