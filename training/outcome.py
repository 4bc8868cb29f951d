"""How every training ends: a sound bundle is registered, and becomes champion if the gate lets it through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from models.artifacts.model_kinds import AnyBundle
from training.evaluate import renamed
from training.progress import untold
from training.promote import Decision, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from training.progress import Progress
    from training.tracker import Run, Tracker


@dataclass(frozen=True)
class Outcome(Generic[AnyBundle]):
    """What a training came to.

    Attributes
    ----------
    bundle
        What would serve.
    figures
        The run's figures on what was held back.
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
    progress: Progress = untold,
) -> Outcome[AnyBundle]:
    """Register a bundle, make it champion if the gate says so, and log what came of it.

    Parameters
    ----------
    flaw
        What makes the bundle unfit to serve; if there is anything, it is neither judged nor registered.
    gate
        Decides whether it becomes champion; whatever it says, a sound bundle is registered.
    """
    version, decision = "", Decision(False, flaw)
    if not flaw:
        progress("comparing with the champion")
        decision = gate()
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
    strangeness: Callable[[AnyBundle], str],
    judged: Callable[[AnyBundle], Mapping[str, float]],
    budget_per_week: float,
    replaces_champion: bool,
) -> Decision:
    """Judge the champion on the same held-back time, log its figures, and decide by both.

    Parameters
    ----------
    strangeness
        Why the champion cannot be compared, in one sentence; empty if it can be.
    judged
        The champion's figures.
    replaces_champion
        Whether a champion that there is no comparing with may be replaced.
    """
    champion = tracker.champion()
    strange = "" if champion is None else strangeness(champion)
    if strange and not replaces_champion:
        return Decision(False, f"{strange}; --replace-champion takes it all the same")
    rival = None
    if champion is not None and not strange:
        rival = judged(champion)
        run.log({}, renamed(rival, "champion"))
    return decide(figures, rival, budget_per_week=budget_per_week)
