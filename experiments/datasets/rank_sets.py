"""Labelled incidents of every set used to measure rankers, each with its system and kind of fault.

Those of PetShop and Nezha are labelled injected faults on test beds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from experiments.brokerage.incidents import brokerage_cases
from experiments.datasets import nezha, petshop
from experiments.datasets.errors import DatasetError
from experiments.datasets.loghub import digest_of
from experiments.datasets.nezha_logs import load_nezha_logs, nezha_log_files
from models.cases.library import case_paths, read_case
from models.errors import BadCaseError

if TYPE_CHECKING:
    from pathlib import Path

    from models.cases.case import Case


@dataclass(frozen=True)
class RankSet:
    """Cases with their causes.

    Attributes
    ----------
    digest
        Digest of everything that was read.
    notes
        Remarks about the set, in sentences.
    """

    cases: tuple[Case, ...]
    digest: str
    notes: tuple[str, ...] = ()


def load_rank_set(dataset: str, data: Path | None = None, *, seed: int = 0) -> RankSet:
    """Read the set called ``petshop``, ``nezha`` or ``cases`` from a folder, or simulate the ``brokerage``.

    Raises
    ------
    DatasetError
        If the folder does not hold the set.
    """
    if data is None:
        return _brokerage(seed)
    return {"petshop": _petshop, "nezha": _nezha, "cases": _library}[dataset](data)


def _brokerage(seed: int) -> RankSet:
    cases = tuple(replace(case, fault_type=kind) for kind, case in brokerage_cases(seed=seed))
    return RankSet(
        cases, f"seed:{seed}", ("The built-in simulator: a check of the pipeline, never a headline figure.",)
    )


def _nezha(data: Path) -> RankSet:
    days = nezha.load_nezha(data)
    has_logs = any(path.suffix == ".csv" for path in nezha_log_files(data))
    logged = {day.name: day for day in load_nezha_logs(data)} if has_logs else {}
    cases = tuple(
        replace(
            logged[day.name].with_logs(case) if day.name in logged else case,
            system=day.system,
            fault_type=fault.kind,
        )
        for day in days
        for fault, case in day.cases()
    )
    notes = sorted({f"{day.system}, {day.name}: {note}" for day in days for note in day.notes})
    return RankSet(cases, nezha.digest(data), tuple(notes))


def _petshop(data: Path) -> RankSet:
    scenarios = petshop.load_petshop(data)
    cases = tuple(
        replace(scenario.case(incident), system=scenario.name, fault_type=incident.metric)
        for scenario in scenarios
        for incident in scenario.incidents
    )
    return RankSet(
        cases, petshop.digest(data), tuple(note for scenario in scenarios for note in scenario.notes)
    )


def _library(data: Path) -> RankSet:
    """A case library; cases without a cause are its normal windows, with a note."""
    paths = case_paths(data)
    try:
        cases = tuple(read_case(path).case for path in paths)
    except BadCaseError as error:
        raise DatasetError("cases", data, str(error)) from error
    known = tuple(case for case in cases if case.cause)
    if not cases:
        raise DatasetError("cases", data, "it has no case-*.json")
    n_left = len(cases) - len(known)
    notes = [f"{n_left} cases name no cause and count as calm windows"] if n_left else []
    beside = {path.with_suffix(".npz") for path in paths} | set(data.glob("*.csv"))
    files = [*paths, *sorted(path for path in beside if path.is_file())]
    return RankSet(known, digest_of(data, files), tuple(notes))
