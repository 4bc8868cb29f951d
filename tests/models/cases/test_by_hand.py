"""A case written by hand: lists or a table, and the errors that name its mistakes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.golden import Role
from models.cases.document import CaseDocument
from models.cases.library import read_case
from models.errors import BadCaseError
from models.rankers import rank

START = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)
N_TICKS = 128
DOCS = Path(__file__).parents[3] / "docs"


def level(item: str, tick: int) -> float:
    """Milliseconds: `app` and `db` are slow in the last eight minutes."""
    slow = {"app": 500.0, "db": 480.0}.get(item, 0.0) if tick >= N_TICKS - 8 else 0.0
    return {"app": 80.0, "cart": 40.0, "db": 8.0}[item] + slow + tick % 3


def a_document(**changed: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "id": "slow",
        "alert": {"item": "app", "starts_at": (START + timedelta(minutes=N_TICKS - 6)).isoformat()},
        "edges": [{"dependent": "app", "dependency": "cart"}, {"dependent": "app", "dependency": "db"}],
        "cause": ["db"],
        **changed,
    }


def a_table(n_ticks: int = N_TICKS) -> str:
    lines = ["time,item,latency_ms,requests"]
    for tick in range(n_ticks):
        at = (START + timedelta(minutes=tick)).isoformat()
        lines += [f"{at},{item},{level(item, tick)},100" for item in ("app", "cart", "db")]
    return "\n".join(lines) + "\n"


def written(directory: Path, document: dict[str, Any], table: str = "") -> Path:
    (directory / "signals.csv").write_text(table)
    path = directory / "case-slow.json"
    path.write_text(json.dumps(document))
    return path


def test_a_table_makes_a_case_that_is_ranked(tmp_path: Path) -> None:
    case = read_case(written(tmp_path, a_document(csv="signals.csv"), a_table())).case
    assert (case.id, case.items, case.step_ms, case.cause) == ("slow", ("app", "cart", "db"), 60_000, ("db",))
    assert case.at == START + timedelta(minutes=N_TICKS)
    assert case.window.values[Role.LATENCY][-1, 2] == pytest.approx(level("db", N_TICKS - 1) / 1000)
    assert rank(case).candidates[0].item == "db"


def test_lists_make_the_same_case_as_the_table(tmp_path: Path) -> None:
    values = {
        item: {"latency_ms": [level(item, tick) for tick in range(N_TICKS)], "requests": [100] * N_TICKS}
        for item in ("app", "cart", "db")
    }
    series = {"start": START.isoformat(), "step_s": 60, "values": values}
    of_lists = read_case(written(tmp_path, a_document(series=series))).case
    of_table = read_case(written(tmp_path, a_document(csv="signals.csv"), a_table())).case
    assert rank(of_lists) == rank(of_table)


def test_a_missing_value_stays_missing_and_items_are_collected_from_all_parts(tmp_path: Path) -> None:
    series = {"start": START.isoformat(), "step_s": 60, "values": {"new": {"cpu_percent": [None, 50.0]}}}
    change = {"id": "c", "item": "cache", "at": START.isoformat()}
    alert = {"item": "app", "starts_at": START.isoformat()}
    case = read_case(
        written(tmp_path, a_document(series=series, changes=[change], alert=alert, edges=[], cause=[]))
    ).case
    assert case.items == ("app", "cache", "new")
    assert case.window.values[Role.CPU][:, 2].tolist()[1:] == [0.5]


def test_a_table_that_goes_on_after_the_case_ranks_as_one_that_ends(tmp_path: Path) -> None:
    at = (START + timedelta(minutes=N_TICKS)).isoformat()
    ends = rank(read_case(written(tmp_path, a_document(csv="signals.csv", at=at), a_table())).case)
    goes_on = read_case(written(tmp_path, a_document(csv="signals.csv", at=at), a_table(N_TICKS + 180))).case
    assert rank(goes_on).candidates == ends.candidates
    assert goes_on.notes == (
        "180 ticks after the incident's window were left out: what follows an incident is not normal.",
    )


def test_a_gap_in_a_table_gives_no_normal_windows(tmp_path: Path) -> None:
    lines = a_table().splitlines(keepends=True)
    gap = [*lines[: 1 + 3 * 40], *lines[1 + 3 * 80 :]]
    case = read_case(written(tmp_path, a_document(csv="signals.csv"), "".join(gap))).case
    complete = read_case(written(tmp_path, a_document(csv="signals.csv"), a_table())).case
    assert len(case.normal.times_ms) == len(complete.normal.times_ms) - 40
    assert case.notes[0].startswith("40 ticks without any value were left out of normal operation")
    figures = rank(case).candidates[0].evidence[0].figures
    assert figures["n_normal_windows"] == len(case.normal.times_ms) - len(case.window.times_ms) + 1


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "columns time and item"),
        ("time,item\n", "columns time and item"),
        ("time,item,item,cpu_ratio\n", "columns time and item"),
        ("time,item,speed\n", "'speed'.*latency_ms"),
        ("time,item,cpu_ratio\n2026-03-04T00:00:00Z,a,1\n", "fewer than two"),
        ("time,item,cpu_ratio\nyesterday,a,1\n", "line 2"),
        ("time,item,cpu_ratio\n2026-03-04T00:00:00Z,a,high\n", "line 2"),
        ("time,item,cpu_ratio\n2026-03-04T00:00:00Z\n", "line 2"),
        (
            "time,item,cpu_ratio\n1970-01-01T00:00:00Z,a,1\n1970-01-01T00:00:02Z,a,1\n1970-01-01T00:00:05Z,a,1\n",
            "grid",
        ),
        (
            "time,item,cpu_ratio\n1970-01-01T00:00:00Z,a,1\n1970-01-01T00:00:01Z,a,1\n2170-01-01T00:00:00Z,a,1\n",
            "exceed the limit",
        ),
    ],
)
def test_the_error_for_a_bad_table_names_the_problem_and_the_line(
    tmp_path: Path, table: str, reason: str
) -> None:
    with pytest.raises(BadCaseError, match=reason):
        read_case(written(tmp_path, a_document(csv="signals.csv"), table))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "one value per tick"),
        ({"a": {"cpu_ratio": [1, 2]}, "b": {"cpu_ratio": [1]}}, "one value per tick"),
        ({"a": {"speed": [1]}}, "speed"),
        ({"a": {"cpu_ratio": ["high"]}}, "series.values.a.cpu_ratio.0"),
    ],
)
def test_the_error_for_bad_lists_names_the_problem_and_the_place(
    tmp_path: Path, values: dict[str, Any], reason: str
) -> None:
    series = {"start": START.isoformat(), "step_s": 60, "values": values}
    with pytest.raises(BadCaseError, match=reason):
        read_case(written(tmp_path, a_document(series=series)))


def test_the_schema_in_the_documents_matches_the_code() -> None:
    schema = json.loads((DOCS / "case.schema.json").read_text())
    assert schema == CaseDocument.model_json_schema()


def test_the_example_in_the_documents_is_a_case_document() -> None:
    text = (DOCS / "cases.md").read_text()
    example = text.split("```json\n")[1].split("```")[0]
    assert CaseDocument.model_validate_json(example).cause == ["order-db"]
