"""Log features per service and window, against a reference of normal operation.

A service logs a mix of templates. Compared with its usual mix, some are *missing* and some are in *excess*:
the difference of variance-stabilised counts, in standard deviations, where at least five lines were
expected or came. Counts of real services scatter more than Poisson's, since requests come in bursts of one
kind, so each template's own scatter over the reference windows is taken into account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from features.logs.counts import LogCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.logs.counts import LogKind

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MIN_EXPECTED: Final = 5.0
"""If fewer lines than this are expected, their absence is not informative."""

MIN_INFORMATIVE: Final = 0.5
"""A reference window with fewer expected lines than this is not informative about the scatter."""

SCATTER_PRIOR: Final = 5.0
"""Poisson scatter of so many reference windows is added to the observed scatter."""

MIN_SUPPORT: Final = 2
"""A count vector is stored if it occurred at least so often."""

MIN_WARM_UP: Final = 3
"""With fewer reference windows than this nothing counts as new, for everything would be."""

RARE: Final = 0.001
"""A template with less than this share of its service's lines is rare."""

AT_LEAST_WARN = frozenset({"WARN", "ERROR", "FATAL"})
AT_LEAST_ERROR = frozenset({"ERROR", "FATAL"})


@dataclass(frozen=True)
class LogReference:
    """The usual log lines of services.

    Attributes
    ----------
    kinds
        The kinds of line that occurred.
    services
        The services that logged them.
    service
        Shape ``(n_kinds,)``: index into ``services``.
    total
        Shape ``(n_kinds,)``: number of lines.
    share
        Shape ``(n_kinds,)``: share of the service's lines, 0 to 1.
    scatter
        Shape ``(n_kinds,)``: variance of the stabilised counts around the share; at least 1, that of Poisson
        counts.
    vectors
        Per service, the distinct count vectors that at least two of its windows had, shape
        ``(n_vectors, n_kinds of the service)``; counts are rounded to powers of two.
    n_windows
        Number of reference windows.
    """

    kinds: tuple[LogKind, ...]
    services: tuple[str, ...]
    service: Ints
    total: Floats
    share: Floats
    scatter: Floats
    vectors: tuple[Floats, ...]
    n_windows: int


def log_reference(normal: LogCounts) -> LogReference:
    """Learn the usual log lines of services from windows of normal operation."""
    normal = normal.of_kinds([normal.kinds[kind] for kind in np.flatnonzero(normal.counts.any(axis=0))])
    services = normal.services
    service = normal.service_of_kind(services)
    total = normal.counts.sum(axis=0)
    lines = _per_service(normal.counts, service, len(services))
    share = total / np.maximum(lines.sum(axis=0)[service], 1.0)
    expected = share * lines[:, service]
    is_informative = expected >= MIN_INFORMATIVE
    squared = np.where(is_informative, (stabilised(normal.counts) - stabilised(expected)) ** 2, 0.0)
    scatter = (squared.sum(axis=0) + SCATTER_PRIOR) / (is_informative.sum(axis=0) + SCATTER_PRIOR)
    vectors = []
    for index in range(len(services)):
        coarse = _coarse(normal.counts[:, service == index])
        distinct, support = np.unique(coarse[coarse.any(axis=1)], axis=0, return_counts=True)
        vectors.append(distinct[support >= MIN_SUPPORT])
    return LogReference(
        normal.kinds,
        services,
        service,
        total,
        share,
        np.maximum(scatter, 1.0),
        tuple(vectors),
        len(normal.counts),
    )


def stabilised(counts: Floats) -> Floats:
    """Counts transformed to a standard deviation of about 1, for any mean: Anscombe, Biometrika 35, 1948."""
    result: Floats = 2.0 * np.sqrt(np.asarray(counts, dtype=np.float64) + 0.375)
    return result


@dataclass(frozen=True)
class MixChange:
    """By how much each kind of line is missing or in excess, in standard deviations.

    Attributes
    ----------
    kinds
        The kinds of the reference, then the new ones.
    observed, expected
        Shape ``(n_windows, n_kinds)``: lines that came, and lines expected from the service's total.
    change
        Shape ``(n_windows, n_kinds)``: negative where missing, positive in excess; 0 where fewer than five
        lines were expected and fewer than five came.
    is_new
        Shape ``(n_kinds,)``: not in the reference, although that is long enough.
    """

    kinds: tuple[LogKind, ...]
    observed: Floats
    expected: Floats
    change: Floats
    is_new: NDArray[np.bool_]


def mix_change(window: LogCounts, reference: LogReference) -> MixChange:
    """Compare windows with the usual log lines.

    A service without any reference line is entirely new; that is not a change of a mix and counts as 0.
    """
    known = frozenset(reference.kinds)
    kinds = (*reference.kinds, *(kind for kind in window.kinds if kind not in known))
    now = window.of_kinds(kinds)
    services = tuple(sorted({kind.service for kind in kinds}))
    service = now.service_of_kind(services)
    n_new = len(kinds) - len(reference.kinds)
    share = np.concatenate([reference.share, np.zeros(n_new)])
    scatter = np.concatenate([reference.scatter, np.ones(n_new)])
    expected = share * _per_service(now.counts, service, len(services))[:, service]
    change = (stabilised(now.counts) - stabilised(expected)) / np.sqrt(scatter)
    has_past = np.isin(np.array(services, dtype=object)[service], np.array(reference.services, dtype=object))
    is_informative = ((expected >= MIN_EXPECTED) | (now.counts >= MIN_EXPECTED)) & has_past
    is_new = (np.arange(len(kinds)) >= len(reference.kinds)) & has_past & (reference.n_windows >= MIN_WARM_UP)
    return MixChange(kinds, now.counts, expected, np.where(is_informative, change, 0.0), is_new)


def log_features(window: LogCounts, reference: LogReference) -> tuple[tuple[str, ...], dict[str, Floats]]:
    """Every log feature of every service and window.

    Returns
    -------
    The services, sorted, and by name arrays of shape ``(n_windows, n_services)``:

    ``log_rate``
        lines per second;
    ``log_warn_share``, ``log_error_share``
        share of lines at WARN or worse, at ERROR or worse;
    ``log_new``, ``log_rare``
        lines of templates that are absent from the reference, and of those rare in it;
    ``log_missing``, ``log_excess``
        the largest change of a template's share, in standard deviations;
    ``log_shift``
        Jensen-Shannon divergence of the mix from the reference, in bits, 0 to 1;
    ``log_distance``
        distance of the count vector to the nearest stored one of the reference, in standard deviations.

    ``nan`` where a service logged nothing in the window or has no reference to compare with.
    """
    change = mix_change(window, reference)
    now = window.of_kinds(change.kinds)
    services = now.services
    service = now.service_of_kind(services)
    n_services = len(services)
    lines = _per_service(now.counts, service, n_services)
    severity = np.array([kind.severity for kind in change.kinds], dtype=object)
    usual = np.concatenate([reference.share, np.zeros(len(change.kinds) - len(reference.kinds))])

    def summed(kinds: NDArray[np.bool_]) -> Floats:
        return _per_service(now.counts * kinds, service, n_services)

    def share(severities: frozenset[str]) -> Floats:
        worse = summed(np.isin(severity, np.array(sorted(severities), dtype=object)))
        return np.divide(worse, lines, out=np.full_like(lines, np.nan), where=lines > 0)

    has_past = np.isin(np.array(services, dtype=object), np.array(reference.services, dtype=object))
    is_compared = (lines > 0) & has_past & (reference.n_windows >= MIN_WARM_UP)
    compared = {
        "log_new": summed(change.is_new),
        "log_rare": summed((usual > 0) & (usual < RARE)),
        "log_missing": _largest(-change.change, service, n_services),
        "log_excess": _largest(change.change, service, n_services),
        "log_shift": _shift(now.counts, usual, service, lines),
        "log_distance": _distance(now, reference, services),
    }
    features = {
        "log_rate": lines / (window.step_ms / 1000.0),
        "log_warn_share": share(AT_LEAST_WARN),
        "log_error_share": share(AT_LEAST_ERROR),
    }
    return services, features | {name: np.where(is_compared, each, np.nan) for name, each in compared.items()}


def _per_service(counts: Floats, service: Ints, n_services: int) -> Floats:
    """Sums over the kinds of each service, shape ``(n_windows, n_services)``."""
    belongs = np.zeros((counts.shape[1], n_services))
    belongs[np.arange(counts.shape[1]), service] = 1.0
    sums: Floats = counts @ belongs
    return sums


def _largest(values: Floats, service: Ints, n_services: int) -> Floats:
    largest = np.zeros((len(values), n_services))
    for kind, owner in enumerate(service):
        np.maximum(largest[:, owner], values[:, kind], out=largest[:, owner])
    return largest


def _shift(counts: Floats, usual: Floats, service: Ints, lines: Floats) -> Floats:
    """Jensen-Shannon divergence in bits: Lin, IEEE Transactions on Information Theory 37, 1991."""
    mix = counts / np.maximum(lines[:, service], 1.0)
    middle = (mix + usual) / 2.0

    def relative(share: Floats) -> Floats:
        ratio = np.divide(share, middle, out=np.ones_like(middle), where=(share > 0) & (middle > 0))
        return share * np.log2(ratio)

    n_services = lines.shape[1]
    divergence = (relative(mix) + relative(np.broadcast_to(usual, mix.shape))) / 2.0
    return np.clip(_per_service(divergence, service, n_services), 0.0, 1.0)


def _distance(now: LogCounts, reference: LogReference, services: tuple[str, ...]) -> Floats:
    distance = np.full((len(now.counts), len(services)), np.nan)
    service = now.service_of_kind(services)
    for index, name in enumerate(services):
        if name not in reference.services:
            continue
        vectors = reference.vectors[reference.services.index(name)]
        counts = stabilised(_coarse(now.counts[:, service == index]))
        unseen = np.zeros((len(vectors), counts.shape[1] - vectors.shape[1]))
        stored = stabilised(np.hstack([vectors, unseen]))
        for row, vector in enumerate(counts):
            if len(stored):
                distance[row, index] = np.sqrt(((stored - vector) ** 2).sum(axis=1).min())
    return distance


def _coarse(counts: Floats) -> Floats:
    """Counts rounded to powers of two, so that windows of a busy service can be equal at all."""
    coarse: Floats = np.where(counts > 0, 2.0 ** np.round(np.log2(np.maximum(counts, 1.0))), 0.0)
    return coarse
