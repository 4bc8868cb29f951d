"""Finds each item's golden signals and resources among the columns of a frame."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.golden import Role, meaning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.batches import SeriesKey

    Ints = NDArray[np.int64]

ROLES = tuple(Role)
NO_ROLE = -1


class Layer(NamedTuple):
    """At most one column for each item: role value = ``offset + scale × value of the column``.

    Attributes
    ----------
    places, columns
        Shape ``(n_columns,)``: index of the item among the requested ones, and of the column in the frame.
    scale, offset
        Shape ``(n_columns,)``.
    """

    places: Ints
    columns: Ints
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]


class RoleColumns:
    """The columns of each role and item, computed once for all frames with the same series.

    Parameters
    ----------
    keys
        One per column.
    """

    def __init__(self, keys: tuple[SeriesKey, ...]) -> None:
        self._keys = keys

    def layers(self, role: Role, items: Sequence[str]) -> list[Layer]:
        """Each item's first metric of a role in name order, then each item's second, and so on."""
        return self._layers(role, self._places(items))

    def all_layers(self, items: Sequence[str]) -> dict[Role, list[Layer]]:
        """The layers of every role, for the same items."""
        places = self._places(items)
        return {role: self._layers(role, places) for role in ROLES}

    def _places(self, items: Sequence[str]) -> Ints:
        """Index in ``items`` of each item that has a series; −1 for items not in ``items``."""
        places = np.full(len(self._code_of), -1, dtype=np.int64)
        for place, item in enumerate(items):
            code = self._code_of.get(item)
            if code is not None:
                places[code] = place
        return places

    def _layers(self, role: Role, places: Ints) -> list[Layer]:
        table = self._tables.get(role)
        if table is None:
            return []
        place = places[table.places]
        chosen = np.flatnonzero(place >= 0)
        depth = self._depth[table.columns[chosen]]
        return [
            Layer(place[rows], table.columns[rows], table.scale[rows], table.offset[rows])
            for rows in (chosen[depth == each] for each in range(int(depth.max(initial=-1)) + 1))
        ]

    @cached_property
    def _code_of(self) -> dict[str, int]:
        """A number for each item."""
        return {item: code for code, item in enumerate(dict.fromkeys(key.item for key in self._keys))}

    @cached_property
    def _item(self) -> Ints:
        """Each column's item, as a number."""
        return np.array([self._code_of[key.item] for key in self._keys], dtype=np.int64)

    @cached_property
    def _tables(self) -> dict[Role, Layer]:
        """Every column of each role that occurs; ``places`` are the numbers of the items."""
        metrics = sorted({key.metric for key in self._keys})
        meanings = {metric: meaning for metric in metrics if (meaning := meaning_of(metric)) is not None}
        number = {metric: index for index, metric in enumerate(meanings)}
        metric = np.array([number.get(key.metric, NO_ROLE) for key in self._keys], dtype=np.int64)
        role = np.array([ROLES.index(meaning.role) for meaning in meanings.values()] + [NO_ROLE])[metric]
        scale = np.array([meaning.scale for meaning in meanings.values()] + [1.0])[metric]
        offset = np.array([meaning.offset for meaning in meanings.values()] + [0.0])[metric]
        tables = {}
        for code, each in enumerate(ROLES):
            columns = np.flatnonzero(role == code)
            if len(columns):
                columns = columns[np.argsort(metric[columns], kind="stable")]  # numbered in name order
                tables[each] = Layer(self._item[columns], columns, scale[columns], offset[columns])
        return tables

    @cached_property
    def _depth(self) -> Ints:
        """How many columns of its item and role come before each column, in name order."""
        depth = np.zeros(len(self._keys), dtype=np.int64)
        for table in self._tables.values():
            order = np.argsort(table.places, kind="stable")
            item = table.places[order]
            starts = np.flatnonzero(np.r_[True, item[1:] != item[:-1]])
            lengths = np.diff(np.r_[starts, len(item)])
            depth[table.columns[order]] = np.arange(len(item)) - np.repeat(starts, lengths)
        return depth
