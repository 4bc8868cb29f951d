"""Questions to Prometheus: what each answer becomes, and which failures can be helped."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_answers import Given, a_prometheus, failure, matrix, success, ticks_of, vector

from telemetry.decoders.prometheus_answers import range_answer
from telemetry.errors import BadBatchError, QueryError, SourceBusyError, TooMuchAskedError
from telemetry.metric_names import Namer
from telemetry.prometheus_api import BadSelectorError, Limits, PrometheusApi, Ticks, narrowed, one_of
from telemetry.series_book import SeriesBook

if TYPE_CHECKING:
    from prometheus_answers import Answering

    from telemetry.decoders.prometheus_answers import RangeAnswer

AT_MS = 1_773_000_000_000
TICKS = Ticks(AT_MS, AT_MS + 180_000, 60_000)
UP = {"__name__": "up", "job": "order", "instance": "a:1"}


def a_book() -> SeriesBook:
    return SeriesBook(Namer(lambda labels: (labels.get("job", ""), "job")))


def asked(answer: Answering, *, limits: Limits | None = None) -> RangeAnswer:
    with a_prometheus(answer) as (address, _), httpx2.Client(trust_env=False) as client:
        return PrometheusApi(client, address, limits=limits).values('{job="order"}', TICKS, a_book())


def test_a_tick_is_asked_for_at_its_end_and_named_as_by_remote_write() -> None:
    with (
        a_prometheus(lambda each: matrix((UP, [(at, "1") for at in ticks_of(each)]))) as (address, requests),
        httpx2.Client(trust_env=False) as client,
    ):
        found = PrometheusApi(client, f"{address}/").values('{job="order"}', TICKS, a_book())
    assert found.labelled.samples.keys == (("order", 'up{instance="a:1"}'),)
    assert found.labelled.samples.time_ms.tolist() == [AT_MS + 59_999, AT_MS + 119_999, AT_MS + 179_999]
    assert requests[0].path == "/api/v1/query_range"
    assert requests[0].parameters["query"] == 'last_over_time({job="order"}[60000ms])'


def test_what_says_nothing_or_cannot_be_named_is_left_out_and_counted() -> None:
    values = [(AT_MS / 1000, text) for text in ("NaN", "+Inf", "-Inf", "1e3")]
    labels = {"job": "order"}
    found = asked(lambda _: matrix((UP, values), (labels, values[:1]), warnings=["a store is away"]))
    assert found.labelled.samples.values.tolist() == [1000.0]
    assert (found.labelled.n_without_value, found.labelled.n_rejected) == (3, 1)
    assert found.warnings == ("a store is away",)


def test_native_histograms_are_counted_and_left_out() -> None:
    native = {"metric": UP, "histograms": [[AT_MS / 1000, {"count": "1", "sum": "2", "buckets": []}]]}
    found = asked(lambda _: success({"resultType": "matrix", "result": [native]}))
    assert (found.n_native, len(found.labelled.samples)) == (1, 0)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (
            failure(422, "execution", "query would load too many samples"),
            TooMuchAskedError,
            "422",
        ),
        (
            failure(400, "bad_data", "exceeded resolution of 11,000 points"),
            TooMuchAskedError,
            "11,000",
        ),
        (failure(422, "execution", "found duplicate series"), QueryError, "duplicate"),
        (failure(400, "bad_data", "parse error: unexpected end"), QueryError, "parse error"),
        (failure(503, "timeout", "query timed out"), SourceBusyError, "timed out"),
        (Given(429), SourceBusyError, "429"),
        (Given(401, b"who are you"), QueryError, "other credentials"),
        (Given(403), QueryError, "other credentials"),
        (Given(404, b"<html>"), QueryError, "lack a path"),
        (Given(302, headers={"Location": "/login"}), QueryError, "redirects are not followed"),
        (Given(200, b"<html>hello</html>"), QueryError, "is this the address of Prometheus"),
        (vector({"up": 1}), QueryError, "is this the address of Prometheus"),
        (success([1, 2]), QueryError, "is this the address of Prometheus"),
        (Given(200, b'{"status":"success","data":{"resultType"', length=900), SourceBusyError, "127.0.0.1"),
        (Given(200, b"not gzip", {"Content-Encoding": "gzip"}), QueryError, "not compressed"),
        (Given(200, b"\xff\xfe\x00"), QueryError, "is this the address of Prometheus"),
    ],
)
def test_a_failure_says_what_it_is_and_whether_it_can_be_helped(
    answer: Given, kind: type[QueryError], says: str
) -> None:
    with pytest.raises(QueryError, match="cannot read metrics from") as caught:
        asked(lambda _: answer)
    assert type(caught.value) is kind
    assert says in str(caught.value)


def test_a_wrong_address_is_named_without_its_password() -> None:
    with httpx2.Client(trust_env=False, timeout=5) as client:
        for address in ("http://ann:s3cr3t@127.0.0.1:1", "ftp://ann:s3cr3t@host", "nonsense"):
            with pytest.raises(QueryError) as caught:
                PrometheusApi(client, address).metric_names("up", start_ms=0, end_ms=1)
            assert "s3cr3t" not in str(caught.value)


def test_a_long_answer_and_a_decompression_bomb_end_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    limits = Limits(max_bytes=100_000)
    for answer in (Given(200, bytes(200_000)), Given(200, bomb, {"Content-Encoding": "gzip"})):
        with pytest.raises(TooMuchAskedError, match="longer than 100,000 bytes"):
            asked(lambda _, answer=answer: answer, limits=limits)


def test_names_and_counts_are_read() -> None:
    with (
        a_prometheus(lambda each: vector({"up": 3}) if "query" in each.path else success(["up", "b"])) as (
            address,
            _,
        ),
        httpx2.Client(trust_env=False) as client,
    ):
        api = PrometheusApi(client, address)
        assert api.metric_names("{}", start_ms=AT_MS, end_ms=AT_MS) == ["b", "up"]
        assert api.series_counts("{}", at_ms=AT_MS) == {"up": 3}


def test_selectors_keep_their_matchers() -> None:
    assert narrowed("up", ["up"]) == '{__name__=~"up",__name__="up"}'
    assert narrowed('up{job="a",}', ["x"]) == '{__name__=~"x",__name__="up",job="a"}'
    assert one_of("item", ["a", "b"], ending="(:[0-9]+)?") == 'item=~"(?:a|b)(:[0-9]+)?"'
    for text in ("", "sum(up)", "up[5m]", 'up{job="a"} or x'):
        with pytest.raises(BadSelectorError):
            narrowed(text, ["up"])


KEYS = st.sampled_from(["status", "data", "resultType", "result", "metric", "values"])
DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.sampled_from(["success", "matrix"]) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


@given(st.binary() | DOCUMENTS.map(lambda each: json.dumps(each).encode()))
def test_any_body_is_an_answer_or_a_clear_error(body: bytes) -> None:
    with suppress(BadBatchError):
        range_answer(body, a_book())
