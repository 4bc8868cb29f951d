"""All parts of the measurement, and the report that they make together."""

from __future__ import annotations

import json
import os
import platform
import textwrap
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from experiments.reliability import estate, tables
from experiments.reliability.access import Access, measure_access
from experiments.reliability.fuzz import Fuzzed, fuzz
from experiments.reliability.kills import Kills, measure_kills
from experiments.reliability.latency import Latency, measure_latency
from experiments.reliability.masking import Masking, measure_masking
from experiments.reliability.memory import Memory, measure_memory, window_of
from experiments.reliability.recovery import Recovery, measure_recovery
from experiments.reliability.running import running
from experiments.reliability.storm import Storm, measure_storm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from experiments.reliability.running import Running
    from experiments.reliability.tables import Table
    from training.progress import Progress


class Figures(Protocol):
    """What one part measured: a frozen dataclass."""

    @property
    def failures(self) -> list[str]:
        """Promises that were broken, in words."""
        ...


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured; the defaults take about two minutes together on an idle machine.

    Attributes
    ----------
    n_kills, n_bodies, n_storm_alerts, n_stored_samples, n_starts
        Sizes of the parts.
    minutes
        How long memory is watched.
    alert_seconds
        How long alerts are timed, alone and under load, each.
    singles_s
        How long a storm takes whose alerts come one by one.
    corpus
        Files of written forms to mask; by default those of the tests.
    """

    seed: int = 0
    n_kills: int = 4
    n_bodies: int = 10_000
    n_processes: int = 1
    n_storm_alerts: int = 10_000
    singles_s: float = 20.0
    alert_seconds: float = 10.0
    minutes: float = 0.5
    n_stored_samples: int = 500_000
    n_starts: int = 2
    corpus: tuple[Path, ...] = ()


class Part(NamedTuple):
    """One part of the measurement.

    Attributes
    ----------
    figures
        The type of what it measures.
    """

    figures: type[Any]
    measure: Callable[[Plan, Progress], Figures]
    table: Callable[[Any], Table]


def _kills(plan: Plan, progress: Progress) -> Kills:
    return measure_kills(plan.n_kills, seed=plan.seed, on_progress=progress)


def _fuzz(plan: Plan, progress: Progress) -> Fuzzed:
    return fuzz(plan.n_bodies, seed=plan.seed, n_processes=plan.n_processes, on_progress=progress)


def _latency(plan: Plan, progress: Progress) -> Latency:
    with _fresh_service() as service:
        return measure_latency(service.port, seconds=plan.alert_seconds, on_progress=progress)


def _storm(plan: Plan, progress: Progress) -> Storm:
    with _fresh_service() as service:
        return measure_storm(
            service.port, plan.n_storm_alerts, singles_s=plan.singles_s, on_progress=progress
        )


def _memory(plan: Plan, progress: Progress) -> Memory:
    with _fresh_service(window_of(plan.minutes)) as service:
        return measure_memory(service, plan.minutes, on_progress=progress)


def _recovery(plan: Plan, progress: Progress) -> Recovery:
    return measure_recovery(plan.n_stored_samples, n_starts=plan.n_starts, on_progress=progress)


def _masking(plan: Plan, progress: Progress) -> Masking:
    return measure_masking(plan.corpus, on_progress=progress)


def _access(_plan: Plan, progress: Progress) -> Access:
    return measure_access(on_progress=progress)


PARTS: dict[str, Part] = {
    "kills": Part(Kills, _kills, tables.kills_table),
    "fuzz": Part(Fuzzed, _fuzz, tables.fuzz_table),
    "latency": Part(Latency, _latency, tables.latency_table),
    "storm": Part(Storm, _storm, tables.storm_table),
    "memory": Part(Memory, _memory, tables.memory_table),
    "recovery": Part(Recovery, _recovery, tables.recovery_table),
    "masking": Part(Masking, _masking, tables.masking_table),
    "access": Part(Access, _access, tables.access_table),
}


@dataclass(frozen=True)
class Report:
    """What was measured so far.

    Attributes
    ----------
    version
        Sunspot's.
    machine
        Processors, memory, system and Python, in one sentence.
    results
        Figures by part.
    """

    version: str
    machine: str
    results: Mapping[str, Figures] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """Broken promises of all parts."""
        return [f"{part}: {each}" for part, figures in self.results.items() for each in figures.failures]

    @property
    def tables(self) -> dict[str, Table]:
        """The table of each part."""
        return {part: PARTS[part].table(figures) for part, figures in self.results.items()}

    @property
    def markdown(self) -> dict[str, str]:
        """What a page shows of each part, and of the machine."""
        machine = textwrap.fill(f"Sunspot {self.version}; {self.machine}.", tables.WIDTH)
        return {"machine": machine, **{part: table.markdown() for part, table in self.tables.items()}}

    def document(self) -> dict[str, Any]:
        """The report as a JSON document, with a row of plain figures for each part."""
        results = {part: asdict(figures) for part, figures in self.results.items()}  # type: ignore[call-overload]
        rows = [{"part": part, "method": "sunspot", **_plain(figures)} for part, figures in results.items()]
        return {
            "kind": "reliability",
            "dataset": "brokerage",
            "version": self.version,
            "machine": self.machine,
            "rows": rows,
            "results": results,
        }


def measured(report: Report, parts: Sequence[str], plan: Plan, *, on_progress: Progress) -> Iterator[Report]:
    """Measure parts one after another; yield the report after each."""
    for name in parts:
        figures = PARTS[name].measure(plan, on_progress)
        report = replace(report, results={**report.results, name: figures})
        yield report


def read_report(path: Path) -> Report:
    """Read a report that was written as a JSON document.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read as one.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    try:
        results = {
            part: msgspec.convert(figures, PARTS[part].figures)
            for part, figures in document["results"].items()
        }
        return Report(document["version"], document["machine"], results)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no report of reliability: {error}") from error


def machine() -> str:
    """Return the present machine in one sentence, without its name."""
    try:
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB of memory"
    except (ValueError, OSError):
        memory = ""
    return (
        f"{os.cpu_count()} processors ({platform.machine()}){memory}, {platform.system()}, "
        f"Python {platform.python_version()}; load average {os.getloadavg()[0]:.1f} at the start"
    )


@contextmanager
def _fresh_service(environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run a service with a bundle, in a temporary directory."""
    with TemporaryDirectory() as folder:
        estate.give_bundle(Path(folder))
        with running(Path(folder), environment) as service:
            yield service


def _plain(figures: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in figures.items()
        if isinstance(value, (int, float)) and value == value  # noqa: PLR0124  no nan
    }
