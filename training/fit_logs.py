"""The training job on log lines: lines of a history in, a log bundle in the registry out."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from features.log_join import thinned
from features.log_rows import LogPast, log_rows
from features.log_traces import usual_said
from features.log_waits import wait_reference
from features.log_windows import log_reference
from models.detectors.log_windows import LogWindowDetector
from models.errors import BadBundleError
from models.log_bundle import load_log_bundle, log_bundle_files, make_log_bundle, save_log_bundle
from models.thresholds import threshold_for_budget
from training.errors import ShortHistoryError
from training.evaluate import renamed
from training.log_injection import inject_log_faults
from training.log_plots import log_plots
from training.log_trial import random_scores, score_part, window_figures
from training.mined_logs import mine_logs
from training.promote import LEAST_SHARED, Decision, decide
from training.provenance import provenance
from training.session_trial import best_of, random_session_figures, try_session_detectors
from training.tracking import DataSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from features.log_sums import LogSums
    from features.log_traces import Said
    from models.log_bundle import LogBundle
    from models.session_model import SessionModel
    from telemetry.logs import Logs
    from training.mined_logs import MinedLogs
    from training.session_trial import SessionCandidate
    from training.tracking import Run, Tracker

MAX_NORMAL: Final = 2**20
"""Numbers of normal operation that a bundle keeps, zeros included: some megabytes."""

MIN_WINDOWS: Final = 200
"""Fewer windows of history than this cannot be cut in four."""

LEAST_THRESHOLD: Final = 3.0
"""No lower, however calm the past: twice in three windows, one in twenty would page."""


@dataclass(frozen=True, kw_only=True)
class LogFitConfig:
    """How log lines are learned from; logged whole with the run.

    Attributes
    ----------
    data_name, data_source
        What the history is called, and where it was read.
    step_s
        Length of a window.
    budget_per_week
        False pages accepted per service and week.
    fit_share, past_share, calibrate_share
        Shares of the time that teach what is usual, how far it strays, and the threshold; the rest is
        held back.
    replaces_champion
        Whether a champion that there is no comparing with, for its step or services, may be replaced.
    seed
        Seed of all that is random.
    """

    data_name: str = "history"
    data_source: str = ""
    step_s: int = 60
    budget_per_week: float = 1.0
    fit_share: float = 0.5
    past_share: float = 0.2
    calibrate_share: float = 0.1
    replaces_champion: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that the shares leave something for each part, and that the budget is one."""
        shares = (self.fit_share, self.past_share, self.calibrate_share)
        if min(shares) <= 0 or sum(shares) >= 1:
            raise ValueError(f"shares of {', '.join(map(str, shares))} leave a part of the time empty")
        if not self.budget_per_week > 0:
            raise ValueError(f"a page budget is positive, got {self.budget_per_week}")


@dataclass(frozen=True)
class LogFitResult:
    """What a training on log lines came to; as `training.fit_detectors.FitResult`."""

    bundle: LogBundle
    figures: Mapping[str, float]
    run_id: str
    version: str
    promoted: bool
    reason: str


@dataclass(frozen=True)
class Cuts:
    """Where the four parts of the time begin, and where the last one ends."""

    fit_ms: int
    past_ms: int
    calibrate_ms: int
    held_back_ms: int
    end_ms: int


def fit_logs(
    config: LogFitConfig,
    read: Callable[[], Iterable[Logs]],
    tracker: Tracker[LogBundle],
    *,
    changes_ms: Mapping[str, Sequence[int]] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> LogFitResult:
    """Learn what services usually say, how far that strays and when to page; judge it, and register it.

    What serves is exactly what was judged: of the time held back, only the miner has seen the lines.

    Parameters
    ----------
    config
        How.
    read
        Gives the lines of normal operation in batches, each in order of time; it is called once more where
        there is a champion to compare with.
    tracker
        Where the run and the bundle are kept.
    changes_ms
        By service, the instants of its change events.
    progress
        Told what is being done, for whoever waits.

    Raises
    ------
    NoHistoryError, ShortHistoryError, BadHistoryError
        If there are no lines, too few, or too many to hold.
    NotEnoughRowsError
        If too few windows can be compared with what is usual.
    """
    changes_ms = changes_ms or {}
    progress("mining templates")
    mined = mine_logs(read(), step_ms=1000 * config.step_s, source=config.data_source)
    cuts = _cuts(config, mined)
    with tracker.run(f"fit-logs-{config.data_name}", provenance(seed=config.seed)) as run:
        data = _data_set(config, mined, cuts)
        run.log(asdict(config), {})
        run.log_data(data)

        progress("learning what services usually say")
        learned = _learn(config, mined, cuts, changes_ms)
        progress("fitting detectors of sessions")
        held_back_sessions = mined.sessions_between(cuts.held_back_ms, cuts.end_ms)
        sessions = try_session_detectors(
            mined.sessions_between(cuts.fit_ms, cuts.calibrate_ms),
            mined.sessions_between(cuts.calibrate_ms, cuts.held_back_ms),
            held_back_sessions,
            seed=config.seed,
        )
        chosen = best_of(sessions)

        progress("packing the bundle")
        bundle = make_log_bundle(
            miner_state=mined.miner.state(),
            normal=learned.normal,
            said=learned.said,
            detector=learned.detector,
            threshold=learned.threshold,
            sessions=chosen,
            metadata=_metadata(config, data, cuts),
        )
        progress("judging it on the time held back")
        held_back = figures_of(bundle, mined, cuts, changes_ms=changes_ms, seed=config.seed)
        figures = {
            **held_back,
            "n_lines": float(mined.n_lines),
            "n_templates": float(sum(len(tree.templates) for tree in mined.miner.trees.values())),
            "lines_per_s": mined.n_lines / max(mined.seconds, 1e-9),
            "budget_per_week": config.budget_per_week,
        }
        with run.child("windows") as child:
            child.log({"detector": "windows"}, held_back)
        with run.child("windows/random") as child:
            child.log({"detector": "random"}, random_figures(bundle, mined, cuts, seed=config.seed))
        figures |= _log_sessions(run, sessions, chosen, len(held_back_sessions), seed=config.seed)
        _log_plots(run, bundle, mined, cuts, changes_ms)

        flaw = flaw_of(bundle)
        if flaw:
            version, decision = "", Decision(False, flaw)
        else:
            progress("comparing with the champion")
            champion = tracker.champion()
            strange = "" if champion is None else strangeness_of(champion, mined)
            rival = None
            if champion is not None and not strange:
                again = mine_logs(
                    _from(read(), cuts.calibrate_ms),
                    step_ms=mined.sums.counts.step_ms,
                    source=config.data_source,
                    miner=champion.miner(),
                )
                rival = figures_of(champion, again, cuts, changes_ms=changes_ms, seed=config.seed)
                run.log({}, renamed(rival, "champion"))
            decision = decide(figures, rival, budget_per_week=config.budget_per_week)
            if strange and not config.replaces_champion:
                decision = Decision(False, f"{strange}; --replace-champion takes it all the same")
            progress("registering")
            version = tracker.register(run, bundle)
            if decision.promoted:
                tracker.promote(version)
        run.log({"promoted": decision.promoted, "reason": decision.reason}, figures)
        return LogFitResult(bundle, figures, run.id, version, decision.promoted, decision.reason)


@dataclass(frozen=True)
class Learned:
    """What is usual, how far it strays, and when to page; as in `models.log_bundle.LogBundle`."""

    normal: LogSums
    said: frozenset[Said]
    detector: LogWindowDetector
    threshold: float


def _learn(
    config: LogFitConfig, mined: MinedLogs, cuts: Cuts, changes_ms: Mapping[str, Sequence[int]]
) -> Learned:
    normal = thinned(mined.sums.between(cuts.fit_ms, cuts.past_ms), max_values=MAX_NORMAL)
    said = usual_said(mined.traces.between(cuts.fit_ms, cuts.past_ms))
    past = LogPast(log_reference(normal.counts), wait_reference(normal.gaps), said)
    strays = mined.sums.between(cuts.past_ms, cuts.calibrate_ms)
    detector = LogWindowDetector().fit(log_rows(strays, past, traces=mined.traces, changes_ms=changes_ms))
    calibrate = score_part(
        detector,
        past,
        mined.sums.between(cuts.calibrate_ms, cuts.held_back_ms),
        traces=mined.traces,
        changes_ms=changes_ms,
    )
    threshold = threshold_for_budget(
        calibrate.scores,
        calibrate.starts_ms,
        step_ms=calibrate.step_ms,
        budget_per_week=config.budget_per_week,
        is_sparse=calibrate.is_sparse,
        least=LEAST_THRESHOLD,
    )
    return Learned(normal, said, detector, threshold)


def figures_of(
    bundle: LogBundle,
    mined: MinedLogs,
    cuts: Cuts,
    *,
    changes_ms: Mapping[str, Sequence[int]],
    seed: int,
) -> dict[str, float]:
    """Figures of a bundle on the time held back, with and without artificial faults."""
    calm = mined.sums.between(cuts.held_back_ms, cuts.end_ms)
    faulty, labels = inject_log_faults(calm, seed=seed)
    scored = [
        score_part(bundle.detector, bundle.past, sums, traces=mined.traces, changes_ms=changes_ms)
        for sums in (calm, faulty)
    ]
    return window_figures(scored[0], scored[1], bundle.threshold, labels)


def random_figures(bundle: LogBundle, mined: MinedLogs, cuts: Cuts, *, seed: int) -> dict[str, float]:
    """Figures of random scores with as many anomalous windows on the time held back as the bundle's own."""
    calm = mined.sums.between(cuts.held_back_ms, cuts.end_ms)
    faulty, labels = inject_log_faults(calm, seed=seed)
    own, other = (
        score_part(bundle.detector, bundle.past, sums, traces=mined.traces, changes_ms={})
        for sums in (calm, faulty)
    )
    share = float(np.mean(own.scores[np.isfinite(own.scores)] > bundle.threshold)) if len(own.scores) else 0.0
    drawn = random_scores(own, seed=seed)
    seen = drawn.scores[np.isfinite(drawn.scores)]
    threshold = float(np.quantile(seen, 1 - share)) if len(seen) else 1.0
    return window_figures(drawn, random_scores(other, seed=seed + 1), threshold, labels)


def flaw_of(bundle: LogBundle) -> str:
    """What makes a bundle unfit to serve, in one sentence; empty if it loads again to the same bytes."""
    with tempfile.TemporaryDirectory() as directory:
        save_log_bundle(bundle, Path(directory))
        try:
            again = load_log_bundle(Path(directory))
        except BadBundleError as reason:
            return str(reason)
    if again.version != bundle.version or log_bundle_files(again) != log_bundle_files(bundle):
        return "the bundle does not load again to what was saved"
    return ""


def strangeness_of(champion: LogBundle, mined: MinedLogs) -> str:
    """Why a champion cannot be compared with what some lines teach, in one sentence; empty if it can be."""
    step_ms = mined.sums.counts.step_ms
    if champion.step_ms != step_ms:
        own, its = step_ms / 1000, champion.step_ms / 1000
        return f"it has a window every {own:g} s, the champion every {its:g} s"
    known = champion.past.reference.services
    n_shared = len(set(known) & set(mined.sums.counts.services))
    if n_shared < LEAST_SHARED * len(known):
        return f"it knows {n_shared} of the champion's {len(known)} services"
    return ""


def _cuts(config: LogFitConfig, mined: MinedLogs) -> Cuts:
    counts = mined.sums.counts
    if len(counts.starts_ms) < MIN_WINDOWS:
        raise ShortHistoryError(needed=MIN_WINDOWS, got=len(counts.starts_ms))
    start_ms, step_ms = int(counts.starts_ms[0]), counts.step_ms
    end_ms = int(counts.starts_ms[-1]) + step_ms
    n_windows = (end_ms - start_ms) // step_ms
    shares = np.cumsum([config.fit_share, config.past_share, config.calibrate_share])
    past, calibrate, held_back = (start_ms + round(n_windows * each) * step_ms for each in shares.tolist())
    return Cuts(start_ms, past, calibrate, held_back, end_ms)


def _from(batches: Iterable[Logs], start_ms: int) -> Iterable[Logs]:
    """The batches that hold a line at or after an instant: those before would teach a miner what it knows."""
    return (logs for logs in batches if len(logs) and int(logs.time_ms.max()) >= start_ms)


def _log_sessions(
    run: Run,
    sessions: Mapping[str, SessionCandidate],
    chosen: SessionModel | None,
    n_sessions: int,
    *,
    seed: int,
) -> Mapping[str, float]:
    """Log each candidate and a random guess as child runs; return the figures of the one chosen."""
    for name, candidate in sessions.items():
        with run.child(f"sessions/{name}") as child:
            child.log({"detector": name, "chosen": candidate.model is chosen}, candidate.figures)
    if sessions:
        with run.child("sessions/random") as child:
            child.log({"detector": "random"}, random_session_figures(n_sessions, seed=seed))
    return next((each.figures for each in sessions.values() if each.model is chosen), {})


def _log_plots(
    run: Run, bundle: LogBundle, mined: MinedLogs, cuts: Cuts, changes_ms: Mapping[str, Sequence[int]]
) -> None:
    sums = mined.sums.between(cuts.held_back_ms, cuts.end_ms)
    rows = log_rows(sums, bundle.past, traces=mined.traces, changes_ms=changes_ms)
    calm = score_part(bundle.detector, bundle.past, sums, traces=mined.traces, changes_ms=changes_ms)
    for name, plot in log_plots(calm, bundle.detector.surprises(rows), bundle.threshold).items():
        run.log_plot(name, plot)


def _data_set(config: LogFitConfig, mined: MinedLogs, cuts: Cuts) -> DataSet:
    profile: dict[str, float | str] = {
        "n_lines": mined.n_lines,
        "n_services": len(mined.sums.counts.services),
        "step_ms": mined.sums.counts.step_ms,
        "from": _text_of(cuts.fit_ms),
        "to": _text_of(cuts.end_ms),
    }
    return DataSet(config.data_name, config.data_source, mined.digest, profile)


def _metadata(config: LogFitConfig, data: DataSet, cuts: Cuts) -> dict[str, str]:
    return {
        **provenance(seed=config.seed),
        "data_name": data.name,
        "data_digest": data.digest,
        "fitted_from": _text_of(cuts.fit_ms),
        "fitted_until": _text_of(cuts.calibrate_ms),
        "calibrated_until": _text_of(cuts.held_back_ms),
        "held_back_until": _text_of(cuts.end_ms),
        "budget_per_week": str(config.budget_per_week),
    }


def _text_of(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()
