from __future__ import annotations

import msgspec

from telemetry.batches import SeriesKey
from telemetry.records import KeyLists


def encoded(name: str, n_keys: int = 1) -> bytes:
    return msgspec.json.encode([SeriesKey(name, f"m{number}") for number in range(n_keys)])


def test_batches_of_the_same_series_share_one_list() -> None:
    lists = KeyLists(limit_bytes=1_000)
    assert lists.decoded(encoded("a")) == (SeriesKey("a", "m0"),)
    assert lists.decoded(encoded("a")) is lists.decoded(encoded("a"))


def test_the_lists_that_were_used_last_are_held_within_the_limit() -> None:
    lists = KeyLists(limit_bytes=1_000)
    first = lists.decoded(encoded("first"))
    for number in range(200):
        lists.decoded(encoded(f"a{number}"))
        assert lists.decoded(encoded("first")) is first
    other = lists.decoded(encoded("a0"))
    assert lists.n_bytes <= 1_000
    for number in range(200):
        lists.decoded(encoded(f"b{number}"))
    assert lists.decoded(encoded("a0")) is not other


def test_a_long_list_is_not_held() -> None:
    lists = KeyLists(limit_bytes=1_000)
    assert len(lists.decoded(encoded("a", n_keys=100))) == 100
    assert lists.n_bytes == 0
