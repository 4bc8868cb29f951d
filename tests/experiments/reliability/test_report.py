from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from experiments.reliability.access import CREDENTIALS, Access, Answers
from experiments.reliability.errors import UnreadableCorpusError
from experiments.reliability.fuzz import Finding, Fuzzed, Spoiled
from experiments.reliability.kills import Kept, Kills
from experiments.reliability.latency import AlertsAnswered, Latency
from experiments.reliability.masking import Form, Masked, Masking, measure_masking, read_forms
from experiments.reliability.memory import Memory, slope_per_hour
from experiments.reliability.quantiles import Waits, waits
from experiments.reliability.recovery import Recovery, Start
from experiments.reliability.report import PARTS, Plan, Report, measured, read_report
from experiments.reliability.storm import Others, Storm
from experiments.reliability.tables import Table
from training.progress import silent

if TYPE_CHECKING:
    from pathlib import Path

WAITS = Waits(10, 12.0, 99.0, 100.0, 1)
START = Start(1.0, 2.0, 3.0)
BROKEN = Report(
    "1.0",
    "a machine",
    {
        "kills": Kills(3, 1, (Kept("samples", 1_000, 2, 1, 20),), (1.5, 2.5), {"alerts 503": 4}),
        "fuzz": Fuzzed(
            10,
            9,
            3,
            2.0,
            0.5,
            "GET /",
            (Spoiled("truncated", 10, 3, 6, 0, 1),),
            (Finding("GET /", "truncated", 500, "ValueError at x.py:1", "Asked()"),),
        ),
        "latency": Latency(5_000.0, (AlertsAnswered("alone", 0.0, WAITS),)),
        "storm": Storm(100, 50_000, 200, 3.0, 90, WAITS, (Others("one body", "alerts", WAITS),)),
        "memory": Memory(1.0, 1, 2, 3, 4, 5, (0.0, 1.0), (200.0, 210.0), 1.5, -1.0, 4.0),
        "recovery": Recovery(1_000, 100, 1, (START,), (START,)),
        "masking": Masking((Masked("phone", 4, (3, 2, 1)), Masked("ordinary lines", 10, (1, 0, 0))), ("x",)),
        "access": Access((Answers("GET /", "read", dict.fromkeys(CREDENTIALS, "200")),), ("GET / to none",)),
    },
)


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(BROKEN.document()), encoding="utf-8")
    assert read_report(path) == BROKEN
    assert set(BROKEN.results) == set(PARTS)


def test_a_file_that_is_no_report_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for text in ("[]", "{}", '{"results": {"unknown": {}}}', '{"results": {"kills": {}}}', "no JSON"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError):  # noqa: PT011  the reason differs
            read_report(path)


def test_every_broken_promise_is_told() -> None:
    told = "\n".join(BROKEN.failures)
    for part in ("kills: samples: 2 missing and 1 doubled", "fuzz: GET /", "1 alerts were refused"):
        assert part in told
    assert "10 alerts of an accepted storm are not there" in told
    assert "access: GET / to none" in told


def test_every_table_has_as_many_cells_as_headings() -> None:
    for table in BROKEN.tables.values():
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.headings)}


def test_tables_show_what_was_measured() -> None:
    tables = BROKEN.tables
    assert tables["kills"].rows == (("samples", "1,000", "2", "1", "20"),)
    assert "median 2.0 s, longest 2.5 s" in tables["kills"].notes[0]
    assert tables["masking"].rows[-1] == ("all forms", "4", "75.0%", "50.0%", "25.0%")
    assert tables["memory"].rows[0][-1] == "+1.5 (-1.0 to +4.0)"
    assert tables["recovery"].rows[0] == ("nothing", "1", "1.0 / 1.0", "2.0 / 2.0", "3.0 / 3.0")


def test_a_cell_cannot_break_a_markdown_table() -> None:
    assert Table(("a",), (("x|y",),), ("word " * 40,)).markdown().splitlines()[2] == "| x/y |"
    assert max(map(len, Table(("a",), (), ("word " * 40,)).markdown().splitlines())) <= 100


def test_parts_are_reported_one_after_another() -> None:
    reports = list(measured(Report("1", "m"), ["access", "masking"], Plan(), on_progress=silent))
    assert [list(each.results) for each in reports] == [["access"], ["access", "masking"]]


def test_waits_without_answers_are_nan() -> None:
    assert math.isnan(waits([], n_failed=3).p99_ms)
    assert waits([], n_failed=3).n_failed == 3


def test_a_slope_leaves_out_the_warm_up_and_what_was_not_read() -> None:
    at_s = np.arange(1_000.0)
    values = np.where(at_s < 250, 1_000.0, 100.0 + at_s / 3600)
    values[500:510] = np.nan
    slope, low, high = slope_per_hour(at_s, values)
    assert slope == pytest.approx(1.0)
    assert low <= slope <= high
    assert all(math.isnan(each) for each in slope_per_hour(at_s[:2], values[:2]))


def test_forms_are_masked_by_kind_and_ordinary_lines_stay(tmp_path: Path) -> None:
    table, ordinary = tmp_path / "forms.tsv", tmp_path / "ordinary.txt"
    table.write_text("# never masked\nxyzzy\tthe magic word is xyzzy\n\n# other\nplugh\tplugh\n", "utf-8")
    ordinary.write_text("order placed\n\norder filled\n", encoding="utf-8")
    masking = measure_masking([table, ordinary])
    assert masking.rows == (
        Masked("never masked", 1, (0, 0, 0)),
        Masked("other", 1, (0, 0, 0)),
        Masked("ordinary lines", 2, (0, 0, 0)),
    )
    assert masking.shown == ("the magic word is xyzzy", "plugh")


def test_a_corpus_can_be_json(tmp_path: Path) -> None:
    corpus = tmp_path / "forms.json"
    forms = [{"kind": "token", "line": "token=abc", "must_not_show": "abc"}, {"line": "order placed"}]
    corpus.write_text(json.dumps(forms), encoding="utf-8")
    assert read_forms(corpus) == [
        Form("token", "token=abc", "abc"),
        Form("ordinary lines", "order placed", ""),
    ]


def test_a_table_of_forms_is_read_with_its_kinds_and_without_its_marks(tmp_path: Path) -> None:
    corpus = tmp_path / "forms.tsv"
    corpus.write_text("# tokens\ngh¦p_abc\ttoken is gh¦p_abc\n", encoding="utf-8")
    assert read_forms(corpus) == [Form("tokens", "token is ghp_abc", "ghp_abc")]


@pytest.mark.parametrize("text", ["{", '{"a": 1}', '[{"no": "line"}]', "[1]"])
def test_a_corpus_that_cannot_be_read_is_a_clear_error(tmp_path: Path, text: str) -> None:
    corpus = tmp_path / "forms.json"
    corpus.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableCorpusError, match=r"forms\.json"):
        measure_masking([corpus])
