from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.masking.check_digits import is_card_number, is_id_number
from features.masking.log_lines import mask_logs
from features.masking.masker import MAX_CHARACTERS, Masker, mask_text
from features.masking.own_patterns import OwnPattern
from telemetry.logs import LogRecord, Logs

PIECES = [
    *(
        "手机号",
        "13812345678",
        "登录失败",
        "password",
        "=",
        ":",
        "：",
        " ",
        '"',
        "'",
        "\\",
        "\n",
        "hunter2x",
        "token",
        "//",
        "@",
    ),
    *(
        "4111111111111111",
        "11010519491231002X",
        "a.b@example.com",
        "%3D",
        "\\u5bc6",
        "<masked:secret>",
        "key",
        "１",
        "-",
        "ß",
        "İ",
    ),
    *(
        "cookie",
        "sid=",
        "Bearer ",
        "eyJhbGciOiJI",
        "<password>",
        "姓名",
        "张伟",
        "+86",
        "1",
        "code",
        "\ud800",
    ),
]
WRITTEN = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join)


@given(WRITTEN)
def test_a_masked_text_stays_as_it_is(text: str) -> None:
    masked = mask_text(text)
    assert mask_text(masked) == masked


@settings(max_examples=20)
@given(st.lists(WRITTEN.filter(lambda text: "\ud800" not in text), min_size=30, max_size=60))
def test_many_lines_are_masked_as_each_alone(lines: list[str]) -> None:
    assert Masker().lines(lines) == tuple(map(mask_text, lines))


@pytest.mark.parametrize(
    "line",
    [
        *(
            "token" * 4_000,
            "a@" * 8_000,
            "1-" * 8_000,
            "://" * 5_000,
            "pin " * 4_000,
            "-" * 16_000,
            "4111 " * 3_000,
        ),
        *(
            "password='" * 1_600,
            "<password" * 1_800,
            "authorization: " * 1_000,
            "cookie=a=" * 1_600,
            "%3D" * 5_000,
        ),
        *(
            "\\" * 16_000,
            "mysql " * 2_600,
            "a.b@c." * 2_600,
            "13812345678" * 1_400,
            "name: A " * 2_000,
            "姓名" * 8_000,
        ),
        *(
            "key=" * 4_000,
            "eyJ" * 5_000,
            "-----BEGIN PRIVATE KEY-----" * 500,
            "A1B2 " * 3_200,
            "账号 1" * 3_000,
        ),
    ],
    ids=lambda line: line[:12],
)
def test_a_hostile_line_takes_little_time(line: str) -> None:
    began = time.process_time()
    mask_text(line)
    assert time.process_time() - began < 1.0


def test_of_an_endless_text_the_beginning_is_kept() -> None:
    assert len(mask_text("x " * MAX_CHARACTERS)) == MAX_CHARACTERS + 1


def test_numbers_prove_what_they_are() -> None:
    assert is_card_number("4111111111111111")
    assert not is_card_number("1772589600123456")
    assert is_id_number("11010519491231002x")
    assert not is_id_number("110105194912310028")


@pytest.mark.parametrize(
    "line",
    [
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
        "request 550e8400-e29b-41d4-a716-446655440000 done",
        "order 4111111111111112 placed",
        "at 1772589600123 from 10.0.0.1:3306, version 2.8.1-rc1",
        "成交额=13812345678 元",
        "wrote 13812345678 bytes",
    ],
)
def test_identifiers_times_and_amounts_stay(line: str) -> None:
    assert mask_text(line) == line


def test_labels_that_name_something_stay() -> None:
    labels = {"pod": "pay-13812345678", "user": "13812345678", "api_token": "q8 Wn'2Lk0"}
    masked = Masker().labels(labels, kept=["pod"])
    assert masked == {"pod": "pay-13812345678", "user": "<masked:phone>", "api_token": "<masked:secret>"}


def test_attributes_of_spans_are_masked_in_depth() -> None:
    attributes: dict[str, object] = {
        "service.name": "pay-13812345678",
        "db.statement": "select * from users where mail = 'a.b@example.com'",
        "http.request.header.cookie": ["sid=31d4d96e407aad42"],
        "user": {"phone": 13812345678, "password": "two words", "tags": ["vip", True, None, 1.5]},
        "http.status_code": 200,
    }
    assert Masker().attributes(attributes, kept=["service.name"]) == {
        "service.name": "pay-13812345678",
        "db.statement": "select * from users where mail = '<masked:mail>'",
        "http.request.header.cookie": ["<masked:secret>"],
        "user": {"phone": "<masked:phone>", "password": "<masked:secret>", "tags": ["vip", True, None, 1.5]},
        "http.status_code": 200,
    }


def test_what_is_nested_without_end_is_left_out() -> None:
    value: object = "13812345678"
    for _ in range(20):
        value = [value]
    assert "13812345678" not in str(Masker().attributes({"deep": value}))


def test_a_firm_adds_its_own_patterns() -> None:
    masker = Masker([OwnPattern("staff", "ZS[0-9]{6}"), OwnPattern("word", "mask|staff")])
    once = masker.text("ZS000017 called 13812345678, staff")
    assert once == "<masked:staff> called <masked:phone>, <masked:word>"
    assert masker.text(once) == once
    assert masker.lines([once, "\ud800 ZS000017"]) == (once, "? <masked:staff>")


def test_messages_loggers_and_given_templates_of_lines_are_masked() -> None:
    logs = Logs.from_records(
        [
            LogRecord(
                "pay", "INFO", "user-13812345678", 1, "login 13812345678", "13812345678", "pin=4711 <*>"
            ),
            LogRecord("pay", "INFO", "user-13912345678", 2, "order 17", "", ""),
        ]
    )
    masked = mask_logs(logs, Masker())
    assert masked.bodies == ("login <masked:phone>", "order 17")
    assert masked.templates == ("pin=<masked:secret> <*>", "")
    assert masked.trace_ids == logs.trace_ids
    assert [(each.service, each.logger) for each in masked.streams] == [("pay", "user-<masked:phone>")]
