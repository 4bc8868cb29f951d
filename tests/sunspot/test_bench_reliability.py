from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from experiments.reliability.report import PARTS as MEASURED
from sunspot.bench import command
from sunspot.bench_reliability import PARTS

if TYPE_CHECKING:
    from pathlib import Path


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["reliability", "--no-tracking", *arguments])


def test_every_part_can_be_chosen() -> None:
    assert tuple(MEASURED) == PARTS


def test_a_run_is_printed_written_put_into_a_page_and_resumed(tmp_path: Path) -> None:
    rows, page = tmp_path / "rows.json", tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- part: access -->\n<!-- end -->\n\nThe end.\n", encoding="utf-8")
    done = bench("--part", "access", "--json", str(rows), "--page", str(page))
    assert done.exit_code == 0, done.output
    assert "POST /v1/alerts" in done.output
    written = json.loads(rows.read_text(encoding="utf-8"))
    assert written["kind"] == "reliability"
    assert [each["part"] for each in written["rows"]] == ["access"]
    assert "| `POST /v1/cmdb` | admin | 401 | 401 |" in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").endswith("The end.\n")

    again = bench("--part", "access", "--json", str(rows), "--resume")
    assert again.exit_code == 0
    assert "asking every route" not in again.output
    assert "POST /v1/alerts" in again.output


def test_a_broken_promise_ends_with_status_1(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    results = {"access": {"table": [], "wrong": ["GET / answered 200 to none"]}}
    rows.write_text(json.dumps({"version": "1", "machine": "m", "results": results}), encoding="utf-8")
    done = bench("--part", "access", "--json", str(rows), "--resume")
    assert done.exit_code == 1
    assert "broken: access: GET / answered 200 to none" in done.output


def test_what_cannot_be_used_ends_with_status_2(tmp_path: Path) -> None:
    corpus, rows = tmp_path / "corpus.json", tmp_path / "rows.json"
    corpus.write_text("{", encoding="utf-8")
    rows.write_text("{}", encoding="utf-8")
    for arguments in (
        ("--part", "masking", "--corpus", str(corpus)),
        ("--part", "access", "--resume"),
        ("--part", "access", "--resume", "--json", str(rows)),
    ):
        assert bench(*arguments).exit_code == 2
