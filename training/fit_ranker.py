"""The training job for the ranker: a library of closed cases in, a ranker bundle in the registry out."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.artifacts.model_kinds import RANKER_MODEL
from models.artifacts.ranker_bundle import make_ranker_bundle
from models.rankers.sunspot import SunspotRanker
from training.errors import FewCasesError
from training.evaluate import renamed
from training.intervals import wilson_interval
from training.outcome import settle
from training.progress import begin_step, silent
from training.promote import Decision
from training.provenance import provenance, run_tags, text_of
from training.ranker_examples import (
    RANKS,
    importance,
    weights_by_group,
    weights_by_meaning,
)
from training.ranker_logit import DEFAULT_PENALTY, DEFAULT_TUNING, Penalty, Tuning, fit_tuning, folds
from training.reliability import calibration_error, reliability, reliability_plot
from training.roundtrip_check import loading_flaw
from training.tracker import DataSet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from models.artifacts.ranker_bundle import RankerBundle
    from training.outcome import Outcome
    from training.progress import Progress
    from training.ranker_examples import Judgement, RankerExample
    from training.tracker import Run, Tracker

MIN_CASES = 20
"""Fewer cases with a confirmed cause teach nothing reliable."""


@dataclass(frozen=True, kw_only=True)
class RankerFitConfig:
    """How a ranker's parameters are fitted; logged with the run.

    Attributes
    ----------
    data_name, data_source
        Name of the library, and where it was read.
    calm_share
        Total weight of the cases without a cause, relative to those with one, in each system.
    penalty
        How strongly the parameters are pulled towards those that Sunspot ships with.
    n_blocks
        Number of time blocks into which the cases of a single system are cut.
    """

    data_name: str = "cases"
    data_source: str = ""
    calm_share: float = 0.25
    penalty: Penalty = DEFAULT_PENALTY
    n_blocks: int = 4


@dataclass(frozen=True)
class HeldBack:
    """Cases left out of the fit, each with its judgement by the challenger and by its rival."""

    examples: Sequence[RankerExample]
    challenger: Sequence[Judgement]
    rival: Sequence[Judgement]


def fit_ranker(
    config: RankerFitConfig,
    examples: Sequence[RankerExample],
    tracker: Tracker[RankerBundle],
    *,
    progress: Progress = silent,
) -> Outcome[RankerBundle]:
    """Fit the weights and the belief on closed cases, judge them on cases left out, and register.

    They are judged by cross-validation over systems or, for a single system, over time; the registered
    ranker is fitted on all cases in the same way.

    Parameters
    ----------
    config
        The settings of the training.
    examples
        Closed cases as returned by `training.ranker_examples.examples_of`, in order of time.
    tracker
        Records the run and registers the bundle.
    progress
        Receives the current step.

    Raises
    ------
    FewCasesError
        If fewer than 20 cases have a confirmed cause.
    """
    check_enough(examples)
    with tracker.run(f"fit-ranker-{config.data_name}", run_tags(tracker, seed=0)) as run:
        data = _data_set(config, examples)
        run.log(_flat(asdict(config)), {})
        run.log_data(data)
        champion = tracker.champion()
        rival = DEFAULT_TUNING if champion is None else tuning_of(champion)

        held_back = cross_validated(
            config,
            examples,
            rival,
            progress=begin_step(progress, "fitting with each system left out in turn"),
        )
        figures = figures_of(held_back.examples, held_back.challenger, calm_share=config.calm_share)
        rivals = figures_of(held_back.examples, held_back.rival, calm_share=config.calm_share)
        _log_systems(run, held_back, config)
        run.log_plot("reliability", _reliability_plot(held_back))

        progress("fitting on all cases")
        tuning = fit_tuning(examples, calm_share=config.calm_share, penalty=config.penalty)
        bundle = make_ranker_bundle(
            weights=weights_by_meaning(tuning.weights),
            belief=tuning.belief,
            floor=SunspotRanker().floor,
            metadata=_metadata(data, champion),
        )
        run.log(_numbers(tuning), renamed(rivals, "champion"))
        return settle(
            run,
            tracker,
            bundle,
            figures,
            flaw=loading_flaw(bundle, RANKER_MODEL),
            gate=lambda: decide_ranker(figures, rivals, has_champion=champion is not None),
            progress=progress,
        )


def check_enough(examples: Sequence[RankerExample]) -> None:
    """Check that there are enough cases to learn from.

    Raises
    ------
    FewCasesError
        If fewer than 20 have a confirmed cause.
    """
    n_caused = sum(bool(each.is_cause.any()) for each in examples)
    if n_caused < MIN_CASES:
        raise FewCasesError(needed=MIN_CASES, got=n_caused)


def cross_validated(
    config: RankerFitConfig,
    examples: Sequence[RankerExample],
    rival: Tuning,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> HeldBack:
    """Judge each fold's cases with parameters fitted without them, and with the rival's.

    ``progress`` receives the share of the folds that is done.
    """
    judged: list[tuple[RankerExample, Judgement, Judgement]] = []
    floor = SunspotRanker().floor
    turns = list(folds(examples, n_blocks=config.n_blocks))
    for number, (learned, left_out) in enumerate(turns, start=1):
        tuning = fit_tuning(
            [examples[index] for index in learned], calm_share=config.calm_share, penalty=config.penalty
        )
        judged += [
            (
                each,
                each.judged(tuning.weights, tuning.belief, floor=floor),
                each.judged(rival.weights, rival.belief, floor=floor),
            )
            for each in (examples[index] for index in left_out)
        ]
        progress(number / len(turns))
    return HeldBack(*(list(column) for column in zip(*judged, strict=True)))


def figures_of(
    examples: Sequence[RankerExample], judgements: Sequence[Judgement], *, calm_share: float
) -> dict[str, float]:
    """Figures under the benchmarks' names: AS@k over the cases with a cause, the others apart."""
    caused = [judged for each, judged in zip(examples, judgements, strict=True) if bool(each.is_cause.any())]
    normal = [
        judged for each, judged in zip(examples, judgements, strict=True) if not bool(each.is_cause.any())
    ]
    figures = {"n": float(len(caused)), "n_calm": float(len(normal))}
    for place, k in enumerate(RANKS):
        hits = sum(each.within[place] for each in caused)
        low, high = wilson_interval(hits, len(caused))
        figures |= {f"as{k}": hits / max(len(caused), 1), f"as{k}_low": low, f"as{k}_high": high}
    if caused:
        figures["abstained"] = 1.0 - float(np.mean([each.named for each in caused]))
    if normal:
        figures["named_wrongly"] = float(np.mean([each.named for each in normal]))
    figures["calibration_error"] = calibration_error(*_confidence_and_right([*caused, *normal]))
    shares = importance(examples, calm_share=calm_share)
    figures["log_loss"] = float(np.dot(shares, [each.loss for each in judgements]))
    return figures


def decide_ranker(
    challenger: Mapping[str, float], rival: Mapping[str, float], *, has_champion: bool
) -> Decision:
    """Compare figures on the same held-back cases.

    A challenger is refused if fewer causes come first than with its rival, or if its mean loss is larger. The
    rival is the champion, or else the ranker that Sunspot ships with. It may have learned from these very
    cases, so in doubt it wins.
    """
    rival_name = "the champion" if has_champion else "the ranker that Sunspot ships with"
    if challenger["as1"] < rival["as1"]:
        return Decision(
            False,
            f"the cause comes first in {challenger['as1']:.0%} of the left-out cases, "
            f"with {rival_name} in {rival['as1']:.0%}",
        )
    if challenger["log_loss"] > rival["log_loss"]:
        return Decision(
            False,
            f"its mean loss on the left-out cases is {challenger['log_loss']:.3f}, "
            f"that of {rival_name} {rival['log_loss']:.3f}",
        )
    return Decision(True, f"it is no worse than {rival_name} on the left-out cases")


def tuning_of(bundle: RankerBundle) -> Tuning:
    """The learned parameters of a bundle."""
    return Tuning(weights_by_group(bundle.weights), bundle.belief)


def _confidence_and_right(judgements: Sequence[Judgement]) -> tuple[list[float], list[float]]:
    return [each.confidence for each in judgements], [each.within[0] for each in judgements]


def _log_systems(run: Run, held_back: HeldBack, config: RankerFitConfig) -> None:
    """One child run for each system."""
    for system in sorted({each.system for each in held_back.examples}):
        own = [index for index, each in enumerate(held_back.examples) if each.system == system]
        figures = figures_of(
            [held_back.examples[index] for index in own],
            [held_back.challenger[index] for index in own],
            calm_share=config.calm_share,
        )
        with run.child(system or "all") as child:
            child.log({"part": system or "all", "method": "sunspot"}, figures)


def _reliability_plot(held_back: HeldBack) -> Figure:
    curves = {
        name: reliability(*_confidence_and_right(judged))
        for name, judged in (("fitted without the case", held_back.challenger), ("rival", held_back.rival))
    }
    return reliability_plot(curves)


def _data_set(config: RankerFitConfig, examples: Sequence[RankerExample]) -> DataSet:
    content = hashlib.sha256()
    for each in examples:
        content.update(f"{each.system} {each.at_ms} {each.surge!r}".encode())
        for array in (each.totals, each.usual, each.is_cause):
            content.update(np.ascontiguousarray(array).tobytes())
    systems = Counter(each.system for each in examples)
    profile: dict[str, float | str] = {
        "n_cases": len(examples),
        "systems": ", ".join(f"{name or 'unnamed'} ({n})" for name, n in sorted(systems.items())),
        "from": text_of(examples[0].at_ms),
        "to": text_of(examples[-1].at_ms),
    }
    return DataSet(config.data_name, config.data_source, f"sha256:{content.hexdigest()}", profile)


def _metadata(data: DataSet, champion: RankerBundle | None) -> dict[str, str]:
    return {
        **provenance(seed=0),
        "data_name": data.name,
        "data_digest": data.digest,
        "n_cases": str(data.profile["n_cases"]),
        "systems": str(data.profile["systems"]),
        "champion_before": "" if champion is None else champion.version,
    }


def _numbers(tuning: Tuning) -> dict[str, float]:
    weights = {f"weight_{group}": round(weight, 4) for group, weight in tuning.weights.items()}
    return {**weights, "sharpness": round(tuning.belief.sharpness, 4), "doubt": round(tuning.belief.doubt, 4)}


def _flat(config: Mapping[str, object]) -> dict[str, object]:
    flat = {name: value for name, value in config.items() if not isinstance(value, dict)}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": each for inner, each in value.items()}
    return flat
