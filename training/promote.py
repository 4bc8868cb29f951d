"""The gate: a challenger becomes champion only if it is no worse on time neither has learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.alignment import aligned
from models.artifacts.model_kinds import DETECTORS_MODEL
from models.detectors.first_stage import score
from models.errors import BadBundleError
from training.roundtrip_check import loaded_again

if TYPE_CHECKING:
    from collections.abc import Mapping

    from features.frame import Frame
    from models.artifacts.bundle import Bundle

LEAST_SHARED = 0.9
"""Share of the champion's series that its successor must know; instances come and go, systems do not."""

PAGES = "false_pages_per_week"


@dataclass(frozen=True)
class Decision:
    """Whether a challenger becomes champion, and why in one sentence."""

    promoted: bool
    reason: str


def decide(
    challenger: Mapping[str, float], champion: Mapping[str, float] | None, *, budget_per_week: float
) -> Decision:
    """Compare figures on the same held-back time.

    Worse means more false pages than both budget and champion, or fewer anomalies found than the champion,
    each by more than chance explains; or the cause seen in fewer closed incidents. Figures missing on
    either side are not compared. Without a champion, the budget alone decides.

    Parameters
    ----------
    challenger, champion
        Figures by name, the champion's ``None`` if there is no champion to compare with.
    budget_per_week
        False pages accepted per series and week.
    """
    if champion is None:
        if challenger.get(f"{PAGES}_low", 0.0) > budget_per_week:
            return Decision(
                False,
                f"{challenger[PAGES]:.2f} false pages per series-week ({challenger[f'{PAGES}_low']:.2f} to "
                f"{challenger[f'{PAGES}_high']:.2f}), the budget is {budget_per_week:.2f}",
            )
        return Decision(True, "there was no champion to compare with, and it stays within the budget")
    if PAGES in challenger and PAGES in champion:
        allowed = max(champion[PAGES], budget_per_week)
        if challenger[f"{PAGES}_low"] > allowed:
            return Decision(
                False,
                f"{challenger[PAGES]:.2f} false pages per series-week, the champion "
                f"has {champion[PAGES]:.2f} and the budget is {budget_per_week:.2f}",
            )
    if (
        "recall_events" in challenger
        and "recall_events" in champion
        and challenger["recall_events_high"] < champion["recall_events"]
    ):
        return Decision(
            False,
            f"it finds {challenger['recall_events']:.0%} of the anomalies, "
            f"the champion {champion['recall_events']:.0%}",
        )
    if (
        "cases_found" in challenger
        and "cases_found" in champion
        and challenger["cases_found"] < champion["cases_found"]
    ):
        return Decision(
            False,
            f"it sees the cause of {challenger['cases_found']:.0%} of the closed incidents, "
            f"the champion of {champion['cases_found']:.0%}",
        )
    judged = "held-back time" + (" and on closed incidents" if "cases_found" in challenger else "")
    return Decision(True, f"it is no worse than the champion on {judged}")


def in_shadow_first(decision: Decision) -> Decision:
    """Refuse a bundle that would have become champion, so that the service compares the two first.

    >>> in_shadow_first(Decision(True, "it is no worse than the champion"))
    Decision(promoted=False, reason='it is no worse than the champion; as asked, it scores in shadow first')
    """
    if not decision.promoted:
        return decision
    return Decision(False, f"{decision.reason}; as asked, it scores in shadow first")


def mismatch_of(champion: Bundle, frame: Frame) -> str:
    """Why a champion cannot be compared with a training on this frame, in one sentence; empty if it can."""
    if champion.step_ms != frame.step_ms:
        own, its = frame.step_ms / 1000, champion.step_ms / 1000
        return f"it has a tick every {own:g} s, the champion every {its:g} s"
    known = champion.baseline.keys
    n_shared = len(set(known) & set(frame.keys))
    if n_shared < LEAST_SHARED * len(known):
        return f"it knows {n_shared} of the champion's {len(known)} series"
    return ""


def flaw_of(bundle: Bundle, held_back: Frame) -> str:
    """Why a bundle is unfit to serve, in one sentence; empty if it is fit.

    It must reload to the same bytes and the same scores, and score something.
    """
    try:
        again = loaded_again(bundle, DETECTORS_MODEL)
    except BadBundleError as reason:
        return str(reason)
    frame = aligned(held_back, bundle.baseline.keys)
    _, scores = score(frame, bundle.baseline, bundle.clock_used)
    _, scores_again = score(frame, again.baseline, again.clock_used)
    if not np.array_equal(scores.values, scores_again.values, equal_nan=True):
        return "the bundle scores differently after a reload"
    if not np.isfinite(scores.values).any():
        return "the bundle scores nothing in the held-back time"
    return ""
