"""``sunspot replay case``: rank a stored incident again, and compare with the stored ranking."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click
from click.shell_completion import CompletionItem

from sunspot.options import DATA_DIRECTORY, DATA_VARIABLE, DIRECTORY, tracking_uri_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from models.artifacts.ranker_bundle import RankerBundle
    from models.cases.files import StoredCase
    from models.rankers.ranking import Ranker

LIBRARY = "cases"
N_SHOWN = 10
DEFAULT = "default"
CHAMPION = "champion"

StoredAnswer = dict[str, dict[str, Any]]
"""Candidates by item, as in a ranking's document, each with its rank."""


@click.group("replay")
def command() -> None:
    """Replay stored cases and reproduce their numbers."""


def complete_case(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the cases in the library named on the command line so far."""
    from models.cases.library import case_paths

    directory = _library(ctx.params.get("data_dir") or DATA_DIRECTORY, ctx.params.get("cases"))
    ids = (unquote(path.stem.removeprefix("case-")) for path in case_paths(directory))
    return [CompletionItem(each) for each in ids if each.startswith(incomplete)]


def complete_ranker(
    _ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the names of rankers."""
    from models.rankers import RANKERS

    return [CompletionItem(each) for each in (DEFAULT, CHAMPION, *RANKERS) if each.startswith(incomplete)]


@command.command("case")
@click.argument("case_id", metavar="ID", shell_complete=complete_case)
@click.option(
    "--data-dir",
    type=DIRECTORY,
    envvar=DATA_VARIABLE,
    default=DATA_DIRECTORY,
    show_default=True,
    help="The service's data directory; its case library is read.",
)
@click.option("--cases", type=DIRECTORY, help="Case library to read instead.")
@click.option(
    "--ranker",
    default=DEFAULT,
    show_default=True,
    shell_complete=complete_ranker,
    help="default (as shipped), champion, a registered version of sunspot-ranker, or a peer's name.",
)
@tracking_uri_option
def replay_case(case_id: str, data_dir: Path, cases: Path | None, ranker: str, tracking_uri: str) -> None:
    """Rank the stored case ID again, and show what changed since the stored ranking.

    ID is a case's id, or the path of its document.
    """
    chosen = _ranker(ranker, data_dir, tracking_uri)
    stored = _read(case_id, _library(data_dir, cases))
    ranking = chosen.rank(stored.case)
    now = _by_item(
        [
            {**each._asdict(), "evidence": [{"sentence": piece.sentence} for piece in each.evidence]}
            for each in ranking.candidates
        ]
    )
    then = _by_item((stored.ranking or {}).get("candidates", []))
    _show(stored, then, now, (stored.ranking or {}).get("abstained", ""), ranking.abstained)


def _ranker(name: str, data_dir: Path, tracking_uri: str) -> Ranker:
    """The ranker of that name: a peer, the shipped one, or a trained and registered version."""
    from models.artifacts.mlflow_names import RANKER_MODEL_NAME
    from models.rankers import RANKERS
    from sunspot.models import tracker_of

    shipped = "sunspot" if name == DEFAULT else name
    if shipped in RANKERS:
        return RANKERS[shipped]
    if name != CHAMPION and not name.isdecimal():
        available = ", ".join((DEFAULT, CHAMPION, *RANKERS))
        raise click.UsageError(
            f"there is no ranker {name!r}; choose one of {available}, or a version listed by "
            f"`sunspot models list --model {RANKER_MODEL_NAME}`"
        )
    tracker = tracker_of(RANKER_MODEL_NAME, data_dir, tracking_uri)
    known = [each.version for each in tracker.registered()]
    version = tracker.champion_version() if name == CHAMPION else name
    bundle: RankerBundle | None = tracker.load(version) if version in known else None
    if bundle is None:
        versions = ", ".join(known) or "none: run sunspot train ranker"
        raise click.ClickException(
            f"{RANKER_MODEL_NAME} has no {name} that can be loaded; registered: {versions}"
        )
    return bundle.ranker


def _library(data_dir: Path, cases: Path | None) -> Path:
    return cases or data_dir / LIBRARY


def _read(case_id: str, library: Path) -> StoredCase:
    from models.cases.library import case_paths, path_of, read_case
    from models.errors import BadCaseError

    path = (
        Path(case_id) if case_id.endswith(".json") and Path(case_id).is_file() else path_of(library, case_id)
    )
    if not path.is_file():
        n_cases = len(case_paths(library))
        raise click.UsageError(f"{library} has no case {case_id!r}; it holds {n_cases} cases")
    try:
        return read_case(path)
    except BadCaseError as error:
        raise click.ClickException(str(error)) from error


def _by_item(candidates: Sequence[Mapping[str, Any]]) -> StoredAnswer:
    return {each["item"]: {**each, "rank": rank} for rank, each in enumerate(candidates, start=1)}


def _show(
    stored: StoredCase, then: StoredAnswer, now: StoredAnswer, abstained_then: str, abstained_now: str
) -> None:
    from rich.console import Console

    case, console = stored.case, Console()
    confirmed = ", ".join(case.cause) or "not known"
    console.print(f"{case.id}: {case.alert.name} on {case.alert.item}; cause: {confirmed}", markup=False)
    console.print(_ranks(case.cause, then, now))
    if stored.ranking is None:
        console.print("no stored ranking: a service never ranked this case")
    for when, reason in (("then", abstained_then), ("now", abstained_now)):
        if reason:
            console.print(f"{when}: no cause named: {reason}", markup=False)
    lines = changed_evidence(then, now) if then else []
    for line in lines:
        console.print(line, markup=False)
    if then and not lines:
        console.print("the evidence has not changed")


def _ranks(causes: Sequence[str], then: StoredAnswer, now: StoredAnswer) -> Table:
    from rich.table import Table

    table = Table("candidate", "cause", "rank then", "now", "probability then", "now")
    for item in dict.fromkeys([*list(now)[:N_SHOWN], *list(then)[:N_SHOWN], *causes]):
        cells = [
            *(str(answer[item]["rank"]) if item in answer else "" for answer in (then, now)),
            *(f"{answer[item]['probability']:.3f}" if item in answer else "" for answer in (then, now)),
        ]
        table.add_row(item, "yes" if item in causes else "", *cells)
    return table


def changed_evidence(then: StoredAnswer, now: StoredAnswer) -> list[str]:
    """Evidence for the first candidates that is new (+) or no longer there (-)."""
    lines = []
    for item in dict.fromkeys([*list(now)[:N_SHOWN], *list(then)[:N_SHOWN]]):
        before, after = _sentences(then, item), _sentences(now, item)
        lines += [f"+ {item}: {each}" for each in after if each not in before]
        lines += [f"- {item}: {each}" for each in before if each not in after]
    return lines


def _sentences(answer: StoredAnswer, item: str) -> list[str]:
    return [piece["sentence"] for piece in answer.get(item, {}).get("evidence", [])]
