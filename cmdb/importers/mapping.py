"""Reads documents of any system by a mapping: a small YAML file that says where items and edges are.

.. code-block:: yaml

    items:
      each: data.topology.nodes     # a path of fields; a list on the way is walked through
      key: id                       # what edges name an item by; its id where left out
      id: name
      kind: {from: type, as: {MySQL: database, Redis: cache}, else: service}
      attributes: {layer: layers}
    edges:
      each: data.topology.calls
      dependent: source
      dependency: target
      kind: {else: calls}
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from cmdb.errors import BadTableError
from cmdb.importers.row_collector import RowCollector
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cmdb.importers.report import Tables

SHIPPED = ("skywalking",)
ITEM_WORDS = {"each", "key", "id", "kind", "name", "team", "attributes"}
EDGE_WORDS = {"each", "dependent", "dependency", "kind"}


def load_mapping(name: str | Path) -> dict[str, Any]:
    """Return a mapping that is shipped under a name, or that of a file.

    Raises
    ------
    BadTableError
        If it is not one, with the word that is wrong.
    """
    try:
        if str(name) in SHIPPED:
            text = (files("cmdb.importers") / "mappings" / f"{name}.yaml").read_text(encoding="utf-8")
        else:
            with open(name, encoding="utf-8") as file:  # noqa: PTH123  a name or a path
                text = file.read()
        mapping = yaml.safe_load(text)
    except OSError as error:
        raise BadTableError(str(name), error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadTableError(
            str(name), f"it is not YAML in UTF-8: {' '.join(str(error).split())[:200]}"
        ) from error
    if not isinstance(mapping, dict) or not isinstance(mapping.get("items"), dict):
        raise BadTableError(str(name), "a mapping needs `items` with at least `each` and `id`")
    for part, words, needed in (
        ("items", ITEM_WORDS, ("each", "id")),
        ("edges", EDGE_WORDS, ("each", "dependent", "dependency")),
    ):
        rule = mapping.get(part)
        if rule is None:
            continue
        if not isinstance(rule, dict):
            raise BadTableError(str(name), f"`{part}` must be an object")
        wrong = sorted(map(str, rule.keys() - words))
        if wrong:
            raise BadTableError(
                str(name), f"`{part}` knows no {wrong[0]!r}; it knows {', '.join(sorted(words))}"
            )
        missing = [word for word in needed if not rule.get(word)]
        if missing:
            raise BadTableError(str(name), f"`{part}` has no {missing[0]!r}")
    return mapping


def read_mapped(document: object, mapping: dict[str, Any]) -> Tables:
    """Return the rows of a document as a mapping says.

    Raises
    ------
    BadTableError
        If no item is where the mapping says.
    """
    rows = RowCollector()
    rule = mapping["items"]
    n_found = 0
    for found in _each(document, rule["each"]):
        n_found += 1
        name = _value(found, rule["id"])
        if name in (None, ""):
            rows.lose("items without an id")
            continue
        key = _value(found, rule["key"]) if rule.get("key") else name
        rows.add(
            str(key),
            str(name),
            scope=str(key),
            kind=str(_value(found, rule.get("kind")) or "service"),
            team=str(_value(found, rule.get("team")) or ""),
            attributes={field: _value(found, path) for field, path in (rule.get("attributes") or {}).items()}
            | {"title": _value(found, rule.get("name"))},
        )
    if not n_found:
        raise BadTableError("the document", f"the mapping finds no items at {rule['each']!r}")
    edges = mapping.get("edges") or {}
    for found in _each(document, edges["each"]) if edges else ():
        kind = str(_value(found, edges.get("kind")) or EdgeKind.CALLS)
        if kind not in list(EdgeKind):
            rows.lose(f"edges of the kind {kind[:40]}")
            continue
        dependent, dependency = (str(_value(found, edges[end])) for end in ("dependent", "dependency"))
        rows.join(dependent, dependency, EdgeKind(kind))
    return rows.tables()


def _each(document: object, path: str) -> Iterator[object]:
    """Every object at a path; a list on the way is walked through."""
    found = [document]
    for field in filter(None, path.split(".")):
        found = [
            each[field]
            for one in found
            for each in (one if isinstance(one, list) else [one])
            if isinstance(each, dict) and field in each
        ]
    for one in found:
        yield from one if isinstance(one, list) else [one]


def _value(found: object, rule: object) -> object:
    """A value by its path, or by an object with `from`, `as` (a table) and `else`."""
    if rule is None:
        return None
    if isinstance(rule, dict):
        value = _value(found, rule.get("from"))
        return (rule.get("as") or {}).get(value, rule.get("else", value))
    for field in str(rule).split("."):
        found = found.get(field) if isinstance(found, dict) else None
    return found
