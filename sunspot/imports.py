"""Subcommand ``sunspot import``: send a CMDB or change events to a running service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from telemetry.addresses import shown_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmdb.importers.report import ImportReport

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
@click.option("--dry-run", is_flag=True, help="Only check the file, and show what it would change.")
@click.option("--allow-shrink", is_flag=True, help="Take a graph with much less than the one in use.")
@click.option("--source", default="", help="The system that wrote FILE; found out where it is not given.")
@click.option("--mapping", default="", help="How to read other documents: a YAML file, or `skywalking`.")
@click.option(
    "--column", "columns", multiple=True, metavar="FIELD=NAME", help="Name of a column; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was read and changed as JSON.")
def import_cmdb(
    file: Path,
    url: str,
    token: str,
    dry_run: bool,
    allow_shrink: bool,
    source: str,
    mapping: str,
    columns: tuple[str, ...],
    as_json: bool,
) -> None:
    """Replace the service's dependency graph with the one in FILE.

    FILE is a JSON document, an Excel workbook with the sheets items and edges, a directory with items.csv
    and edges.csv, or what Backstage, ServiceNow, Kubernetes, Jaeger, a service graph, Kiali, bk-cmdb, VEOPS
    or NetBox writes:

    \b
    {"items": [{"id": "app", "kind": "service", "name": "App", "team": "trading"}, …],
     "edges": [{"dependent": "app", "dependency": "db", "kind": "calls"}, …]}

    An edge means that the dependent needs the dependency; its kind is calls, async, runs_on, member_of or
    connects. Other columns of items become attributes. Invalid rows are skipped and listed. A graph that
    would retire more than a tenth of the items or edges in use is refused.
    """  # noqa: D301  click's \b preserves the line breaks
    from cmdb.errors import BadTableError
    from cmdb.importers.tables import columns_given, graph_of, load_tables

    try:
        tables = load_tables(file, source=source, mapping=mapping, columns=columns_given(columns))
        report = graph_of(tables)
    except (BadTableError, ValueError) as error:
        raise click.ClickException(f"{error}; nothing was imported") from error
    if not report.n_items:
        raise click.ClickException(f"{file} holds no valid item; nothing was imported{_skipped(report)}")
    query = "&".join(
        name for name, given in (("allow_shrink=true", allow_shrink), ("dry_run=true", dry_run)) if given
    )
    path = "/v1/cmdb" + (f"?{query}" if query else "")
    document = {"items": tables.items, "edges": tables.edges}
    answer = _try_post(url, path, token, document) if dry_run else _post(url, path, token, document)
    if as_json:
        click.echo(json.dumps(_as_json(report, answer), ensure_ascii=False, indent=2))
        return
    for note in report.notes:
        click.echo(note, err=True)
    if dry_run:
        click.echo(f"{file} holds {report.n_items} items and {report.n_edges} edges; nothing was sent")
    else:
        click.echo(
            f"graph {answer.get('graph_version')} is in use: "
            f"{answer.get('items')} items and {answer.get('edges')} edges"
        )
    _show_difference(answer.get("difference"))
    if report.rejected:
        click.echo(_skipped(report).lstrip("\n"), err=True)


def _try_post(url: str, path: str, token: str, document: Mapping[str, object]) -> dict[str, Any]:
    """Ask a service what would change; an empty answer where none is there."""
    try:
        return _post(url, path, token, document)
    except click.ClickException as error:
        click.echo(f"what would change is not shown: {error.message}", err=True)
        return {}


def _show_difference(found: object) -> None:
    """Print what comes and goes, a line a kind; nothing where the service said nothing."""
    if not isinstance(found, dict):
        return
    lines = [
        (f"{found.get('items_added')} items are new", found.get("added"), found.get("items_added")),
        (f"{found.get('items_retired')} are retired", found.get("retired"), found.get("items_retired")),
        (f"{found.get('items_changed')} are changed", found.get("changed"), found.get("items_changed")),
        (f"{found.get('edges_added')} edges are new", (), found.get("edges_added")),
        (f"{found.get('edges_retired')} edges are retired", (), found.get("edges_retired")),
    ]
    for text, names, count in lines:
        if count:
            shown = ", ".join(map(str, names or ()))
            click.echo(
                f"  {text}" + (f": {shown}{' …' if count > len(names or ()) else ''}" if shown else "")
            )
    if not any(count for _, _, count in lines):
        click.echo("  it is the graph that is in use")


def _skipped(report: ImportReport) -> str:
    """Every row that was skipped, by its line where the file has lines."""
    if not report.rejected:
        return ""
    lines = [f"\n{len(report.rejected)} rows were skipped:"]
    for each in report.rejected[:MAX_SHOWN]:
        place = f"line {each.line}" if each.line else f"row {each.row}"
        lines.append(f"  {each.table} {place}: {each.reason}")
    if len(report.rejected) > MAX_SHOWN:
        lines.append(f"  and {len(report.rejected) - MAX_SHOWN} more")
    return "\n".join(lines)


def _as_json(report: ImportReport, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "items": report.n_items,
        "edges": report.n_edges,
        "notes": list(report.notes),
        "rejected": [
            {"table": each.table, "row": each.row, "line": each.line or None, "reason": each.reason}
            for each in report.rejected
        ],
        "graph_version": answer.get("graph_version"),
        "difference": answer.get("difference"),
    }


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
    for each in answer.get("rejections") or ():
        if isinstance(each, dict):
            click.echo(f"event {each.get('index')} was not stored: {each.get('reason')}", err=True)
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
