"""How many pages remain after merging, counted by replaying the normal period.

A budget counts pages, and one page covers a complete anomaly group. How often calls fall into one group
depends on the dependency graph, which training does not know. It is therefore counted with the graph in use
and the rules that page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.paging.page_curve import FEWEST_PAGES, page_curve
from models.paging.page_record import MOST_PAGES
from models.paging.rules import initial_memory, paging_step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from models.paging.normal_period_scores import NormalPeriodScores
    from models.paging.rules import Call, Watched

FIRST_PAGES = 0.5
"""The normal period is replayed first at the rate that gives this many pages, then at doubled rates."""

DEVIATIONS = 1.0
"""Counts are raised by this many standard deviations, so that chance seldom breaks a budget."""

UNMERGED_FALL = 1.0
"""Until counts show otherwise, half the rate of each series gives half the pages."""


def replayed_calls(
    normal: NormalPeriodScores, watched: Watched, related: Callable[[str], Collection[str]]
) -> list[Call]:
    """Every call that the paging rules would have made in the normal period, in time order.

    Parameters
    ----------
    related
        Items that an item depends on or that depend on it, itself included.
    """
    memory, found = initial_memory(len(watched.items)), []
    for tick_ms, scores in normal.ticks_over(watched.thresholds):
        memory, calls, _ = paging_step(memory, tick_ms, scores, scores, watched, related)
        found += calls
    return found


def rate_before_merging(
    normal: NormalPeriodScores,
    watched_at: Callable[[float], Watched],
    related: Callable[[str], Collection[str]],
    *,
    largest: float,
) -> Callable[[float], float]:
    """Learn how often each series may page alone so that merged pages come at a given rate.

    Parameters
    ----------
    watched_at
        The series, with thresholds at which each alone pages this often a week.
    related
        As for `replayed_calls`.
    largest
        Largest rate that will be requested.

    Returns
    -------
    A function from merged pages per series and week to pages of a series alone. It returns its argument if
    the normal period has too few pages to measure merging.
    """
    weeks = float(normal.weeks.sum())
    rates, pages = [], []
    rate = FIRST_PAGES / weeks if weeks else np.inf
    while rate <= MOST_PAGES:
        count = sum(call.is_page for call in replayed_calls(normal, watched_at(rate), related))
        rates.append(rate)
        pages.append(count + DEVIATIONS * np.sqrt(count))
        if count >= max(FEWEST_PAGES, largest * weeks):
            break
        rate *= 2
    if not rates or pages[-1] < FEWEST_PAGES:
        return lambda asked: asked
    rarities = 1 / np.array(rates[::-1])
    curve = page_curve(rarities, np.array(pages[::-1]), weeks, usual_fall=UNMERGED_FALL)
    return lambda asked: 1 / curve.threshold_for(asked)
