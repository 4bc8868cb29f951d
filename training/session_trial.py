"""Trial of detectors of sessions: each fitted, given a threshold, and judged on broken sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from features.logs.sessions import Vocabulary
from models.detectors import SESSION_DETECTORS
from models.detectors.sessions import SessionDetector
from models.session_model import SessionModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Sessions = Sequence[Sequence[str]]

CONTAMINATION: Final = 0.01
"""Share of a history's sessions that may be abnormal, as they are not labelled."""

FALSE_POSITIVES: Final = 0.002
"""Share of normal sessions that may be over the threshold."""

MIN_SESSIONS: Final = 500
"""Minimum number of sessions per part; with fewer, two in a thousand cannot be measured."""

MAX_BROKEN: Final = 2_000


@dataclass(frozen=True)
class SessionCandidate:
    """A fitted session model, its recall of broken calibration sessions, and its held-back figures."""

    model: SessionModel
    recall: float
    figures: dict[str, float]


def try_session_detectors(
    fit: Sessions,
    calibrate: Sessions,
    held_back: Sessions,
    *,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, SessionCandidate]:
    """Fit every detector on the first part, choose its threshold on the second, judge it on the last.

    ``progress`` receives the share of the detectors that is done.

    Returns
    -------
    Candidates by name in `models.detectors.SESSION_DETECTORS`; empty if a part has too few sessions.
    """
    if min(len(fit), len(calibrate), len(held_back)) < MIN_SESSIONS:
        return {}
    vocabulary = Vocabulary.of(fit)
    counts = vocabulary.counts(fit)
    candidates = {}
    for name, make in SESSION_DETECTORS.items():
        detector = SessionDetector(contamination=CONTAMINATION) if make is SessionDetector else make()
        detector.fit(counts)
        threshold = float(np.quantile(detector.score(vocabulary.counts(calibrate)), 1 - FALSE_POSITIVES))
        model = SessionModel(name, detector, threshold, vocabulary)
        figures = {
            "session_threshold": threshold,
            "session_recall": _share_over(model, broken_sessions(held_back, seed=seed)),
            "session_false_positive_rate": _share_over(model, held_back),
            "n_sessions": float(len(held_back)),
        }
        recall = _share_over(model, broken_sessions(calibrate, seed=seed + 1))
        candidates[name] = SessionCandidate(model, recall, figures)
        progress(len(candidates) / len(SESSION_DETECTORS))
    return candidates


def random_session_figures(n_sessions: int, *, seed: int) -> dict[str, float]:
    """Figures of a random guess with the same share of false positives: the minimum for any detector."""
    rng = np.random.default_rng(seed)
    return {
        "session_recall": float(np.mean(rng.random(min(n_sessions, MAX_BROKEN)) < FALSE_POSITIVES)),
        "session_false_positive_rate": float(np.mean(rng.random(n_sessions) < FALSE_POSITIVES)),
        "n_sessions": float(n_sessions),
    }


def best_of(candidates: dict[str, SessionCandidate]) -> SessionModel | None:
    """The model that found most of the broken calibration sessions; the first if tied."""
    if not candidates:
        return None
    return max(candidates.values(), key=lambda each: each.recall).model


def broken_sessions(sessions: Sessions, *, seed: int) -> list[tuple[str, ...]]:
    """At most 2,000 of some sessions, each broken in one of four ways, in turn.

    It ends early, loses an event, has an event replaced by an unseen one, or repeats an event five times.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(sessions))[:MAX_BROKEN].tolist()
    broken = []
    for number, index in enumerate(chosen):
        events = tuple(sessions[index])
        at = int(rng.integers(len(events)))
        broken.append(
            (
                events[: max(1, len(events) * 3 // 5)],
                events[:at] + events[at + 1 :],
                (*events[:at], "injected", *events[at + 1 :]),
                (*events, *[events[at]] * 4),
            )[number % 4]
        )
    return broken


def _share_over(model: SessionModel, sessions: Sessions) -> float:
    return float(np.mean(model.score(sessions) > model.threshold))
