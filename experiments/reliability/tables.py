"""The figures as tables: the same on a terminal and in docs/reliability.md."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.reliability.access import CREDENTIALS
from experiments.reliability.masking import ORDINARY, WAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from experiments.reliability.access import Access
    from experiments.reliability.fuzz import Fuzzed
    from experiments.reliability.kills import Kills
    from experiments.reliability.latency import Latency
    from experiments.reliability.masking import Masking
    from experiments.reliability.memory import Memory
    from experiments.reliability.quantiles import Waits
    from experiments.reliability.recovery import Recovery, Start
    from experiments.reliability.storm import Storm

WIDTH = 100
MARKED = re.compile(r"<!-- part: (?P<part>\w+) -->\n.*?<!-- end -->", re.DOTALL)
"""Where a page has the table of a part, or the machine."""


@dataclass(frozen=True)
class Table:
    """One part's figures, as text.

    Attributes
    ----------
    headings
        The first column is text, the others are figures.
    notes
        Sentences below the table.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The table as Markdown, with its notes as a paragraph each."""
        lines = [_line(self.headings), _line(["---"] * len(self.headings)), *map(_line, self.rows)]
        paragraphs = ["\n".join(lines), *(textwrap.fill(note, WIDTH) for note in self.notes)]
        return "\n\n".join(paragraphs)


def kills_table(figures: Kills) -> Table:
    """What was kept, a row for each kind of data."""
    rows = [
        (each.kind, *map(_count, (each.n_acknowledged, each.n_missing, each.n_doubled, each.n_unanswered)))
        for each in figures.kept
    ]
    notes = [
        f"{figures.n_under_load} kills under load and {figures.n_while_starting} while the service started."
    ]
    if figures.first_write_s:
        notes[0] += (
            f" From the start of the process to the first accepted write: median "
            f"{np.median(figures.first_write_s):.1f} s, longest {max(figures.first_write_s):.1f} s."
        )
    if figures.refused:
        refused = ", ".join(f"{kind}: {_count(times)}" for kind, times in figures.refused.items())
        notes.append(f"Refused, so that nothing was promised: {refused}.")
    return Table(("what", "acknowledged", "missing", "doubled", "answer lost"), tuple(rows), tuple(notes))


def fuzz_table(figures: Fuzzed) -> Table:
    """Answers, a row for each way to spoil a request."""
    rows = [(each.mutator, *map(_count, each[1:])) for each in figures.spoiled]
    total = (
        "all",
        *(_count(sum(column)) for column in zip(*(each[1:] for each in figures.spoiled), strict=True)),
    )
    notes = [
        (
            f"{_count(figures.n_bodies)} bodies in {_count(figures.n_requests)} requests to "
            f"{figures.n_routes} routes, {figures.n_requests / figures.seconds:,.0f} a second; the slowest "
            f"took {figures.slowest_s:.1f} s."
        ),
        *(
            f"Fault: {each.route} ({each.mutator}): {each.error}: `{each.request}`"
            for each in figures.findings
        ),
    ]
    headings = ("request", "n", "accepted", "refused", "503 for now", "faults")
    return Table(headings, (*rows, total), tuple(notes))


def latency_table(figures: Latency) -> Table:
    """Waits for answers to alerts, alone and beside intake."""
    rows = [(each.while_, _count(each.samples_per_s), *_waits(each.waits)) for each in figures.answered]
    note = f"Limit of intake: {_count(figures.limit_samples_per_s)} samples a second."
    return Table(("alerts", "samples/s", *WAITS), tuple(rows), (note,))


def storm_table(figures: Storm) -> Table:
    """Waits of everybody else, before and during a storm."""
    rows = [(f"{each.kind} of others, {each.while_}", *_waits(each.waits)) for each in figures.others]
    answer = f"answered {figures.status}" if figures.status else "not answered"
    note = (
        f"{_count(figures.n_alerts)} alerts in one body of {figures.size_bytes / 1e6:.1f} MB: {answer} after "
        f"{figures.seconds:.1f} s, {_count(figures.n_stored)} stored."
    )
    return Table(
        ("what", *WAITS), (*rows, ("the storm's own alerts, one by one", *_waits(figures.singles))), (note,)
    )


def memory_table(figures: Memory) -> Table:
    """Memory over time, in one row."""
    readings = np.array(figures.rss_mb)
    row = (
        f"{figures.minutes:g} minutes",
        *map(_count, (figures.n_samples, figures.n_lines, figures.n_alerts, figures.n_changes)),
        *(f"{each:,.0f}" for each in (readings[0], np.nanmax(readings), readings[-1])),
        f"{figures.mb_per_hour:+.1f} ({figures.low:+.1f} to {figures.high:+.1f})",
    )
    headings = (
        "mixed load",
        "samples",
        "lines",
        "alerts",
        "changes",
        "first MiB",
        "most",
        "last",
        "MiB/hour",
    )
    return Table(headings, (row,))


def recovery_table(figures: Recovery) -> Table:
    """Seconds from the start of the process, for an empty and a full service."""

    def row(name: str, starts: Sequence[Start]) -> tuple[str, ...]:
        columns = (
            [each.listening_s for each in starts],
            [each.first_sample_s for each in starts],
            [each.first_alert_s for each in starts],
        )
        return (name, str(len(starts)), *(f"{np.median(each):.1f} / {max(each):.1f}" for each in columns))

    full = f"{_count(figures.n_samples)} samples, {_count(figures.n_lines)} lines, {figures.n_alerts} alerts"
    return Table(
        ("stored", "starts", "listening", "first sample", "first alert"),
        (row("nothing", figures.empty), row(full, figures.full)),
        ("Seconds, median / longest.",),
    )


def masking_table(figures: Masking) -> Table:
    """Forms masked and ordinary lines changed, a row for each kind."""
    rows = [(each.kind, _count(each.n), *(_share(n, each.n) for n in each.by_way)) for each in figures.rows]
    forms = [each for each in figures.rows if each.kind != ORDINARY]
    n_forms = sum(each.n for each in forms)
    if forms:
        by_way = [sum(column) for column in zip(*(each.by_way for each in forms), strict=True)]
        rows.append(("all forms", _count(n_forms), *(_share(n, n_forms) for n in by_way)))
    notes = () if figures.rows else ("No corpus was found.",)
    return Table(("masked", "n", *(f"in {way}" for way in WAYS)), tuple(rows), notes)


def access_table(figures: Access) -> Table:
    """The status of each answer, a row for each route."""
    rows = [
        (f"`{each.route}`", each.needed or "–", *(each.answers[name] for name in CREDENTIALS))
        for each in figures.table
    ]
    return Table(
        ("route", "needs", *CREDENTIALS), tuple(rows), tuple(f"Wrong: {each}." for each in figures.wrong)
    )


def renewed(page: str, parts: Mapping[str, str]) -> str:
    r"""A page with the marked parts replaced by other Markdown; those that are not given stay.

    >>> print(renewed("<!-- part: kills -->\nold\n<!-- end -->", {"kills": "new"}))
    <!-- part: kills -->
    <BLANKLINE>
    new
    <BLANKLINE>
    <!-- end -->
    """

    def replaced(found: re.Match[str]) -> str:
        part = found["part"]
        return f"<!-- part: {part} -->\n\n{parts[part]}\n\n<!-- end -->" if part in parts else found[0]

    return MARKED.sub(replaced, page)


WAITS = ("n", "p50 ms", "p99 ms", "longest ms", "failed")


def _waits(waits: Waits) -> tuple[str, ...]:
    return (
        _count(waits.n),
        *(f"{each:,.0f}" for each in (waits.p50_ms, waits.p99_ms, waits.longest_ms)),
        _count(waits.n_failed),
    )


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _share(n: int, of: int) -> str:
    return f"{n / of:.1%}" if of else "–"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(each.replace('|', '/') for each in cells)} |"
