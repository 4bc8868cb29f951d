"""Each source's documents become items and edges, with the arrows the right way."""

from __future__ import annotations

import json
import lzma
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmdb.errors import BadTableError
from cmdb.importers.mapping import load_mapping, read_mapped
from cmdb.importers.sources import SOURCES, tables_of
from cmdb.importers.tables import graph_of, load_tables, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from cmdb.importers.report import ImportReport


def edges_of(report: ImportReport) -> set[tuple[str, str, str]]:
    assert not report.rejected
    return {(each.dependent, each.dependency, each.kind.value) for each in report.graph.edges}


JAEGER = {"data": [{"parent": "web", "child": "order", "callCount": 7}]}
KIALI = {
    "elements": {
        "nodes": [
            {"data": {"id": "1", "nodeType": "app", "app": "web", "namespace": "shop", "cluster": "a"}},
            {
                "data": {
                    "id": "2",
                    "nodeType": "service",
                    "service": "order",
                    "namespace": "shop",
                    "cluster": "a",
                }
            },
            {
                "data": {
                    "id": "3",
                    "nodeType": "workload",
                    "app": "order",
                    "namespace": "shop",
                    "cluster": "a",
                }
            },
            {"data": {"id": "4", "nodeType": "box", "app": "order", "namespace": "shop", "cluster": "a"}},
            {"data": {"id": "5", "nodeType": "unknown", "workload": "unknown", "namespace": "unknown"}},
        ],
        "edges": [
            {"data": {"source": "1", "target": "2", "traffic": {"rates": {"http": "2.00"}}}},
            {"data": {"source": "2", "target": "3"}},
            {"data": {"source": "5", "target": "1"}},
        ],
    }
}
SERVICENOW = {
    "result": [
        {
            "parent": {"value": "1", "link": "x"},
            "child": {"value": "2"},
            "type.name": kind,
            "parent.name": "app",
            "child.name": "db",
            "child.sys_class_name": "cmdb_ci_db_instance",
        }
        for kind in ("Depends on::Used by", "Contains::Contained by", "Likes::Liked by")
    ]
}
BACKSTAGE = [
    {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "order"},
        "spec": {
            "type": "service",
            "owner": "group:default/trading",
            "dependsOn": ["resource:order-db"],
            "consumesApis": ["quotes-api", "ghost-api"],
        },
    },
    {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "quotes"},
        "spec": {"type": "service", "owner": "market", "providesApis": ["quotes-api"]},
    },
    {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Resource",
        "metadata": {"name": "order-db"},
        "spec": {"type": "database", "dependencyOf": ["component:default/quotes"]},
    },
    {"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": {"name": "quotes-api"}, "spec": {}},
]
TOPOLOGY = {
    "data": [
        {
            "bk_inst_id": 2,
            "bk_inst_name": "broker",
            "bk_obj_id": "biz",
            "child": [{"bk_inst_id": 2, "bk_inst_name": "order", "bk_obj_id": "module", "child": []}],
        }
    ]
}
ASSOCIATIONS = {
    "data": {
        "info": [
            {
                "bk_inst_id": 2,
                "bk_asst_inst_id": 2,
                "bk_asst_obj_id": "host",
                "bk_asst_id": kind,
                "bk_obj_asst_id": f"app_{kind}_host",
            }
            for kind in ("run", "connect", "belong", "default")
        ]
    }
}
VEOPS = {
    "numfound": 900,
    "result": [
        {
            "_id": 7,
            "ci_type": "server",
            "unique": "sn",
            "sn": "8c",
            "server_name": "h1",
            "idc": "A",
            "env": "prod",
        }
    ],
}
KUBERNETES = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "kind": "Deployment",
            "metadata": {"name": "order", "namespace": "shop", "labels": {"team": "trading"}},
            "spec": {"template": {"metadata": {"labels": {"app": "order", "x": "1"}}}},
        },
        {"kind": "Node", "metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "a"}}},
        {
            "kind": "Pod",
            "metadata": {
                "name": "order-6d4cf56db6-x",
                "namespace": "shop",
                "ownerReferences": [{"kind": "ReplicaSet", "name": "order-6d4cf56db6"}],
            },
            "spec": {"nodeName": "n1"},
        },
        {"kind": "Pod", "metadata": {"name": "lone", "namespace": "shop"}, "spec": {"nodeName": "n1"}},
        {
            "kind": "Service",
            "metadata": {"name": "orders", "namespace": "shop"},
            "spec": {"selector": {"app": "order"}},
        },
        {
            "kind": "Ingress",
            "metadata": {"name": "front", "namespace": "shop"},
            "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "orders"}}}]}}]},
        },
    ],
}
NETBOX = [
    {"model": "contenttypes.contenttype", "fields": {}},
    {"model": "dcim.site", "pk": 1, "fields": {"name": "dc-a"}},
    {"model": "dcim.devicerole", "pk": 1, "fields": {"name": "Core Switch"}},
    {"model": "dcim.device", "pk": 1, "fields": {"name": "sw1", "site": 1, "role": 1, "cluster": None}},
    {"model": "dcim.device", "pk": 2, "fields": {"name": None, "site": 1, "role": None, "cluster": 1}},
    {"model": "virtualization.cluster", "pk": 1, "fields": {"name": "c1", "site": 1}},
    {"model": "virtualization.cluster", "pk": 2, "fields": {"name": "c2", "site": None}},
    {
        "model": "virtualization.virtualmachine",
        "pk": 5,
        "fields": {"name": "vm", "cluster": 1, "device": None},
    },
    {
        "model": "virtualization.virtualmachine",
        "pk": 6,
        "fields": {"name": "vm", "cluster": 2, "device": None},
    },
    {"model": "dcim.cabletermination", "pk": 1, "fields": {"cable": 1, "cable_end": "A", "_device": 1}},
    {"model": "dcim.cabletermination", "pk": 2, "fields": {"cable": 1, "cable_end": "B", "_device": 2}},
]
CASES: list[tuple[str, Any, set[tuple[str, str, str]]]] = [
    ("jaeger", JAEGER, {("web", "order", "calls")}),
    ("kiali", KIALI, {("web", "order", "calls")}),
    ("servicenow", SERVICENOW, {("app", "db", "calls"), ("db", "app", "member_of")}),
    (
        "backstage",
        BACKSTAGE,
        {("order", "order-db", "calls"), ("order", "quotes", "calls"), ("quotes", "order-db", "calls")},
    ),
    ("bk-cmdb", TOPOLOGY, {("order", "broker", "member_of")}),
    (
        "bk-cmdb",
        ASSOCIATIONS,
        {
            ("app:2", "host:2", "runs_on"),
            ("app:2", "host:2", "connects"),
            ("host:2", "app:2", "connects"),
            ("app:2", "host:2", "member_of"),
        },
    ),
    ("veops", VEOPS, set()),
    ("kubernetes", KUBERNETES, {("order", "n1", "runs_on"), ("front", "order", "calls")}),
    (
        "netbox",
        NETBOX,
        {
            ("sw1", "dc-a", "member_of"),
            ("device-2", "dc-a", "member_of"),
            ("c1", "dc-a", "member_of"),
            ("c1", "device-2", "runs_on"),
            ("vm.c1", "c1", "runs_on"),
            ("vm.c2", "c2", "runs_on"),
            ("sw1", "device-2", "connects"),
            ("device-2", "sw1", "connects"),
        },
    ),
    (
        "service graph",
        {
            "data": {
                "result": [
                    {"metric": {"client": "web", "server": "db", "connection_type": "database"}},
                    {"metric": {"client": "user", "server": "web"}},
                    {"metric": {"client": "web", "server": "topic", "connection_type": "messaging_system"}},
                    {"metric": {"client": "web", "server": "unknown"}},
                ]
            }
        },
        {("web", "db", "calls"), ("web", "topic", "async")},
    ),
]


@pytest.mark.parametrize(
    ("name", "document", "edges"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_source_s_document_is_known_and_its_arrows_are_right(
    name: str, document: Any, edges: set[tuple[str, str, str]]
) -> None:
    assert [each.name for each in SOURCES if each.fits(document)] == [name], (
        "no other source takes it for its own"
    )
    report = read_document(document)
    assert edges_of(report) == edges
    assert report.notes[0].startswith(f"read as a document of {name}")
    assert read_document(document).graph.version == report.graph.version


@pytest.mark.parametrize(
    ("name", "document", "edges"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_order_of_a_document_does_not_matter(name: str, document: Any, edges: Any) -> None:
    def turned(part: Any) -> Any:
        if isinstance(part, dict):
            return {field: turned(value) for field, value in part.items()}
        return [turned(each) for each in reversed(part)] if isinstance(part, list) else part

    assert (
        graph_of(tables_of(turned(document), "x", name)).graph.version
        == read_document(document).graph.version
    )


def test_what_a_graph_cannot_hold_is_told() -> None:
    assert "1 relations of the type Likes::Liked by were left out" in read_document(SERVICENOW).notes
    assert (
        "1 uses of the API ghost-api, which no component provides were left out"
        in read_document(BACKSTAGE).notes
    )
    assert "1 pods without a workload in the list were left out" in read_document(KUBERNETES).notes
    assert "this page holds 1 of 900 items" in read_document(VEOPS).notes


def test_what_a_source_knows_of_an_item_comes_along() -> None:
    order = read_document(BACKSTAGE).graph.items["order"]
    assert (order.kind, order.team) == ("service", "trading")
    host = read_document(VEOPS).graph.items["h1"]
    assert (host.kind, host.attributes["data_centre"], host.attributes["environment"]) == (
        "host",
        "A",
        "prod",
    )
    assert read_document(KUBERNETES).graph.items["n1"].attributes["zone"] == "a"
    assert read_document(NETBOX).graph.items["sw1"].kind == "network"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            {"elements": {"nodes": [{"id": 1}]}},
            "looks like a document of kiali, but a part of it has no 'data'",
        ),
        ({"data": [{"parent": "a", "child": "b"}, 3]}, "looks like a document of jaeger"),
        ({"hello": 1}, "an object with items and edges, or a document of one of"),
        ("<html>", "an object with items and edges"),
    ],
)
def test_a_document_of_no_form_is_a_clear_error(document: object, reason: str) -> None:
    with pytest.raises(BadTableError, match=reason):
        read_document(document)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "result",
                    "elements",
                    "nodes",
                    "edges",
                    "items",
                    "kind",
                    "parent",
                    "child",
                    "metadata",
                    "apiVersion",
                    "metric",
                    "client",
                    "ci_type",
                    "bk_inst_id",
                    "model",
                    "fields",
                    "pk",
                    "spec",
                    "name",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(SOURCES), anything)
def test_whatever_a_document_holds_is_a_graph_or_a_clear_error(source: Any, document: object) -> None:
    try:
        report = graph_of(tables_of(document, "x", source.name))
    except BadTableError:
        return
    assert report.n_items == len(report.graph)


def test_a_mapping_reads_what_no_module_knows(tmp_path: Path) -> None:
    topology = {
        "data": {
            "topology": {
                "nodes": [
                    {"id": "1", "name": "web", "type": "Tomcat"},
                    {"id": "2", "name": "db:3306", "type": "MySQL"},
                    {"id": "3", "name": ""},
                ],
                "calls": [{"source": "1", "target": "2"}, {"source": "9", "target": "2"}],
            }
        }
    }
    report = graph_of(read_mapped(topology, load_mapping("skywalking")))
    assert edges_of(report) == {("web", "db:3306", "calls")}
    assert report.graph.items["db:3306"].kind == "database"
    assert "1 items without an id were left out" in report.notes
    path = tmp_path / "topology.json"
    path.write_text(json.dumps(topology))
    assert graph_of(load_tables(path, mapping="skywalking")).graph.version == report.graph.version


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("items: {each: a}", "`items` has no 'id'"),
        ("items: {each: a, id: b, colour: c}", "`items` knows no 'colour'"),
        ("items: {each: a, id: b}\nedges: 3", "`edges` must be an object"),
        ("3", "a mapping needs `items`"),
        ("a: [", "it is not YAML"),
    ],
)
def test_a_wrong_mapping_is_told_with_its_word(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(BadTableError, match=reason):
        load_mapping(path)


def test_a_mapping_that_finds_nothing_is_an_error() -> None:
    with pytest.raises(BadTableError, match="finds no items at 'rows'"):
        read_mapped({}, {"items": {"each": "rows", "id": "id"}})


def test_published_samples_are_read(public_data: Path) -> None:
    payloads = public_data / "payloads"
    counts = {
        "servicenow/cmdb_rel_ci.json": (2, 1),
        "veops/ci_search.json": (1, 0),
        "bkcmdb/search_biz_inst_topo.json": (3, 2),
        "bkcmdb/search_instance_associations.json": (2, 2),
        "backstage/catalog-info.yaml": (3, 1),
        "kiali/test_app_graph.json": (9, 8),
        "kiali/test_versioned_app_graph.json": (9, 8),
        "jaeger/dependencies.json": (3, 2),
        "otel/servicegraph.prom": (2, 1),
    }
    for name, expected in counts.items():
        report = graph_of(load_tables(payloads / name))
        assert (report.n_items, report.n_edges, report.rejected) == (*expected, ()), name
    with lzma.open(payloads / "netbox-demo-v3.6.json.xz") as file:
        report = read_document(json.load(file))
    assert (report.n_items, report.n_edges, report.rejected) == (308, 348, ())
    assert len({each.name for each in report.graph.items.values() if each.kind == "data_centre"}) == 24
