"""What merging leaves of the pages that series would raise alone, counted by replaying calm time.

A budget is one of pages, and a page tells of a whole trouble. How often calls are one trouble depends on who
depends on whom, so it is not known to training: it is counted under the graph in use, by the rules that page.
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
"""Calm time is replayed first at the rate that leads to so many pages, then at ever doubled ones."""

DEVIATIONS = 1.0
"""Counts are taken so many standard deviations too high, so that chance seldom costs a budget."""

UNMERGED_FALL = 1.0
"""Half the rate of each series is half the pages, as far as the counts do not say otherwise."""


def replayed_calls(
    calm: NormalPeriodScores, watched: Watched, related: Callable[[str], Collection[str]]
) -> list[Call]:
    """Every call that the rules of paging would have made in calm time, in the order of time.

    Parameters
    ----------
    related
        Items that an item depends on or that depend on it, itself included.
    """
    memory, found = initial_memory(len(watched.items)), []
    for tick_ms, scores in calm.ticks_over(watched.thresholds):
        memory, calls, _ = paging_step(memory, tick_ms, scores, scores, watched, related)
        found += calls
    return found


def rate_before_merging(
    calm: NormalPeriodScores,
    watched_at: Callable[[float], Watched],
    related: Callable[[str], Collection[str]],
    *,
    largest: float,
) -> Callable[[float], float]:
    """Learn how often each series may page alone, so that merged pages come at a given rate.

    Parameters
    ----------
    watched_at
        The series with thresholds at which each pages alone so often a week.
    related
        As for `replayed_calls`.
    largest
        Largest rate that will be asked for.

    Returns
    -------
    A function from merged pages per series and week to pages of a series alone; the same rate if so little
    pages in calm time that nothing can be said of merging.
    """
    weeks = float(calm.weeks.sum())
    rates, pages = [], []
    rate = FIRST_PAGES / weeks if weeks else np.inf
    while rate <= MOST_PAGES:
        count = sum(call.is_page for call in replayed_calls(calm, watched_at(rate), related))
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
