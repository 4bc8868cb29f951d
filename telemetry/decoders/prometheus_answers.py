"""Answers of Prometheus's query API, which VictoriaMetrics and Thanos speak, too.

Prometheus, "HTTP API", sections "Format overview" and "Expression query result formats". Series get the item
and the name that they would have got by remote write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec

from telemetry.decoders.gathering import EARLIEST_MS, LATEST_MS, BadSampleError
from telemetry.decoders.labelled import LabelledGathering
from telemetry.errors import BadBatchError
from telemetry.metric_names import labels_of

if TYPE_CHECKING:
    from telemetry.decoders.labelled import Labelled
    from telemetry.metric_names import Namer, Series
    from telemetry.series_book import SeriesBook


Kind = TypeVar("Kind")


class _Answer(msgspec.Struct):
    status: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    warnings: list[str] = []


class _Series(msgspec.Struct):
    metric: dict[str, str] = {}
    values: list[tuple[float, str]] = []
    histograms: list[msgspec.Raw] = []


class _Matrix(msgspec.Struct, tag_field="resultType", tag="matrix"):
    result: list[_Series]


class _Counted(msgspec.Struct):
    value: tuple[float, str]
    metric: dict[str, str] = {}


class _Vector(msgspec.Struct, tag_field="resultType", tag="vector"):
    result: list[_Counted]


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """What a range query brought.

    Attributes
    ----------
    labelled
        Its samples, and parts of histograms.
    n_native
        Native histograms among it, which are left out.
    warnings
        What the source says about its answer, such as that a store behind it did not answer.
    """

    labelled: Labelled
    n_native: int = 0
    warnings: tuple[str, ...] = ()


def range_answer(body: bytes, book: SeriesBook) -> RangeAnswer:
    """The matrix that answers a range query.

    Raises
    ------
    BadBatchError
        If it is none.
    """
    answer = _read(body)
    matrix = _decoded(answer.data, _Matrix)
    page, gathering, n_native = book.page(), LabelledGathering(), 0
    for series in matrix.result:
        n_native += len(series.histograms)
        texts = [text for name in sorted(series.metric) for text in (name, series.metric[name])]
        if not series.values:
            continue
        try:
            number = page.learn("\0".join(texts), partial(_named, texts, book.namer))
        except BadSampleError as error:
            gathering.refuse(str(error), len(series.values))
            continue
        for at_s, text in series.values:
            gathering.add(number, _milliseconds(at_s), _number(text))
    return RangeAnswer(gathering.labelled(page.series), n_native, tuple(answer.warnings))


def texts_answer(body: bytes) -> list[str]:
    """The values of a label.

    Raises
    ------
    BadBatchError
        If it is no list of texts.
    """
    return _decoded(_read(body).data, list[str])


def counts_answer(body: bytes, label: str) -> dict[str, int]:
    """The vector of a query that counts, by the value of a label.

    Raises
    ------
    BadBatchError
        If it is none.
    """
    found = _decoded(_read(body).data, _Vector).result
    return {each.metric.get(label, ""): max(1, int(_number(each.value[1], otherwise=1.0))) for each in found}


def error_of(body: bytes) -> str:
    """The reason that an answer gives for a failure; empty if it is no such answer.

    >>> error_of(b'{"status":"error","errorType":"execution","error":"too many samples"}')
    'too many samples'
    """
    try:
        return msgspec.json.decode(body, type=_Answer).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _named(texts: list[str], namer: Namer) -> Series:
    return namer.series(labels_of(texts))


def _read(body: bytes) -> _Answer:
    answer = _decoded(body, _Answer)
    if answer.status != "success":
        raise BadBatchError(answer.error or "its status is not success")
    return answer


def _decoded(body: bytes | msgspec.Raw, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadBatchError(f"it is not an answer of Prometheus: {error}") from error


def _milliseconds(at_s: float) -> int:
    is_plausible = EARLIEST_MS <= at_s * 1000 < LATEST_MS
    return round(at_s * 1000) if is_plausible else 0


def _number(text: str, otherwise: float = float("nan")) -> float:
    """A value, which is text because JSON has no infinity; what is no number says nothing."""
    try:
        return float(text)
    except ValueError:
        return otherwise
