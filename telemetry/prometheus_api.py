"""Questions to Prometheus, VictoriaMetrics or Thanos: which metrics there are, and their values tick by tick.

A tick's value is the last sample in it, as of samples that were sent. So a tick is asked for at its last
millisecond, and by ``last_over_time`` over its length: a plain selector would look back five minutes, and
fill ticks in which nothing was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import httpx2

from telemetry.addresses import shown_address
from telemetry.decoders.prometheus_answers import counts_answer, error_of, range_answer, texts_answer
from telemetry.errors import BadBatchError, QueryError, SourceBusyError, TooMuchAskedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from telemetry.decoders.prometheus_answers import RangeAnswer
    from telemetry.series_book import SeriesBook

EVERY = '{__name__!=""}'
MAX_ANSWER_BYTES = 32 * 2**20
MAX_POINTS = 11_000
"""Most ticks of a series that Prometheus answers at once."""

TOO_MUCH = re.compile(
    r"too many|exceed|maximum resolution|limit|too large|would load|out of memory", re.IGNORECASE
)
SHOWN_CHARACTERS = 300
SELECTOR = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)?\s*(?:\{(?P<matchers>.*)\})?", re.DOTALL)


class BadSelectorError(ValueError):
    """A selector that is not of the form ``name{label="value"}``."""

    def __init__(self, selector: str) -> None:
        super().__init__(f"{selector!r} is not a selector such as '{{job=\"apps\"}}'")
        self.selector = selector


class Ticks(NamedTuple):
    """Ticks that are asked for: from ``start_ms``, a multiple of the step, to ``end_ms``, exclusive."""

    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def n_ticks(self) -> int:
        """Number of the ticks."""
        return (self.end_ms - self.start_ms) // self.step_ms


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one question.

    Attributes
    ----------
    max_bytes
        Most bytes of an answer, decompressed.
    note_bytes
        Told how many bytes were read; what it raises ends the question.
    """

    max_bytes: int = MAX_ANSWER_BYTES
    note_bytes: Callable[[int], None] = lambda _n_bytes: None


class PrometheusApi:
    """Asks one source; safe to use from many threads.

    Parameters
    ----------
    client
        Sends the requests; with the credentials, if the source asks for any.
    address
        Address of the source, with the path in front of ``/api/v1`` if there is one.
    """

    def __init__(self, client: httpx2.Client, address: str, *, limits: Limits | None = None) -> None:
        self._client = client
        self._address = address.rstrip("/")
        self._limits = limits or Limits()
        self.shown = shown_address(self._address)

    def metric_names(self, selector: str, *, start_ms: int, end_ms: int) -> list[str]:
        """Names of the metrics that match in a time, in order.

        Raises
        ------
        QueryError
            If there is no answer that can be used.
        """
        asked = {"match[]": selector, "start": _seconds(start_ms), "end": _seconds(end_ms)}
        body = self._ask("GET", "/api/v1/label/__name__/values", asked)
        try:
            return sorted({each for each in texts_answer(body) if each})
        except BadBatchError as error:
            raise self._unreadable(error) from error

    def series_counts(self, selector: str, *, at_ms: int) -> dict[str, int]:
        """Number of series by metric at an instant; a metric without any is left out.

        Raises
        ------
        QueryError
            As for `metric_names`.
        """
        asked = {"query": f"count by (__name__) ({selector})", "time": _seconds(at_ms)}
        try:
            return counts_answer(self._ask("POST", "/api/v1/query", asked), "__name__")
        except BadBatchError as error:
            raise self._unreadable(error) from error

    def values(self, selector: str, ticks: Ticks, book: SeriesBook) -> RangeAnswer:
        """Last sample of each tick, stamped with the last millisecond of the tick.

        Raises
        ------
        TooMuchAskedError
            If it is too much for the source, or the answer is longer than allowed.
        SourceBusyError
            If the source may answer later.
        QueryError
            If it never will.
        """
        asked = {
            "query": f"last_over_time({selector}[{ticks.step_ms}ms])",
            "start": _seconds(ticks.start_ms + ticks.step_ms - 1),
            "end": _seconds(ticks.end_ms - 1),
            "step": _seconds(ticks.step_ms),
            "nocache": "1",  # VictoriaMetrics would else move the ticks
        }
        body = self._ask("POST", "/api/v1/query_range", asked)
        try:
            return range_answer(body, book)
        except BadBatchError as error:
            raise self._unreadable(error) from error

    def _ask(self, method: str, path: str, asked: Mapping[str, str]) -> bytes:
        parameters, form = (asked, None) if method == "GET" else (None, asked)
        try:
            with self._client.stream(method, self._address + path, params=parameters, data=form) as answer:
                body = self._body(answer)
        except httpx2.InvalidURL as error:
            raise QueryError(self.shown, "the address is not one") from error
        except httpx2.UnsupportedProtocol as error:
            raise QueryError(self.shown, "the address must begin with http:// or https://") from error
        except httpx2.DecodingError as error:
            raise QueryError(self.shown, "its answer is not compressed as it says") from error
        except httpx2.HTTPError as error:
            raise SourceBusyError(self.shown, shown_address(str(error)) or type(error).__name__) from error
        self._check(answer, body)
        return body

    def _body(self, answer: httpx2.Response) -> bytes:
        body = bytearray()
        for piece in answer.iter_bytes():
            self._limits.note_bytes(len(piece))
            body += piece
            if len(body) > self._limits.max_bytes:
                reason = f"its answer is longer than {self._limits.max_bytes:,} bytes"
                raise TooMuchAskedError(self.shown, reason)
        return bytes(body)

    def _check(self, answer: httpx2.Response, body: bytes) -> None:
        if answer.is_success:
            return
        status = f"it answered {answer.status_code} {answer.reason_phrase}".rstrip()
        said = error_of(body)[:SHOWN_CHARACTERS]
        reason = f"{status}: {said}" if said else status
        if answer.status_code in {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}:
            raise QueryError(self.shown, f"{status}: it asks for other credentials")
        if answer.status_code in {httpx2.codes.BAD_REQUEST, httpx2.codes.UNPROCESSABLE_CONTENT}:
            raise (TooMuchAskedError if TOO_MUCH.search(said) else QueryError)(self.shown, reason)
        if answer.status_code == httpx2.codes.CONTENT_TOO_LARGE:
            raise TooMuchAskedError(self.shown, reason)
        if answer.is_server_error or answer.status_code in {
            httpx2.codes.REQUEST_TIMEOUT,
            httpx2.codes.TOO_MANY_REQUESTS,
        }:
            raise SourceBusyError(self.shown, reason)
        if answer.is_redirect:
            reason = f"{status}, and redirects are not followed; give the address that it leads to"
        elif not said:
            reason = f"{status}; Prometheus's API is not there: does the address lack a path before /api/v1?"
        raise QueryError(self.shown, reason)

    def _unreadable(self, error: BadBatchError) -> QueryError:
        return QueryError(self.shown, f"{error.reason}; is this the address of Prometheus?")


def narrowed(selector: str, names: Iterable[str]) -> str:
    r"""The selector of the series that match another and have one of some names.

    Raises
    ------
    BadSelectorError
        If the other one cannot be read.

    Examples
    --------
    >>> narrowed('{job="apps"}', ["up", "http.requests"])
    '{__name__=~"up|http\\\\.requests",job="apps"}'
    """
    found = SELECTOR.fullmatch(selector.strip())
    if found is None or not selector.strip():
        raise BadSelectorError(selector)
    matchers = (found["matchers"] or "").strip().removesuffix(",")
    own = [f'__name__="{found["name"]}"'] if found["name"] else []
    return "{" + ",".join([one_of("__name__", names), *own, *([matchers] if matchers else [])]) + "}"


def one_of(label: str, texts: Iterable[str], *, ending: str = "") -> str:
    r"""The matcher of a label that has one of some values, and an ending by a regular expression.

    >>> one_of("job", ["a.b", 'c"d'])
    'job=~"a\\\\.b|c\\"d"'
    """
    pattern = "|".join(re.escape(each) for each in texts)
    pattern = f"(?:{pattern}){ending}" if ending else pattern
    quoted = pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{label}=~"{quoted}"'


def _seconds(at_ms: int) -> str:
    return f"{at_ms / 1000:.3f}"
