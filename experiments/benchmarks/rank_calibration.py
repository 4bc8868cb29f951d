"""Whether the ranker's confidence holds on a system it has not learned from.

Question: fitted on all systems but one, how often is a confident first candidate right on the left-out
system? Data: PetShop and both systems of Nezha (labelled injected faults on test beds) and the brokerage
(seed 0), each with its normal windows. Metrics: expected calibration error over all cases, including normal
windows, in which any first candidate is wrong; mean −ln probability of the right answer, with equal weight
per system. Only the brokerage is random. Results: docs/benchmarks.md, "How sure".

    python -m experiments.benchmarks.rank_calibration --petshop DIR --nezha DIR [--image FILE]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.normal_windows import normal_cases
from experiments.datasets.rank_sets import load_rank_set
from models.rankers.sunspot import SunspotRanker
from training.ranker_examples import examples_of, importance
from training.ranker_logit import DEFAULT_TUNING, Penalty, Tuning, fit_tuning, folds
from training.reliability import calibration_error, reliability, reliability_plot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.cases.case import Case
    from training.ranker_examples import Judgement, RankerExample

CALM_SHARE = 0.25
METHODS = {"belief": Penalty(weights=100.0), "weights": Penalty()}
"""The fits compared: sharpness and doubt alone, or also the weights of the kinds of evidence."""

HEADINGS = (
    "left out",
    "numbers",
    "error",
    "of incidents",
    "confidence",
    "first right",
    "loss",
    "named",
    "calm",
)


def main() -> None:
    """Fit, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--petshop", type=Path, required=True)
    parser.add_argument("--nezha", type=Path, required=True)
    parser.add_argument("--image", type=Path)
    chosen = parser.parse_args()
    examples = examples_of(every_case(chosen.petshop, chosen.nezha))
    print("| " + " | ".join(HEADINGS) + " |")
    print("| --- " * len(HEADINGS) + "|")
    curves = {}
    for learned, left_out in folds(examples, n_blocks=2):
        own = [examples[index] for index in left_out]
        tunings = {"shipped": DEFAULT_TUNING} | {
            method: fit_tuning([examples[index] for index in learned], calm_share=CALM_SHARE, penalty=penalty)
            for method, penalty in METHODS.items()
        }
        for method, tuning in tunings.items():
            judged = judgements(own, tuning)
            print(row_of(own, judged, method))
            if method == "belief":
                curves[own[0].system] = reliability(*confidence_and_right(judged))
    for method, penalty in METHODS.items():
        print(method, "of all systems:", fit_tuning(examples, calm_share=CALM_SHARE, penalty=penalty))
    if chosen.image:
        reliability_plot(curves).savefig(chosen.image, dpi=80)


def every_case(petshop: Path, nezha: Path) -> Iterator[Case]:
    """Incidents and normal windows of every set, each with its system."""
    for name, data in (("petshop", petshop), ("nezha", nezha), ("brokerage", None)):
        for case in (*load_rank_set(name, data).cases, *normal_cases(name, data)):
            yield replace(case, system=case.system or name)


def judgements(examples: Sequence[RankerExample], tuning: Tuning) -> list[Judgement]:
    """Judge every case with one set of parameters."""
    floor = SunspotRanker().floor
    return [each.judged(tuning.weights, tuning.belief, floor=floor) for each in examples]


def confidence_and_right(judged: Sequence[Judgement]) -> tuple[list[float], list[float]]:
    """Probability of each first candidate, and whether it is right."""
    return [each.confidence for each in judged], [each.within[0] for each in judged]


def row_of(examples: Sequence[RankerExample], judged: Sequence[Judgement], method: str) -> str:
    """A row of the table."""
    caused = [answer for each, answer in zip(examples, judged, strict=True) if each.is_cause.any()]
    normal = [answer for each, answer in zip(examples, judged, strict=True) if not each.is_cause.any()]
    loss = float(np.dot(importance(examples, calm_share=CALM_SHARE), [each.loss for each in judged]))
    named = [each for each in caused if each.named]
    cells = (
        examples[0].system,
        method,
        f"{calibration_error(*confidence_and_right(judged)):.2f}",
        f"{calibration_error(*confidence_and_right(caused)):.2f}",
        f"{np.mean([each.confidence for each in caused]):.2f}",
        f"{sum(each.within[0] for each in caused):.0f} of {len(caused)}",
        f"{loss:.2f}",
        f"{len(named)}, {sum(each.within[0] for each in named):.0f} right",
        f"{sum(each.named for each in normal)} of {len(normal)}",
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
