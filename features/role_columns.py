"""Finds each item's golden signals and resources among the columns of a frame."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.combining import NO_COLUMN, Chosen, Combination
from features.golden import Role, meaning_of
from features.role_rules import COUNT_ENDING, MEAN_ENDING, Combine, Side
from features.roles_in_use import rules_in_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from features.role_rules import Rule, Rules
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
    rules
        How metrics without golden names are read; by default the rules in use.
    """

    def __init__(self, keys: tuple[SeriesKey, ...], rules: Rules | None = None) -> None:
        self._keys = keys
        self._rules = rules_in_use() if rules is None else rules

    def layers(self, role: Role, items: Sequence[str]) -> list[Layer | Combination]:
        """Each item's first metric of a role in name order, then each item's second, and so on.

        Last come combinations by rule, at most one for each item.
        """
        return self._layers(role, self._places(items))

    def all_layers(self, items: Sequence[str]) -> dict[Role, list[Layer | Combination]]:
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

    @property
    def combinations(self) -> Iterable[Combination]:
        """All combinations by rule; ``places`` are indices of `items`."""
        return (each for combinations in self._combinations.values() for each in combinations)

    @property
    def items(self) -> tuple[str, ...]:
        """The items that have a series, in the order of the columns."""
        return tuple(self._code_of)

    @cached_property
    def is_read(self) -> NDArray[np.bool_]:
        """Whether each column is read for some role."""
        read = np.zeros(len(self._keys), dtype=bool)
        for table in self._tables.values():
            read[table.columns] = True
        for each in self.combinations:
            for columns in (each.value.columns, each.of.columns, each.weights[each.weights >= 0]):
                read[columns] = True
        return read

    def _layers(self, role: Role, places: Ints) -> list[Layer | Combination]:
        layers = self._plain_layers(role, places)
        of_requested = (each.at(places) for each in self._combinations.get(role, ()))
        return [*layers, *(each for each in of_requested if each is not None)]

    def _plain_layers(self, role: Role, places: Ints) -> list[Layer]:
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
    def _metrics(self) -> set[str]:
        """The metrics that some column holds."""
        return {key.metric for key in self._keys}

    @cached_property
    def _tables(self) -> dict[Role, Layer]:
        """Every column of each role that occurs; ``places`` are the numbers of the items."""
        metrics = sorted(self._metrics)
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

    @cached_property
    def _combinations(self) -> dict[Role, list[Combination]]:
        """What the rules read of each role that occurs: for each item its first rule."""
        read: dict[int, dict[Side, list[tuple[Ints, float]]]] = {}
        for metric in self._columns_of:
            for part in self._rules.parts(metric):
                sides = read.setdefault(part.rule, {side: [] for side in Side})
                sides[part.side].append((self._columns_of[metric], part.scale))
        found: dict[Role, list[Combination]] = {}
        is_taken = {role: np.zeros(len(self._code_of), dtype=bool) for role in ROLES}
        for number in sorted(read):
            rule = self._rules.rules[number]
            sides_read = {side: self._chosen(each) for side, each in read[number].items()}
            combination = self._combination(rule, sides_read, is_taken[rule.role])
            if combination is not None:
                is_taken[rule.role][combination.places] = True
                found.setdefault(rule.role, []).append(combination)
        return found

    @cached_property
    def _columns_of(self) -> dict[str, Ints]:
        """The columns of each metric that some rule reads, in the order of the items."""
        metrics = [metric for metric in sorted(self._metrics) if self._rules.parts(metric)]
        if not metrics:
            return {}
        number = {metric: index for index, metric in enumerate(metrics)}
        metric = np.array([number.get(key.metric, -1) for key in self._keys], dtype=np.int64)
        order = np.lexsort((self._item, metric))
        ends = np.searchsorted(metric[order], np.arange(len(metrics) + 1))
        return {each: order[ends[index] : ends[index + 1]] for each, index in number.items()}

    def _chosen(self, read: list[tuple[Ints, float]]) -> Chosen:
        """Columns of several metrics, each with the scale of its unit, in the order of the items."""
        columns = np.concatenate([columns for columns, _ in read] or [np.empty(0, dtype=np.int64)])
        scale = np.repeat([scale for _, scale in read], [len(columns) for columns, _ in read])
        order = np.argsort(self._item[columns], kind="stable")
        return Chosen(columns[order], self._item[columns[order]], scale[order])

    def _combination(
        self, rule: Rule, read: dict[Side, Chosen], is_taken: NDArray[np.bool_]
    ) -> Combination | None:
        """The rule's columns of the items that have all that it needs, and no earlier rule of its role."""
        n_items = len(is_taken)
        counts = {side: np.bincount(each.groups, minlength=n_items) for side, each in read.items()}
        is_whole = np.ones(n_items, dtype=bool) if rule.is_zero_without else counts[Side.VALUE] > 0
        if rule.of is not None:
            is_whole &= counts[Side.OF] > 0
        is_chosen = is_whole & ~is_taken
        if not is_chosen.any():
            return None
        value, _ = read[Side.VALUE].of_groups(is_chosen)
        of, _ = read[Side.OF].of_groups(is_chosen)
        weights = np.full(len(value.columns), NO_COLUMN, dtype=np.int64)
        if rule.combine is Combine.WEIGHTED and len(value.columns) > is_chosen.sum():
            weights = self._weights(value.columns)
        return Combination(rule, np.flatnonzero(is_chosen), value, of, weights)

    def _weights(self, means: Ints) -> Ints:
        """Column of the count that belongs to each mean, −1 where there is none."""
        wanted = {count_of(self._keys[column].metric) for column in means}
        counts = sorted(wanted & self._metrics)
        if not counts:
            return np.full(len(means), NO_COLUMN, dtype=np.int64)
        number = {metric: index for index, metric in enumerate(counts)}
        count = np.array([number.get(key.metric, -1) for key in self._keys], dtype=np.int64)
        columns = np.flatnonzero(count >= 0)
        code = self._item[columns] * len(counts) + count[columns]
        order = np.argsort(code)
        count = np.array([number.get(count_of(self._keys[column].metric), -1) for column in means])
        sought = np.where(count >= 0, self._item[means] * len(counts) + count, -1)
        place = np.minimum(np.searchsorted(code[order], sought), len(order) - 1)
        is_found = code[order[place]] == sought
        return np.where(is_found, columns[order[place]], NO_COLUMN)


@lru_cache(maxsize=100_000)
def count_of(mean: str) -> str:
    """The number of observations that a mean is of.

    >>> count_of('t_seconds_mean{path="/a"}')
    't_seconds_count_total{path="/a"}'
    """
    name, brace, labels = mean.partition("{")
    return f"{name.removesuffix(MEAN_ENDING)}{COUNT_ENDING}{brace}{labels}"
