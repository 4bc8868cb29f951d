import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.log_lines import MAX_LINE, read_line, read_object, severity_of
from telemetry.logs import SEVERITIES


def test_a_plain_line_loses_its_time_level_logger_and_ids() -> None:
    line = read_line("2026-03-04T02:00:00.123Z [WARN] a.b.Orders: SpanID: 0123456789abcdef order 17 late")
    assert line[:5] == ("WARN", "a.b.Orders", "order 17 late", "", "")


def test_a_containers_envelope_around_an_applications_is_opened_twice() -> None:
    inner = {"message": "TraceID: 04c87ec97bae041b placed", "severity": "info", "name": "order-server"}
    line = read_line(json.dumps({"log": json.dumps(inner) + "\n", "stream": "stdout"}))
    assert line[:5] == ("INFO", "order-server", "placed", "04c87ec97bae041b", "")


def test_only_the_message_of_json_becomes_the_body() -> None:
    line = read_object(
        {"msg": "placed", "user": 17, "level": "error", "trace_id": "ab", "message_template": "p"}
    )
    assert line[:5] == ("ERROR", "", "placed", "ab", "p")


def test_json_that_was_cut_off_is_read_up_to_the_cut() -> None:
    assert read_line('{"log":"17:35:38.386 ERROR a.B#12 it said \\"no\\" and ').body == 'it said "no" and'
    assert read_line('{"msg": "one\\u0020two\\nat a.B", "then": ').body == "one two"


def test_a_stack_trace_is_reduced_to_its_first_line() -> None:
    assert read_line("ERROR a.B failed\n\tat a.B.run(B.java:7)\n\tat c.D").body == "failed"


def test_a_line_without_known_parts_stays_unchanged() -> None:
    assert read_line("hello there").body == "hello there"
    assert read_line("Information is power").severity == "INFO"  # a level is a word like any other
    assert read_line('["a"]').body == '["a"]'
    assert read_line('{"a": 1}').body == ""
    assert read_line("{broken").body == "{broken"


@pytest.mark.parametrize(
    ("level", "severity"), [("critical", "FATAL"), ("Debug", "DEBUG"), (7, "DEBUG"), (8, ""), ("x", "")]
)
def test_levels_in_any_spelling_are_read(level: object, severity: str) -> None:
    assert severity_of(level) == severity


def test_opening_envelopes_stops_at_a_depth() -> None:
    text = "placed"
    for _ in range(50):
        text = json.dumps({"log": text})
        if len(text) > MAX_LINE // 2:
            break
    assert isinstance(read_line(text).body, str)
    assert isinstance(read_line('{"log":' * 5000).body, str)


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    line = read_line(text)
    assert line.severity in SEVERITIES
    assert "\n" not in line.body


@given(
    st.dictionaries(st.sampled_from(["log", "msg", "level", "name"]), st.text() | st.integers() | st.none())
)
def test_any_object_can_be_read(document: dict[str, object]) -> None:
    assert read_object(document) == read_line(json.dumps(document)) or not document


def test_a_hostile_line_takes_little_time() -> None:
    began = time.process_time()
    for text in ("trace " * 3000, "a." * 10**6, '{"log":"' + "\\" * 10**6, "[" * 10**6, "1:" * 10**5):
        read_line(text)
    assert time.process_time() - began < 1.0
