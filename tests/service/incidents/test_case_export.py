"""What the case library gets from a running service."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from service_builders import NOW, StillClock, a_service, a_webhook

from cmdb.items import ChangeEvent
from models.cases.library import case_paths, path_of, read_case, read_cases
from models.rankers import rank
from service.incidents.ranking_document import StoredRankingDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

    from service.incidents.case_export import CaseExport


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_service(tmp_path / "data", case_library=tmp_path / "library") as running:
        running.post("/v1/alerts", json=a_webhook(note="token=abc123")).raise_for_status()
        yield running


def export_of(client: TestClient) -> CaseExport:
    export: CaseExport = client.app.state.rooms.incidents.cases  # type: ignore[attr-defined]
    return export


def judge(client: TestClient, causes: Any) -> None:
    client.post("/v1/incidents/1/verdict", json={"causes": causes}).raise_for_status()
    export_of(client).advance()


def close(client: TestClient) -> None:
    client.post("/v1/alerts", json=a_webhook(status="resolved")).raise_for_status()
    export_of(client).advance()


def test_a_closed_incident_with_a_verdict_is_exported_as_it_was_ranked(
    client: TestClient, tmp_path: Path
) -> None:
    causes = client.get("/v1/incidents/1/causes").json()
    judge(client, ["funds-db"])
    assert not case_paths(tmp_path / "library")  # it is still open
    close(client)
    (path,) = case_paths(tmp_path / "library")
    stored = read_case(path)
    assert stored.case.cause == ("funds-db",)
    assert stored.case.alert.annotations == {"note": "token=<masked:secret>"}
    ranking = rank(stored.case)
    assert stored.ranking is not None
    assert "page_snapshot" not in stored.ranking
    assert [(each["item"], each["probability"]) for each in stored.ranking["candidates"]] == [
        (each.item, each.probability) for each in ranking.candidates
    ]
    assert causes["ranking"]["candidates"][0]["item"] == ranking.candidates[0].item


def test_the_last_verdict_counts_and_none_takes_a_case_back(client: TestClient, tmp_path: Path) -> None:
    close(client)
    for causes, found in (
        (["app"], [("app",)]),
        (["funds-db"], [("funds-db",)]),
        ("none", []),
        (["db"], [("db",)]),
    ):
        judge(client, causes)
        assert [case.cause for case in read_cases(tmp_path / "library", left_out=pytest.fail)] == found


def test_a_failing_export_is_told_and_tried_again(client: TestClient, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.write_text("in the way")
    close(client)
    judge(client, ["funds-db"])
    assert any("case library: incident 1" in each for each in client.get("/readyz").json()["reasons"])
    assert client.get("/v1/incidents/1").json()["verdicts"][0]["causes"] == ["funds-db"]
    library.unlink()
    export_of(client).advance()
    assert len(case_paths(library)) == 1
    assert not any("case library" in each for each in client.get("/readyz").json()["reasons"])


def test_an_export_survives_a_restart(tmp_path: Path) -> None:
    with a_service(tmp_path) as client:
        client.post("/v1/alerts", json=a_webhook()).raise_for_status()
        client.post("/v1/alerts", json=a_webhook(status="resolved")).raise_for_status()
        client.post("/v1/incidents/1/verdict", json={"causes": ["funds-db"]}).raise_for_status()
    (path,) = case_paths(tmp_path / "cases")  # what waited was written at the end
    path.unlink()
    with a_service(tmp_path) as client:
        export_of(client).advance()
        before = path.stat().st_mtime_ns
    with a_service(tmp_path) as client:
        export_of(client).advance()
    assert path.stat().st_mtime_ns == before  # what is there already is left alone


def test_cases_that_nobody_judged_are_removed(client: TestClient, tmp_path: Path) -> None:
    export_of(client).advance()
    ranked = tmp_path / "data" / "ranked-cases"
    (path,) = case_paths(ranked)
    newest = path.with_name(f"{path.stem}-newest.json")
    newest.write_bytes(path.read_bytes())
    now = StillClock().now()
    os.utime(newest, (now.timestamp(),) * 2)
    for age, n_kept in ((timedelta(days=29), 3), (timedelta(days=31), 1)):
        for each in (path, path.with_suffix(".npz")):
            os.utime(each, ((now - age).timestamp(),) * 2)
        export_of(client).retain()
        assert len(list(ranked.iterdir())) == n_kept
    judge(client, ["funds-db"])
    close(client)
    assert not path.exists()


def test_a_clock_that_is_ahead_removes_no_recent_case_and_never_the_last(
    client: TestClient, tmp_path: Path
) -> None:
    export_of(client).advance()
    ranked = tmp_path / "data" / "ranked-cases"
    (path,) = case_paths(ranked)
    now = StillClock().now()
    for age in (timedelta(0), timedelta(days=500)):
        for each in ranked.iterdir():
            os.utime(each, ((now - age).timestamp(),) * 2)
        export_of(client).retain()
        assert path.exists()
    export_of(client)._clock = StillClock(now + timedelta(days=401))
    for number in range(3):
        other = path.with_name(f"{path.stem}-{number}.json")
        other.write_bytes(path.read_bytes())
        os.utime(other, (now.timestamp() + number,) * 2)
    os.utime(path, (now.timestamp(),) * 2)
    export_of(client).retain()
    assert len(case_paths(ranked)) == 4


def a_document(*sentences: str) -> StoredRankingDocument:
    evidence = [{"kind": "change", "weight": 1.0, "sentence": each, "figures": {}} for each in sentences]
    candidate = {"item": "a", "score": 1.0, "probability": 0.5, "hops": 1, "path": [], "evidence": evidence}
    return StoredRankingDocument.model_validate(
        {
            "ranker": "sunspot",
            "candidates": [candidate],
            "n_candidates": 1,
            "abstained": "",
            "unseen": [],
            "graph_version": "",
            "bundle_version": "",
            "code_version": "",
            "window_start_ms": 0,
            "window_end_ms": 0,
            "ranked_at": NOW,
        }
    )


def test_of_a_storm_the_first_cases_are_kept_and_the_rest_told(client: TestClient, tmp_path: Path) -> None:
    export = export_of(client)
    export.advance()
    (path,) = case_paths(tmp_path / "data" / "ranked-cases")
    case = read_case(path).case
    for number in range(200):
        export.receive(replace(case, id=f"{number}"), a_document())
    reasons = client.get("/readyz").json()["reasons"]
    assert any("came too fast" in each for each in reasons)


def test_cases_are_written_in_a_pause_between_alerts(client: TestClient, tmp_path: Path) -> None:
    export, ranked = export_of(client), tmp_path / "data" / "ranked-cases"
    export.advance()
    path = path_of(ranked, "SlowRequests-gateway-9")
    case = replace(read_case(case_paths(ranked)[0]).case, id="SlowRequests-gateway-9")
    export.receive(case, a_document())
    export.advance_in_pause()
    assert not path.exists()
    export.advance_in_pause()
    assert path.exists()
    for number in range(32):
        export.receive(replace(case, id=f"storm-{number}"), a_document())
    export.advance_in_pause()
    assert path_of(ranked, "storm-0").exists()


def test_a_ranked_case_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    ranked = tmp_path / "ranked-cases"
    ranked.write_text("in the way")
    with a_service(tmp_path) as client:
        for item in ("gateway", "order"):
            client.post("/v1/alerts", json=a_webhook(item)).raise_for_status()
        export_of(client).advance()
        (reason,) = [each for each in client.get("/readyz").json()["reasons"] if "case library" in each]
        assert reason.endswith(", and 1 more")
        ranked.unlink()
        export_of(client).advance()
        assert len(case_paths(ranked)) == 2


def test_a_verdict_on_an_incident_that_was_never_ranked_exports_nothing(tmp_path: Path) -> None:
    with a_service(tmp_path) as client:
        client.post("/v1/alerts", json=a_webhook("unknown")).raise_for_status()
        client.post("/v1/alerts", json=a_webhook("unknown", status="resolved")).raise_for_status()
        judge(client, ["funds-db"])
        assert case_paths(tmp_path / "cases") == []
        assert not any("case library" in each for each in client.get("/readyz").json()["reasons"])


def test_a_case_too_large_to_keep_is_counted_and_a_secret_in_a_change_is_masked(
    client: TestClient, tmp_path: Path
) -> None:
    export = export_of(client)
    export.advance()
    (path,) = case_paths(tmp_path / "data" / "ranked-cases")
    stored = read_case(path)
    export.receive(replace(stored.case, id="large", notes=("long " * 15_000,) * 40), a_document())
    secret = "set password=hunter2"
    change = ChangeEvent("c", stored.case.alert.item, stored.case.at, summary=secret)
    document = a_document(f"Changed ({secret}).")
    export.receive(replace(stored.case, id="secret", changes=(change,)), document)
    export.advance()
    assert any("too large" in each for each in client.get("/readyz").json()["reasons"])
    stored = path_of(tmp_path / "data" / "ranked-cases", "secret")
    assert "hunter2" not in stored.read_text()
    assert "<masked:secret>" in str(read_case(stored).ranking)


def test_a_case_that_cannot_be_written_holds_up_no_other(
    client: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/v1/alerts", json=a_webhook("funds")).raise_for_status()
    export_of(client).advance()
    (path, *_) = case_paths(tmp_path / "data" / "ranked-cases")
    stored = read_case(path)
    for name in ("x" * 600, "well-named"):
        export_of(client).receive(replace(stored.case, id=name), a_document())
    export_of(client).advance()
    assert path_of(tmp_path / "data" / "ranked-cases", "well-named").is_file()
    [problem] = export_of(client).health_problems()
    assert "at most 500 characters" in problem
    assert [each.message for each in caplog.records] == ["a case cannot be written"]
    export_of(client).advance()
    assert export_of(client).health_problems() == []
