"""Which configuration item the labels of an alert or of a metric are about."""

from __future__ import annotations

import re
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


REPORTED_ON = (
    "exported_service",
    "exported_job",
    "exported_app",
    "exported_instance",
    "deployment",
    "statefulset",
    "daemonset",
    "exported_container",
    "exported_pod",
)
"""Labels of what an exporter reports on: they come before its own, such as its job and instance."""

ALSO_NAMING = (
    "service",
    "service_name",
    "app",
    "app_kubernetes_io_name",
    "container",
    "pod",
    "host",
    "hostname",
    "host_name",
    "nodename",
    "node",
    "targetname",
    "target",
    "ident",
)
"""Further labels by which alerts name what they are about, where the others name nothing that is known."""

POD_SUFFIX = re.compile(r"(-[a-f0-9]{6,10})?-[a-z0-9]{5}$|-\d+$")
"""What Kubernetes puts behind the name of a workload for one of its pods."""


def alerting_item(labels: Mapping[str, str], *, items: Container[str], item_labels: Sequence[str]) -> Named:
    """The item that an alert is about: a known one that any of its labels names, else as `item_named_by`.

    What an exporter reports on comes before the labels that name items everywhere, and these before further
    ones. Capitals do not matter in the name of a label, and a dot in it is an underscore.

    Examples
    --------
    >>> labels = {"job": "kube-state-metrics", "deployment": "order"}
    >>> alerting_item(labels, items={"order", "kube-state-metrics"}, item_labels=("job",))
    Named(item='order', label='deployment')
    >>> alerting_item({"Pod": "order-6d4cf56db6-x7x9p"}, items={"order"}, item_labels=("job",)).item
    'order'
    """
    folded = {_folded(name): value for name, value in labels.items()}
    naming = [(label, folded.get(_folded(label), "")) for label in (*REPORTED_ON, *item_labels, *ALSO_NAMING)]
    for label, value in naming:
        if value and value in items:
            return Named(value, label)
    for label, value in naming:
        for name in (value.rsplit(":", 1)[0], POD_SUFFIX.sub("", value), value.split(".", 1)[0]):
            if name and name in items:
                return Named(name, label)
    return item_named_by(labels, items=items, item_labels=item_labels)


def _folded(label: str) -> str:
    return re.sub(r"[./-]", "_", label).casefold()
