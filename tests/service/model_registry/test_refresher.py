from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from service_builders import (
    FakeSource,
    a_bundle,
    a_client,
    a_cmdb,
    a_webhook,
    an_app,
    an_incident_frame,
    as_columns,
)

from models.artifacts.ranker_bundle import make_ranker_bundle
from models.rankers.posterior import Belief
from service.model_registry.refresher import AliasedBundle

if TYPE_CHECKING:
    from pathlib import Path


def test_the_champion_is_swapped_under_load_without_a_lost_request(tmp_path: Path) -> None:
    bundles = [a_bundle(), a_bundle(name="second"), a_bundle(name="third")]
    app = an_app(tmp_path, bundle=bundles[0])
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb())
        client.post("/v1/samples", json=as_columns(an_incident_frame()))

        def ask(number: int) -> tuple[int, str]:
            app.state.source.bundle = bundles[number % len(bundles)]
            app.state.rooms.models.champion.refresh()
            if number % 3 == 0:
                return client.post("/v1/samples", json=as_columns(an_incident_frame())).status_code, ""
            answer = client.post("/v1/alerts", json=a_webhook())
            [alert] = answer.json()["alerts"]
            assert alert["ranking"]["candidates"][0]["item"] == "funds-db"
            return answer.status_code, alert["ranking"]["bundle_version"]

        with ThreadPoolExecutor(max_workers=6) as pool:
            answers = list(pool.map(ask, range(60)))
    assert {status for status, _ in answers} == {200}
    assert {version for _, version in answers if version} == {each.version for each in bundles}


def test_a_moved_alias_is_adopted_and_the_same_one_is_not_again(tmp_path: Path) -> None:
    source = FakeSource(a_bundle())
    app = an_app(tmp_path)
    signals = app.state.rooms.signals
    champion = AliasedBundle(lambda: source, signals.holder.adopt)
    assert champion.problem == ""
    champion.refresh()
    in_use = signals.in_use
    champion.refresh()
    assert signals.in_use is in_use
    source.bundle = a_bundle(name="second")
    champion.refresh()
    assert signals.in_use.bundle is source.bundle
    with a_client(app) as client:
        assert client.get("/healthz").status_code == 200


def test_only_one_thread_at_a_time_looks_at_the_registry() -> None:
    held, adopted = list[bool](), list[str]()

    def open_source() -> FakeSource:
        held.append(champion._refreshing.locked())  # a second thread waits here
        return FakeSource(a_bundle())

    champion = AliasedBundle(open_source, lambda bundle: adopted.append(bundle.version))
    for _ in range(2):
        champion.refresh()
    assert held == [True]
    assert adopted == [a_bundle().version]
    assert not champion._refreshing.locked()


def test_a_bundle_that_is_gone_is_withdrawn_once_and_comes_back() -> None:
    source, seen = FakeSource(a_bundle()), list[str]()
    champion = AliasedBundle(
        lambda: source,
        lambda bundle: seen.append(bundle.metadata["name"]),
        withdraw=lambda: seen.append("withdrawn"),
    )
    for bundle in (a_bundle(), None, None, a_bundle()):
        source.bundle = bundle
        champion.refresh()
    assert seen == ["first", "withdrawn", "first"]


def test_a_registry_out_of_reach_is_told_and_the_service_stays_ready(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app) as client:
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["ready"]
        app.state.source.problem = "no route to host"
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert any("no route to host" in each for each in answer.json()["reasons"])


def test_a_champion_ranker_is_adopted_and_named_by_the_rankings_that_follow(tmp_path: Path) -> None:
    modest = make_ranker_bundle(weights={}, belief=Belief(sharpness=1.0), floor=0.0, metadata={})
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb())
        client.post("/v1/samples", json=as_columns(an_incident_frame()))
        [shipped] = client.post("/v1/alerts", json=a_webhook()).json()["alerts"]
        source = FakeSource()
        source.bundle = modest  # type: ignore[assignment]
        AliasedBundle(lambda: source, app.state.rooms.signals.holder.adopt_ranker).refresh()  # type: ignore[arg-type,type-var]
        [trained] = client.post("/v1/alerts", json=a_webhook()).json()["alerts"]
    assert shipped["ranking"]["ranker_version"] == "default"
    assert trained["ranking"]["ranker_version"] == modest.version
    first = [each["ranking"]["candidates"][0] for each in (shipped, trained)]
    assert first[0]["item"] == first[1]["item"]
    assert first[0]["probability"] > first[1]["probability"]
