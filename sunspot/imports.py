"""Subcommand ``sunspot import``: send a CMDB or change events to a running service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from telemetry.addresses import shown_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_S = 120.0
MAX_SHOWN = 100

FILE = click.Path(exists=True, path_type=Path)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def to_service(run: Callable[..., None]) -> Callable[..., None]:
    """Add the options for the service's address and token."""
    url = click.option(
        "--url",
        default="http://127.0.0.1:8321",
        envvar="SUNSPOT_URL",
        show_default=True,
        help="Address of the service.",
    )
    token = click.option(
        "--token", envvar="SUNSPOT_TOKEN", default="", help="Bearer token; prefer setting SUNSPOT_TOKEN."
    )
    return url(token(run))


@click.group()
def command() -> None:
    """Send a CMDB or change events to a running service."""


@command.command("cmdb")
@click.argument("file", type=FILE)
@to_service
@click.option("--dry-run", is_flag=True, help="Only check the file and list the rows that would be skipped.")
def import_cmdb(file: Path, url: str, token: str, dry_run: bool) -> None:
    """Replace the service's dependency graph with the one in FILE.

    FILE is a JSON document, or a directory with items.csv and edges.csv:

    \b
    {"items": [{"id": "app", "kind": "service", "name": "App", "team": "trading"}, …],
     "edges": [{"dependent": "app", "dependency": "db", "kind": "calls"}, …]}

    An edge means that the dependent needs the dependency; its kind is calls, async, runs_on, member_of or
    connects. Other columns of items become attributes. Invalid rows are skipped and listed.
    """  # noqa: D301  click's \b preserves the line breaks
    from cmdb.errors import BadTableError
    from cmdb.importers.tables import load_document, read_document

    try:
        document = load_document(file)
        report = read_document(document)
    except BadTableError as error:
        raise click.ClickException(f"{error}; nothing was imported") from error
    if dry_run:
        click.echo(f"{file} holds {report.n_items} items and {report.n_edges} edges; nothing was sent")
    else:
        answer = _post(url, "/v1/cmdb", token, document)
        click.echo(
            f"graph {answer.get('graph_version')} is in use: "
            f"{answer.get('items')} items and {answer.get('edges')} edges"
        )
    if report.rejected:
        click.echo(f"{len(report.rejected)} rows were skipped:", err=True)
        for each in report.rejected[:MAX_SHOWN]:
            click.echo(f"  {each.table} row {each.row}: {each.reason}", err=True)
        if len(report.rejected) > MAX_SHOWN:
            click.echo(f"  and {len(report.rejected) - MAX_SHOWN} more", err=True)


@command.command("changes")
@click.argument("file", type=FILE)
@to_service
def import_changes(file: Path, url: str, token: str) -> None:
    """Send the change events in FILE, a JSON document.

    \b
    {"changes": [{"id": "deploy-4711", "item": "order", "at": "2026-03-04T01:55:00Z",
                  "kind": "deploy", "summary": "order 2.8.1"}, …]}

    Each id counts once, so it is safe to send a file again.
    """  # noqa: D301  click's \b preserves the line breaks
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise click.ClickException(f"{file} is not a JSON document in UTF-8: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("changes"), list):
        raise click.ClickException(f"{file} is not an object with a list of changes")
    answer = _post(url, "/v1/changes", token, document)
    click.echo(f"{answer.get('accepted')} change events were new, {answer.get('known')} already known")
    unknown = answer.get("unknown_items")
    if isinstance(unknown, list) and unknown:
        names = ", ".join(map(str, unknown))
        click.echo(f"stored, although these items are not in the dependency graph: {names}", err=True)


def _post(url: str, path: str, token: str, document: Mapping[str, object]) -> dict[str, Any]:
    """Post a document and return the answer; a failure ends the command with one sentence."""
    import httpx2

    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    address = url.rstrip("/") + path
    try:
        is_loopback = (
            httpx2.URL(address).host in LOOPBACK
        )  # a proxy would look for it on the proxy's own machine
        with httpx2.Client(timeout=TIMEOUT_S, trust_env=not is_loopback) as client:
            response = client.post(address, content=json.dumps(document).encode(), headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeEncodeError) as error:
        raise click.ClickException(
            f"no service answers at {shown_address(url)} ({shown_address(str(error))}); start one with "
            "`sunspot serve`, or set --url"
        ) from error
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.is_success and isinstance(answer, dict):
        return answer
    raise click.ClickException(
        f"{shown_address(address)} answered {response.status_code}: {_problem(answer)}"
    )


def _problem(answer: object) -> str:
    """A problem document's title and detail, in one sentence."""
    if not isinstance(answer, dict):
        return "this is not the answer of a Sunspot service"
    texts = [str(answer[name]) for name in ("title", "detail") if answer.get(name)]
    return ": ".join(texts) or json.dumps(answer)
