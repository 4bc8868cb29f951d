"""Names of operations: masked, without the ids in their paths, and few per service."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.masking import IncomingMasks
    from telemetry.spans import SpanBatch

MAX_OPERATIONS: Final = 200
"""Operations of a service that are told apart; further ones count as one."""

FURTHER: Final = "(other)"
MAX_REMEMBERED: Final = 20_000
ID_IN_PATH: Final = re.compile(
    r"(?<=/)(?:\d+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?=[/?#\s]|$)"
)


class PlainNames:
    """What operations are called on disk and in memory."""

    def __init__(self, masks: IncomingMasks) -> None:
        self._masks = masks
        self._plain = lru_cache(maxsize=MAX_REMEMBERED)(self._named)

    def of(self, batch: SpanBatch) -> SpanBatch:
        """Return a batch with its operations masked, and with ``{id}`` for each id in a path."""
        return replace(batch, operations=tuple(map(self._plain, batch.operations)))

    def _named(self, operation: str) -> str:
        return self._masks.text(ID_IN_PATH.sub("{id}", operation))


class FewOperations:
    """The operations of each service that are told apart: the first ones seen."""

    def __init__(self, known: Iterable[tuple[str, str]] = ()) -> None:
        self._of: dict[str, set[str]] = {}
        for service, operation in known:
            self._of.setdefault(service, set()).add(operation)

    def bounded(self, batch: SpanBatch) -> SpanBatch:
        """Return a batch in which the further operations of each service have one name."""
        n_operations = max(1, len(batch.operations))
        pairs, where = np.unique(
            batch.service.astype(np.int64) * n_operations + batch.operation, return_inverse=True
        )
        operations = {name: index for index, name in enumerate(dict.fromkeys(batch.operations))}
        chosen = [
            operations.setdefault(self._told(batch.services[pair // n_operations], name), len(operations))
            for pair, name in ((each, batch.operations[each % n_operations]) for each in pairs.tolist())
        ]
        return replace(batch, operations=tuple(operations), operation=np.array(chosen, dtype=np.int32)[where])

    def _told(self, service: str, operation: str) -> str:
        known = self._of.setdefault(service, set())
        if operation in known:
            return operation
        if len(known) >= MAX_OPERATIONS:
            return FURTHER
        known.add(operation)
        return operation
