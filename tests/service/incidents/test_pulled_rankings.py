"""Rankings with items that are not pushed but asked of a Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from prometheus_answers import a_prometheus, failure, matrix, ticks_of
from service_builders import a_bundle, a_client, a_cmdb, a_webhook, an_app, an_incident_frame, as_columns

from features.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_answers import Answering, Asked, Given

FRAME = an_incident_frame()
CAUSE = "funds-db"


def part(*, is_cause: bool) -> Frame:
    columns = [column for column, key in enumerate(FRAME.keys) if (key.item == CAUSE) is is_cause]
    keys = tuple(FRAME.keys[column] for column in columns)
    return Frame(FRAME.start_ms, FRAME.step_ms, keys, FRAME.values[:, columns])


def answer(asked: Asked) -> Given:
    if "{item=~" not in asked.parameters["query"]:
        return matrix()
    ticks = [(at_s, (round(at_s * 1000) - FRAME.start_ms) // FRAME.step_ms) for at_s in ticks_of(asked)]
    known = part(is_cause=True)
    return matrix(
        *(
            (
                {"__name__": key.metric, "item": key.item},
                [(at_s, repr(float(values[tick]))) for at_s, tick in ticks if 0 <= tick < len(values)],
            )
            for key, values in zip(known.keys, np.asarray(known.values).T, strict=True)
        )
    )


def ranked(directory: Path, answering: Answering, frame: Frame) -> dict[str, Any]:
    with a_prometheus(answering) as (address, _):
        app = an_app(directory, bundle=a_bundle(), prometheus_url=address)
        with a_client(app) as client:
            client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
            client.post("/v1/samples", json=as_columns(frame)).raise_for_status()
            found: dict[str, Any] = client.post("/v1/alerts", json=a_webhook()).json()["alerts"][0]
    assert found["unenriched"] == ""
    return found["ranking"]  # type: ignore[no-any-return]


def test_a_cause_that_is_not_pushed_is_found_as_if_it_were(tmp_path: Path) -> None:
    pulled = ranked(tmp_path / "pulled", answer, part(is_cause=False))
    pushed = ranked(tmp_path / "pushed", lambda _: matrix(), FRAME)
    assert pulled["candidates"][0]["item"] == CAUSE
    scores = [[(each["item"], each["score"]) for each in found["candidates"]] for found in (pulled, pushed)]
    assert scores[0] == scores[1]
    assert not any("pushed" in each for each in pulled["unseen"])


def test_without_its_answer_the_others_are_ranked_and_it_is_said(tmp_path: Path) -> None:
    found = ranked(tmp_path, lambda _: failure(503, "unavailable", "starting up"), part(is_cause=False))
    assert found["candidates"]
    assert any(f"Signals of {CAUSE} were not pushed" in each for each in found["unseen"])
