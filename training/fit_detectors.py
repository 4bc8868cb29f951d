"""The training job: a frame of history in, a bundle in the registry out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from features.calendar import CLOCKS
from models.artifacts.bundle import SECOND_STAGE, make_bundle, normal_part
from models.detectors.baseline import usual_residuals
from models.detectors.siblings import with_siblings
from models.paging.page_record import page_record
from models.paging.thresholds import pages_of, threshold_for_budget
from training.case_figures import case_figures
from training.datasets import digest_of
from training.injection import inject_shifts
from training.outcome import beside_champion, settle
from training.plots import training_plots
from training.progress import begin_step, silent
from training.promote import flaw_of, in_shadow_first, mismatch_of
from training.provenance import COMMIT_TAG, history_metadata, run_tags, text_of
from training.row_trial import second_stage_of, try_row_detectors
from training.shards import checkpoint_directory, fit_in_shards
from training.splits import split_in_time, without
from training.tracker import DataSet
from training.trial import run_trial, trial_figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from features.calendar import Clock
    from features.frame import Frame
    from models.artifacts.bundle import Bundle
    from models.cases.case import Case
    from models.detectors.first_stage import Baseline
    from training.outcome import Outcome
    from training.progress import Progress
    from training.promote import Decision
    from training.row_trial import RowCandidate
    from training.splits import LabelledAnomaly
    from training.tracker import Run, Tracker
    from training.trial import Trial


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How detectors are fitted; logged with the run.

    Attributes
    ----------
    data_name, data_source
        Name of the history, and where it was read.
    scope
        Patterns that the ids of its items match; empty for every item.
    clock
        Name of a clock in `features.calendar.CLOCKS`.
    budget_per_week
        False pages accepted per series and week.
    fit_share, calibrate_share
        Shares of the time used for fitting and calibration; the rest is held back.
    replaces_champion
        Whether to replace a champion that cannot be compared because of its step or series.
    in_shadow
        Whether a bundle that is no worse than the champion stays in shadow until promoted by hand.
    seed
        Seed for everything random.
    """

    data_name: str = "history"
    data_source: str = ""
    scope: tuple[str, ...] = ()
    clock: str = "XSHG"
    budget_per_week: float = 1.0
    fit_share: float = 0.6
    calibrate_share: float = 0.2
    replaces_champion: bool = False
    in_shadow: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the clock's name and the budget."""
        if self.clock not in CLOCKS:
            raise ValueError(f"no clock is called {self.clock!r}; choose from {', '.join(CLOCKS)}")
        if not self.budget_per_week > 0:
            raise ValueError(f"a page budget must be positive, got {self.budget_per_week}")


def fit_detectors(
    config: FitConfig,
    frame: Frame,
    tracker: Tracker[Bundle],
    *,
    labels: Sequence[LabelledAnomaly] = (),
    clocks: Mapping[str, Clock] = CLOCKS,
    cases: Iterable[Case] = (),
    checkpoints: Path | None = None,
    processes: int | None = None,
    progress: Progress = silent,
) -> Outcome[Bundle]:
    """Fit on the earlier part of a frame, calibrate on the next, judge on the last, and register.

    The registered bundle is exactly the one that was judged: nothing is refitted on the held-back time.
    Labelled incidents are neither learned from nor counted as false pages.

    Parameters
    ----------
    config
        The settings of the training.
    frame
        History of normal operation.
    tracker
        Records the run and registers the bundle.
    labels
        Known incidents in the history.
    clocks
        The clocks by name, with the days listed by an operator.
    cases
        Closed incidents; a new champion must not miss causes that the present champion sees.
    checkpoints
        Directory for intermediate results until the training ends, so that an interrupted training can
        resume; by default nothing is saved.
    processes
        Number of worker processes; by default one per core.
    progress
        Receives the current step.

    Raises
    ------
    ShortHistoryError
        If the frame is too short to cut in three.
    """
    split = split_in_time(frame, fit_share=config.fit_share, calibrate_share=config.calibrate_share)
    tags = run_tags(tracker, seed=config.seed)
    with (
        tracker.run(f"fit-detectors-{config.data_name}", tags) as run,
        checkpoint_directory(checkpoints) as directory,
    ):
        data = _data_set(config, frame)
        run.log(asdict(config), {"n_ticks": frame.n_ticks, "n_series": len(frame.keys)})
        run.log_data(data)

        clock = clocks[config.clock]
        normal = without(split.fit, labels)
        baseline = fit_in_shards(
            normal,
            clock,
            directory,
            code=tags.get(COMMIT_TAG, tags["sunspot.version"]),
            processes=processes,
            progress=begin_step(progress, "learning what is normal"),
        )
        baseline = with_siblings(baseline, normal, clock)
        residuals = usual_residuals(split.held_back, baseline, clock)
        shifted, shifts = inject_shifts(split.held_back, residuals, seed=config.seed)
        trial = run_trial(
            baseline, clock, split, shifted, labels, progress=begin_step(progress, "scoring every series")
        )
        progress("choosing the threshold")
        threshold = threshold_for_budget(
            trial.calibrate.normal,
            trial.calibrate.frame.times_ms,
            step_ms=baseline.step_ms,
            budget_per_week=config.budget_per_week,
            is_sparse=baseline.is_sparse,
        )
        figures = trial_figures(trial, baseline, threshold, shifts=shifts, labels=labels)
        figures["budget_per_week"] = config.budget_per_week
        rows = try_row_detectors(
            trial,
            baseline,
            clock,
            shifts=shifts,
            budget_per_week=config.budget_per_week,
            progress=begin_step(progress, "fitting detectors of service rows"),
        )
        _log_candidates(run, figures, rows)
        progress("drawing plots")
        _log_plots(run, trial, baseline, clock, threshold)
        pages = page_record(
            trial.calibrate.normal_frame,
            trial.held_back.normal_frame,
            progress=begin_step(progress, "counting pages by threshold"),
        )

        progress("packing the bundle")
        bundle = make_bundle(
            clock=config.clock,
            normal=normal_part(without(frame, labels)),
            baseline=baseline,
            threshold=threshold,
            detectors={name: each.detector for name, each in rows.items()},
            row_thresholds={name: each.threshold for name, each in rows.items()},
            metadata=history_metadata(
                data,
                seed=config.seed,
                budget_per_week=config.budget_per_week,
                fitted_ms=(split.fit.start_ms, split.fit.end_ms),
                calibrated_until_ms=split.calibrate.end_ms,
                held_back_until_ms=split.held_back.end_ms,
            )
            | {SECOND_STAGE: second_stage_of(rows, budget_per_week=config.budget_per_week)},
            pages=pages,
        )
        known_cases = list(cases)
        figures |= case_figures(bundle, clock, known_cases)

        def judged(champion: Bundle) -> dict[str, float]:
            champion_clock = clocks[champion.clock]
            champion_trial = run_trial(champion.baseline, champion_clock, split, shifted, labels)
            champion_figures = trial_figures(
                champion_trial, champion.baseline, champion.threshold, shifts=shifts, labels=labels
            )
            return champion_figures | case_figures(champion, champion_clock, known_cases)

        def gate() -> Decision:
            decision = beside_champion(
                run,
                tracker,
                figures,
                mismatch=lambda champion: mismatch_of(champion, frame),
                judged=judged,
                budget_per_week=config.budget_per_week,
                replaces_champion=config.replaces_champion,
            )
            return in_shadow_first(decision) if config.in_shadow and tracker.champion_version() else decision

        progress("checking the bundle")
        flaw = flaw_of(bundle, split.held_back)
        return settle(run, tracker, bundle, figures, flaw=flaw, gate=gate, progress=progress)


def _log_candidates(run: Run, figures: Mapping[str, float], rows: Mapping[str, RowCandidate]) -> None:
    every = {"first_stage": figures, **{name: each.figures for name, each in rows.items()}}
    for name, each in every.items():
        with run.child(name) as child:
            child.log({"detector": name}, each)


def _log_plots(run: Run, trial: Trial, baseline: Baseline, clock: Clock, threshold: float) -> None:
    held_back = trial.held_back
    pages = pages_of(
        held_back.normal, held_back.frame.times_ms, threshold=threshold, is_sparse=baseline.is_sparse
    )
    plots = training_plots(trial, baseline, clock, threshold=threshold, pages=pages)
    for name, plot in plots.items():
        run.log_plot(name, plot)


def _data_set(config: FitConfig, frame: Frame) -> DataSet:
    profile: dict[str, float | str] = {
        "n_ticks": frame.n_ticks,
        "n_series": len(frame.keys),
        "step_ms": frame.step_ms,
        "from": text_of(frame.start_ms),
        "to": text_of(frame.end_ms),
    }
    return DataSet(config.data_name, config.data_source, digest_of(frame), profile)
