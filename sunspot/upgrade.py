"""Subcommand ``sunspot upgrade``: what this version would read, migrate or lose of an earlier one's data."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from sunspot.options import DIRECTORY, data_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.artifacts.model_kinds import RegisteredModel

READ: Literal["read"] = "read"
MIGRATED: Literal["migrated"] = "migrated"
LOST: Literal["would be lost"] = "would be lost"
ABSENT: Literal["not there"] = "not there"
COLOURS = {READ: "green", MIGRATED: "yellow", LOST: "red", ABSENT: None}
MAX_SHOWN = 5
ANY_POSITION = 2**62
"""Beyond every history: whether a checkpoint belongs to the history beside it is not asked here."""


class Finding(NamedTuple):
    """What becomes of one thing on disk."""

    name: str
    outcome: Literal["read", "migrated", "would be lost", "not there"]
    detail: str = ""


@click.command("upgrade")
@click.option("--check", is_flag=True, help="Look, and change nothing.")
@data_option
@click.option(
    "--cases",
    type=DIRECTORY,
    envvar="SUNSPOT_CASE_LIBRARY",
    help="Another case library.  [default: cases in the data directory]",
)
def command(check: bool, data: Path, cases: Path | None) -> None:
    """Report what this version makes of the data of an earlier one, before it serves.

    Each line is one thing on disk: "read", "migrated" and how, "would be lost" and why, or "not there".
    Nothing is changed: the service migrates its store itself when it starts. The exit status is 1 if
    anything would be lost.
    """
    if not check:
        raise click.UsageError("only --check is there: the service migrates its data itself when it starts")
    if not data.is_dir():
        raise click.UsageError(f"there is no data directory {data}")
    findings = list(all_findings(data, cases))
    for each in findings:
        outcome = click.style(each.outcome, fg=COLOURS[each.outcome], bold=True)
        click.echo(f"{each.name}: {outcome}{f': {each.detail}' if each.detail else ''}")
    if any(each.outcome == LOST for each in findings):
        raise SystemExit(1)


def all_findings(data: Path, cases: Path | None = None) -> Iterator[Finding]:
    """Everything that a service stores in its data directory, each opened as the service opens it."""
    from models.artifacts.model_kinds import DETECTORS_MODEL, LOGS_MODEL, RANKER_MODEL
    from service import data_directory as directory
    from service.shadow.record import RECORD, SHADOW
    from service.shadow.runner import CHECKPOINT, PAGING_CHECKPOINT

    yield store(data / directory.STORE)
    yield first_stage("first-stage checkpoint", data / directory.SCORING_CHECKPOINT)
    yield log_checkpoint(data / directory.LOG_CHECKPOINT)
    yield paging("paging state", data / directory.PAGING_CHECKPOINT)
    yield shadow_record(data / SHADOW / RECORD)
    yield first_stage("checkpoint in shadow", data / SHADOW / CHECKPOINT)
    yield paging("paging state in shadow", data / SHADOW / PAGING_CHECKPOINT)
    yield bundle("detectors", DETECTORS_MODEL, data / directory.BUNDLES)
    yield bundle("detectors in shadow", DETECTORS_MODEL, data / SHADOW / directory.BUNDLES)
    yield bundle("log bundle", LOGS_MODEL, data / directory.LOG_BUNDLES)
    yield bundle("ranker", RANKER_MODEL, data / directory.RANKERS)
    yield from library("cases", cases or data / directory.CASES)
    yield from library("ranked cases", data / directory.RANKED_CASES)


def store(path: Path) -> Finding:
    """The store: migrated if a revision is missing."""
    from service.errors import StoreUnavailableError
    from service.store.migrations import HEAD
    from service.store.migrations.rehearsal import rehearse

    name = "store"
    if not path.is_file():
        return Finding(name, ABSENT)
    try:
        revision, steps = rehearse(path)
    except StoreUnavailableError as error:
        return Finding(name, LOST, str(error))
    if not steps:
        return Finding(name, READ, f"revision {HEAD}")
    return Finding(
        name,
        MIGRATED,
        f"from {f'revision {revision}' if revision else '0.1.0'} to revision {HEAD}: {' '.join(steps)}",
    )


def first_stage(name: str, path: Path) -> Finding:
    """A checkpoint of the first stage."""
    from service.scoring.checkpoint import Checkpoints

    with reasons() as logged:
        scored = Checkpoints(path).read(position=ANY_POSITION)
    return _finding(name, path, logged, None if scored is None else f"{len(scored.memory.state.keys)} series")


def log_checkpoint(path: Path) -> Finding:
    """The checkpoint of log lines."""
    from service.logs.checkpoint import LogCheckpoints

    with reasons() as logged:
        memory = LogCheckpoints(path).read(position=ANY_POSITION)
    return _finding(
        "log checkpoint", path, logged, None if memory is None else f"{len(memory.minutes)} minutes"
    )


def paging(name: str, path: Path) -> Finding:
    """The memory of paging."""
    from service.paging.state import read_paging

    with reasons() as logged:
        state = read_paging(path)
    return _finding(name, path, logged, None if state is None else f"{len(state.keys)} series")


def shadow_record(path: Path) -> Finding:
    """The record of the challenger in shadow."""
    from service.shadow.record import read_record

    record = read_record(path)
    return _finding("shadow record", path, [], None if record is None else f"{record.n_ticks} ticks")


def bundle(name: str, model: RegisteredModel[Any], directory: Path) -> Finding:
    """The bundle that serves until the registry answers."""
    from service.model_registry.mlflow_source import POINTER, ModelSource

    source = ModelSource("", model, directory)
    found = source.current()
    logged = [source.problem] if source.problem else []
    return _finding(name, directory / POINTER, logged, None if found is None else found.version[:19])


def library(name: str, directory: Path) -> Iterator[Finding]:
    """The cases of a directory: how many are read, and the first that are not."""
    from models.cases.library import case_paths, read_case
    from models.errors import BadCaseError

    paths = case_paths(directory)
    if not paths:
        yield Finding(name, ABSENT)
        return
    refused = []
    for path in paths:
        try:
            read_case(path)
        except BadCaseError as error:
            refused.append(str(error))
    if len(refused) < len(paths):
        yield Finding(name, READ, f"{len(paths) - len(refused)} of {len(paths)}")
    if refused:
        more = f"; and {len(refused) - MAX_SHOWN} more" if len(refused) > MAX_SHOWN else ""
        yield Finding(name, LOST, f"{len(refused)}: {'; '.join(refused[:MAX_SHOWN])}{more}")


@contextmanager
def reasons() -> Iterator[list[str]]:
    """Collect why the service's readers leave something unused: they log it, and start afresh."""
    found: list[str] = []

    class Collector(logging.Handler):
        """Remembers the reasons instead of writing them."""

        def emit(self, record: logging.LogRecord) -> None:
            """Remember a reason."""
            found.append(str(getattr(record, "reason", record.getMessage())))

    logger, collector = logging.getLogger("service"), Collector()
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield found
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagated


def _finding(name: str, path: Path, logged: list[str], contents: str | None) -> Finding:
    if contents is not None:
        return Finding(name, READ, contents)
    if not path.exists():
        return Finding(name, ABSENT)
    return Finding(name, LOST, "; ".join(logged) or "it cannot be read")
