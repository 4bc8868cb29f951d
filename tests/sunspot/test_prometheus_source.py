"""Training history read from Prometheus: complete, bounded, and continued after an interrupt."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
from click.testing import CliRunner
from prometheus_answers import COUNT, NAMES, a_prometheus, failure, matrix, success, ticks_of, vector

from service.signals.histogram_memory import HistogramMemory
from service.signals.histogram_pieces import HistogramPieces
from sunspot.prometheus_source import described
from sunspot.train import command
from telemetry.decoders.prometheus_answers import range_answer
from telemetry.errors import QueryError, SourceBusyError, TooMuchAskedError
from telemetry.metric_names import Namer
from telemetry.series_book import SeriesBook
from training.datasets import frame_of_tables
from training.errors import HistoryTooLargeError, NoHistoryError
from training.progress import silent
from training.prometheus_history import WAITS_S, HistoryReading, ReadConfig

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from prometheus_answers import Answering, Asked, Given

    from telemetry.batches import Samples
    from training.prometheus_history import Read

DAY_MS, STEP_MS = 86_400_000, 60_000
START_MS = 20_600 * DAY_MS
SERIES = {"up": 2, "orders_total": 1, "wait_s_bucket": 3, "wait_s_sum": 1, "wait_s_count": 1}


def a_series(name: str, number: int, at_s: list[float]) -> tuple[dict[str, str], list[tuple[float, str]]]:
    """A series that rises by one a tick, buckets by their share of it."""
    labels = {"__name__": name, "job": "order", "n": str(number)}
    if name.startswith("wait_s"):
        del labels["n"]
    if name.endswith("_bucket"):
        labels["le"] = ("0.1", "1", "+Inf")[number]
    share = {"wait_s_bucket": (0.5, 0.9, 1.0)[number % 3]}.get(name, 1.0)
    return labels, [(at, str(share * (round(at * 1000) + 1 - START_MS) / STEP_MS)) for at in at_s]


def answer(asked: Asked) -> Given:
    if asked.path == NAMES:
        return success(list(SERIES))
    if asked.path == COUNT:
        return vector(SERIES)
    names = asked.parameters["query"].split('__name__=~"')[1].split('"')[0].split("|")
    at_s = ticks_of(asked)
    return matrix(*(a_series(name, number, at_s) for name in names for number in range(SERIES[name])))


def a_book() -> SeriesBook:
    return SeriesBook(Namer(lambda labels: (labels.get("job", ""), "job")))


def read(
    directory: Path, answering: Answering, *, pauses: list[float] | None = None, **options: Any
) -> tuple[Read, list[Asked]]:
    options = {"start_ms": START_MS, "end_ms": START_MS + 2 * DAY_MS, "step_ms": STEP_MS, **options}
    waited: list[float] = [] if pauses is None else pauses

    def pause(_stopped: Event, wait_s: float) -> None:
        waited.append(wait_s)

    with a_prometheus(answering) as (address, asked), httpx2.Client(trust_env=False) as client:
        reading = HistoryReading(
            ReadConfig(**options),
            directory,
            client=client,
            address="http://metrics.example",
            book=a_book,
            describe=described,
            pause=pause,
        )
        reading._api._address = address  # the same source at another port
        return reading.read(silent), asked


def test_every_tick_of_every_series_is_read_once_with_quantiles_from_the_first_tick(tmp_path: Path) -> None:
    found, asked = read(tmp_path, answer)
    frame = frame_of_tables(found.paths, step_ms=STEP_MS, source="it")
    assert frame.start_ms == START_MS
    assert frame.values.shape == (2 * 1440, 8)
    at = {key.metric: column for column, key in enumerate(frame.keys)}
    assert np.isfinite(frame.values[1:]).all()
    assert np.isfinite(frame.values[0, at["wait_s_p95"]])
    assert frame.values[5, at['up{n="1"}']] == 6.0
    assert frame.values[5, at['orders_total{n="0"}']] == pytest.approx(1 / 60)
    assert frame.values[5, at["wait_s_p50"]] == pytest.approx(0.1)
    assert all(each.n_ticks <= 1441 for each in asked if "step" in each.parameters)


def test_the_quantiles_are_those_of_histograms_that_were_pushed() -> None:
    at_s = [(START_MS + (number + 1) * STEP_MS - 1) / 1000 for number in range(5)]
    names = [(name, number) for name in list(SERIES)[2:] for number in range(SERIES[name])]
    body = matrix(*(a_series(name, number, at_s) for name, number in names)).body
    labelled = range_answer(body, a_book()).labelled
    pieces, memory = HistogramPieces(), HistogramMemory()
    pushed = []
    for time_ms in sorted(set(labelled.parts.time_ms.tolist())):
        for point in pieces.complete(labelled.parts.within(time_ms, time_ms)):
            pushed += memory.observe(point, step_ms=STEP_MS, has_count=True)
    found = described(labelled, step_ms=STEP_MS)
    assert len(pushed) == 4 * 4
    assert set(pushed) <= set(rows(found))


def rows(samples: Samples) -> list[tuple[str, str, int, float]]:
    return [
        (*samples.keys[number], time_ms, value)
        for number, time_ms, value in zip(
            samples.series.tolist(), samples.time_ms.tolist(), samples.values.tolist(), strict=True
        )
    ]


def test_too_much_is_asked_for_in_parts_until_it_is_not(tmp_path: Path) -> None:
    def strict(asked: Asked) -> Given:
        if "step" in asked.parameters and asked.n_ticks * asked.parameters["query"].count("|") > 1000:
            return failure(422, "execution", "query processing would load too many samples into memory")
        return answer(asked)

    found, _ = read(tmp_path / "parts", strict)
    whole, _ = read(tmp_path / "whole", answer)
    frames = [frame_of_tables(each.paths, step_ms=STEP_MS, source="it") for each in (found, whole)]
    assert frames[0].keys == frames[1].keys
    assert np.array_equal(frames[0].values, frames[1].values, equal_nan=True)


def test_one_metric_at_one_instant_that_is_too_much_is_named(tmp_path: Path) -> None:
    def refusing(asked: Asked) -> Given:
        return failure(422, "execution", "too many samples") if "step" in asked.parameters else answer(asked)

    with pytest.raises(TooMuchAskedError, match="at one instant; leave it out with --match"):
        read(tmp_path, refusing)


def test_a_busy_source_is_asked_again_with_growing_pauses_and_at_last_given_up(tmp_path: Path) -> None:
    refusals = iter([failure(503, "unavailable", "starting up")] * 2)
    pauses: list[float] = []
    found, _ = read(tmp_path / "short", lambda asked: next(refusals, None) or answer(asked), pauses=pauses)
    assert (found.paths != [], pauses) == (True, list(WAITS_S[:2]))
    pauses.clear()
    with pytest.raises(SourceBusyError, match="starting up"):
        read(tmp_path / "long", lambda _: failure(503, "unavailable", "starting up"), pauses=pauses)
    assert pauses == list(WAITS_S)


def test_an_interrupted_reading_continues_even_an_hour_later(tmp_path: Path) -> None:
    broken = iter([*[None] * 3, failure(400, "bad_data", "broken")])
    with pytest.raises(QueryError, match="broken"):
        read(tmp_path, lambda asked: next(broken, None) or answer(asked), n_parallel=1)
    n_stored = len(list(tmp_path.glob("*.parquet")))
    later, asked = read(
        tmp_path, answer, start_ms=START_MS + 3_600_000, end_ms=START_MS + 2 * DAY_MS + 3_600_000
    )
    assert n_stored == later.n_resumed == 1
    assert len(asked) == len(later.paths) - n_stored
    again, asked = read(tmp_path, answer)
    assert (asked, again.n_resumed) == ([], len(later.paths))
    moved, asked = read(tmp_path, answer, naming="another graph")
    assert moved.n_resumed == 0
    assert not list(tmp_path.glob("*.tmp"))


def test_series_and_bytes_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(HistoryTooLargeError, match=r"more than 3 series; ask for less with --match"):
        read(tmp_path / "series", answer, max_series=3)
    with pytest.raises(HistoryTooLargeError, match="GiB were received"):
        read(tmp_path / "bytes", answer, max_bytes=10_000)
    with pytest.raises(NoHistoryError):
        read(tmp_path / "none", lambda _: success([]) if _.path == NAMES else vector({}))


def train(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(command, ["detectors", "--from", "prometheus", *arguments], env=environment)


def test_the_command_says_what_is_wrong_and_sends_the_token_of_the_environment(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    assert "set --prometheus-url or SUNSPOT_PROMETHEUS_URL" in train(*data).output
    assert "is not a selector" in train(*data, "--prometheus-url", "http://x", "--match", "a(").output
    with a_prometheus(lambda _: failure(401, "", "")) as (address, asked):
        done = train(*data, SUNSPOT_PROMETHEUS_URL=address, SUNSPOT_PROMETHEUS_TOKEN="s3cr3t")
    assert (done.exit_code, asked[0].authorization) == (2, "Bearer s3cr3t")
    assert "it asks for other credentials" in done.output
    assert "s3cr3t" not in done.output
    with a_prometheus(lambda _: success([]) if _.path == NAMES else vector({})) as (address, _):
        empty = train(*data, "--prometheus-url", address)
    assert "look at --match and --days" in empty.output
