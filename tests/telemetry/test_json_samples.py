"""A JSON body yields its good samples, whatever is wrong with the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry.decoders.json_samples import decode
from telemetry.errors import BadBatchError

AT_MS = 1_772_589_600_000
GOOD = {"item": "order", "metric": "latency_s", "time_ms": AT_MS, "value": 0.21}


def body_of(*samples: object) -> bytes:
    return json.dumps({"samples": samples}).encode()


def rows(body: bytes) -> list[tuple[str, str, int, float]]:
    samples = decode(body).samples
    keys = [samples.keys[number] for number in samples.series]
    return [
        (*key, at, value)
        for key, at, value in zip(keys, samples.time_ms.tolist(), samples.values.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "time",
    [
        {"time_ms": AT_MS},
        {"time": "2026-03-04T02:00:00Z"},
        {"time": "2026-03-04T10:00:00+08:00"},
        {"time_ms": AT_MS, "time": None},
        {"time_ms": float(AT_MS)},
    ],
)
def test_a_row_is_read_with_either_time(time: dict[str, object]) -> None:
    row = {"item": "order", "metric": "latency_s", "value": 1, **time}
    assert rows(body_of(row)) == [("order", "latency_s", AT_MS, 1.0)]
    assert not decode(body_of(row)).rejected


def test_series_and_rows_share_their_keys() -> None:
    series = {"item": "order", "metric": "latency_s", "time_ms": [AT_MS, AT_MS + 1], "values": [1, 2.5]}
    found = decode(json.dumps({"samples": [GOOD], "series": [series]}).encode()).samples
    assert found.series.tolist() == [0, 0, 0]
    assert found.values.tolist() == [0.21, 1.0, 2.5]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"value": None}, "the value None is not a number"),
        ({"value": True}, "the value True is not a number"),
        ({"value": "0.2"}, "the value '0.2' is not a number"),
        ({"value": [1]}, "the value a list is not a number"),
        ({"value": float("nan")}, "the value nan is not finite"),
        ({"value": float("-inf")}, "the value -inf is not finite"),
        ({"value": 10**400}, "the value inf is not finite"),
        ({"item": None}, "the item None is not a name"),
        ({"item": ""}, "the item '' is not a name"),
        ({"metric": 7}, "the metric 7 is not a name"),
        ({"item": "x" * 257}, f"the item '{'x' * 39}… has over 256 characters"),
        ({"metric": "a\nb"}, "the metric 'a\\nb' holds a control character"),
        ({"metric": "\ud800"}, "the metric '\\ud800' holds a control character"),
        ({"time_ms": None}, "it has neither time nor time_ms"),
        ({"time_ms": 1_772_589_600}, "the time 1772589600 ms is not in the years 2000 to 2099"),
        ({"time_ms": 10**30}, "the time 1e+30 ms is not in the years 2000 to 2099"),
        ({"time_ms": 2**63}, "the time 9223372036854775808 ms is not in the years 2000 to 2099"),
        ({"time_ms": AT_MS + 0.5}, f"the time_ms {AT_MS}.5 is not a whole number"),
        ({"time_ms": float("nan")}, "the time_ms nan is not a whole number"),
        ({"time_ms": "now"}, "the time_ms 'now' is not a whole number"),
        (
            {"time_ms": None, "time": "2026-03-04T02:00:00"},
            "the time '2026-03-04T02:00:00' is not RFC 3339 with a time zone, as 2026-03-04T02:00:00Z",
        ),
        (
            {"time_ms": None, "time": "0001-01-01T00:00:00Z"},
            "the time -62135596800000 ms is not in the years",
        ),
        ({"time_ms": None, "time": 7}, "the time 7 is not RFC 3339"),
        ({"time_ms": None, "time": "2026\udc00"}, "the time '2026\\udc00' is not RFC 3339"),
    ],
)
def test_a_bad_sample_is_rejected_alone_with_its_reason(wrong: dict[str, object], reason: str) -> None:
    found = decode(body_of(GOOD, {**GOOD, **wrong}, GOOD))
    assert found.samples.values.tolist() == [0.21, 0.21]
    assert found.n_rejected == 1
    assert found.rejected[0].index == 1
    assert found.rejected[0].reason.startswith(reason)
    assert all(character.isprintable() for character in found.rejected[0].reason)


def test_a_sample_that_is_not_an_object_is_rejected() -> None:
    found = decode(body_of(GOOD, 7, ["order"]))
    assert [(each.index, each.reason) for each in found.rejected] == [
        (1, "it is not an object"),
        (2, "it is not an object"),
    ]


def test_nan_and_infinity_cost_one_value_of_a_series() -> None:
    body = (
        b'{"series": [{"item": "a", "metric": "m", "time_ms": [%d, %d, %d], "values": [NaN, 2, -Infinity]}]}'
    )
    found = decode(body % (AT_MS, AT_MS, AT_MS))
    assert found.samples.values.tolist() == [2.0]
    assert [each.index for each in found.rejected] == [0, 2]


@pytest.mark.parametrize(
    ("series", "reason", "n_samples"),
    [
        ({"item": "a", "metric": "m", "time_ms": [AT_MS], "values": [1, 2]}, "1 times and 2 values", 2),
        ({"item": "a", "metric": "m", "time_ms": AT_MS, "values": [1, 2]}, "it needs lists", 2),
        ({"item": "", "metric": "m", "time_ms": [AT_MS], "values": [1]}, "the item '' is not a name", 1),
        ({"item": "a", "metric": "m"}, "it needs lists", 1),
        (None, "the item None is not a name", 1),
    ],
)
def test_an_unreadable_series_is_rejected_completely(series: Any, reason: str, n_samples: int) -> None:
    good = {"item": "b", "metric": "m", "time_ms": [AT_MS], "values": [5]}
    found = decode(json.dumps({"samples": [GOOD], "series": [series, good]}).encode())
    assert found.samples.values.tolist() == [0.21, 5.0]
    assert found.rejected[0].reason.startswith(f"series 0: {reason}")
    assert (found.rejected[0].index, found.n_rejected) == (1, n_samples)


def test_a_flood_of_bad_samples_is_counted_and_not_listed() -> None:
    found = decode(body_of(*[{}] * 5_000))
    assert found.n_rejected == 5_000
    assert len(found.rejected) == 1_001


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (body_of(GOOD)[:-5], "it is not JSON"),
        (b"", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[]", "it is not an object with samples or series"),
        (b"{}", "it has neither samples nor series"),
        (b'{"sample": [NaN]}', "it is not an object"),
        (b'{"samples": {}}', "samples is not a list"),
        (b'{"series": [' + b"[" * 100_000, "nested too deeply"),
        (b" " * 200, "200 bytes are over the limit of 100"),
    ],
)
def test_a_malformed_body_is_rejected(body: bytes, reason: str) -> None:
    with pytest.raises(BadBatchError, match=reason):
        decode(body, max_bytes=100 if body.isspace() else 1_000_000)


def test_an_empty_body_is_accepted() -> None:
    assert len(decode(b'{"samples": []}').samples) == 0


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["samples", "series", "item", "metric", "time", "time_ms", "value", "values"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(
    st.binary(max_size=60)
    | anything.map(lambda each: json.dumps(each).encode())
    | anything.map(lambda each: json.dumps({"samples": [GOOD, each], "series": [each]}).encode())
)
@example(b'{"samples": [{"item": "a", "metric": "b", "time_ms": 1e999, "value": 1}]}')
@example(b"\x00")
def test_any_bytes_give_samples_or_a_clear_error(body: bytes) -> None:
    try:
        found = decode(body)
    except BadBatchError:
        return
    samples = found.samples
    assert len(samples.series) == len(samples.time_ms) == len(samples.values)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=5),
            st.sampled_from(["latency_s", "requests"]),
            st.integers(AT_MS, AT_MS + 10**9),
            st.floats(allow_nan=False, allow_infinity=False),
        )
    )
)
def test_rows_come_back_as_they_were_sent(
    sent: list[tuple[str, str, int, float]],
) -> None:
    fields = ("item", "metric", "time_ms", "value")
    assert rows(body_of(*(dict(zip(fields, row, strict=True)) for row in sent))) == sent
    leniently = body_of(*(dict(zip(fields, row, strict=True)) for row in sent), None)
    assert rows(leniently) == sent
