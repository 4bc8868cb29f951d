"""Tables of signals as spreadsheets and people write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.cases.case_table import frame_of_table
from models.cases.library import read_case, read_cases
from models.errors import BadCaseError
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from pathlib import Path

CHINA = timezone(timedelta(hours=8))
START_MS = to_ms(datetime(2026, 3, 4, 0, 0, tzinfo=UTC))
PLAIN = (
    "time,item,requests,error_percent\n"
    "2026-03-04T08:00:00+08:00,app,1020,0.1\n"
    "2026-03-04T08:01:00+08:00,app,1030,0.2\n"
)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (PLAIN.encode(), ""),
        (PLAIN.encode("utf-8-sig"), ""),
        (PLAIN.replace("app", "应用").encode("gb18030"), "The table was read as GB18030."),
        (PLAIN.replace("\n", "\r\n").replace("1020", '"1,020"').encode(), ""),
        (PLAIN.replace("0.1\n", "0.1%\n").replace("0.2\n", "0.2 ％\n").encode(), ""),
        (PLAIN.replace(",", ";").encode(), ""),
        (PLAIN.replace(",", "\t").encode(), ""),
        (PLAIN.replace("time,", "time ,").replace("percent\n", "percent ,,\n").encode(), ""),
        (PLAIN.replace(",app,", " , app ,").encode(), ""),
        ((PLAIN + ",,,\n\n , , ,\n").encode(), ""),
        (PLAIN.replace("T", " ").replace("+08:00", "+0800").encode(), ""),
        (
            PLAIN.replace("2026-03-04T08:0", "2026/3/4 8:0").replace(":00+08:00", "").encode(),
            "The times of the table name no zone: they are those of the alert's.",
        ),
        (
            PLAIN.replace("app,1020,0.1\n", "app,7,0.7\n2026-03-04T08:00:00+08:00,app,1020,0.1\n").encode(),
            "Of rows of one instant and item the last counts.",
        ),
    ],
)
def test_a_table_is_read_in_the_form_that_it_has(content: bytes, note: str) -> None:
    frame, notes = frame_of_table(content, CHINA)
    assert (frame.start_ms, frame.step_ms) == (START_MS, 60_000)
    np.testing.assert_allclose(frame.values, [[1020.0, 0.1], [1030.0, 0.2]])
    assert all(each for each in notes if not note) or notes in ([], [note])
    assert (note in notes) == bool(note)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("time,item\n", "needs the columns time and item once each"),
        ("time,item,colour\n", "unknown metric 'colour'"),
        (PLAIN.replace("1030", "many"), "line 3 of the table: requests is 'many', which is not a number"),
        (PLAIN.replace("1030", "10%"), "line 3 of the table: '10%' is a percentage, and requests is none"),
        (PLAIN.replace("08:01", "25:01"), "line 3 of the table"),
        (PLAIN.replace(",app,1030", ",,1030"), "line 3 of the table: it names no item"),
        (PLAIN.replace("2026-03-04T08:01:00+08:00", "46085.33"), "line 3 of the table"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(content: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        frame_of_table(content.encode(), CHINA)


def a_library(folder: Path, *, cause: str = "db") -> None:
    rows = [
        f"{(datetime(2026, 3, 4, tzinfo=UTC) + timedelta(minutes=n)).isoformat()},{item},{10 + n % 3},0.1"
        for n in range(120)
        for item in ("app", "db")
    ]
    (folder / "table.csv").write_text("\n".join(["time,item,requests,error_percent", *rows]))
    document = {
        "schema_version": 1,
        "id": "one",
        "alert": {"item": "app", "starts_at": "2026-03-04T01:50:00Z"},
        "edges": [{"dependent": "app", "dependency": "db"}],
        "csv": "table.csv",
        "cause": [cause],
    }
    (folder / "case-one.json").write_text(json.dumps(document))


def test_a_cause_that_is_no_item_is_told_with_what_may_be_meant(tmp_path: Path) -> None:
    a_library(tmp_path, cause="dbb")
    with pytest.raises(BadCaseError, match="no item of the case is called 'dbb'; is 'db' meant"):
        read_case(tmp_path / "case-one.json")


def test_one_case_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    a_library(tmp_path)
    (tmp_path / "case-broken.json").write_text("{")
    told: list[BadCaseError] = []
    assert [case.id for case in read_cases(tmp_path, left_out=told.append)] == ["one"]
    assert ["case-broken.json" in str(each) for each in told] == [True]
