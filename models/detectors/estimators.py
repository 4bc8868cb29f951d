"""A library's fitted estimators as reproducible files that cannot run code.

skops writes an estimator as a JSON tree of types and plain arrays. It trusts a long list of types by
default; here every node of the tree must be on our own short list before skops reads it.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import BadBundleError

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED_NODES = frozenset(
    {
        "DictNode of builtins.dict",
        "JsonNode of builtins.str",
        "ListNode of builtins.list",
        "NdArrayNode of numpy.float64",
        "NdArrayNode of numpy.ndarray",
        "ObjectNode of pyod.models.iforest.IForest",
        "ObjectNode of sklearn.ensemble._iforest.IsolationForest",
        "ObjectNode of sklearn.tree._classes.ExtraTreeRegressor",
        "TreeNode of sklearn.tree._tree.Tree",
        "TupleNode of builtins.tuple",
        "TypeNode of builtins.str",
    }
)
"""All parts of our estimators: how skops builds each, and its type."""

TRUSTED_TYPES = sorted({each.split(" of ")[1] for each in ALLOWED_NODES})
MAX_SIZE_BYTES = 256 * 2**20
SCHEMA = "schema.json"


def dump_estimator(estimator: object) -> bytes:
    """Encode an estimator; the same estimator always gives the same bytes."""
    from skops import io as skops_io  # noqa: PLC0415  a second, and only where it is used

    names: dict[str, str] = {}
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(skops_io.dumps(estimator))) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        schema = _renumbered(json.loads(source.read(SCHEMA)), names)
        target.writestr(zipfile.ZipInfo(SCHEMA), json.dumps(schema), zipfile.ZIP_DEFLATED)
        arrays = [PurePosixPath(name) for name in source.namelist() if name != SCHEMA]
        for name in sorted(arrays, key=lambda each: int(names[each.stem])):
            renamed = zipfile.ZipInfo(f"{names[name.stem]}{name.suffix}")
            target.writestr(renamed, _without_padding(source.read(str(name))), zipfile.ZIP_DEFLATED)
    return written.getvalue()


def load_estimator(content: bytes, source: str) -> object:
    """Decode an estimator made of our types only.

    Raises
    ------
    BadBundleError
        If it is damaged, too large, or holds any other type; none of its code has run.
    """
    try:
        return _decoded(content)
    except Exception as reason:
        raise BadBundleError(source, f"its estimator cannot be read: {reason}") from reason


def _decoded(content: bytes) -> object:
    from skops import io as skops_io  # noqa: PLC0415  a second, and only where it is used

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(each.file_size for each in archive.infolist()) > MAX_SIZE_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_SIZE_BYTES} bytes")
        unknown = set(_nodes(json.loads(archive.read(SCHEMA)))) - ALLOWED_NODES
    if unknown:
        raise ValueError(f"it holds types that are not allowed: {', '.join(sorted(unknown))}")
    return skops_io.loads(content, trusted=TRUSTED_TYPES)


def _without_padding(content: bytes) -> bytes:
    """The array with zeros between the fields of its records, where numpy leaves memory uninitialised."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    clean = np.zeros(array.shape, array.dtype)  # zeros_like does not clear the gaps
    for field in array.dtype.names or ():
        clean[field] = array[field]
    written = io.BytesIO()
    np.save(written, clean if array.dtype.names else array, allow_pickle=False)
    return written.getvalue()


def _nodes(node: object) -> Iterator[str]:
    """Every way of building a type that a schema names, anywhere in the tree."""
    if isinstance(node, dict):
        if node.keys() & {"__class__", "__module__", "__loader__"}:
            yield f"{node.get('__loader__')} of {node.get('__module__')}.{node.get('__class__')}"
        for child in node.values():
            yield from _nodes(child)
    elif isinstance(node, list):
        for child in node:
            yield from _nodes(child)


def _renumbered(node: Any, names: dict[str, str]) -> Any:
    """The schema with memory addresses replaced by the order in which they appear."""
    if isinstance(node, list):
        return [_renumbered(child, names) for child in node]
    if not isinstance(node, dict):
        return node
    renamed: dict[str, Any] = {}
    is_constant = node.get("__loader__") in {"JsonNode", "TypeNode"}  # equal, whether shared or not
    for key, child in node.items():
        if key == "__id__":
            name = f"constant {len(names)}" if is_constant else str(child)
            renamed[key] = int(names.setdefault(name, str(len(names))))
        elif key == "file":
            stem, _, suffix = str(child).partition(".")
            renamed[key] = f"{names.setdefault(stem, str(len(names)))}.{suffix}"
        else:
            renamed[key] = _renumbered(child, names)
    return renamed
