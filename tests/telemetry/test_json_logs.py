import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.decoders.gathering import MAX_REJECTIONS
from telemetry.decoders.gathering_logs import FURTHER, MAX_LINE_BYTES, DecodedLogs
from telemetry.decoders.json_logs import decode
from telemetry.errors import BadBatchError

GOOD = {"service": "order", "time": "2026-03-04T02:00:00Z", "level": "warn", "message": "order 17 is late"}


def decoded(*lines: object) -> DecodedLogs:
    return decode("\n".join(map(json.dumps, lines)).encode())


def test_lines_of_several_shapes_become_one_record_each() -> None:
    found = decoded(
        GOOD,
        {
            "service.name": "stock",
            "time_ms": 1_000_000_000_000,
            "severity": "INFO",
            "msg": "ok",
            "trace_id": "t",
        },
        {
            "app": "pay",
            "time_unix_nano": "1000000000000000000",
            "body": "paid",
            "log.record.template": "paid",
        },
    )
    assert [stream.service for stream in found.logs.streams] == ["order", "stock", "pay"]
    assert [stream.severity for stream in found.logs.streams] == ["WARN", "INFO", ""]
    assert found.logs.bodies == ("order 17 is late", "ok", "paid")
    assert found.logs.trace_ids == ("", "t", "")
    assert found.logs.templates == ("", "", "paid")
    assert found.logs.time_ms.tolist() == [1_772_589_600_000, 10**12, 10**12]
    assert not found.rejected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"hello", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not an object"),
        (b"{}", "no time"),
        (b'{"time": "yesterday"}', "no time"),
        (b'{"time": "2026-03-04T02:00:00"}', "no time zone"),
        (b'{"time": "0001-01-01T00:00:00+23:00"}', "no time"),
        (b'{"time_ms": {}}', "no time"),
        (b'{"time_ms": 1e999}', "no time"),
        (b'{"time_ms": 7}', "outside"),
        (b'{"time_ms": 1e30}', "outside"),
        (b'{"msg": "' + b"x" * MAX_LINE_BYTES + b'"}', "over the limit"),
    ],
)
def test_a_bad_line_is_rejected_alone(line: bytes, reason: str) -> None:
    good = json.dumps(GOOD).encode()
    found = decode(b"\n".join([good, line, b"", good]))
    assert len(found.logs) == 2
    assert [each.index for each in found.rejected] == [1]
    assert reason in found.rejected[0].reason


def test_lines_without_a_service_or_with_wrong_bytes_are_accepted_and_counted() -> None:
    nameless = {**GOOD, "service": ["order"], "app": "\x00"}
    found = decode(json.dumps(nameless).encode() + b'\n{"service": "a", "time_ms": 1e12, "msg": "\xff\xfe"}')
    assert (found.n_without_service, found.n_garbled, len(found.logs)) == (1, 1, 2)
    assert found.logs.streams[0].service == ""


def test_rejections_are_listed_up_to_a_bound() -> None:
    found = decode(b"x\n" * (MAX_REJECTIONS + 5))
    assert len(found.rejected) == MAX_REJECTIONS
    assert found.rejected[-1].reason == FURTHER
    assert sum(each.n_samples for each in found.rejected) == MAX_REJECTIONS + 5


def test_a_body_over_the_limit_is_rejected() -> None:
    with pytest.raises(BadBatchError, match="limit"):
        decode(b"x" * 11, max_bytes=10)


def test_time_may_run_backwards() -> None:
    found = decoded({**GOOD, "time": "2026-03-04T03:00:00Z"}, GOOD)
    assert found.logs.time_ms[0] > found.logs.time_ms[1]


@given(st.binary(max_size=300))
def test_garbage_never_fails(body: bytes) -> None:
    found = decode(body)
    assert len(found.logs) + sum(each.n_samples for each in found.rejected) <= len(body.splitlines())
