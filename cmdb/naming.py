"""Which configuration item the labels of an alert or of a metric are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence


class Named(NamedTuple):
    """An item, and the label that named it; both are empty if no label does."""

    item: str
    label: str


def item_named_by(labels: Mapping[str, str], *, items: Container[str], item_labels: Sequence[str]) -> Named:
    """The item that labels are about.

    The first label whose value is a known item wins, then the first whose value is one without its port;
    without either, the first label that is there at all.

    Parameters
    ----------
    items
        The known configuration items.
    item_labels
        Labels that may name the item, best first.

    Examples
    --------
    >>> labels = {"job": "apps", "instance": "order:8080"}
    >>> item_named_by(labels, items={"order"}, item_labels=("job", "instance"))
    Named(item='order', label='instance')
    >>> item_named_by(labels, items=(), item_labels=("job", "instance")).item
    'apps'
    """
    named = [Named(labels[label], label) for label in item_labels if labels.get(label)]
    for each in named:
        if each.item in items:
            return each
    for each in named:
        without_port = each.item.rsplit(":", 1)[0]
        if without_port in items:
            return Named(without_port, each.label)
    return named[0] if named else Named("", "")
