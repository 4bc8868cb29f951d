"""The series that a labelled metric becomes: one item, and a name that keeps the other labels.

``http_requests_total{service="order",code="500"}`` is ``http_requests_total{code="500"}`` of the item
``order``. Counters end in ``_total``, whatever their sender calls them, because that is how everything
further on knows a counter (`features.counters`).
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from telemetry.batches import SeriesKey
from telemetry.decoders.gathering import BadSampleError, check_name
from telemetry.names import CONTROL, MAX_NAME_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    FindItem = Callable[[Mapping[str, str]], tuple[str, str]]
    Mask = Callable[[Mapping[str, str]], Mapping[str, str]]

NAME = "__name__"
BOUND = "le"
COUNTER_ENDING = "_total"
VALUE_ENDING = "_value"
NO_ITEM = "unmatched"
"""Item of series whose labels name none, so that they are kept and seen."""

LABEL = re.compile(r'([^=,{"]+)="((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r"\\(.)")

DIGEST_LENGTH = 12
MAX_SHOWN = MAX_NAME_LENGTH // len('="",')
"""Labels of which a name that is not too long has room for some; of the others it has a digest."""


class Kind(StrEnum):
    """What a sender says a metric is."""

    UNKNOWN = "unknown"
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class Piece(StrEnum):
    """What a series holds of a histogram or a summary."""

    BUCKET = "bucket"
    SUM = "sum"
    COUNT = "count"


class Part(NamedTuple):
    """A series that is one piece of a histogram or a summary.

    Attributes
    ----------
    whole
        The histogram or summary.
    piece
        What the series holds of it.
    bound
        Upper bound of a bucket, in the unit of the metric; 0 for the others.
    """

    whole: SeriesKey
    piece: Piece
    bound: float = 0.0


class Series(NamedTuple):
    """What a labelled metric becomes.

    Attributes
    ----------
    key
        The series under which its samples are stored; ``None`` if only the whole that it is part of is.
    part
        Which part of a histogram or a summary it is, if it is one.
    """

    key: SeriesKey | None
    part: Part | None = None


class Namer:
    """Names the series of labelled metrics.

    Parameters
    ----------
    find_item
        Returns the item that labels are about and the label that named it, empty where none does.
    mask
        Returns labels without secrets and personal data, which would be shown as the series' name.
    """

    def __init__(self, find_item: FindItem, mask: Mask = dict) -> None:
        self._find_item = find_item
        self._mask = mask

    def series(self, labels: Mapping[str, str], kind: Kind = Kind.UNKNOWN) -> Series:
        """The series of a metric in Prometheus's form: its name is the label ``__name__``.

        Without a kind, names decide: ``_total`` is a counter, and ``_bucket``, ``_sum`` and ``_count`` are
        parts of a histogram or a summary.

        Raises
        ------
        BadSampleError
            If there is no name, the item's name is invalid, or a bucket has no bound.
        """
        name = labels.get(NAME, "")
        if not name:
            raise BadSampleError("the series has no name")
        if kind in {Kind.UNKNOWN, Kind.HISTOGRAM, Kind.SUMMARY}:
            for piece in Piece:
                whole = name.removesuffix(f"_{piece}")
                if whole not in {name, ""} and (piece is not Piece.BUCKET or BOUND in labels):
                    return self._part(labels, whole, piece)
        return Series(self.key(name, labels, kind))

    def whole(self, labels: Mapping[str, str]) -> Series:
        """The histogram that labels in Prometheus's form name, sent complete.

        Raises
        ------
        BadSampleError
            If there is no name, or the item's name is invalid.
        """
        return Series(self.key(labels.get(NAME, ""), labels))

    def key(self, name: str, labels: Mapping[str, str], kind: Kind = Kind.UNKNOWN) -> SeriesKey:
        """Item and metric of a named metric; labels that are empty or begin with ``__`` are left out.

        Raises
        ------
        BadSampleError
            If the name of the metric or of the item is invalid.
        """
        item, used = self._find_item(labels)
        item = item or NO_ITEM
        check_name("item", item)
        check_name("metric", name[:MAX_NAME_LENGTH])
        name = _ending_in_its_kind(name, kind)
        kept = sorted(each for each in labels if each != used and not each.startswith("__") and labels[each])
        shown = self._mask({each: labels[each] for each in kept[:MAX_SHOWN]})
        return SeriesKey(item, metric_text(name, {each: labels[each] for each in kept} | dict(shown)))

    def _part(self, labels: Mapping[str, str], whole: str, piece: Piece) -> Series:
        others = {name: text for name, text in labels.items() if name != BOUND}
        part = Part(self.key(whole, others), piece)
        if piece is Piece.COUNT:
            return Series(self.key(f"{whole}_{piece}", others, Kind.COUNTER), part)
        if piece is Piece.SUM:
            return Series(None, part)
        try:
            return Series(None, part._replace(bound=float(labels[BOUND])))
        except ValueError as error:
            raise BadSampleError(f"the bucket's bound {labels[BOUND]!a} is not a number") from error


def labels_of(texts: Sequence[str]) -> dict[str, str]:
    """Labels of names and values in turn.

    Raises
    ------
    BadSampleError
        If a name is given twice, or a NUL is in one of the texts.
    """
    labels = dict(zip(texts[::2], texts[1::2], strict=True))
    if 2 * len(labels) != len(texts):
        raise BadSampleError("a label is given twice")
    if any("\0" in text for text in texts):
        raise BadSampleError("a label holds a NUL")
    return labels


def metric_text(name: str, labels: Mapping[str, str]) -> str:
    """A metric's name with its labels in order; one that is too long ends in a digest of it all.

    >>> metric_text("requests_total", {"method": "GET", "code": "200", "empty": ""})
    'requests_total{code="200",method="GET"}'
    """
    pairs = ",".join(f'{each}="{_escaped(labels[each])}"' for each in sorted(labels) if labels[each])
    text = f"{name}{{{pairs}}}" if pairs else name
    text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(text) <= MAX_NAME_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{text[: MAX_NAME_LENGTH - DIGEST_LENGTH - 1]}…{digest}"


def labels_in(metric: str) -> dict[str, str]:
    r"""The labels that a metric's name keeps; of one that ends in a digest, those that are whole.

    >>> labels_in('requests_total{code="200",path="/a\\"b"}')
    {'code': '200', 'path': '/a"b'}
    """
    labels = metric.partition("{")[2]
    if "\\" not in labels:
        return dict(LABEL.findall(labels))
    return {
        name: ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)
        for name, text in LABEL.findall(labels)
    }


def with_suffix(metric: str, suffix: str) -> str:
    """A metric with a suffix on its name, before the labels.

    >>> with_suffix('latency_s{code="200"}', "_p99")
    'latency_s_p99{code="200"}'
    """
    name, brace, labels = metric.partition("{")
    return f"{name}{suffix}{brace}{labels}"


def with_label(metric: str, name: str, value: str) -> str:
    """A metric with one more label.

    >>> with_label("latency_s", "quantile", "0.5"), with_label('latency_s{code="200"}', "quantile", "0.5")
    ('latency_s{quantile="0.5"}', 'latency_s{code="200",quantile="0.5"}')
    """
    name_of_metric, brace, labels = metric.partition("{")
    others = f"{labels.removesuffix('}')}," if brace else ""
    return f'{name_of_metric}{{{others}{name}="{value}"}}'


def _ending_in_its_kind(name: str, kind: Kind) -> str:
    is_called_counter = name.endswith(COUNTER_ENDING)
    if kind is Kind.COUNTER and not is_called_counter:
        return name + COUNTER_ENDING
    if kind is Kind.GAUGE and is_called_counter:
        return name + VALUE_ENDING
    return name


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
