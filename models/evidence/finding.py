"""The result of one kind of evidence for every item of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.evidence.log_words import TemplateChange

Templates = Callable[[int], tuple["TemplateChange", ...]]
Sentence = Callable[[int], tuple[str, dict[str, float]]]

MAX_SURPRISE = 30.0
"""No evidence is trusted beyond odds of e³⁰."""

MIN_JUDGES = 6
"""Items needed, besides the most surprising one, to estimate a kind's inflation."""

MEDIAN_OF_NOTHING = 0.693
UPPER_QUARTILE_OF_NOTHING = 1.386
"""Median and upper quartile of −ln p when nothing happens, because p is then uniform."""


@dataclass(frozen=True)
class Finding:
    """The result of one kind of evidence for every item of a case.

    Attributes
    ----------
    kind
        The kind of evidence, such as ``own_time``.
    meaning
        Kinds of the same meaning are different views of the same thing: the largest counts, never the sum.
    surprise
        Shape ``(n_items,)``: −ln p of a value at least as bad in the item's own past, 0 to 30; ``nan``
        where there is no data or nothing to compare it with.
    share
        Shape ``(n_items,)``: the item's share of everything to explain, 0 to 1; 1 where shares do not apply.
    sentence
        Describes the evidence for the item at an index, with the figures behind it.
    templates
        The log templates behind it; ``None`` where it is not about logs.
    is_far
        Shape ``(n_items,)``: whose level is far from usual, explained or not; ``None`` where it has no level.
    near
        Shape ``(n_items,)``: the item by whose distance from the alert each item's evidence counts; ``None``
        where that is the item itself.
    is_usual
        Shape ``(n_items,)``: whose level many normal ticks reach, far from the median as it may be; ``None``
        where that was not looked at.
    """

    kind: str
    meaning: str
    surprise: NDArray[np.float64]
    share: NDArray[np.float64]
    sentence: Sentence
    templates: Templates | None = None
    is_far: NDArray[np.bool_] | None = None
    near: NDArray[np.int64] | None = None
    is_usual: NDArray[np.bool_] | None = None

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Which items this kind had data for, shape ``(n_items,)``."""
        known: NDArray[np.bool_] = np.isfinite(self.surprise)
        return known

    @property
    def inflation(self) -> float:
        """Factor by which these surprises are too large, judged by all items except the most surprising.

        It is 1 if there are too few items, because then the cause would hide itself in the correction.
        """
        known = np.sort(self.surprise[self.is_known])[:-1]
        if len(known) < MIN_JUDGES:
            return 1.0
        median, upper = float(known[len(known) // 2]), float(known[3 * len(known) // 4])
        return max(1.0, median / MEDIAN_OF_NOTHING, upper / UPPER_QUARTILE_OF_NOTHING)
