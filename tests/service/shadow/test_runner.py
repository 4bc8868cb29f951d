"""The challenger in shadow: what it would have paged, recorded and never sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import MINUTE_MS
from service_builders import (
    ITEMS,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    a_dull_bundle,
    an_app,
    an_incident_frame,
    as_columns,
)

from models.paging.rules import AnomalyGroup, Watched, initial_memory
from service.shadow.comparison import Side, compared
from service.shadow.record import N_SHOWN, ShadowRecord, read_record, summary_of, write_record
from telemetry.batches import SeriesKey
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from models.artifacts.bundle import Bundle

N_CLOSED = 359
"""Ticks of a full window that are closed; before the incident's hour there is nothing in it."""


def a_keen_one() -> Bundle:
    """Fit a bundle that is of one mind with the champion."""
    return a_bundle(name="keen")


def send(app: FastAPI, client: TestClient) -> None:
    """Send an hour that ends in an incident, and score it: the shadow begins with its first tick."""
    client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
    client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
    advance(app)


def advance(app: FastAPI) -> None:
    app.state.rooms.scoring.pipeline.advance()
    app.state.rooms.paging.dispatcher.deliver()


def comparison(client: TestClient) -> dict[str, Any]:
    document = client.get("/v1/shadow").json()
    assert document["reason"] == ""
    found: dict[str, Any] = document["compared"]
    return found


def counts(found: dict[str, Any]) -> list[int]:
    return [found[f"pages_{name}"] for name in ("both", "champion_alone", "challenger_alone")]


def test_a_challenger_of_the_same_mind_pages_for_the_same_trouble(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=a_bundle(), challenger=a_keen_one())
    with a_client(app) as client:
        send(app, client)
        found = comparison(client)
        pages = client.get("/v1/pages").json()["pages"]
        metrics = client.get("/metrics").text
        html = client.get("/models").text
    assert len(pages) == 1, "the champion's, and none of the challenger's"
    assert (counts(found), found["ticks_apart"], found["latest"]) == ([1, 0, 0], 0, [])
    assert found["ticks"] == N_CLOSED - 1, "the first only hands the memory over"
    assert 'sunspot_shadow_pages{by="both"} 1.0' in metrics
    assert f'sunspot_shadow_ticks{{outcome="alike"}} {N_CLOSED - 1}.0' in metrics
    assert "paged for the same anomalies so far" in html


@pytest.mark.parametrize(("by", "silent"), [("champion", "challenger"), ("challenger", "champion")])
def test_pages_of_one_alone_are_told_with_the_scores_of_both(tmp_path: Path, by: str, silent: str) -> None:
    bundles = {by: a_keen_one(), silent: a_dull_bundle()}
    app = an_app(tmp_path, bundle=bundles["champion"], challenger=bundles["challenger"])
    with a_client(app) as client:
        send(app, client)
        found = comparison(client)
        paged = client.get("/v1/pages").json()["pages"]
        html = client.get("/models").text
    assert len(paged) == (by == "champion"), "a challenger pages nobody"
    assert counts(found) == [0, by == "champion", by == "challenger"]
    assert found["ticks_apart"] > 0
    [lone] = found["latest"]
    assert lone["by"] == by
    assert lone[f"{by}_score"] > lone[f"{by}_threshold"]
    assert lone[f"{silent}_score"] < lone[f"{silent}_threshold"]
    assert f"<strong>{lone['item']}</strong></td><td>{lone['metric']}" in html


def test_a_restart_goes_on_and_another_bundle_begins_anew(tmp_path: Path) -> None:
    frame = an_incident_frame()
    halves = frame.between(frame.start_ms, frame.start_ms + 30 * MINUTE_MS), frame
    found = []
    for half in halves:
        app = an_app(tmp_path, bundle=a_keen_one(), challenger=a_dull_bundle())
        with a_client(app) as client:
            client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
            client.post("/v1/samples", json=as_columns(half)).raise_for_status()
            advance(app)
            found.append(comparison(client))
    assert [each["ticks"] for each in found] == [N_CLOSED, N_CLOSED + 29]
    assert found[0]["since"] == found[1]["since"]
    assert counts(found[1]) == [0, 1, 0]
    for number, pair in enumerate(((a_keen_one(), a_bundle(name="third")), (a_bundle(), a_dull_bundle()))):
        later = replace(frame, start_ms=frame.end_ms + number * 60 * MINUTE_MS)
        clock = StillClock(from_ms(later.end_ms))
        app = an_app(tmp_path, bundle=pair[0], challenger=pair[1], clock=clock)
        with a_client(app) as client:
            client.post("/v1/samples", json=as_columns(later)).raise_for_status()
            advance(app)
            anew = comparison(client)
        assert anew["since"] >= found[1]["until"]
        assert (anew["champion_version"], anew["challenger_version"]) == tuple(each.version for each in pair)


def test_without_a_challenger_nothing_is_computed_and_that_is_said(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app) as client:
        send(app, client)
        told_now = client.get("/v1/shadow").json()
        assert (told_now["compared"], "no version is challenger" in told_now["reason"]) == (None, True)
        assert "no version is challenger" in client.get("/models").text
        assert "sunspot_shadow_pages{" not in client.get("/metrics").text
    assert not (tmp_path / "shadow").exists()


def test_a_challenger_that_is_withdrawn_is_forgotten(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=a_bundle(), challenger=a_dull_bundle())
    rooms = app.state.rooms
    with a_client(app) as client:
        send(app, client)
        rooms.shadow.checkpoint()
        assert read_record(tmp_path / "shadow" / "record.json") == rooms.shadow.record
        app.state.challenger_source.bundle = None
        rooms.models.challenger.refresh()
        assert client.get("/v1/shadow").json()["compared"] is None
        assert rooms.shadow.challenger_version == ""
    assert not (tmp_path / "shadow" / "record.json").exists()


@pytest.mark.parametrize(
    ("champion", "challenger", "reason"),
    [
        (None, a_keen_one(), "no champion was found yet"),
        (a_keen_one(), a_keen_one(), "the challenger is the champion"),
        (a_keen_one(), a_bundle(step_ms=5 * MINUTE_MS), "a tick every 300 s, the champion every 60 s"),
        (a_keen_one(), replace(a_bundle(), pages=None), "train again"),
        (a_keen_one(), a_bundle(items=(*ITEMS, *(f"more-{n}" for n in range(20)))), "more than are held"),
    ],
)
def test_what_cannot_be_compared_says_why(
    tmp_path: Path, champion: Bundle | None, challenger: Bundle, reason: str
) -> None:
    app = an_app(tmp_path, bundle=champion, challenger=challenger, max_series=40)
    with a_client(app) as client:
        send(app, client)
        answer = client.get("/v1/shadow").json()
    assert answer["compared"] is None
    assert reason in answer["reason"]


def test_a_challenger_that_fails_leaves_the_champion_alone(tmp_path: Path) -> None:
    good = a_keen_one()
    broken = replace(
        good, version="broken", baseline=replace(good.baseline, profile=good.baseline.profile[:1])
    )
    app = an_app(tmp_path, bundle=a_bundle(), challenger=broken)
    with a_client(app) as client:
        send(app, client)
        assert len(client.get("/v1/pages").json()["pages"]) == 1
        assert "could not score" in client.get("/v1/shadow").json()["reason"]
        app.state.challenger_source.bundle = good
        app.state.rooms.models.challenger.refresh()
        assert client.get("/v1/shadow").json() == {
            "compared": None,
            "reason": "the challenger begins with the next tick",
            "problem": "",
        }


def test_a_challenger_knows_series_that_the_champion_does_not(tmp_path: Path) -> None:
    champion = a_bundle(items=("gateway", "quotes"))
    app = an_app(tmp_path, bundle=champion, challenger=a_bundle(items=("funds-db",)))
    with a_client(app) as client:
        send(app, client)
        found = comparison(client)
    assert counts(found) == [1, 0, 0], "the gateway depends on the database: it is one anomaly"
    strangers = replace(champion, pages=champion.pages), a_bundle(items=("order",), name="order")
    app = an_app(tmp_path / "other", bundle=strangers[0], challenger=strangers[1])
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        advance(app)
        found = comparison(client)
    assert counts(found) == [0, 1, 1], "without a graph they have nothing to do with each other"
    by = {each["by"]: each for each in found["latest"]}
    assert (by["champion"]["item"], by["challenger"]["item"]) == ("gateway", "order")
    assert by["challenger"]["champion_score"] is by["champion"]["challenger_threshold"] is None


def a_side(name: str, *anomaly_groups: AnomalyGroup, scores: tuple[float, float] = (9.0, 9.0)) -> Side:
    keys = (SeriesKey("order", "latency_s"), SeriesKey("funds", "latency_s"))
    watched = Watched(("order", "funds"), ("trading", "trading"), np.array([5.0, np.inf]))
    memory = replace(initial_memory(2), anomaly_groups=anomaly_groups)
    return Side(name, keys, watched, np.array(scores), memory)


def test_a_later_page_answers_one_only_while_its_trouble_lasts() -> None:
    first, again = AnomalyGroup((("order", 60),), 60), AnomalyGroup((("order", 120),), 120)
    record = ShadowRecord("a", "b", 60, 60)
    alone = compared(record, 60, a_side("champion", first), a_side("challenger"), lambda item: {item})
    assert (alone.n_champion, alone.n_both) == (1, 0)
    both = compared(alone, 120, a_side("champion", first), a_side("challenger", again), lambda item: {item})
    assert (both.n_champion, both.n_challenger, both.n_both, both.alone) == (0, 0, 1, ())
    late = compared(alone, 120, a_side("champion"), a_side("challenger", again), lambda item: {item})
    assert (late.n_champion, late.n_challenger, late.n_both) == (1, 1, 0)
    assert [each.by for each in late.latest] == ["challenger", "champion"]


def test_only_the_latest_are_kept_and_those_that_may_still_be_answered() -> None:
    lasting = AnomalyGroup((("funds", 0),), 10**6)
    record = ShadowRecord("a", "b", 0, 0)
    for tick_ms in range(0, 60 * 30, 60):
        own = AnomalyGroup((("order", tick_ms),), tick_ms)
        side = a_side("challenger", lasting, own, scores=(9.0, float("nan")))
        record = compared(record, tick_ms, a_side("champion"), side, lambda item: {item})
    assert record.n_challenger == 31
    assert len(record.latest) == N_SHOWN
    assert len(record.alone) == N_SHOWN + 1
    assert (record.alone[0].item, record.alone[0].challenger_score) == ("funds", None)
    assert record.alone[0].challenger_threshold is None, "what is infinite is not paged for"


def test_a_record_is_read_as_it_was_written_and_nonsense_is_none(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert read_record(path) is None
    record = ShadowRecord("a", "b", 0, 273_600_000, n_ticks=4560, n_both=5, n_champion=1, n_challenger=9)
    write_record(record, path)
    assert read_record(path) == record
    assert summary_of(record).startswith(
        "in shadow for 3 d 4 h: both paged 5 times, champion alone 1, challenger "
    )
    for content in (b"", b"[]", b'{"champion": "a"}', b"\xff", json.dumps({"champion": 1}).encode()):
        path.write_bytes(content)
        assert read_record(path) is None
