"""The training job: a frame of history in, a bundle in the registry out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from features.calendar import CLOCKS
from models.bundle import make_bundle, normal_part
from models.detectors.baseline import usual_residuals
from models.detectors.siblings import with_siblings
from models.page_record import GRID, PageRecord, count_by_series
from models.thresholds import pages_of, threshold_for_budget
from training.case_figures import case_figures
from training.datasets import digest_of
from training.evaluate import renamed
from training.injection import inject_shifts
from training.plots import training_plots
from training.promote import Decision, decide, flaw_of, strangeness_of
from training.provenance import COMMIT_TAG, provenance
from training.row_trial import second_stage_of, try_row_detectors
from training.shards import fit_in_shards, kept_in
from training.splits import split_in_time, without
from training.tracking import DataSet
from training.trial import run_trial, trial_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from features.calendar import Clock
    from features.frame import Frame
    from models.bundle import Bundle
    from models.case import Case
    from models.detectors.first_stage import Baseline
    from training.row_trial import RowCandidate
    from training.splits import LabelledAnomaly, Split
    from training.tracking import Run, Tracker
    from training.trial import Trial


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How detectors are fitted; logged whole with the run.

    Attributes
    ----------
    data_name, data_source
        What the history is called, and where it was read.
    clock
        Name of a clock in `features.calendar.CLOCKS`.
    budget_per_week
        False pages accepted per series and week.
    fit_share, calibrate_share
        Shares of the time that are learned from and calibrated on; the rest is held back.
    replaces_champion
        Whether a champion that there is no comparing with, for its step or its series, may be replaced.
    seed
        Seed of all that is random.
    """

    data_name: str = "history"
    data_source: str = ""
    clock: str = "XSHG"
    budget_per_week: float = 1.0
    fit_share: float = 0.6
    calibrate_share: float = 0.2
    replaces_champion: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that the clock exists and the budget is one."""
        if self.clock not in CLOCKS:
            raise ValueError(f"no clock is called {self.clock!r}: there are {', '.join(CLOCKS)}")
        if not self.budget_per_week > 0:
            raise ValueError(f"a page budget is positive, got {self.budget_per_week}")


@dataclass(frozen=True)
class FitResult:
    """What a training came to.

    Attributes
    ----------
    bundle
        What would serve.
    figures
        The run's figures on held-back time.
    run_id, version
        The run, and the version of the registered model; empty if the bundle was unfit.
    promoted, reason
        Whether it became champion, and why.
    """

    bundle: Bundle
    figures: Mapping[str, float]
    run_id: str
    version: str
    promoted: bool
    reason: str


def fit_detectors(
    config: FitConfig,
    frame: Frame,
    tracker: Tracker[Bundle],
    *,
    labels: Sequence[LabelledAnomaly] = (),
    clocks: Mapping[str, Clock] = CLOCKS,
    cases: Iterable[Case] = (),
    kept: Path | None = None,
    processes: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FitResult:
    """Fit on the earlier part of a frame, calibrate on the next, judge on the last, and register.

    What serves is exactly what was judged: nothing is fitted again on the held-back time. Labelled
    incidents are neither learned from nor counted as false pages.

    Parameters
    ----------
    config
        How.
    frame
        History of normal operation.
    tracker
        Where the run and the bundle are kept.
    labels
        Incidents known to be in the history.
    clocks
        The clocks by name, with the days that an operator has told of.
    cases
        Closed incidents, whose causes a new champion must not miss where the present one sees them.
    kept
        Directory that keeps what was learned until the training ends, so that one that was interrupted goes
        on where it was; by default nothing is kept.
    processes
        How many to learn in at once; by default one per core.
    progress
        Told what is being done, for whoever waits.

    Raises
    ------
    ShortHistoryError
        If the frame is too short to cut in three.
    """
    split = split_in_time(frame, fit_share=config.fit_share, calibrate_share=config.calibrate_share)
    tags = provenance(seed=config.seed) | {"sunspot.parent_champion": tracker.champion_version() or "none"}
    with tracker.run(f"fit-detectors-{config.data_name}", tags) as run, kept_in(kept) as directory:
        data = _data_set(config, frame)
        run.log(asdict(config), {"n_ticks": frame.n_ticks, "n_series": len(frame.keys)})
        run.log_data(data)

        progress("learning what is normal")
        clock = clocks[config.clock]
        calm = without(split.fit, labels)
        baseline = fit_in_shards(
            calm,
            clock,
            directory,
            code=tags.get(COMMIT_TAG, tags["sunspot.version"]),
            processes=processes,
            progress=lambda share: progress(f"learning what is normal: {share:.0%}"),
        )
        baseline = with_siblings(baseline, calm, clock)
        residuals = usual_residuals(split.held_back, baseline, clock)
        shifted, shifts = inject_shifts(split.held_back, residuals, seed=config.seed)
        progress("scoring every series")
        trial = run_trial(baseline, clock, split, shifted, labels)
        threshold = threshold_for_budget(
            trial.calibrate.calm,
            trial.calibrate.frame.times_ms,
            step_ms=baseline.step_ms,
            budget_per_week=config.budget_per_week,
            is_sparse=baseline.is_sparse,
        )
        figures = trial_figures(trial, baseline, threshold, shifts=shifts, labels=labels)
        figures["budget_per_week"] = config.budget_per_week
        progress("fitting detectors of service rows")
        rows = try_row_detectors(
            trial, baseline, clock, shifts=shifts, budget_per_week=config.budget_per_week
        )
        _log_candidates(run, figures, rows)
        _log_plots(run, trial, baseline, clock, threshold)

        progress("packing the bundle")
        bundle = make_bundle(
            clock=config.clock,
            normal=normal_part(without(frame, labels)),
            baseline=baseline,
            threshold=threshold,
            detectors={name: each.detector for name, each in rows.items()},
            row_thresholds={name: each.threshold for name, each in rows.items()},
            metadata=_metadata(config, data, split)
            | {"second_stage": second_stage_of(rows, budget_per_week=config.budget_per_week)},
            pages=_page_record(trial, baseline),
        )
        flaw = flaw_of(bundle, split.held_back)
        if flaw:
            version, decision = "", Decision(False, flaw)
        else:
            progress("comparing with the champion")
            known_cases = list(cases)
            figures |= case_figures(bundle, clock, known_cases)
            champion, rival = tracker.champion(), None
            strange = "" if champion is None else strangeness_of(champion, frame)
            if champion is not None and not strange:
                champions = run_trial(champion.baseline, clocks[champion.clock], split, shifted, labels)
                rival = trial_figures(
                    champions, champion.baseline, champion.threshold, shifts=shifts, labels=labels
                )
                rival |= case_figures(champion, clocks[champion.clock], known_cases)
                run.log({}, renamed(rival, "champion"))
            decision = decide(figures, rival, budget_per_week=config.budget_per_week)
            if strange and not config.replaces_champion:
                decision = Decision(False, f"{strange}; --replace-champion takes it all the same")
            progress("registering")
            version = tracker.register(run, bundle)
            if decision.promoted:
                tracker.promote(version)
        run.log({"promoted": decision.promoted, "reason": decision.reason}, figures)
        return FitResult(bundle, figures, run.id, version, decision.promoted, decision.reason)


def _log_candidates(run: Run, figures: Mapping[str, float], rows: Mapping[str, RowCandidate]) -> None:
    every = {"first_stage": figures, **{name: each.figures for name, each in rows.items()}}
    for name, own in every.items():
        with run.child(name) as child:
            child.log({"detector": name}, own)


def _log_plots(run: Run, trial: Trial, baseline: Baseline, clock: Clock, threshold: float) -> None:
    held_back = trial.held_back
    pages = pages_of(
        held_back.calm, held_back.frame.times_ms, threshold=threshold, is_sparse=baseline.is_sparse
    )
    plots = training_plots(trial, baseline, clock, threshold=threshold, pages=pages)
    for name, plot in plots.items():
        run.log_plot(name, plot)


def _page_record(trial: Trial, baseline: Baseline) -> PageRecord:
    counted = (
        count_by_series(part.calm, part.frame.times_ms, step_ms=baseline.step_ms)
        for part in (trial.calibrate, trial.held_back)
    )
    return PageRecord(GRID, *counted)


def _data_set(config: FitConfig, frame: Frame) -> DataSet:
    profile: dict[str, float | str] = {
        "n_ticks": frame.n_ticks,
        "n_series": len(frame.keys),
        "step_ms": frame.step_ms,
        "from": _text_of(frame.start_ms),
        "to": _text_of(frame.end_ms),
    }
    return DataSet(config.data_name, config.data_source, digest_of(frame), profile)


def _metadata(config: FitConfig, data: DataSet, split: Split) -> dict[str, str]:
    return {
        **provenance(seed=config.seed),
        "data_name": data.name,
        "data_digest": data.digest,
        "fitted_from": _text_of(split.fit.start_ms),
        "fitted_until": _text_of(split.fit.end_ms),
        "calibrated_until": _text_of(split.calibrate.end_ms),
        "held_back_until": _text_of(split.held_back.end_ms),
        "budget_per_week": str(config.budget_per_week),
    }


def _text_of(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()
