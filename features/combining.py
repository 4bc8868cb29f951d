"""Values of roles that several series of an item make together, for all items at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.role_rules import Combine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.role_rules import Rule

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

NO_COLUMN = -1


class Chosen(NamedTuple):
    """Columns in the order of the item that each belongs to.

    Attributes
    ----------
    columns
        Shape ``(n_columns,)``: columns of the frame.
    groups
        Shape ``(n_columns,)``, rising: whose each is, as an index of the combination's items.
    scale
        Shape ``(n_columns,)``: scale of each column's unit.
    """

    columns: Ints
    groups: Ints
    scale: Floats

    def of_groups(self, is_kept: NDArray[np.bool_]) -> tuple[Chosen, NDArray[np.bool_]]:
        """The columns of some items, whose index is then among these; and which columns that are."""
        rows = is_kept[self.groups]
        groups = (np.cumsum(is_kept) - 1)[self.groups[rows]]
        return Chosen(self.columns[rows], groups, self.scale[rows]), rows


class Combination(NamedTuple):
    """The columns that one rule reads, of the items for which it counts.

    Attributes
    ----------
    rule
        How they combine.
    places
        Shape ``(n_items,)``: index of each item among the requested ones.
    value, of
        The columns; ``of`` those below the line of a ratio.
    weights
        Shape of ``value.columns``: column of each one's weight, −1 where there is none.
    """

    rule: Rule
    places: Ints
    value: Chosen
    of: Chosen
    weights: Ints

    def at(self, place_of: Ints) -> Combination | None:
        """The combination for requested items: place of each item by its number, −1 if it is not wanted."""
        places = place_of[self.places]
        is_kept = places >= 0
        if not is_kept.any():
            return None
        value, rows = self.value.of_groups(is_kept)
        return Combination(
            self.rule, places[is_kept], value, self.of.of_groups(is_kept)[0], self.weights[rows]
        )


def combined(
    values: NDArray[np.floating], combination: Combination, *, rows: Ints | slice, step_ms: int
) -> Floats:
    """Values of the role, shape ``(n_items of the combination, n_rows)``; ``nan`` where unknown.

    Of an item's series those that have a value in the tick count. A ratio is unknown where the sum below
    the line is not positive.

    Parameters
    ----------
    values
        Shape ``(n_ticks, n_series)``; ``nan`` is missing.
    combination
        What to read.
    rows
        The ticks to read.
    step_ms
        Spacing of the ticks.
    """
    rule, n_items = combination.rule, len(combination.places)
    read = _read(values, combination.value, rows)
    if rule.combine is Combine.RATIO:
        above = _sums(read, combination.value.groups, n_items)
        below = _sums(_read(values, combination.of, rows), combination.of.groups, n_items)
        if rule.is_zero_without:
            above = np.where(np.isnan(above), 0.0, above)
        found = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    elif rule.combine is Combine.SUM:
        found = _sums(read, combination.value.groups, n_items)
    elif rule.combine is Combine.MAX:
        found = _largest(read, combination.value.groups, n_items)
    elif rule.combine is Combine.MEAN:
        found = _means(read, combination.value.groups, n_items)
    else:
        found = _weighted(values, read, combination, rows)
    scale = rule.scale * (step_ms / 1000 if rule.is_per_second else 1.0)
    role: Floats = rule.offset + scale * found
    return role


def _read(values: NDArray[np.floating], chosen: Chosen, rows: Ints | slice) -> Floats:
    return _columns(values, chosen.columns, rows) * chosen.scale[:, None]


def _columns(values: NDArray[np.floating], columns: Ints, rows: Ints | slice) -> Floats:
    """Some columns as rows, in the order of memory."""
    picked = values[rows, columns] if isinstance(rows, slice) else values[rows[:, None], columns]
    return np.array(picked.T, dtype=np.float64, order="C")


def _weighted(
    values: NDArray[np.floating], read: Floats, combination: Combination, rows: Ints | slice
) -> Floats:
    """Mean of means by their counts; the plain mean where no count is known or none is above 0."""
    groups, n_items = combination.value.groups, len(combination.places)
    plain = _means(read, groups, n_items)
    if len(groups) == n_items:
        return plain
    weight = _columns(values, np.maximum(combination.weights, 0), rows)
    weight[(combination.weights < 0)[:, None] | np.isnan(weight) | np.isnan(read)] = 0.0
    n_observed = _sums(weight, groups, n_items)
    total = _sums(np.where(weight > 0, read * weight, 0.0), groups, n_items)
    return np.divide(total, n_observed, out=plain, where=n_observed > 0)


def _means(read: Floats, groups: Ints, n_items: int) -> Floats:
    n_known = _sums(np.where(np.isnan(read), np.nan, 1.0), groups, n_items)
    return _sums(read, groups, n_items) / n_known


def _sums(read: Floats, groups: Ints, n_items: int) -> Floats:
    """Sum of each item's known values; ``nan`` where it has none."""
    if len(groups) == n_items and (groups == np.arange(n_items)).all():
        return read
    is_known = ~np.isnan(read)
    found = np.full((n_items, read.shape[1]), np.nan)
    starts = _starts(groups)
    if len(starts):
        sums = np.add.reduceat(np.where(is_known, read, 0.0), starts, axis=0)
        is_any = np.logical_or.reduceat(is_known, starts, axis=0)
        found[groups[starts]] = np.where(is_any, sums, np.nan)
    return found


def _largest(read: Floats, groups: Ints, n_items: int) -> Floats:
    found = np.full((n_items, read.shape[1]), np.nan)
    starts = _starts(groups)
    if len(starts):
        found[groups[starts]] = np.fmax.reduceat(read, starts, axis=0)
    return found


def _starts(groups: Ints) -> Ints:
    """Where each item's columns begin."""
    return np.flatnonzero(np.diff(groups, prepend=-1))
