"""The end of every training: a sound bundle is registered, and becomes champion if the gate allows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from models.artifacts.model_kinds import AnyBundle
from training.evaluate import renamed
from training.progress import silent
from training.promote import Decision, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from training.progress import Progress
    from training.tracker import Run, Tracker


@dataclass(frozen=True)
class Outcome(Generic[AnyBundle]):
    """The outcome of a training.

    Attributes
    ----------
    bundle
        The bundle that was trained.
    figures
        The run's figures on held-back data.
    run_id, version
        The run, and the version of the registered model; empty if the bundle was unfit.
    promoted, reason
        Whether it became champion, and why.
    """

    bundle: AnyBundle
    figures: Mapping[str, float]
    run_id: str
    version: str
    promoted: bool
    reason: str


def settle(
    run: Run,
    tracker: Tracker[AnyBundle],
    bundle: AnyBundle,
    figures: Mapping[str, float],
    *,
    flaw: str,
    gate: Callable[[], Decision],
    progress: Progress = silent,
) -> Outcome[AnyBundle]:
    """Register a bundle, make it champion if the gate says so, and log the outcome.

    What a person withdrew, or learned from the same data, is not promoted again.

    Parameters
    ----------
    flaw
        Why the bundle is unfit to serve; if not empty, it is neither judged nor registered.
    gate
        Decides whether it becomes champion; a sound bundle is registered either way.
    """
    version, decision = "", Decision(False, flaw)
    if not flaw:
        progress("comparing with the champion")
        decision = gate()
        if decision.promoted and (withdrawal := tracker.withdrawal_of(bundle)):
            decision = Decision(False, f"{withdrawal}; a person may promote it again")
        progress("registering")
        version = tracker.register(run, bundle)
        if decision.promoted:
            tracker.promote(version)
    run.log({"promoted": decision.promoted, "reason": decision.reason}, figures)
    return Outcome(bundle, figures, run.id, version, decision.promoted, decision.reason)


def beside_champion(
    run: Run,
    tracker: Tracker[AnyBundle],
    figures: Mapping[str, float],
    *,
    mismatch: Callable[[AnyBundle], str],
    judged: Callable[[AnyBundle], Mapping[str, float]],
    budget_per_week: float,
    replaces_champion: bool,
) -> Decision:
    """Judge the champion on the same held-back time, log its figures, and compare.

    Parameters
    ----------
    mismatch
        Why the champion cannot be compared, in one sentence; empty if it can be.
    judged
        Returns the champion's figures.
    replaces_champion
        Whether to replace a champion that cannot be compared.
    """
    champion = tracker.champion()
    reason = "" if champion is None else mismatch(champion)
    if reason and not replaces_champion:
        return Decision(False, f"{reason}; use --replace-champion to replace it anyway")
    rival = None
    if champion is not None and not reason:
        rival = judged(champion)
        run.log({}, renamed(rival, "champion"))
    return decide(figures, rival, budget_per_week=budget_per_week)
