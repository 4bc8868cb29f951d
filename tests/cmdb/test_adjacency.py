"""A matrix of calls becomes a graph from callers to callees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmdb.errors import BadTableError
from cmdb.importers.adjacency import read_adjacency
from cmdb.items import Edge

if TYPE_CHECKING:
    from pathlib import Path


def matrix(directory: Path, text: str) -> Path:
    path = directory / "graph.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_calls_the_columns_above_zero(tmp_path: Path) -> None:
    report = read_adjacency(matrix(tmp_path, "\ufeff,app,db\nweb,3,0\napp,0,0.5\n\n"))
    assert report.graph.edges == {Edge("web", "app"), Edge("app", "db")}
    assert (report.n_items, report.n_edges, report.rejected) == (3, 2, ())


def test_self_calls_are_reported_and_left_out(tmp_path: Path) -> None:
    report = read_adjacency(matrix(tmp_path, ",app\napp,1\n"))
    assert [each.reason for each in report.rejected] == ["'app' cannot depend on itself"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a matrix needs"),
        (",app\n", "a matrix needs"),
        ("app\nweb\n", "a matrix needs"),
        (",app,db\nweb,1\n", "row 'web' has 1 cells for 2 callees"),
        (",app\nweb,many\n", "'web' and 'app' is 'many', not a number"),
        (',app\n"web,1\n', "not CSV"),
    ],
)
def test_a_malformed_matrix_is_rejected(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadTableError, match=reason):
        read_adjacency(matrix(tmp_path, text))


def test_a_missing_matrix_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadTableError, match="No such file"):
        read_adjacency(tmp_path / "graph.csv")


def test_an_empty_cell_is_not_a_call_and_a_blank_label_is_not_an_item(tmp_path: Path) -> None:
    report = read_adjacency(matrix(tmp_path, ",app,\nweb,,1\n"))
    assert not report.graph.edges
    assert set(report.graph.items) == {"app", "web"}
    assert len(report.rejected) == 1
