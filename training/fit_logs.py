"""The training job for log lines: log history in, a log bundle in the registry out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from features.logs.join import thinned
from features.logs.rows import LogPast, log_rows
from features.logs.traces import usual_signatures
from features.logs.waits import wait_reference
from features.logs.windows import log_reference
from models.artifacts.log_bundle import make_log_bundle
from models.artifacts.model_kinds import LOGS_MODEL
from models.detectors.log_windows import LogWindowDetector
from models.paging.thresholds import threshold_for_budget
from training.log_cuts import cuts_of, since
from training.log_plots import log_plots
from training.log_trial import figures_of, random_figures, score_part
from training.mined_logs import mine_logs
from training.outcome import beside_champion, settle
from training.progress import begin_step, silent
from training.promote import LEAST_SHARED
from training.provenance import history_metadata, run_tags, text_of
from training.roundtrip_check import loading_flaw
from training.session_trial import best_of, random_session_figures, try_session_detectors
from training.tracker import DataSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from features.logs.sums import LogSums
    from features.logs.traces import TraceSignature
    from models.artifacts.log_bundle import LogBundle
    from models.session_model import SessionModel
    from telemetry.logs import Logs
    from training.log_cuts import Cuts
    from training.mined_logs import MinedLogs
    from training.outcome import Outcome
    from training.progress import Progress
    from training.session_trial import SessionCandidate
    from training.tracker import Run, Tracker

MAX_NORMAL: Final = 2**20
"""Numbers of normal operation stored in a bundle, zeros included: a few megabytes."""

LEAST_THRESHOLD: Final = 3.0
"""Lowest threshold, even after a quiet past: twice in three windows, one in twenty would page."""


@dataclass(frozen=True, kw_only=True)
class LogFitConfig:
    """How log lines are learned from; logged with the run.

    Attributes
    ----------
    data_name, data_source
        Name of the history, and where it was read.
    step_s
        Length of a window.
    budget_per_week
        False pages accepted per service and week.
    fit_share, past_share, calibrate_share
        Shares of the time that teach what is usual, how much it varies, and the threshold; the rest is
        held back.
    replaces_champion
        Whether to replace a champion that cannot be compared because of its step or services.
    seed
        Seed for everything random.
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
        """Check that every part gets some of the time, and that the budget is positive."""
        if min(self.shares) <= 0 or sum(self.shares) >= 1:
            raise ValueError(f"shares of {', '.join(map(str, self.shares))} leave a part of the time empty")
        if not self.budget_per_week > 0:
            raise ValueError(f"a page budget must be positive, got {self.budget_per_week}")

    @property
    def shares(self) -> tuple[float, float, float]:
        """The three shares of the time, in order."""
        return self.fit_share, self.past_share, self.calibrate_share


def fit_logs(
    config: LogFitConfig,
    read: Callable[[], Iterable[Logs]],
    tracker: Tracker[LogBundle],
    *,
    changes_ms: Mapping[str, Sequence[int]] | None = None,
    progress: Progress = silent,
) -> Outcome[LogBundle]:
    """Learn what services usually log, how much that varies and when to page; judge it, and register it.

    The registered bundle is exactly the one that was judged; only the miner has seen the held-back lines.

    Parameters
    ----------
    config
        The settings of the training.
    read
        Returns the lines of normal operation in batches, each in order of time; it is called a second time
        if there is a champion to compare with.
    tracker
        Records the run and registers the bundle.
    changes_ms
        Times of the change events of each service.
    progress
        Receives the current step.

    Raises
    ------
    NoHistoryError, ShortHistoryError, BadHistoryError
        If there are no lines, too few, or too many for memory.
    NotEnoughRowsError
        If too few windows can be compared with what is usual.
    """
    changes_ms = changes_ms or {}
    progress("mining templates")
    mined = mine_logs(read(), step_ms=1000 * config.step_s, source=config.data_source)
    counts = mined.sums.counts
    cuts = cuts_of(counts.starts_ms, step_ms=counts.step_ms, shares=config.shares)
    with tracker.run(f"fit-logs-{config.data_name}", run_tags(tracker, seed=config.seed)) as run:
        data = _data_set(config, mined, cuts)
        run.log(asdict(config), {})
        run.log_data(data)

        progress("learning what services usually log")
        learned = _learn(config, mined, cuts, changes_ms)
        held_back_sessions = mined.sessions_between(cuts.held_back_ms, cuts.end_ms)
        sessions = try_session_detectors(
            mined.sessions_between(cuts.fit_ms, cuts.calibrate_ms),
            mined.sessions_between(cuts.calibrate_ms, cuts.held_back_ms),
            held_back_sessions,
            seed=config.seed,
            progress=begin_step(progress, "fitting detectors of sessions"),
        )
        chosen = best_of(sessions)

        progress("packing the bundle")
        bundle = make_log_bundle(
            miner_state=mined.miner.state(),
            normal=learned.normal,
            signatures=learned.signatures,
            detector=learned.detector,
            threshold=learned.threshold,
            sessions=chosen,
            metadata=history_metadata(
                data,
                seed=config.seed,
                budget_per_week=config.budget_per_week,
                fitted_ms=(cuts.fit_ms, cuts.calibrate_ms),
                calibrated_until_ms=cuts.held_back_ms,
                held_back_until_ms=cuts.end_ms,
            ),
        )
        progress("judging the bundle on held-back time")
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

        def judged(champion: LogBundle) -> dict[str, float]:
            mined_again = mine_logs(
                since(
                    read(), cuts.calibrate_ms
                ),  # earlier lines would only teach its miner what it already knows
                step_ms=counts.step_ms,
                source=config.data_source,
                miner=champion.miner(),
            )
            return figures_of(champion, mined_again, cuts, changes_ms=changes_ms, seed=config.seed)

        gate = partial(
            beside_champion,
            run,
            tracker,
            figures,
            mismatch=lambda champion: mismatch_of(champion, mined),
            judged=judged,
            budget_per_week=config.budget_per_week,
            replaces_champion=config.replaces_champion,
        )
        flaw = loading_flaw(bundle, LOGS_MODEL)
        return settle(run, tracker, bundle, figures, flaw=flaw, gate=gate, progress=progress)


@dataclass(frozen=True)
class Learned:
    """What is usual, how much it varies, and when to page; as in `models.artifacts.log_bundle.LogBundle`."""

    normal: LogSums
    signatures: frozenset[TraceSignature]
    detector: LogWindowDetector
    threshold: float


def _learn(
    config: LogFitConfig, mined: MinedLogs, cuts: Cuts, changes_ms: Mapping[str, Sequence[int]]
) -> Learned:
    normal = thinned(mined.sums.between(cuts.fit_ms, cuts.past_ms), max_values=MAX_NORMAL)
    signatures = usual_signatures(mined.traces.between(cuts.fit_ms, cuts.past_ms))
    past = LogPast(log_reference(normal.counts), wait_reference(normal.gaps), signatures)
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
    return Learned(normal, signatures, detector, threshold)


def mismatch_of(champion: LogBundle, mined: MinedLogs) -> str:
    """Why a champion cannot be compared with a training on these lines, in one sentence; empty if it can."""
    step_ms = mined.sums.counts.step_ms
    if champion.step_ms != step_ms:
        own, its = step_ms / 1000, champion.step_ms / 1000
        return f"it has a window every {own:g} s, the champion every {its:g} s"
    known = champion.past.reference.services
    n_shared = len(set(known) & set(mined.sums.counts.services))
    if n_shared < LEAST_SHARED * len(known):
        return f"it knows {n_shared} of the champion's {len(known)} services"
    return ""


def _log_sessions(
    run: Run,
    sessions: Mapping[str, SessionCandidate],
    chosen: SessionModel | None,
    n_sessions: int,
    *,
    seed: int,
) -> Mapping[str, float]:
    """Log each candidate and a random guess as child runs; return the figures of the chosen candidate."""
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
    normal = score_part(bundle.detector, bundle.past, sums, traces=mined.traces, changes_ms=changes_ms)
    for name, plot in log_plots(normal, bundle.detector.surprises(rows), bundle.threshold).items():
        run.log_plot(name, plot)


def _data_set(config: LogFitConfig, mined: MinedLogs, cuts: Cuts) -> DataSet:
    profile: dict[str, float | str] = {
        "n_lines": mined.n_lines,
        "n_services": len(mined.sums.counts.services),
        "step_ms": mined.sums.counts.step_ms,
        "from": text_of(cuts.fit_ms),
        "to": text_of(cuts.end_ms),
    }
    return DataSet(config.data_name, config.data_source, mined.digest, profile)
