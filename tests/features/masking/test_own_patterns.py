from __future__ import annotations

import time

import pytest

from features.masking.own_patterns import (
    MAX_LENGTH,
    MAX_PATTERNS,
    BadPatternsError,
    OwnPattern,
    mask_own,
    read_patterns,
)


def patterns(*expressions: str) -> str:
    return "[patterns]\n" + "\n".join(f"p{number} = '{each}'" for number, each in enumerate(expressions))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("patterns = 1", "one table"),
        ("[patterns]\n[other]", "one table"),
        ("nonsense", "not TOML"),
        ("a = " + "[" * 5_000, "nested"),
        ("[patterns]\n'Ä' = 'x1'", "its name"),
        ("[patterns]\na = 17", "must be a text"),
        (patterns("x" * (MAX_LENGTH + 1)), "must be a text"),
        (patterns(*["x1"] * (MAX_PATTERNS + 1)), "over the limit"),
        (patterns("(a+"), "missing )"),
        (patterns("(?=a)b"), "invalid perl operator"),
        (patterns(r"(a)\1"), "invalid escape"),
        (patterns("(a{9}){9}"), "a group must not be repeated"),
        (patterns("(?:a+){30}"), "a group must not be repeated"),
        (patterns("[ab]*a[ab]{41}"), "add up to 41"),
        (patterns("x*"), "empty text"),
        (patterns("[0-9]+"), "ordinary lines"),
        (patterns("."), "ordinary lines"),
    ],
)
def test_what_cannot_be_used_is_refused(document: str, reason: str) -> None:
    with pytest.raises(BadPatternsError, match=reason.replace(")", r"\)")):
        read_patterns(document)


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+$",
        "(a|aa)+b",
        "([a-z]|[a-m]|[n-z])*9x",
        "(.*)(.*)(.*)(.*)=.*z9",
        "[ab]*a[ab]{39}c",
        r"(?i)\p{Han}.{39}q",
    ],
)
def test_an_expression_that_stops_others_is_harmless(expression: str) -> None:
    found = read_patterns(patterns(expression))
    began = time.process_time()
    mask_own(["a" * 16_000, "ab" * 8_000, "aax" * 5_000, "密码" * 8_000], found)
    assert time.process_time() - began < 1.0


def test_patterns_are_masked_in_their_order() -> None:
    found = read_patterns(patterns("ZS[0-9]{6}", "席位[0-9]+"))
    assert mask_own(["ZS000017 on 席位4711", "nothing"], found) == ["<masked:p0> on <masked:p1>", "nothing"]


def test_without_patterns_a_text_stays() -> None:
    assert mask_own(["ZS000017"], []) == ["ZS000017"]
    assert mask_own([], [OwnPattern("x", "y1")]) == []
