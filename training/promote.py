"""The gate: a challenger becomes champion only if it is no worse on time that neither learned from."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.alignment import aligned
from models.bundle import bundle_files, load_bundle, save_bundle
from models.detectors.first_stage import score
from models.errors import BadBundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from features.frame import Frame
    from models.bundle import Bundle


@dataclass(frozen=True)
class Decision:
    """Whether a challenger becomes champion, and why in one sentence."""

    promoted: bool
    reason: str


def decide(
    challenger: Mapping[str, float], champion: Mapping[str, float] | None, *, budget_per_week: float
) -> Decision:
    """Compare figures of the same held-back time.

    Worse means: more false pages than the budget and than the champion, or fewer anomalies found than the
    champion, each by more than chance explains. What is missing from either side is not compared.

    Parameters
    ----------
    challenger, champion
        Figures by name, the champion's ``None`` if there is no champion to compare with.
    budget_per_week
        False pages accepted per series and week.
    """
    if champion is None:
        return Decision(True, "there was no champion of these series to compare with")
    name = "false_pages_per_week"
    if name in challenger and name in champion:
        allowed = max(champion[name], budget_per_week)
        if challenger[f"{name}_low"] > allowed:
            return Decision(
                False,
                f"{challenger[name]:.2f} false pages per series-week, the champion "
                f"has {champion[name]:.2f} and the budget is {budget_per_week:.2f}",
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
    return Decision(True, "it is no worse than the champion on the time held back")


def flaw_of(bundle: Bundle, held_back: Frame) -> str:
    """What makes a bundle unfit to serve, in one sentence; empty if nothing does.

    It must load again to the same bytes and the same scores, and score something.
    """
    with tempfile.TemporaryDirectory() as directory:
        save_bundle(bundle, Path(directory))
        try:
            again = load_bundle(Path(directory))
        except BadBundleError as reason:
            return str(reason)
    if again.version != bundle.version or bundle_files(again) != bundle_files(bundle):
        return "the bundle does not load again to what was saved"
    frame = aligned(held_back, bundle.baseline.keys)
    _, scores = score(frame, bundle.baseline, bundle.clock_used)
    _, scores_again = score(frame, again.baseline, again.clock_used)
    if not np.array_equal(scores.values, scores_again.values, equal_nan=True):
        return "the bundle does not score the same once loaded again"
    if not np.isfinite(scores.values).any():
        return "the bundle scores nothing of the time held back"
    return ""
