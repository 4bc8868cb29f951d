"""Tables become a graph and a report of the rejected rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmdb.errors import BadTableError
from cmdb.importers.tables import columns_given, read_document, read_tables
from cmdb.items import Edge, EdgeKind, Item

if TYPE_CHECKING:
    from pathlib import Path

    from cmdb.importers.tables import ImportReport

ITEMS = [{"id": "app", "kind": "service", "team": "trading", "room": "B2"}, {"id": "db", "kind": "database"}]
EDGES = [{"dependent": "app", "dependency": "db", "kind": "calls"}]


def reasons(report: ImportReport) -> list[tuple[str, int, str]]:
    return [(each.table, each.row, each.reason) for each in report.rejected]


def csv_pair(directory: Path, items: str, edges: str, encoding: str = "utf-8") -> Path:
    (directory / "items.csv").write_text(items, encoding=encoding)
    (directory / "edges.csv").write_text(edges, encoding=encoding)
    return directory


def test_a_document_becomes_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "cmdb.json"
    path.write_text(json.dumps({"items": ITEMS, "edges": EDGES}), encoding="utf-8-sig")
    report = read_tables(path)
    assert report.graph.items["app"] == Item("app", "service", "", "trading", {"room": "B2"})
    assert report.graph.edges == {Edge("app", "db", EdgeKind.CALLS)}
    assert (report.n_items, report.n_edges, report.rejected) == (2, 1, ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_tables_give_the_same_graph_in_any_order_of_columns(tmp_path: Path, encoding: str) -> None:
    directory = csv_pair(
        tmp_path,
        "room,team,id,kind\nB2,trading,app,service\n,,db,database\n\n",
        "kind,dependency,dependent\r\ncalls,db,app\r\n",
        encoding,
    )
    expected = read_document({"items": ITEMS, "edges": EDGES}).graph.version
    for path in (directory, directory / "items.csv", directory / "edges.csv"):
        assert read_tables(path).graph.version == expected


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"id": "app"}, "the id 'app' is taken by an earlier row"),
        ({"id": " app "}, "the id 'app' is taken by an earlier row"),
        ({"name": "nameless"}, "it has no id"),
        ({"id": "  "}, "it has no id"),
        ({"id": None}, "it has no id"),
        ({"id": True}, "it has no id"),
        ({"id": "a\x00b"}, "the id 'a\\x00b' holds a control character"),
        ({"id": "\ud800"}, "the id '\\ud800' holds a control character"),
        ({"id": "x" * 300}, f"the id '{'x' * 59}… has over 256 characters"),
        ("app", "it is not an object"),
    ],
)
def test_a_bad_item_is_left_out_with_its_row_and_reason(item: object, reason: str) -> None:
    report = read_document({"items": [*ITEMS, item], "edges": EDGES})
    assert reasons(report) == [("items", 3, reason)]
    assert report.graph.items["app"].team == "trading", "of two, the first counts"


@pytest.mark.parametrize(
    ("edge", "reason"),
    [
        ({"dependent": "app", "dependency": "cache"}, "no item has the id 'cache'"),
        ({"dependent": "web", "dependency": "db"}, "no item has the id 'web'"),
        ({"dependent": "db", "dependency": "db"}, "'db' cannot depend on itself"),
        (
            {"dependent": "db", "dependency": "app", "kind": "likes"},
            "the kind 'likes' is not one of calls, async",
        ),
        (
            {"dependent": "db", "dependency": "app", "kind": ["calls"]},
            "the kind ['calls'] is not one of calls",
        ),
        ({"dependent": "app"}, "it has no dependency"),
        ({"dependent": "app", "dependency": "db"}, "the same edge is in an earlier row"),
        (None, "it is not an object"),
    ],
)
def test_a_bad_edge_is_left_out_with_its_row_and_reason(edge: object, reason: str) -> None:
    report = read_document({"items": ITEMS, "edges": [*EDGES, edge]})
    assert [(table, row) for table, row, _ in reasons(report)] == [("edges", 2)]
    assert report.rejected[0].reason.startswith(reason)
    assert report.n_edges == 1


def test_two_kinds_between_the_same_items_are_two_edges() -> None:
    report = read_document({"items": ITEMS, "edges": [*EDGES, {**EDGES[0], "kind": "async"}]})
    assert report.n_edges == 2
    assert not report.rejected


def test_ids_may_be_numbers_and_attributes_anything() -> None:
    item = read_document({"items": [{"id": 7, "ports": [80, 443], "note": "a\ud800b"}], "edges": []})
    assert item.graph.items["7"].attributes == {"ports": "[80, 443]", "note": "a?b"}
    assert item.graph.version


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "must be an object with items and edges"),
        ({"items": []}, "edges must be a list"),
        ({"items": {}, "edges": []}, "items must be a list"),
        ({"items": [], "edges": "none"}, "edges must be a list"),
    ],
)
def test_a_document_without_its_tables_is_rejected(document: dict[str, object], reason: str) -> None:
    with pytest.raises(BadTableError, match=reason):
        read_document(document)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"items": [', "not JSON in UTF-8"),
        (b"\xff\xfe", "not JSON in UTF-16"),
        (b"[]", "must be an object"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5_000, "not JSON"),
    ],
)
def test_a_file_that_is_not_a_document_is_rejected(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "cmdb.json"
    path.write_bytes(content)
    with pytest.raises(BadTableError, match=reason):
        read_tables(path)


@pytest.mark.parametrize(
    ("items", "edges", "reason"),
    [
        ("name\napp\n", "dependent,dependency\n", "items.csv: it has no column 'id'"),
        ("id\napp\n", "dependent\n", "edges.csv: it has no column 'dependency'"),
        ("", "dependent,dependency\n", "it has no column 'id'"),
        ("id,id\napp,b\n", "dependent,dependency\n", "two columns have the same name"),
        ("id\napp,db\n", "dependent,dependency\n", "line 2 has 2 cells under 1 names"),
        ('id\n"app\n', "dependent,dependency\n", "line 2 is not CSV"),
        ("id\n" + "x" * 200_000, "dependent,dependency\n", "line 2 is not CSV"),
    ],
)
def test_unreadable_csv_tables_are_rejected(tmp_path: Path, items: str, edges: str, reason: str) -> None:
    with pytest.raises(BadTableError, match=reason):
        read_tables(csv_pair(tmp_path, items, edges))


@pytest.mark.parametrize(
    ("encoding", "noted"),
    [("gb18030", "GB18030"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-8-sig", ""), ("utf-8", "")],
)
def test_tables_are_read_in_the_encoding_that_they_are_in(tmp_path: Path, encoding: str, noted: str) -> None:
    directory = csv_pair(
        tmp_path, "id,kind,name,team\norder,service,订单服务,交易\n", "dependent,dependency\n", encoding
    )
    report = read_tables(directory)
    assert report.graph.items["order"] == Item("order", "service", "订单服务", "交易")
    assert [note for note in report.notes if "read as" in note] == [
        f"{name}.csv was read as {noted}"
        for name in ("items", "edges")
        if noted and (name == "items" or noted != "GB18030")
    ]


def test_text_in_no_known_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    directory = csv_pair(tmp_path, "", "dependent,dependency\n")
    (directory / "items.csv").write_bytes(b"id,name\napp,\xff\xff\n")
    with pytest.raises(BadTableError, match="line 2 is neither UTF-8 nor GB18030"):
        read_tables(directory)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_columns_have_the_names_that_people_use(tmp_path: Path, separator: str) -> None:
    directory = csv_pair(
        tmp_path,
        '编号,Kind,名称,Team,机房\n order ,service,"a,b\nc",trading,B2\ndb,database,,,\n'.replace(
            ",", separator
        )
        if separator == "\t"
        else '编号;Kind;名称;Team;机房\n order ;service;"a;b\nc";trading;B2\ndb;database;;;\n',
        f"From{separator}To{separator}Type\norder{separator}db{separator}Runs_On\nghost{separator}db{separator}\n",
    )
    report = read_tables(directory)
    assert report.graph.items["order"].team == "trading"
    assert report.graph.items["order"].attributes == {"机房": "B2"}
    assert report.graph.items["db"].kind == "database"
    assert report.graph.edges == {Edge("order", "db", EdgeKind.RUNS_ON)}
    assert [(each.table, each.row, each.line) for each in report.rejected] == [("edges", 2, 3)]
    assert "items: the columns 机房 became attributes" in report.notes


def test_a_line_number_is_that_of_the_file_after_a_quoted_newline(tmp_path: Path) -> None:
    directory = csv_pair(tmp_path, 'id,name\napp,"two\nlines"\n\napp,again\n', "dependent,dependency\n")
    assert [each.line for each in read_tables(directory).rejected] == [5]


def test_a_person_may_name_a_column(tmp_path: Path) -> None:
    directory = csv_pair(tmp_path, "CI名称,id\norder,17\n", "dependent,dependency\n")
    report = read_tables(directory, columns=columns_given(["id=CI名称"]))
    assert list(report.graph.items) == ["order"]


@pytest.mark.parametrize(
    ("given", "reason"), [("CI名称", "not of the form field=name"), ("colour=red", "'colour' is not one of")]
)
def test_a_column_of_no_field_is_told(given: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        columns_given([given])


def test_a_workbook_is_read_with_its_lines(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    items = book.active
    items.title = "配置项"
    for row in (["编号", "类型"], ["order", "service"], [None, None], ["db", "database"], ["db", "again"]):
        items.append(row)
    edges = book.create_sheet("Edges")
    edges.append(["dependent", "dependency"])
    edges.append(["order", "db"])
    path = tmp_path / "cmdb.xlsx"
    book.save(path)
    report = read_tables(path)
    assert (report.n_items, report.n_edges) == (2, 1)
    assert [(each.row, each.line) for each in report.rejected] == [(3, 5)]
    path.write_bytes(b"not a workbook")
    with pytest.raises(BadTableError, match="not a workbook of Excel"):
        read_tables(path)


@pytest.mark.parametrize("name", ["nothing.json", "", "items.csv"])
def test_a_missing_file_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadTableError, match="No such file"):
        read_tables(tmp_path / name)


def test_a_row_shorter_than_the_header_lacks_its_last_cells(tmp_path: Path) -> None:
    report = read_tables(csv_pair(tmp_path, "id,kind\napp\n", "dependent,dependency\napp\n"))
    assert report.graph.items["app"].kind == "service"
    assert reasons(report) == [("edges", 1, "it has no dependency")]


cells = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.none(), max_size=1)
some_rows = st.lists(
    st.none()
    | st.dictionaries(st.sampled_from(["id", "kind", "dependent", "dependency", "x"]), cells, max_size=5),
    max_size=12,
)


@given(some_rows, some_rows)
def test_every_row_is_either_in_the_graph_or_in_the_report(items: list[object], edges: list[object]) -> None:
    report = read_document({"items": items, "edges": edges})
    assert report.n_items == len(report.graph.items)
    assert report.n_edges == len(report.graph.edges)
    assert report.n_items + report.n_edges + len(report.rejected) == len(items) + len(edges)
    assert report.graph.version


def test_a_hundred_thousand_edges_are_read_within_the_timeout() -> None:
    items = [{"id": f"service-{number}"} for number in range(25_000)]
    edges = [
        {"dependent": f"service-{number % 25_000}", "dependency": f"service-{(number * 7 + 3) % 25_000}"}
        for number in range(100_000)
    ]
    report = read_document({"items": items, "edges": edges})
    assert report.n_edges + len(report.rejected) == 100_000
