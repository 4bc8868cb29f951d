"""A case as files and back: ``case-ID.json``, and ``case-ID.npz`` with the numbers."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from datetime import UTC
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from pydantic import ValidationError

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, Item
from features.golden import Role
from models.artifacts.bundle_files import digest_of_bytes, typed
from models.artifacts.log_sums_files import sums_from_parts, sums_parts
from models.artifacts.span_sums_files import spans_from_parts, spans_parts
from models.cases.arrays import pack, unpack
from models.cases.by_hand import alert_of, case_by_hand, change_of
from models.cases.case import Case, Signals
from models.cases.document import (
    SCHEMA_VERSION,
    AlertDocument,
    ArraysDocument,
    CaseDocument,
    ChangeDocument,
    EdgeDocument,
    ItemDocument,
    SumsDocument,
)
from models.cases.normal_ticks import MIN_NORMAL_TICKS
from models.errors import BadCaseError, CaseTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from features.logs.sums import LogSums
    from features.span_sums import SpanSums

MAX_CASE_BYTES = 2 * 2**20
"""Largest total size of the files of one case."""

MAX_ARRAY_BYTES = 60 * 2**20
"""Largest unpacked size of its arrays: less than the reading limit, because each array has a header."""

PREFIX = "case-"
MAX_NAME = 120
PARTS = ("window", "before", "normal")

BY_ENDS = attrgetter("dependent", "dependency", "kind")

UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    MemoryError,
    RecursionError,
    RuntimeError,
    EOFError,
    OSError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Errors that reading a damaged or hostile file may raise."""


@dataclass(frozen=True)
class StoredCase:
    """A case as the library stores it.

    Attributes
    ----------
    ranking
        The ranking of that time, as the service stores rankings; ``None`` if the case was not ranked.
    """

    case: Case
    ranking: Mapping[str, Any] | None = None


def file_stem(case_id: str) -> str:
    """Name of a case's files without their endings: unique for every id, and safe on any disk.

    >>> file_stem("app/1")
    'case-app%2F1'
    """
    name = quote(case_id, safe="")
    if len(name) > MAX_NAME:
        name = f"{name[:MAX_NAME]}~{digest_of_bytes(case_id.encode())[7:23]}"
    return PREFIX + name


def encode_case(stored: StoredCase) -> dict[str, bytes]:
    """Return the two files of a case by name, the arrays first; the case read back ranks the same.

    Raises
    ------
    CaseTooLargeError
        If they are larger than 2 MiB, or the arrays larger than 60 MiB before packing.
    """
    case, stem = stored.case, file_stem(stored.case.id)
    arrays = {
        name: values for part in PARTS for name, values in _signal_arrays(part, getattr(case, part)).items()
    }
    spans, logs = {}, {}
    for part in ("window", "normal"):
        spans[part] = _sums(arrays, f"{part}.spans.", getattr(case, f"{part}_spans"), spans_parts)
        logs[part] = _sums(arrays, f"{part}.logs.", getattr(case, f"{part}_logs"), sums_parts)
    _check_size(case, sum(each.nbytes for each in arrays.values()), MAX_ARRAY_BYTES)
    packed = pack(arrays)
    _check_size(case, len(packed), MAX_CASE_BYTES)
    document = CaseDocument(
        schema_version=SCHEMA_VERSION,
        id=case.id,
        alert=AlertDocument.model_validate(case.alert, from_attributes=True),
        at=case.at,
        system=case.system,
        fault_type=case.fault_type,
        cause=list(case.cause),
        items=[
            ItemDocument.model_validate(case.graph.items[each], from_attributes=True) for each in case.items
        ],
        edges=[
            EdgeDocument.model_validate(each, from_attributes=True)
            for each in sorted(case.graph.edges, key=BY_ENDS)
        ],
        arrays=ArraysDocument(
            file=f"{stem}.npz",
            digest=digest_of_bytes(packed),
            step_ms=case.step_ms,
            spans=SumsDocument(**spans),
            logs=SumsDocument(**logs),
        ),
        changes=[ChangeDocument.model_validate(each, from_attributes=True) for each in case.changes],
        change_ages_days=list(case.change_ages_days),
        other_alerts=[AlertDocument.model_validate(each, from_attributes=True) for each in case.other_alerts],
        notes=list(case.notes),
        graph_version=case.graph_version,
        bundle_version=case.bundle_version,
        ranking=None if stored.ranking is None else dict(stored.ranking),
    )
    text = document.model_dump_json(exclude_defaults=True, indent=1).encode() + b"\n"
    _check_size(case, len(text) + len(packed), MAX_CASE_BYTES)
    return {f"{stem}.npz": packed, f"{stem}.json": text}


def decode_case(content: bytes, source: str, read: Callable[[str], bytes]) -> StoredCase:
    """Return the case of a JSON document.

    Parameters
    ----------
    content
        The document.
    source
        Where the document comes from, for error messages.
    read
        Returns the content of a file beside it by name.

    Raises
    ------
    BadCaseError
        If the document, or the file that it names, does not hold a valid case.
    """
    try:
        document = CaseDocument.model_validate_json(content)
        case = _case(document, read)
    except ValidationError as error:
        raise BadCaseError(source, _first_problem(error)) from error
    except UNREADABLE as error:
        raise BadCaseError(source, str(error) or type(error).__name__) from error
    return StoredCase(case, document.ranking)


def _case(document: CaseDocument, read: Callable[[str], bytes]) -> Case:
    if document.arrays is None:
        return case_by_hand(document, read)
    if document.at is None:
        raise ValueError("a case with arrays needs `at`, the instant it was asked about")
    packed = read(document.arrays.file)
    if digest_of_bytes(packed) != document.arrays.digest:
        raise ValueError(f"the digest of {document.arrays.file} does not match the one in the document")
    arrays = unpack(packed)
    graph = DependencyGraph(
        (Item(**each.model_dump()) for each in document.items),
        (Edge(**each.model_dump()) for each in document.edges),
    )
    if document.alert.item not in graph:
        raise ValueError(f"the alert is on {document.alert.item!r}, which is not among the items")
    spans, logs = document.arrays.spans, document.arrays.logs
    window = _signals(arrays, "window", len(graph))
    normal, notes = _earlier(_signals(arrays, "normal", len(graph)), window)
    return Case(
        id=document.id,
        alert=alert_of(document.alert),
        at=document.at.astimezone(UTC),
        graph=graph,
        items=tuple(graph.items),
        step_ms=document.arrays.step_ms,
        window=window,
        before=_signals(arrays, "before", len(graph)),
        normal=normal,
        changes=tuple(change_of(each) for each in document.changes),
        change_ages_days=tuple(document.change_ages_days),
        other_alerts=tuple(alert_of(each) for each in document.other_alerts),
        graph_version=document.graph_version,
        bundle_version=document.bundle_version,
        notes=(*document.notes, *notes),
        cause=tuple(document.cause),
        window_logs=_logs(logs.window, arrays, "window.logs."),
        normal_logs=_logs(logs.normal, arrays, "normal.logs."),
        window_spans=_spans(spans.window, arrays, "window.spans."),
        normal_spans=_spans(spans.normal, arrays, "normal.spans."),
        system=document.system,
        fault_type=document.fault_type,
    )


def _earlier(normal: Signals, window: Signals) -> tuple[Signals, tuple[str, ...]]:
    """Normal ticks before the window, and a note if earlier versions stored later ones beside them.

    A case whose normal period was measured wholly or mostly afterwards has no other, and is left as it is.
    """
    earlier = normal.times_ms < window.times_ms[:1] if len(window.times_ms) else np.ones(0, dtype=bool)
    n_later = len(earlier) - int(earlier.sum())
    if not n_later or len(earlier) - n_later < MIN_NORMAL_TICKS:
        return normal, ()
    values = {role: np.ascontiguousarray(each.T[:, earlier]).T for role, each in normal.values.items()}
    note = f"{n_later:,} stored ticks after the incident began were left out of normal operation."
    return Signals(normal.times_ms[earlier], values), (note,)


def _first_problem(error: ValidationError) -> str:
    """Describe the first problem and where it is."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    more = f", and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}" if where else f"{first['msg']}{more}"


def _check_size(case: Case, size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise CaseTooLargeError(case.id, size_bytes=size_bytes, limit_bytes=limit_bytes)


def _signal_arrays(part: str, signals: Signals) -> dict[str, NDArray[Any]]:
    """Signals with one row per item, whose ticks are adjacent, as in memory."""
    values = {f"{part}.{role.value}": np.ascontiguousarray(each.T) for role, each in signals.values.items()}
    return {f"{part}.times_ms": signals.times_ms, **values}


def _signals(arrays: Mapping[str, NDArray[Any]], part: str, n_items: int) -> Signals:
    times = typed(arrays[f"{part}.times_ms"], np.int64)
    values = {
        role: typed(arrays[f"{part}.{role.value}"], np.float64).T
        for role in Role
        if f"{part}.{role.value}" in arrays
    }
    if times.ndim != 1 or any(each.shape != (len(times), n_items) for each in values.values()):
        raise ValueError(f"the signals of {part} are not one value per tick and item")
    return Signals(times, values)


def _sums(
    arrays: dict[str, NDArray[Any]],
    prefix: str,
    sums: Any,
    parts: Callable[[Any], tuple[dict[str, Any], dict[str, NDArray[Any]]]],
) -> dict[str, Any] | None:
    """Return the names of some sums, if there are any, and add their numbers to ``arrays``."""
    if sums is None:
        return None
    document, numbers = parts(sums)
    arrays.update({prefix + name: values for name, values in numbers.items()})
    return document


def _logs(
    document: Mapping[str, Any] | None, arrays: Mapping[str, NDArray[Any]], prefix: str
) -> LogSums | None:
    return None if document is None else sums_from_parts(document, _beginning(arrays, prefix))


def _spans(
    document: Mapping[str, Any] | None, arrays: Mapping[str, NDArray[Any]], prefix: str
) -> SpanSums | None:
    return None if document is None else spans_from_parts(document, _beginning(arrays, prefix))


def _beginning(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): each for name, each in arrays.items() if name.startswith(prefix)}
