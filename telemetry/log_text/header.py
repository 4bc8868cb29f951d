"""What stands before the message of a plain line: time, level, logger, thread, process, ids.

Most loggers write the same parts in another order and with other brackets, so the parts are recognised one by
one until the message begins, instead of one expression per logger. Every expression is bounded.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from telemetry.instants import to_ms
from telemetry.log_text.levels import LOUD, NAMED, PLAIN
from telemetry.log_text.line import Line

MAX_PARTS: Final = 12
"""Parts of a header that are looked at."""

A_BILLION_SECONDS: Final = 1e9
"""A smaller number is the time since a machine started."""

MAX_HEADER: Final = 160
MAX_KNOWN: Final = 10_000
"""Headers up to their last mark that are remembered; it changes no answer."""

MAX_LEVEL: Final = 16
MAX_WORDS: Final = 3
"""Words before a level that may be names or threads."""

_ISO_TIME = re.compile(
    r"[\[(]?(\d{4}[-/.]\d\d[-/.]\d\d)(?:[T_]|\s{1,2})(\d\d:\d\d:\d\d(?:[.,:]\d{1,9})?) ?"
    r"(Z|UTC|GMT|[+-]\d\d:?\d\d)?(?:[\])]|:(?=\s)|(?![\w:,.]))\s*"
)
_EPOCH = re.compile(r"\[?\s{0,8}(\d{1,10}\.\d{3,9})(?:\]|(?![\w:]))\s*")
_OTHER_TIME = re.compile(
    r"""[\[(]?(?:
    \d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,9})?\ ?(?:[AP]M)?
    | \d{1,2}[-/](?:[A-Z][a-z]{2}|\d\d)[-/]\d{2,4}[ :]\d\d:\d\d:\d\d(?:[.,:]\d{1,9})?
        (?:\ (?:[+-]\d{4}|[A-Z]{3,4}))?
    | (?:\d{6}|\d{8})[ -]\d{1,2}:?\d\d:?\d\d(?:[.,]\d{1,9})?
    )(?:[\])]|:(?=\s)|(?![\w:,.]))\s*""",
    re.VERBOSE,
)
_WORDY_TIME = re.compile(
    r"\[?(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" {1,2}\d{1,2},?(?: \d{4})?"
    r" {1,2}\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?(?: [AP]M)?(?: [A-Z]{3,4})?(?: \d{4})?\]?\s*"
)
_PART = re.compile(
    r"(?:[\[【](?P<bracket>[^\[\]【】]{0,120})[\]】]:?"
    r"|<(?P<angle>[^<>\s]{0,60})>|\{(?P<brace>[^{}\"\s]{0,80})\}"
    r"|(?P<mark>\||(?:-{1,3}|[:*>])(?=\s|$))"
    r"|(?P<word>[^\s|]{1,120}))\s*"
)
_LOGGER = re.compile(
    r"(?:[A-Za-z_$][\w$-]{0,63}(?:(?:\.|::|/|\$)[\w$<>-]{1,64}){1,12}(?:[#:]\d{1,6})?|[\w-]{1,64}\.\w{1,5}:\d{1,6})"
    r"(?:\[\d{1,6}\])?$"
)
_NAMED = re.compile(r"[A-Za-z_$][\w.$/:-]{0,80}\s{1,40}(?:[:|]|-{1,3})\s")
_PROCESS = re.compile(
    r"(?:pid|tid|thread|proc)?[ :=]?\d{1,20}(?:[#:.](?:tid )?\d{1,20}){0,3}:?$", re.IGNORECASE
)
_TRACED = re.compile(
    r"(?P<service>[\w.-]{0,64}),(?:traceId=)?(?P<trace>[0-9a-f]{16,32})?,(?:spanId=)?(?:[0-9a-f]{16})?(?:,[\w]{0,5})?$"
)
_TRACE_AND_SPAN = re.compile(r"([0-9a-f]{32})-[0-9a-f]{16}$")
_APPLICATION = re.compile(r"\[([A-Za-z][\w.-]{0,63})\] \[")
_ZONES: Final = frozenset(
    {"UTC", "GMT", "CST", "CET", "CEST", "EST", "EDT", "PST", "PDT", "MSK", "JST", "HKT", "SGT"}
)
_TIME_FIRSTS: Final = frozenset("0123456789[(")
_LOGFMT: Final = frozenset({"level", "lvl", "severity", "msg", "message", "ts", "time", "caller"})
_BRACKETS: Final = frozenset("[<(【|")
_KNOWN: Final[dict[str, tuple[str, str, str, str]]] = {}
_ONE_LETTER: Final = frozenset("TVDIWEF")
_FILE_AND_LINE = re.compile(r"[\w./-]{1,100}\.\w{1,4}:\d{1,6}$")
_THREAD = re.compile(r"[A-Za-z][\w.:-]{0,80}-\d{1,8}$|[a-z]{2,16}\d{1,8}s?$")


def read_header(text: str, outer: Line) -> Line | None:
    """A plain line without the parts before its message; ``None`` if it begins with the message.

    >>> read_header("2026-03-04 10:00:00.123 ERROR 1 --- [main] c.x.Order : order 17 failed", Line())[:3]
    ('ERROR', 'c.x.Order', 'order 17 failed')
    >>> read_header("2026-03-04 10:00:00,123 - order - ERROR - failed", Line())[:3]
    ('ERROR', 'order', 'failed')
    """
    at, time_ms = _time_at_start(text, is_known=outer.time_ms is not None)
    if not at and not _begins_with_level(text):
        return None
    severity, logger, trace_id, service, body_at = _after_time(text, at)
    return Line(severity, logger, text[body_at:], trace_id, "", service, "", time_ms)


def _begins_with_level(text: str) -> bool:
    """Whether a line without a time may begin with a level."""
    if text[:1] in _BRACKETS:
        return True
    word = text[:MAX_LEVEL].partition(" ")[0]
    return word in LOUD or not word.isalnum() or not word.isascii()


def _after_time(text: str, at: int) -> tuple[str, str, str, str, int]:
    """Severity, logger, trace id and service of a header, and where the message begins."""
    end = text.find(" : ", at, at + MAX_HEADER) if at else -1
    if end < 0 < at:
        end = text.find(" - ", at, at + MAX_HEADER)
    start = text[at : end + 3] if end > 0 else ""
    if known := _KNOWN.get(start):
        return *known, end + 3
    header = _Header(text, at)
    header.read()
    found = header.severity, header.logger, header.trace_id, header.service
    if start and header.body_at == end + 3 and all(found[:2]) and start.count("[") == start.count("]"):
        if len(_KNOWN) >= MAX_KNOWN:
            _KNOWN.clear()
        _KNOWN[start] = found  # nothing behind the mark was looked at
    return *found, header.body_at


def hinted_severity(text: str) -> str:
    """The severity that the first word of a message hints at, such as ``Error``; often empty."""
    return PLAIN.get(text[:MAX_LEVEL].partition(" ")[0].rstrip(":,"), "")


def _time_at_start(text: str, *, is_known: bool) -> tuple[int, int | None]:
    """Where the time at the start of a line ends, and the instant if it has a zone and is not known yet."""
    first = text[:1]
    if first in _TIME_FIRSTS:
        if found := _ISO_TIME.match(text):
            return found.end(), None if is_known or found[3] is None else _instant_ms(found)
        if found := _OTHER_TIME.match(text):
            return found.end(), None
        if found := _EPOCH.match(text):
            seconds = float(found[1])
            return found.end(), int(seconds * 1000) if seconds > A_BILLION_SECONDS else None
    if text[first == "[" :][3:4] in {" ", ","} and (found := _WORDY_TIME.match(text)):
        return found.end(), None
    return 0, None


def _instant_ms(found: re.Match[str]) -> int | None:
    date, clock, zone = found.groups()
    if zone[0] not in "+-":
        zone = "+00:00"
    if date[4] != "-":
        date = date.replace(date[4], "-")
    try:
        return to_ms(datetime.fromisoformat(f"{date}T{clock.replace(',', '.')}{zone}"))
    except ValueError:
        return None


class _Header:
    """The parts of one header, and where the message begins."""

    def __init__(self, text: str, at: int) -> None:
        self.severity = self.logger = self.trace_id = self.service = ""
        self.body_at = self.next_at = self._start = at
        self._text = text
        self._n_words = 0
        self._name = ""
        self._word_at: int | None = None
        self._loose_at: int | None = None

    def read(self) -> None:
        """Read parts until the message begins; without a level it begins after the time."""
        at = self._start
        for _ in range(MAX_PARTS):
            part = _PART.match(self._text, at)
            if part is None:
                break
            kind = part.lastgroup
            if kind == "word":
                goes_on = self._read_word(part[kind], part)
            elif kind == "mark":
                goes_on = self._read_mark(part[kind], part.end())
            else:
                goes_on = self._read_bracket(part[kind or 0].strip(), part.end())
            if not goes_on:
                break
            at = max(part.end(), self.next_at)
        if not self.severity and self.body_at == self._start:
            self.logger = ""

    def _read_bracket(self, content: str, end: int) -> bool:
        if not self.severity and (level := _level_in_brackets(content)):
            return self._found_level(level, end)
        if not content or _PROCESS.match(content):
            pass
        elif "," in content and (traced := _TRACED.match(content)):
            self.service, self.trace_id = traced["service"] or self.service, traced["trace"] or self.trace_id
        elif traced := _TRACE_AND_SPAN.match(content):
            self.trace_id = traced[1]
        elif self.severity and not self.logger and _is_logger(content):
            self.logger = content
        else:
            return True  # a thread, or the message's own: what follows tells
        if self.severity:
            self.body_at = end
        return True

    def _read_mark(self, mark: str, end: int) -> bool:
        if not self.severity:
            if self._word_at is not None and self._word_at == self._loose_at:
                self._loose_at = None  # a column, not a word of the message
                self._name = self._text[self._word_at : end].rstrip("-:|> \t")
            self._word_at = None
            return True
        self.body_at = end
        if mark == "---" and (named := _APPLICATION.match(self._text, end)) and not _is_thread(named[1]):
            self.service = self.service or named[1]
        return mark in {"|", "---", "--"} or (not self.logger and _NAMED.match(self._text, end) is not None)

    def _read_word(self, word: str, part: re.Match[str]) -> bool:
        return self._read_after_level(word, part) if self.severity else self._read_before_level(word, part)

    def _read_before_level(self, word: str, part: re.Match[str]) -> bool:
        at, end = part.span("word")
        bare = word.strip("[](){}<>*:：,;!")
        if level := self._level_in_word(bare, is_marked=bare != word or self._is_column(end)):
            return self._found_level(level, part.end())
        if "=" in word:
            return self._read_pair(word)
        if _PROCESS.match(word) or (word in _ZONES and at == self._start):
            return True
        if at == self._start and word.endswith(":") and _FILE_AND_LINE.match(bare):
            self.logger, self.body_at = bare, part.end()
            return False
        if not at:
            return False  # neither a time nor a level at the start: a message
        self._n_words += 1
        self._word_at = at
        if not self._is_column(end) and self._loose_at is None and not _is_thread(word):
            self._loose_at = at
        return self._n_words <= MAX_WORDS

    def _read_pair(self, word: str) -> bool:
        """Read a field of a context that stands before the level; logfmt is not a header."""
        key, _, value = word.strip("[]{}(),;").partition("=")
        plain = key.lower().replace("_", "")
        if plain in {"traceid", "trace"}:
            self.trace_id = self.trace_id or value
        return plain not in _LOGFMT

    def _level_in_word(self, bare: str, *, is_marked: bool) -> str:
        """The level that a word is; a word that nothing marks must be in capitals, or Chinese."""
        if level := LOUD.get(bare):
            return level
        if self._loose_at is None and len(bare) > 1 and (is_marked or (self._start and not bare.isascii())):
            channel, _, last = bare.partition("/")[0].rpartition(".")
            self.logger = channel if last in LOUD else ""
            return LOUD.get(last, "") if channel else NAMED.get(last.upper(), "")
        return ""

    def _found_level(self, level: str, end: int) -> bool:
        self.severity = level
        if self._loose_at is not None:
            self.body_at = self._loose_at
            return False
        self.logger = self.logger or self._name
        again = None if self._start else _ISO_TIME.match(self._text, end)
        self.body_at = self.next_at = again.end() if again else end
        return True

    def _read_after_level(self, word: str, part: re.Match[str]) -> bool:
        end = part.end()
        bare = word.rstrip(":,")
        if not self.logger and _is_logger(bare):
            self.logger, self.body_at = bare, end
            return word == bare
        if _PROCESS.match(word):
            follows = self._text[end : end + 3]
            if "#" in word or follows.startswith(("[", "--")):
                self.body_at = end
                return True
            return False
        if self.logger and (_FILE_AND_LINE.match(bare) or (word[0] == "(" and _is_thread(word[1:-1]))):
            self.body_at = end
            return True
        if self.logger or not (self._is_column(part.end("word")) or _NAMED.match(self._text, part.start())):
            return False
        self.logger, self.body_at = bare, end
        return True

    def _is_column(self, end: int) -> bool:
        """Whether a tab comes next, and then no object."""
        return self._text[end : end + 1] == "\t" and self._text[end + 1 : end + 2] != "{"


def _level_in_brackets(content: str) -> str:
    """The level in the last word of a bracket, such as ``error`` or ``core:error``."""
    if len(content) > 40:  # noqa: PLR2004
        return ""
    word = content.rpartition(":")[2].rpartition(" ")[2].upper()
    return NAMED.get(word, "") if len(word) > 1 or word in _ONE_LETTER else ""


def _is_logger(word: str) -> bool:
    return ("." in word or "::" in word or "/" in word) and _LOGGER.match(word) is not None


def _is_thread(word: str) -> bool:
    return word == "main" or "@" in word or _THREAD.match(word) is not None or _is_logger(word.rstrip(":"))
