"""Evidence in words: one sentence each, with figures and units. The same case gives the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.evidence.figures import figure, percent
from models.evidence.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.cases.case import Case
    from models.evidence.finding import Finding
    from models.evidence.lateness import Lateness
    from models.evidence.own_excess import OwnExcess

MAX_NAMED = 5
"""So many items are named in a sentence; the others are counted."""

RAISED = 1.1
"""A level just before the alert is mentioned if it is so many times the usual one."""

MINUTE_MS = 60_000
MINUTE_S = 60

UNUSUAL = 3.0
"""A surprise that chance alone gives one time in twenty, before the number of items looked at counts."""

LOOKED_AT = {
    "own_latency": "own latency",
    "own_failures": "own failures",
    "own_time": "own time in spans",
    "edge_gap": "network between items",
    "call_structure": "usual calls",
    "new_calls": "new calls",
    "cpu": "CPU",
    "memory": "memory",
    "saturation": "saturation",
    "loss": "packet loss",
    "log_missing": "usual log lines",
    "log_excess": "new and more log lines",
    "log_waits": "waits between log lines",
}
"""The kinds of evidence that can be found normal, as they are called in a sentence."""


ROLE_OF = {
    "own_latency": Role.LATENCY,
    "own_failures": Role.ERRORS,
    **{kind: role for role, (kind, _) in RESOURCES.items()},
}
"""The role that a kind of evidence looks at, where it looks at one."""


def own_excess_sentence(case: Case, excess: OwnExcess, index: int) -> tuple[str, dict[str, float]]:
    """Describe what an item adds, beside what all known items add together, with the figures behind it."""
    item = case.items[index]
    own = float(excess.own[index])
    level, usual, before = (float(each[index]) for each in (excess.level, excess.usual, excess.reference))
    was_raised = before > RAISED * usual
    n_as_large, n_normal = int(excess.n_as_large[index]), int(excess.n_normal[index])
    seen = f"{n_as_large} of {n_normal}" if n_as_large else f"none of {n_normal}"
    is_latency = excess.role is Role.LATENCY
    if excess.counts_requests:
        per_minute = MINUTE_MS / case.step_ms
        what = "excess seconds" if is_latency else "excess failures"
        shares = f"{figure(own * per_minute)} of {figure(excess.all_own * per_minute)}"
        claim = f"{shares} {what} a minute arise in {item} itself"
        figures = {f"own_{what.replace(' ', '_')}_per_minute": own * per_minute}
        figures[f"all_{what.replace(' ', '_')}_per_minute"] = excess.all_own * per_minute
    else:
        what = "slower" if is_latency else "worse"
        own_figure = f"{figure(own * 1000)} ms" if is_latency else percent(own)
        claim = f"{item} is {own_figure} a request {what} than its dependencies explain (no request counts)"
        figures = {"own_excess_s" if is_latency else "own_excess_ratio": own}
    if is_latency:
        levels = f"{figure(level * 1000)} ms a request, usually {figure(usual * 1000)} ms"
        levels += f" and {figure(before * 1000)} ms just before" if was_raised else ""
        figures |= {"latency_s": level, "usual_latency_s": usual, "reference_latency_s": before}
    else:
        levels = f"{percent(level)} of requests fail, usually {percent(usual)}"
        levels += f" and {percent(before)} just before" if was_raised else ""
        figures |= {"error_ratio": level, "usual_error_ratio": usual, "reference_error_ratio": before}
    figures |= {"share_of_whole": float(excess.share[index]), "surprise": float(excess.surprise[index])}
    figures |= {"n_normal_windows": n_normal, "n_normal_windows_as_large": n_as_large}
    return f"{claim}: {levels}; {seen} normal windows saw as much.", figures


def unseen_sentences(case: Case, excesses: list[OwnExcess], late: Lateness) -> tuple[str, ...]:
    """What could not be looked at: late samples, missing signals or history, no graph, relaxed references."""
    sentences = [*case.notes, *_late_sentences(case, late)]
    if not case.graph.has_edges:
        sentences.append("The graph has no edges here: items are ranked by their own surprise alone.")
    known = np.any([excess.is_known for excess in excesses], axis=0)
    seen = np.any(
        [
            np.isfinite(case.window.of(role, len(case.items))).any(axis=0)
            for role in (Role.LATENCY, Role.ERRORS)
        ],
        axis=0,
    )
    never = ~seen & ~late.is_late
    if never.any():
        sentences.append(f"No latency or errors were received for {_names(case, never)}.")
    lacking = np.any([excess.lacks_requests for excess in excesses], axis=0) & ~known
    if lacking.any():
        sentences.append(f"No requests counted for {_names(case, lacking)} or its callers: not blamed.")
    young = seen & ~known & ~lacking
    if young.any():
        sentences.append(f"Too little history to judge {_names(case, young)}: not blamed, its callers are.")
    if not all(excess.counts_requests for excess in excesses):
        sentences.append("No request counts: excess is what a regression on the dependencies leaves over.")
    return (*sentences, *_blind_spots(case))


def normal_sentences(findings: Sequence[Finding], late: Lateness) -> tuple[str, ...]:
    """What was looked at and found as usual: per kind, how many items, and how many of them.

    An item whose level is far from usual is not as usual, even where its dependencies explain it. An item
    whose samples are late was not looked at.
    """
    sentences = []
    for each in findings:
        is_known = each.is_known & ~late.is_late
        if each.kind in ROLE_OF:
            is_known &= ~late.of(ROLE_OF[each.kind])
        n_known = int(is_known.sum())
        if each.kind not in LOOKED_AT or not n_known:
            continue
        is_usual = is_known & ~(each.surprise / each.inflation > UNUSUAL + np.log(n_known))
        if each.is_far is not None:
            is_usual &= ~each.is_far
        n_usual = int(is_usual.sum())
        if not n_usual:
            continue
        what = LOOKED_AT[each.kind]
        items = "1 item" if n_known == 1 else f"{n_known:,} items"
        usual = "all as usual" if n_usual == n_known else f"{n_usual:,} as usual"
        sentences.append(f"{what[0].upper()}{what[1:]}: {items} looked at, {usual}.")
    return tuple(sentences)


def silence_of(case: Case, late: Lateness, n_missing: int) -> str:
    """How long nothing came: "its last sample is 2 minutes old"."""
    age_s = n_missing * case.step_ms / 1000
    unit, n = ("second", age_s) if age_s < MINUTE_S else ("minute", age_s / MINUTE_S)
    age = f"{n:,.{0 if n == round(n) else 1}f} {unit}{'' if n == 1 else 's'}"
    return f"no sample for {age} or more" if n_missing == late.n_ticks else f"its last sample is {age} old"


def _late_sentences(case: Case, late: Lateness) -> list[str]:
    """Which items and metrics are late, an item at a time; of many the first are named."""
    items = np.flatnonzero(late.is_late).tolist()
    sentences = []
    for index in items[:MAX_NAMED]:
        n_missing = late.silence(index)
        state = "missing" if n_missing == late.n_ticks else "late"
        sentences.append(f"{case.items[index]}: {silence_of(case, late, n_missing)}; it is {state}.")
    if len(items) > MAX_NAMED:
        sentences.append(f"{len(items) - MAX_NAMED:,} more items are late or missing.")
    for role, mask in late.roles.items():
        only = mask & ~late.is_late
        if only.any():
            name = RESOURCES[role][1] if role in RESOURCES else role.value
            sentences.append(f"{name[0].upper()}{name[1:]} of {_names(case, only)}: late, not seen yet.")
    return sentences


def _blind_spots(case: Case) -> list[str]:
    """The sources that gave nothing for this case."""
    sentences = []
    if case.window_spans is None:
        sentences.append("No traces were received: own time, network and calls could not be looked at.")
    elif not len(case.window_spans.own.n):
        sentences.append(
            "No traces of this time were received from these items: own time, network and calls could not be "
            "looked at."
        )
    elif case.normal_spans is None or not len(case.normal_spans.own.n):
        sentences.append("No earlier traces of these items are known: own times could not be compared.")
    if case.window_logs is None or not len(case.window_logs.counts.counts):
        sentences.append("No log lines were received.")
    if not set(RESOURCES) & set(case.window.values):
        sentences.append("No CPU, memory, saturation or packet loss was received.")
    return sentences


def _names(case: Case, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    names = [case.items[index] for index in np.flatnonzero(chosen)]
    listed = ", ".join(names[:MAX_NAMED])
    return f"{listed} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else listed
