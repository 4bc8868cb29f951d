"""What was not pushed, asked of a Prometheus when an alert is explained: bounded, and never in its way."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from service.errors import TargetNotAllowedError
from service.signals.recent_window import RecentWindow
from telemetry.batches import Samples
from telemetry.errors import QueryError
from telemetry.prometheus_api import Limits, PrometheusApi, Ticks, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import httpx2

    from service.outgoing import Outgoing
    from service.settings import Settings
    from telemetry.decoders.labelled import Labelled
    from telemetry.series_book import SeriesBook

logger = logging.getLogger(__name__)

BUDGET_S = 2.0
MAX_ITEMS = 50
MAX_SERIES = 2_000
MAX_BYTES = 8 * 2**20
N_SHOWN = 5
REST_S = 30.0
"""After a failure the source is left alone for so long."""
PORT = "(:[0-9]+)?"


class TooSlowError(QueryError):
    """A source that took longer than an answer may wait for it."""


@dataclass(frozen=True)
class Completed:
    """A window with what was asked for, and what is to be said about it."""

    frame: Frame
    notes: tuple[str, ...] = ()


class PulledWindows:
    """Completes windows from a Prometheus; safe to use from many threads.

    Parameters
    ----------
    client
        Makes a client that may speak to the address, and no other.
    item_labels
        Labels that may name an item; each is one question.
    elapsed_s
        A steady clock in seconds.
    """

    def __init__(
        self,
        address: str,
        client: Callable[[], httpx2.Client],
        *,
        item_labels: Sequence[str],
        elapsed_s: Callable[[], float],
    ) -> None:
        self._address = address
        self._client = client
        self._item_labels = item_labels
        self._elapsed_s = elapsed_s
        self._rests_until_s = 0.0
        self._lock = Lock()

    def complete(
        self, frame: Frame, items: Collection[str], book: SeriesBook, *, since_ms: int, until_ms: int
    ) -> Completed:
        """Add the series of items of which a window holds none.

        Of histograms only the number of observations is asked for: their buckets are too many for the time.

        Parameters
        ----------
        since_ms, until_ms
            The time that is asked for where the window is empty; else the window's own.
        """
        lacking = sorted(set(items) - {key.item for key in frame.keys})
        if not lacking:
            return Completed(frame)
        step_ms, start_s = frame.step_ms, self._elapsed_s()
        with self._lock:
            if start_s < self._rests_until_s:
                return Completed(frame, (_unasked(lacking, "Prometheus failed a moment ago"),))
        if frame.keys:
            ticks = Ticks(frame.start_ms, frame.end_ms, step_ms)
        else:
            ticks = Ticks(since_ms // step_ms * step_ms, until_ms // step_ms * step_ms, step_ms)
        asked, left = lacking[:MAX_ITEMS], lacking[MAX_ITEMS:]
        notes = [_unasked(left, f"at most {MAX_ITEMS} items are asked for")] if left else []
        if not ticks.n_ticks:
            return Completed(frame)
        try:
            found = self._asked(asked, ticks, book, stop_s=start_s + BUDGET_S)
        except Exception as error:  # a ranking without them is better than none
            known = isinstance(error, (QueryError, TargetNotAllowedError))
            logger.warning(
                "Prometheus did not complete a window",
                extra={"reason": str(error) if known else type(error).__name__},
                exc_info=not known,
            )
            with self._lock:
                self._rests_until_s = self._elapsed_s() + REST_S
            return Completed(frame, (*notes, _unasked(asked, "Prometheus did not answer in time or at all")))
        chosen = [number for number, key in enumerate(found.keys) if key.item in set(asked)]
        if len(chosen) > MAX_SERIES:
            notes.append(f"Of the series that Prometheus has only the first {MAX_SERIES:,} were looked at.")
        found = _only(found, chosen[:MAX_SERIES])
        return Completed(_joined(frame, found, ticks), tuple(notes))

    def _asked(self, items: Sequence[str], ticks: Ticks, book: SeriesBook, *, stop_s: float) -> Samples:
        n_bytes = 0

        def note(n_more: int) -> None:
            nonlocal n_bytes
            n_bytes += n_more
            if self._elapsed_s() > stop_s or n_bytes > MAX_BYTES:
                raise TooSlowError(api.shown, "it took too long or sent too much")

        found: list[Labelled] = []
        with self._client() as client:
            api = PrometheusApi(client, self._address, limits=Limits(MAX_BYTES, note))
            for label in self._item_labels:
                if self._elapsed_s() > stop_s:
                    raise TooSlowError(api.shown, "it took too long")
                selector = "{" + one_of(label, items, ending=PORT) + ',__name__!~".+_bucket"}'
                found.append(api.values(selector, ticks, book).labelled)
        return Samples.concatenated([each.samples for each in found])


def _only(samples: Samples, chosen: Sequence[int]) -> Samples:
    """The samples of some series, and no key of another."""
    place = np.full(len(samples.keys), -1, dtype=np.int32)
    place[chosen] = np.arange(len(chosen), dtype=np.int32)
    kept = samples.where(place[samples.series] >= 0) if len(samples) else samples
    keys = tuple(samples.keys[number] for number in chosen)
    return Samples(keys, place[kept.series], kept.time_ms, kept.values)


def pulled_windows(settings: Settings, outgoing: Outgoing) -> PulledWindows | None:
    """Complete windows from the Prometheus of the settings; ``None`` if there is none.

    Parameters
    ----------
    outgoing
        Makes the clients, if the address is allowed.
    """
    address, token = settings.prometheus_url, settings.prometheus_token.get_secret_value()
    if not address:
        return None

    def client() -> httpx2.Client:
        made = outgoing.client(address, timeout_s=BUDGET_S)
        if token:
            made.headers["Authorization"] = f"Bearer {token}"
        return made

    return PulledWindows(address, client, item_labels=settings.item_labels, elapsed_s=time.monotonic)


def _joined(frame: Frame, samples: Samples, ticks: Ticks) -> Frame:
    """A window with further series on the same ticks, their counters read as rates."""
    if not len(samples):
        return frame
    window = RecentWindow(
        step_ms=ticks.step_ms, length_ms=ticks.end_ms - ticks.start_ms, max_series=MAX_SERIES
    )
    window.add(samples)
    pulled = window.frame()
    values = np.full((ticks.n_ticks, len(pulled.keys)), np.nan)
    place = (pulled.start_ms - ticks.start_ms) // ticks.step_ms
    source = pulled.values[max(0, -place) :]
    first = max(0, place)
    last = min(ticks.n_ticks, first + len(source))
    values[first:last] = source[: last - first]
    own = frame.values if frame.keys else np.empty((ticks.n_ticks, 0))
    return Frame(ticks.start_ms, ticks.step_ms, (*frame.keys, *pulled.keys), np.hstack([own, values]))


def _unasked(items: Sequence[str], reason: str) -> str:
    n_others = len(items) - N_SHOWN
    shown = ", ".join(items[:N_SHOWN]) + (f" and {n_others} more" if n_others > 0 else "")
    return f"Signals of {shown} were not pushed and could not be asked for: {reason}."
