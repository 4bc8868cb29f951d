from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from builders import ONSET
from service_builders import (
    a_bundle,
    a_client,
    a_cmdb,
    a_service,
    a_webhook,
    an_app,
    an_incident_frame,
    as_columns,
)

from models.evidence.figures import probability_percent
from service.durations import duration
from service.incidents.ranking_document import CandidateDocument, PageSnapshot, SnapshotItem
from service.pages.graph_slice import graph_slice
from service.pages.quantities import quantity, short_version
from service.pages.sparklines import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

HOSTILE = '<script>alert("x")</script>\'"&'
LINK = "javascript:alert(1)"


class Tags(HTMLParser):
    """Collects the tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_service(tmp_path) as running:
        yield running


def test_the_incident_page_shows_what_is_wrong_why_and_how_sure_that_is(client: TestClient) -> None:
    change = {"id": "c", "item": "funds-db", "at": "2026-03-04T01:50:00Z", "summary": "pool 200 → 60"}
    client.post("/v1/changes", json={"changes": [change]})
    [enriched] = client.post("/v1/alerts", json=a_webhook(summary="The app is slow")).json()["alerts"]
    page = Tags(client.get("/incidents/1").text)
    first = enriched["ranking"]["candidates"][0]
    for shown in (
        "The app is slow",
        "Funds-db",
        probability_percent(first["probability"]),
        first["evidence"][0]["sentence"],
        "pool 200 → 60",
        "10:04:00",
        "02:04:00 UTC",
        "service · alerting",
        "items looked at, all as usual.",
        "No traces were received",
        short_version(enriched["ranking"]["bundle_version"]),
    ):
        assert shown in page.text
    assert "script" not in page.tags
    assert not any(name.startswith("on") or name == "style" for name, _ in page.attributes)
    assert "upstream" not in page.text.lower()
    assert "downstream" not in page.text.lower()


def test_names_from_outside_are_text_and_nothing_else(tmp_path: Path) -> None:
    items = (HOSTILE, "db")
    with a_client(an_app(tmp_path, bundle=a_bundle(items=items))) as client:
        document = {
            "items": [{"id": each, "name": each, "kind": HOSTILE, "team": HOSTILE} for each in items],
            "edges": [{"dependent": HOSTILE, "dependency": "db"}],
        }
        client.post("/v1/cmdb", json=document).raise_for_status()
        client.post("/v1/samples", json=as_columns(an_incident_frame(items)))
        change = {"id": "c", "item": HOSTILE, "at": "2026-03-04T01:50:00Z", "summary": HOSTILE}
        client.post("/v1/changes", json={"changes": [change]})
        client.post("/v1/alerts", json=a_webhook(HOSTILE, name=HOSTILE, summary=HOSTILE, runbook_url=LINK))
        client.post("/v1/incidents/1/verdict", json={"causes": [HOSTILE], "note": HOSTILE})
        for path in ("/", "/incidents/1", f"/items/{quote(HOSTILE)}", "/sign-in?to=/%22%3E%3Cscript%3E"):
            page = Tags(client.get(path).text)
            assert "script" not in page.tags
            assert not any(value and value.startswith("javascript") for _, value in page.attributes)
        assert HOSTILE in Tags(client.get("/incidents/1").text).text


def test_an_alert_that_could_not_be_explained_shows_why(client: TestClient) -> None:
    client.post("/v1/alerts", json=a_webhook("ghost"))
    page = Tags(client.get("/incidents/1").text).text
    assert "I don’t know" in page
    assert "no configuration item has the id 'ghost'" in page


def test_the_item_page_shows_signals_scores_and_neighbours(client: TestClient) -> None:
    client.app.state.rooms.scoring.pipeline.advance()  # type: ignore[attr-defined]
    api = client.get("/v1/items/funds-db/scores").json()
    page = Tags(client.get("/items/funds-db").text)
    [latency] = [each for each in api["series"] if each["metric"] == "latency_s"]
    for shown in (
        "Funds-db",
        f"Score {latency['score']:.1f} (pages above",
        f"severity {latency['severity']:.1f}",
        f"usually {quantity('latency', latency['expected'])}",
        "Depends on nothing known",
        "Is needed by funds",
    ):
        assert shown in page.text
    assert ("href", "/items/funds") in page.attributes
    assert "script" not in page.tags
    lead = Tags(client.get("/items/gateway").text)
    assert ("href", "/items/order") in lead.attributes
    assert client.get("/items/ghost").status_code == 404


def test_an_item_without_a_champion_or_a_signal_has_a_page_too(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        assert "No signal of this item was received" in Tags(client.get("/items/order").text).text
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        page = Tags(client.get("/items/order").text).text
    assert "not scored yet" in page
    assert "The champion does not know this series" in page


def test_the_incident_page_leads_to_its_items(client: TestClient) -> None:
    client.post("/v1/alerts", json=a_webhook())
    links = Tags(client.get("/incidents/1").text).attributes
    assert {("href", "/items/gateway"), ("href", "/items/funds-db")} <= set(links)


def test_the_list_is_where_people_look_for_it(client: TestClient) -> None:
    assert client.get("/incidents").text == client.get("/").text


def test_the_list_names_the_incidents_and_their_causes(client: TestClient) -> None:
    assert "No incidents so far" in client.get("/").text
    client.post("/v1/alerts", json=a_webhook(summary="The app is slow"))
    resolved = a_webhook("quotes", status="resolved", starts_at=ONSET - timedelta(hours=2))
    client.post("/v1/alerts", json=resolved)
    page = Tags(client.get("/").text).text
    assert "The app is slow" in page
    assert "funds-db" in page
    assert "Closed" in page


def test_a_long_list_can_be_turned_over(client: TestClient) -> None:
    webhook = a_webhook()
    webhook["alerts"] = [
        a_webhook("ghost", name=f"n{number}", starts_at=ONSET - timedelta(hours=number))["alerts"][0]
        for number in range(60)
    ]
    client.post("/v1/alerts", json=webhook)
    assert "offset=50" in client.get("/").text
    assert "Newer" in client.get("/", params={"offset": 50}).text


@pytest.mark.parametrize(
    ("form", "causes"),
    [
        ({"cause": "item:funds-db"}, ["funds-db"]),
        ({"cause": "item:none"}, ["none"]),
        ({"cause": "another item", "other": " the carrier "}, ["the carrier"]),
        ({"cause": "none", "note": "test alarm"}, "none"),
    ],
)
def test_the_form_records_a_verdict(client: TestClient, form: dict[str, str], causes: object) -> None:
    client.post("/v1/alerts", json=a_webhook())
    answer = client.post("/incidents/1/verdict", data=form)
    assert answer.status_code == 200
    assert client.get("/v1/incidents/1").json()["verdicts"][0]["causes"] == causes


def test_a_form_without_a_cause_is_a_problem(client: TestClient) -> None:
    client.post("/v1/alerts", json=a_webhook())
    for form in ({}, {"cause": "another item"}):
        assert client.post("/incidents/1/verdict", data=form).status_code == 422
    many = "&".join(f"f{number}=1" for number in range(99))
    assert client.post("/incidents/1/verdict", content=many).status_code == 422


def test_the_reference_shows_every_route(client: TestClient) -> None:
    page = Tags(client.get("/docs").text).text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page


def test_quantities_are_short_and_have_units() -> None:
    assert quantity("requests", 12_345.6) == "12,346"
    assert quantity("requests", 0.123) == "0.12"
    assert quantity("errors", 1.2) == "100 %"
    assert quantity("latency", None) == "unseen"
    assert quantity("cpu", 0.845) == "84 %"
    assert duration(timedelta(days=2, hours=3)) == "2 d 3 h"
    assert short_version("") == "none"


def test_a_sparkline_leaves_gaps_and_draws_lone_points() -> None:
    values = [1.0, None, 2.0, float("nan"), 3.0]
    line = sparkline("latency", values, 1.0, [0, 1, 2, 3, 4], onset_ms=2, step=timedelta(minutes=1))
    assert line.path.count("M") == 3
    assert len(line.dots) == 3
    assert (line.level, line.normal) == ("2.5 s", "1 s")
    empty = sparkline("errors", [], None, [], onset_ms=0, step=timedelta(minutes=1))
    assert (empty.path, empty.normal_y, empty.level) == ("", None, "unseen")


@pytest.mark.parametrize("is_tall", [False, True])
def test_a_slice_with_cycles_and_islands_is_drawn_completely(*, is_tall: bool) -> None:
    names = ["a", "b", "c", "island", "d"]
    snapshot = PageSnapshot(
        items={each: SnapshotItem(name=each * 30, kind="service", team="") for each in names},
        edges=(("a", "b"), ("a", "d"), ("b", "a"), ("b", "d"), ("d", "b"), ("b", "c")),
    )
    cause = CandidateDocument(item="c", score=1.0, probability=0.9, hops=2, path=("a", "b", "c"), evidence=())
    drawn = graph_slice(snapshot, "a", [cause], cause="c", is_tall=is_tall)
    assert {box.item for box in drawn.boxes} == set(names)
    assert sum(arrow.is_way for arrow in drawn.arrows) == 2
    assert all(0 <= box.x <= drawn.width and 0 <= box.y <= drawn.height for box in drawn.boxes)
    assert len({(box.x, box.y) for box in drawn.boxes}) == len(names)
