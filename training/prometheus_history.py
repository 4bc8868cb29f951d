"""History read from a Prometheus into tables on disk, so that an interrupted reading continues.

Each question's answer is a file, complete or absent. A finished reading is used again by a training on the
same time; another plan removes the files of the one before.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from telemetry.durable import replacing
from telemetry.errors import SourceBusyError, TooMuchAskedError
from telemetry.prometheus_api import EVERY, Limits, PrometheusApi, Ticks, narrowed
from training.datasets import write_table
from training.errors import HistoryTooLargeError, NoHistoryError
from training.progress import begin_step
from training.prometheus_plan import Group, grouped, questions, split, ticks_a_question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import httpx2

    from telemetry.batches import Samples, SeriesKey
    from telemetry.decoders.labelled import Labelled
    from telemetry.series_book import SeriesBook
    from training.progress import Progress
    from training.prometheus_plan import Question

Found = TypeVar("Found")

PLAN = "plan.json"
WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses before a source that is busy is asked again."""
RESUMED_MS = 86_400_000
"""An unfinished reading is continued for so long; after that its end is too far in the past."""


class Describe(Protocol):
    """Turns what a source sent into the samples to store: `service.signals` does so as of what is pushed."""

    def __call__(self, labelled: Labelled, *, step_ms: int) -> Samples: ...  # noqa: D102  see the class


@dataclass(frozen=True, kw_only=True)
class ReadConfig:
    """What to read, and how much of it.

    Attributes
    ----------
    selectors
        Series that are read.
    naming
        What the names of series depend on, as a digest: with other names, everything is read again.
    max_series, max_bytes
        Bounds of all together.
    n_parallel
        Questions at once.
    """

    start_ms: int
    end_ms: int
    step_ms: int
    selectors: tuple[str, ...] = (EVERY,)
    naming: str = ""
    max_series: int = 10_000
    max_bytes: int = 8 * 2**30
    n_parallel: int = 4


class Plan(msgspec.Struct, kw_only=True):
    """What a directory holds, or will."""

    address: str
    selectors: tuple[str, ...]
    naming: str
    start_ms: int
    end_ms: int
    step_ms: int
    groups: tuple[Group, ...]
    counts: dict[str, int]
    is_complete: bool = False


@dataclass
class Read:
    """What was read, and what is to be said about it.

    Attributes
    ----------
    paths
        The tables, in order.
    n_resumed
        How many of them an earlier run had read.
    n_native
        Samples of native histograms, which were left out.
    n_refused
        Samples whose series cannot be named.
    warnings
        What the source said about its answers.
    """

    paths: list[Path] = field(default_factory=list)
    end_ms: int = 0
    n_resumed: int = 0
    n_bytes: int = 0
    n_native: int = 0
    n_refused: int = 0
    warnings: set[str] = field(default_factory=set)


class HistoryReading:
    """One reading of a source into a directory.

    Parameters
    ----------
    pause
        Waits some seconds before a busy source is asked again, or until the event.
    """

    def __init__(
        self,
        config: ReadConfig,
        directory: Path,
        *,
        client: httpx2.Client,
        address: str,
        book: Callable[[], SeriesBook],
        describe: Describe,
        pause: Callable[[Event, float], object] = Event.wait,
    ) -> None:
        self._config = config
        self._api = PrometheusApi(client, address, limits=Limits(note_bytes=self._note_bytes))
        self._book = book
        self._describe = describe
        self._directory = directory
        self._pause = pause
        self._is_stopped = Event()
        self._lock = Lock()
        self._found = Read()
        self._keys: set[SeriesKey] = set()

    def _note_bytes(self, n_bytes: int) -> None:
        """Count what was received; `HistoryTooLargeError` beyond the limit."""
        with self._lock:
            self._found.n_bytes += n_bytes
            if self._found.n_bytes > self._config.max_bytes:
                what = f"more than {self._config.max_bytes / 2**30:g} GiB were received"
                raise HistoryTooLargeError(self._api.shown, what)

    def read(self, progress: Progress) -> Read:
        """Read what is missing; return where all of it is.

        Raises
        ------
        NoHistoryError
            If no metric matches.
        HistoryTooLargeError
            If there are more series or bytes than allowed.
        QueryError
            If the source does not answer.
        """
        plan = self._plan()
        config = self._config
        asked = list(
            questions(
                plan.groups,
                start_ms=plan.start_ms,
                end_ms=plan.end_ms,
                step_ms=config.step_ms,
                counts=plan.counts,
            )
        )
        paths = [self._directory / each.file_name for each in asked]
        todo = [(each, path) for each, path in zip(asked, paths, strict=True) if not path.exists()]
        self._found.n_resumed = len(asked) - len(todo)
        self._found.paths, self._found.end_ms = paths, plan.end_ms
        report = begin_step(progress, f"reading {self._api.shown}")
        self._read_all(todo, lambda n_done: report((self._found.n_resumed + n_done) / len(asked)))
        self._write_plan(msgspec.structs.replace(plan, is_complete=True))
        return self._found

    def _read_all(self, todo: Sequence[tuple[Question, Path]], done: Callable[[int], None]) -> None:
        waiting, n_done = deque(todo), 0
        running: dict[Future[list[Samples]], Path] = {}
        with ThreadPoolExecutor(self._config.n_parallel, thread_name_prefix="prometheus") as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < self._config.n_parallel:
                        question, path = waiting.popleft()
                        running[pool.submit(self._samples, question)] = path
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for each in finished:
                        write_table(running.pop(each), each.result())
                        n_done += 1
                    done(n_done)
            except BaseException:
                self._is_stopped.set()
                raise

    def _samples(self, question: Question) -> list[Samples]:
        """The answer to a question, in as many pieces as the source needs."""
        try:
            return [self._ask(question)]
        except TooMuchAskedError as error:
            return [samples for half in split(question, error) for samples in self._samples(half)]

    def _ask(self, question: Question) -> Samples:
        config, (start_ms, end_ms, step_ms) = self._config, question.ticks
        selector = narrowed(question.group.selector, question.group.names)
        before = Ticks(start_ms - step_ms, end_ms, step_ms)  # a histogram says what rose since
        answer = self._patiently(lambda: self._api.values(selector, before, self._book()))
        samples = self._describe(answer.labelled, step_ms=step_ms)
        samples = samples.where(samples.time_ms >= start_ms)
        with self._lock:
            self._found.n_native += answer.n_native
            self._found.n_refused += answer.labelled.n_rejected
            self._found.warnings.update(answer.warnings[:10])
            self._keys.update(samples.keys)
            if len(self._keys) > config.max_series:
                what = f"there are more than {config.max_series:,} series"
                raise HistoryTooLargeError(self._api.shown, what)
        return samples

    def _patiently(self, ask: Callable[[], Found]) -> Found:
        for pause_s in WAITS_S:
            try:
                return ask()
            except SourceBusyError:
                if self._is_stopped.is_set():  # another question failed for good
                    raise
                self._pause(self._is_stopped, pause_s)
        return ask()

    def _plan(self) -> Plan:
        config, directory = self._config, self._directory
        directory.mkdir(parents=True, exist_ok=True)
        found = self._stored_plan()
        if found is not None and self._is_usable(found):
            return found
        for path in directory.iterdir():
            path.unlink()
        groups: list[Group] = []
        counts: dict[str, int] = {}
        for selector in config.selectors:
            names = self._patiently(
                partial(self._api.metric_names, selector, start_ms=config.start_ms, end_ms=config.end_ms)
            )
            counts |= self._patiently(partial(self._api.series_counts, selector, at_ms=config.end_ms))
            groups += grouped(selector, names, counts, n_ticks=ticks_a_question(config.step_ms))
        if not groups:
            raise NoHistoryError(self._api.shown)
        plan = Plan(
            address=self._api.shown,
            selectors=config.selectors,
            naming=config.naming,
            start_ms=config.start_ms,
            end_ms=config.end_ms,
            step_ms=config.step_ms,
            groups=tuple(groups),
            counts=counts,
        )
        self._write_plan(plan)
        return plan

    def _stored_plan(self) -> Plan | None:
        try:
            return msgspec.json.decode((self._directory / PLAN).read_bytes(), type=Plan)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _is_usable(self, plan: Plan) -> bool:
        """Whether a plan asks for the same: of the same time or, if it was interrupted, of an hour ago."""
        config = self._config
        is_same = (
            plan.address == self._api.shown
            and plan.selectors == config.selectors
            and plan.naming == config.naming
            and plan.step_ms == config.step_ms
            and plan.end_ms - plan.start_ms == config.end_ms - config.start_ms
        )
        late_ms = config.end_ms - plan.end_ms
        return is_same and (late_ms == 0 or (not plan.is_complete and 0 <= late_ms <= RESUMED_MS))

    def _write_plan(self, plan: Plan) -> None:
        with replacing(self._directory / PLAN) as file:
            file.write(msgspec.json.encode(plan))
