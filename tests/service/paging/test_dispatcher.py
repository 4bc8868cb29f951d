"""What a dispatcher hands to the incidents, the pages and the team, with everything else a small fake."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import a_graph
from service_builders import NOW

from service.errors import StoreUnavailableError
from service.incidents.alert_handler import Answer
from service.incidents.records import StoredAlert
from service.paging.dispatcher import PageDispatcher
from service.paging.notifications import Notice, over_notice, silence_notice
from service.store.pages import PageOutcome, StoredPage
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmdb.graph import DependencyGraph
    from service.incidents.records import Notification
    from service.paging.notifications import PageFacts

AT_MS = to_ms(NOW)
GRAPH = a_graph(("web", "db"))


class Alerts:
    """Takes notifications into incident 7, and fails at some items."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.received: list[tuple[Notification, bool]] = []

    def receive(
        self, notifications: Sequence[Notification], graph: DependencyGraph, *, announce: bool = True
    ) -> list[Answer]:
        [notification] = notifications
        assert graph is GRAPH
        if error := self.errors.get(notification.alert.item):
            raise error
        self.received.append((notification, announce))
        known = StoredAlert(5, 7, notification.alert, "firing", None, NOW, NOW, 1, "")
        return [Answer(notification, known, None, "no signals")]


class Incidents:
    """Knows one alert that fired, by fingerprint and start."""

    def __init__(self, *known: StoredAlert) -> None:
        self.known = {(each.alert.fingerprint, each.alert.starts_at): each for each in known}

    def alert_of(self, fingerprint: str, starts_at: datetime) -> StoredAlert | None:
        return self.known.get((fingerprint, starts_at))


class Pages:
    """Remembers pages, and has some of the past."""

    def __init__(self, *past: PageOutcome) -> None:
        self.past = past
        self.asked: list[tuple[Any, ...]] = []
        self.added: list[tuple[Any, ...]] = []
        self.messages: list[dict[str, Any]] = []

    def between(self, start: datetime, end: datetime, *, team: str | None = None) -> list[StoredPage]:
        self.asked.append((start, end, team))
        facts = a_notice().page
        assert facts is not None
        return [StoredPage(1, 1, 1, start, facts, 1, outcome) for outcome in self.past]

    def add(
        self,
        facts: PageFacts,
        *,
        alert: int,
        incident: int,
        at: datetime,
        spent: int,
        messages: Sequence[dict[str, Any]],
        sent_at: datetime,
    ) -> bool:
        assert sent_at == NOW
        page = facts, alert, incident, at, spent
        self.added.append(page)
        is_new = self.added.count(page) == 1
        self.messages += messages if is_new else []
        return is_new


class Sent:
    """An outbox that is never emptied."""

    has_target = True

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        self.buried: list[tuple[dict[str, Any], str]] = []

    def put(self, document: dict[str, Any]) -> None:
        self.documents.append(document)

    def bury(self, document: dict[str, Any], problem: str) -> None:
        self.buried.append((document, problem))


def a_notice(item: str = "web", *, is_page: bool = True) -> Notice:
    return silence_notice(item, AT_MS, team="shop", budget_per_week=2.5, is_page=is_page)


def a_dispatcher(
    alerts: Alerts, pages: Pages, sent: Sent, incidents: Incidents | None = None
) -> PageDispatcher:
    return PageDispatcher(
        alerts,  # type: ignore[arg-type]
        incidents or Incidents(),  # type: ignore[arg-type]
        pages,  # type: ignore[arg-type]
        sent,  # type: ignore[arg-type]
        graph=lambda: GRAPH,
        address="http://sunspot",
    )


def test_a_page_is_an_alert_with_its_budget_then_a_page_then_a_message() -> None:
    alerts, sent = Alerts(), Sent()
    pages = Pages(PageOutcome.USEFUL, PageOutcome.FALSE, PageOutcome.UNKNOWN)
    dispatcher = a_dispatcher(alerts, pages, sent)
    notice = a_notice()
    dispatcher.submit([notice])
    assert dispatcher.deliver() == 1
    assert dispatcher.deliver() == 0
    [(received, announce)] = alerts.received
    budget = (
        "3 of 2.5 false pages a week that shop accepts, if this is one; "
        "pages that a verdict calls useful do not count"
    )
    alert = notice.notification.alert
    expected = replace(alert, annotations={**alert.annotations, "page budget": budget})
    assert (received, announce) == (replace(notice.notification, alert=expected), False)
    assert pages.asked == [(NOW - timedelta(days=7), NOW, "shop")]
    assert pages.added == [(notice.page, 5, 7, NOW, 3)]
    assert sent.documents == []
    assert pages.messages == [
        {
            "kind": "silent_source",
            "team": "shop",
            "item": "web",
            "severity": "critical",
            "title": "web has stopped sending signals: its health cannot be seen",
            "starts_at": NOW.isoformat(),
            "incident": 7,
            "incident_url": "http://sunspot/incidents/7",
            "metric": "",
            "score": None,
            "threshold": None,
            "tail_probability": None,
            "budget_per_week": 2.5,
            "spent_this_week": 3,
            "as_of": None,
            "abstained": "",
            "likely_causes": [],
        }
    ]


def test_a_page_that_was_stored_before_is_not_sent_again() -> None:
    pages = Pages()
    dispatcher = a_dispatcher(Alerts(), pages, Sent())
    dispatcher.submit([a_notice(), a_notice()])
    assert dispatcher.deliver() == 2
    assert len(pages.messages) == 1


def test_without_a_target_a_page_is_stored_without_a_message() -> None:
    pages, sent = Pages(), Sent()
    sent.has_target = False
    dispatcher = a_dispatcher(Alerts(), pages, sent)
    dispatcher.submit([a_notice()])
    assert dispatcher.deliver() == 1
    assert (len(pages.added), pages.messages) == (1, [])


def test_a_notice_that_joins_an_incident_is_announced_and_is_no_page() -> None:
    alerts, pages, sent = Alerts(), Pages(), Sent()
    dispatcher = a_dispatcher(alerts, pages, sent)
    notice = a_notice(is_page=False)
    dispatcher.submit([notice])
    assert dispatcher.deliver() == 1
    assert alerts.received == [(notice.notification, True)]
    assert (pages.added, pages.asked, sent.documents) == ([], [], [])


def test_what_is_over_resolves_the_alert_as_it_was_told() -> None:
    fired = a_notice().notification.alert
    known = StoredAlert(5, 7, fired, "firing", None, NOW, NOW, 1, "")
    alerts = Alerts()
    dispatcher = a_dispatcher(alerts, Pages(), Sent(), Incidents(known))
    over = over_notice("silent_source", "web", AT_MS, AT_MS + 60_000)
    dispatcher.submit([over, over_notice("silent_source", "web", AT_MS + 1, AT_MS + 60_000)])
    assert dispatcher.deliver() == 2
    assert alerts.received == [(replace(over.notification, alert=fired), True)]  # the other is unknown


def test_a_store_out_of_reach_keeps_the_notice_waiting() -> None:
    alerts, pages, sent = Alerts(web=StoreUnavailableError("locked")), Pages(), Sent()
    dispatcher = a_dispatcher(alerts, pages, sent)
    dispatcher.submit([a_notice(), a_notice("db")])
    with pytest.raises(StoreUnavailableError):
        dispatcher.deliver()
    assert (alerts.received, sent.buried) == ([], [])
    alerts.errors = {}
    assert dispatcher.deliver() == 2
    assert [each["item"] for each in pages.messages] == ["web", "db"]


def test_a_notice_that_cannot_be_made_is_buried_and_its_team_gets_a_plain_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alerts, pages, sent = Alerts(web=KeyError("oops")), Pages(), Sent()
    dispatcher = a_dispatcher(alerts, pages, sent)
    dispatcher.submit([a_notice(), a_notice(is_page=False), a_notice("db")])
    assert dispatcher.deliver() == 3
    plain = {
        "kind": "silent_source",
        "item": "web",
        "severity": "critical",
        "title": "web has stopped sending signals: its health cannot be seen",
        "starts_at": NOW.isoformat(),
    }
    reason = "the notice could not be made: KeyError: 'oops'"
    assert sent.buried == [(plain, reason), ({**plain, "kind": "SilentSource"}, reason)]
    assert sent.documents == [{**plain, "team": "shop"}]
    assert [each["item"] for each in pages.messages] == ["db"]
    assert [(each.message, vars(each)["alert"]) for each in caplog.records] == [
        ("notice failed", "SilentSource")
    ] * 2
