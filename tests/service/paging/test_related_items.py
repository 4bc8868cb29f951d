"""Who is related to whom, within a bound of memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from builders import a_graph

from models.cases import case
from service.paging import related_items
from service.paging.related_items import RelatedItems


def test_what_an_item_needs_and_what_needs_it_is_related() -> None:
    related = RelatedItems(a_graph(("gateway", "order"), ("order", "funds"), alone=["quotes"]))
    assert related("order") == related("order") == {"gateway", "order", "funds"}
    assert related("quotes") == {"quotes"}
    assert related("ghost") == {"ghost"}
    assert related.n_names == 5


def test_a_cycle_on_which_everything_is_related_fills_no_memory() -> None:
    names = [f"item-{number}" for number in range(100)]
    related = RelatedItems(a_graph(*zip(names, [*names[1:], names[0]], strict=True)), max_names=1_000)
    for name in names:
        assert related(name) == set(names)
        assert related.n_names <= 1_000
    assert related.n_names > 0


def test_only_the_nearest_items_are_related(monkeypatch: pytest.MonkeyPatch) -> None:
    assert related_items.MAX_ITEMS == case.MAX_ITEMS
    monkeypatch.setattr(related_items, "MAX_ITEMS", 2)
    names = [f"item-{number}" for number in range(9)]
    related = RelatedItems(a_graph(*pairwise(names)))
    assert related("item-4") == {f"item-{number}" for number in range(2, 7)}
