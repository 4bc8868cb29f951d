"""Lines of many loggers, and what each of them says."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.logs.templates import TemplateMiner
from telemetry.decoders.text_bytes import text_of
from telemetry.instants import to_ms
from telemetry.log_lines import read_line, read_object
from telemetry.log_text import header
from telemetry.log_text.fields import fields_of
from telemetry.log_text.forms import FORMS
from telemetry.logs import SEVERITIES

AT = to_ms(datetime(2026, 3, 4, 2, tzinfo=UTC))
"""10:00 in Shanghai."""
E = "\x1b"


class Said(NamedTuple):
    """What a line says: level, message, service, trace id, and milliseconds after ten o'clock."""

    severity: str
    body: str
    service: str = ""
    trace_id: str = ""
    after_ms: int | None = None


LINES = json.loads((Path(__file__).parent / "log_lines.json").read_text(encoding="utf-8"))
CORPUS = {each.pop("form"): (each.pop("line"), Said(**each)) for each in LINES}


@pytest.mark.parametrize("name", CORPUS)
def test_a_line_says_its_level_message_service_trace_and_time(name: str) -> None:
    text, said = CORPUS[name]
    line = read_line(text)
    after_ms = None if line.time_ms is None else line.time_ms - AT
    assert Said(line.severity, line.body, line.service, line.trace_id, after_ms) == said


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("name", CORPUS)
def test_colours_change_no_answer(name: str) -> None:
    text, _ = CORPUS[name]
    if not text.startswith("{") and E not in text:
        plain = read_line(text)
        assert read_line(f"{E}[1;31m{text}{E}[0m") == plain
        assert read_line("\ufeff" + text) == plain


def test_a_known_header_gives_what_an_unknown_one_gives() -> None:
    lines = [text for text, _ in CORPUS.values()] * 2
    remembered = [read_line(each) for each in lines]
    afresh = []
    for each in lines:
        header._KNOWN.clear()
        afresh.append(read_line(each))
    assert remembered == afresh


def test_what_the_text_says_counts_before_labels_but_for_the_service() -> None:
    labels = fields_of({"level": "info", "app": "order", "pod": "order-5d9f8c7b6-x2kq9"}).line
    assert read_line("10:00:00 ERROR late", labels)[:3] == ("ERROR", "", "late")
    assert read_line("late", labels).severity == "INFO"
    assert read_line("Error while late", labels).severity == "INFO"  # a word of the message is a hint only
    assert read_line('{"service": "x", "msg": "late"}', labels).service == "order"


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({"k8s.deployment.name": "order", "k8s.pod.name": "order-558-66fdv"}, "order"),
        ({"k8s.container.name": "order"}, "order"),
        ({"k8s_container_name": "order"}, "order"),
        ({"kubernetes": {"labels": {"app": "order"}, "container_name": "main"}}, "order"),
        ({"resource": {"service.name": "x"}, "service": {"name": "order"}}, "order"),
        ({"pod": "order-5d9f8c7b6-x2kq9"}, "order"),
        ({"pod": "ledger-db-0"}, "ledger-db"),
        ({"pod": "order-cache"}, "order-cache"),
        ({"job": "trade/order"}, "order"),
        ({"unit": "order.service"}, "order"),
        ({"service.name": "unknown_service:java", "k8s.container.name": "order"}, "order"),
        ({"service": ["order"], "app": "\x00"}, ""),
        ({"Service_Name": "order"}, "order"),
    ],
)
def test_the_service_is_found_under_many_names(fields: dict[str, Any], service: str) -> None:
    assert fields_of(fields).line.service == service


@pytest.mark.parametrize(
    "fields", [{"host": "web1"}, {"host.name": "web1"}, {"filename": "/var/log/web1.log"}]
)
def test_a_host_stands_for_a_service_only_where_nothing_names_one(fields: dict[str, Any]) -> None:
    line = read_object({**fields, "log": '{"msg": "late"}'})
    assert (line.service, line.host) == ("", "web1")
    assert read_object({**fields, "log": '{"msg": "late", "app": "order"}'}).service == "order"


@pytest.mark.parametrize(
    "value",
    [
        1_772_589_600,
        1_772_589_600.0,
        1_772_589_600_000,
        1_772_589_600_000_000,
        1_772_589_600_000_000_000,
        "1772589600",
        "1772589600.0",
        "1772589600000000000",
        "2026-03-04T02:00:00Z",
        "2026-03-04T02:00:00.000000000Z",
        "2026-03-04T10:00:00+0800",
        "2026-03-04 10:00:00.000 +08:00",
        "2026-03-04 02:00:00 UTC",
        "2026/03/04 02:00:00 GMT",
        "04/Mar/2026:10:00:00 +0800",
        "Wed, 04 Mar 2026 02:00:00 GMT",
        {"$date": "2026-03-04T02:00:00Z"},
        {"$date": {"$numberLong": "1772589600000"}},
        {"seconds": 1_772_589_600, "nanos": 0},
    ],
)
@pytest.mark.parametrize("name", ["time", "@timestamp", "ts", "date", "timestamp", "eventTime"])
def test_a_time_is_read_in_every_unit_and_spelling(name: str, value: object) -> None:
    assert read_object({name: value, "msg": "x"}).time_ms == AT


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "yesterday",
        "",
        [],
        {},
        float("nan"),
        float("inf"),
        "9" * 5000,
        {"$date": {}},
        {"$date": []},
    ],
)
def test_a_time_that_cannot_be_read_is_none(value: object) -> None:
    assert read_object({"time": value, "msg": "x"}).time_ms is None


def test_a_time_without_a_zone_is_no_instant() -> None:
    assert fields_of({"time": "2026-03-04T02:00:00"}).why_no_time == "its time has no time zone"
    assert read_line("2026-03-04 02:00:00 INFO placed").time_ms is None


def test_text_in_chinese_encodings_is_read() -> None:
    text = '{"msg": "委托 17 失败：资金不足", "level": "错误"}\n'
    assert text_of((text * 3).encode("gb18030")) == text * 3
    assert text_of(text.encode() + text.encode("gb18030")) == text * 2  # each line may have its own
    assert text_of(text.encode("utf-16")) == text
    assert text_of(text.encode("utf-8-sig")) == text


@pytest.mark.parametrize("data", [b"caf\xe9 17", b"\xff\xfe\xfd late"[2:], b"half \xce"])
def test_other_wrong_bytes_are_replaced(data: bytes) -> None:
    assert "\ufffd" in text_of(data)


PIECES = [
    *(
        " ",
        "[",
        "]",
        "<11>1 ",
        "{",
        '"',
        "=",
        "level=",
        "ERROR",
        "error:",
        "2026-03-04T02:00:00Z",
        " - ",
        " : ",
    ),
    *(
        "|",
        "\t",
        "a.b.C",
        "--- ",
        E + "[31m",
        E + "]",
        "\\",
        "\n",
        "17",
        "stdout F ",
        "E0304 ",
        '{"msg": "x"}',
    ),
    *("错误", "【", "】", "Mar  4"),
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join))
def test_no_line_fails(text: str) -> None:
    line = read_line(text)
    assert line.severity in SEVERITIES
    assert "\n" not in line.body


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "log",
                "msg",
                "level",
                "name",
                "time",
                "@timestamp",
                "service",
                "kubernetes",
                "labels",
                "pod",
                "fields",
            ]
        ),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_object_fails(document: dict[str, Any]) -> None:
    assert read_object(document).severity in SEVERITIES


HOSTILE = [
    *(
        "[",
        "]",
        "<",
        "{",
        '"',
        "\\",
        "=",
        "a=",
        'a="',
        'a="\\',
        "a.",
        "a::",
        "1:",
        "1 ",
        "- ",
        ": ",
        "| ",
        "a ",
    ),
    *(
        "[a] ",
        E,
        E + "[",
        E + "]",
        "[0m",
        "trace",
        "trace_id=",
        "trace id ",
        "spanid",
        "a-",
        "a/",
        "\t",
        "\n",
    ),
    *(
        "【",
        "<1>",
        "委",
        "\ufeff",
        ".",
        '{"log":"',
        "{'",
        '[a="',
        "a b=",
        "ERROR:",
        "ERROR ",
        "error: ",
        "a\t",
    ),
    *(",", "a,", "@", "2026-03-04T02:00:00Z "),
]
STARTS = [
    *("", "2026-03-04T02:00:00Z ", "10:00:00 ", "<11>1 ", "<11>1 2026-03-04T02:00:00Z h a p m ", "level="),
    *("E, [", "ERROR ", "[", "2026-03-04T02:00:00Z ERROR ", "E0304 02:00:00.123456 1 ", "Mar  4 10:00:00 h "),
    *("{", '{"log":"', "10.0.0.1 - - [", "fail: "),
]


@pytest.mark.parametrize("start", STARTS)
def test_twice_the_length_takes_about_twice_the_time(start: str) -> None:
    for piece in HOSTILE:
        text = start + piece * (16_000 // len(piece))
        assert any(_ratio(text[:2_000], text) < 40 for _ in range(9)), (
            start,
            piece,
        )  # squared it would be 64


def _ratio(short: str, long: str) -> float:
    began = time.thread_time_ns()
    read_line(short)
    between = time.thread_time_ns()
    read_line(long)
    return (time.thread_time_ns() - between) / max(between - began, 100_000)


def test_every_form_is_in_the_corpus() -> None:
    plain = [read_colourless(text) for text, _ in CORPUS.values()]
    assert not [form.name for form in FORMS if not any(form.pattern.match(each) for each in plain)]


def read_colourless(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_coloured_and_plain_copies_are_one_template() -> None:
    miner = TemplateMiner()
    texts = [f"{E}[31mERROR{E}[0m order 17 failed", "ERROR order 18 failed", "[31mERROR[0m order 19 failed"]
    lines = [read_line(each) for each in texts]
    assert len({miner.add("order", each.severity, each.logger, each.body) for each in lines}) == 1
