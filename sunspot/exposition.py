"""Reads a Prometheus text exposition: the series that it would become in Sunspot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from cmdb.naming import item_named_by
from telemetry.decoders.gathering import BadSampleError
from telemetry.metric_names import NAME, NO_ITEM, Kind, Namer, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from telemetry.batches import SeriesKey

MAX_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 30.0
ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=1"
KINDS = {
    "counter": Kind.COUNTER,
    "gauge": Kind.GAUGE,
    "histogram": Kind.HISTOGRAM,
    "summary": Kind.SUMMARY,
}


class BadExpositionError(ValueError):
    """A text that is no exposition, or an address that gives none."""


class Exposed(NamedTuple):
    """The series of an exposition.

    Attributes
    ----------
    keys
        Each once.
    items_by_label
        Number of items that each label named; an empty label for series that name none.
    """

    keys: tuple[SeriesKey, ...]
    items_by_label: Mapping[str, int]


def fetch(url: str) -> str:
    """The text at an address.

    Raises
    ------
    BadExpositionError
        If there is no answer, an error, or one that is too long.
    """
    import httpx2

    read = bytearray()
    try:
        with httpx2.stream("GET", url, headers={"accept": ACCEPT}, timeout=TIMEOUT_S) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise BadExpositionError(f"{url} answers {answer.status_code}")
            for chunk in answer.iter_bytes():
                read += chunk
                if len(read) > MAX_BYTES:
                    raise BadExpositionError(f"{url} gives more than {MAX_BYTES} bytes")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise BadExpositionError(f"{url} cannot be read: {error}") from error
    return read.decode("utf-8", "replace")


def address_of(url: str) -> str:
    """Host and port of an address, which a scrape gives its samples as the label ``instance``.

    >>> address_of("http://order:8080/metrics")
    'order:8080'
    """
    return urlsplit(url).netloc.rpartition("@")[2]


def series_in(text: str, *, added: Mapping[str, str], item_labels: Sequence[str]) -> Exposed:
    """The series that a text in Prometheus's or OpenMetrics's form becomes.

    Parameters
    ----------
    added
        Labels that the scrape adds where a sample has none of that name.
    item_labels
        Labels that may name the item, best first.

    Raises
    ------
    BadExpositionError
        If it is in neither form.
    """
    named_by: dict[str, str] = {}

    def find_item(labels: Mapping[str, str]) -> tuple[str, str]:
        item, label = item_named_by(labels, items=(), item_labels=item_labels)
        named_by[item or NO_ITEM] = label
        return item, label

    parse = open_metrics if text.rstrip().endswith("# EOF") else text_format
    keys: dict[SeriesKey, None] = {}
    try:
        for family in parse(text):
            keys.update(dict.fromkeys(_keys(family, Namer(find_item), added)))
    except (ValueError, IndexError, KeyError) as error:  # the parser's, or BadSampleError
        raise BadExpositionError(f"it is not in the form of Prometheus: {error}") from error
    labels = list(named_by.values())
    return Exposed(tuple(keys), {label: labels.count(label) for label in sorted(set(labels))})


def _keys(family: Metric, namer: Namer, added: Mapping[str, str]) -> Iterator[SeriesKey]:
    kind = KINDS.get(family.type, Kind.UNKNOWN)
    for sample in family.samples:
        if sample.name.endswith("_created"):
            continue
        try:
            series = namer.series({**added, **sample.labels, NAME: sample.name}, kind)
        except BadSampleError as error:
            raise BadExpositionError(f"{sample.name}: {error}") from error
        if series.key is not None:
            yield series.key
        if series.part is not None:
            whole = series.part.whole
            yield whole._replace(metric=with_suffix(whole.metric, "_mean"))
