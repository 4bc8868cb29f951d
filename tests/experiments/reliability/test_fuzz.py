from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from experiments.reliability.access import measure_access
from experiments.reliability.fuzz import NOW, fuzz, good_requests, outcome_of, shortened
from experiments.reliability.in_process import Answered, Asked, StillClock, application, ask
from experiments.reliability.mutations import ADDRESS_MUTATORS, BODY_MUTATORS
from service.http.openapi import routes_of

if TYPE_CHECKING:
    from pathlib import Path

    from experiments.reliability.fuzz import Good
    from experiments.reliability.mutations import Mutator

N_BODIES = 1_000
BODY = b'{"alerts": [{"labels": {"service": "order"}, "startsAt": "2026-03-04T02:00:00Z", "n": 1.5}]}'


async def good_of(directory: Path) -> list[Good]:
    async with application(directory, StillClock(NOW)) as app:
        good = good_requests(app)
        assert {each.route for each in good} == set(routes_of(app))
        answers = [(each.route, (await ask(app, each.asked)).status) for each in good]
    assert [each for each in answers if each[1] not in {200, 303, 401, 404, 503}] == []
    return good


def test_no_hostile_request_is_answered_with_a_fault() -> None:
    fuzzed = fuzz(N_BODIES)
    assert fuzzed.findings == ()
    assert fuzzed.n_bodies == N_BODIES
    assert sum(each.n for each in fuzzed.spoiled) == fuzzed.n_requests
    assert all(each.n_accepted and each.n_refused for each in fuzzed.spoiled if each.mutator != "unchanged")


def test_every_route_has_a_good_request_to_spoil(tmp_path: Path) -> None:
    good = asyncio.run(good_of(tmp_path))
    assert sum(bool(each.asked.body) for each in good) >= 12


@pytest.mark.parametrize("mutator", BODY_MUTATORS.values(), ids=BODY_MUTATORS)
def test_equal_seeds_spoil_a_request_equally(mutator: Mutator) -> None:
    for body in (BODY, b"token=guess&to=%2F", b"{}", b""):
        asked = Asked("POST", "/v1/alerts", body=body)
        assert [mutator(asked, Random(seed)) for seed in range(50)] == [
            mutator(asked, Random(seed)) for seed in range(50)
        ]


def test_what_needs_no_body_is_spoiled_in_its_address_and_head() -> None:
    asked = Asked("GET", "/v1/items/order/scores")
    for mutator in ADDRESS_MUTATORS.values():
        assert all(not mutator(asked, Random(seed)).body for seed in range(50))


@pytest.mark.parametrize(
    ("answered", "outcome"),
    [
        (Answered(200, {}, b""), "accepted"),
        (Answered(303, {}, b""), "accepted"),
        (Answered(413, {}, b""), "refused"),
        (Answered(503, {"retry-after": "1"}, b""), "unavailable"),
        (Answered(503, {}, b'{"ready":false}'), "unavailable"),
        (Answered(503, {}, b""), "fault"),
        (Answered(500, {}, b""), "fault"),
        (Answered(0, {}, b""), "fault"),
        (Answered(200, {}, b"", RuntimeError()), "fault"),
    ],
)
def test_only_a_503_that_says_when_to_try_again_is_no_fault(answered: Answered, outcome: str) -> None:
    assert outcome_of(answered) == outcome


def test_a_failing_request_is_shortened_to_what_fails() -> None:
    async def fails(asked: Asked) -> bool:
        return b"bad" in asked.body and any(name == b"odd" for name, _ in asked.headers)

    asked = Asked("POST", "/", b"x=1", ((b"a", b"1"), (b"odd", b"2")), b"x" * 500 + b"bad" + b"y" * 300)
    assert asyncio.run(shortened(asked, fails)) == Asked("POST", "/", b"", ((b"odd", b"2"),), b"bad")


def test_every_route_refuses_every_credential_that_must_not_have_it() -> None:
    access = measure_access()
    assert access.failures == []
    answers = {each.route: each.answers for each in access.table}
    assert answers["POST /v1/cmdb"] == {
        "none": "401",
        "wrong": "401",
        "token ingest": "403",
        "token read": "403",
        "token verdict": "403",
        "token admin": "200",
        "viewer": "403",
        "responder": "403",
        "operator": "403",
        "admin": "200",
    }
    assert answers["GET /"]["none"] == "sign in"
