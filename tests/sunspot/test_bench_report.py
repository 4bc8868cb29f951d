import json
from pathlib import Path

import pytest

from sunspot.bench_report import Destination, finish

ROWS: list[dict[str, float | int | str]] = [
    {
        "part": "all",
        "method": "sunspot",
        "n": 3,
        "as1": 0.5,
        "as1_low": 0.2,
        "as1_high": 0.8,
        "lines_per_s": 12345.6,
    },
    {"part": "one", "method": "random", "n": 3, "false_positive_rate": 0.0021},
]


def test_a_report_is_printed_written_and_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = {"kind": "logs", "dataset": "x", "data_digest": "sha256:0", "version": "1", "rows": ROWS}
    finish(
        report,
        Destination(tmp_path, tmp_path / "r.json"),
        caption="What it means.",
        notes=["One note."],
    )
    printed = capsys.readouterr()
    for text in ("0.500 (0.20–0.80)", "12,346", "0.0021", "What it means.", "One note."):
        assert text in printed.out
    assert "logged to MLflow as run" in printed.err
    assert json.loads((tmp_path / "r.json").read_text())["rows"] == ROWS


def test_a_report_without_rows_is_still_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finish({"rows": []}, Destination(tmp_path, is_logged=False), caption="Nothing.")
    assert "Nothing." in capsys.readouterr().out


def test_rows_of_a_part_are_grouped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"part": part, "method": method} for method in ("sunspot", "random") for part in ("x-1", "x-2")]
    finish({"rows": rows}, Destination(tmp_path, is_logged=False), caption="")
    lines = [line for line in capsys.readouterr().out.splitlines() if "x-" in line]
    assert ["x-1" in line for line in lines] == [True, True, False, False]
