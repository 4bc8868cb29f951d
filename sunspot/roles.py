"""Subcommand ``sunspot roles``: what a sender's metrics mean, by the rules of roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.options import roles_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from features.role_report import RoleReport

MAX_HINTED = 6
"""Metrics that are listed with the same advice."""

MAX_UNREAD = 30
"""Metrics without a role and a hint that are listed; of the others the number is said."""


@click.group("roles")
def command() -> None:
    """See what the metrics of a sender mean to Sunspot."""


@command.command("check")
@click.argument("source", metavar="FILE|URL")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="A label that your scrape adds, such as job=order; may be repeated.",
)
@roles_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document instead of tables.")
def check(source: str, labels: tuple[str, ...], roles: Path | None, as_json: bool) -> None:
    """Read a Prometheus text exposition and show which metric means which role.

    It says which rule reads which metrics in which unit, which labels name the items, which rules lack
    something, and what no rule reads. An address is scraped once: `sunspot roles check
    http://localhost:9100/metrics`. The exit status is 0 whatever is found.
    """
    from features.role_report import report_on
    from service.errors import BadRolesFileError
    from service.roles_file import rules_from
    from sunspot.exposition import BadExpositionError, address_of, fetch, series_in

    is_address = source.startswith(("http://", "https://"))
    try:
        added = {"instance": address_of(source)} if is_address else {}
        added |= dict(_pair(each) for each in labels)
        rules = rules_from(roles)
        text = fetch(source) if is_address else Path(source).read_text(encoding="utf-8-sig")
        exposed = series_in(text, added=added, item_labels=_item_labels())
    except (BadRolesFileError, BadExpositionError, OSError, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error
    report = report_on(exposed.keys, rules)
    if as_json:
        click.echo(json.dumps(_document(report, exposed.items_by_label), indent=2))
        return
    for line in _lines(report, exposed.items_by_label, len(exposed.keys)):
        click.echo(line)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--label")
    return name, value


def _item_labels() -> tuple[str, ...]:
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        return Settings.model_validate({}).item_labels
    except ValidationError as error:
        raise click.ClickException(str(error)) from error


def _document(report: RoleReport, items_by_label: Mapping[str, int]) -> dict[str, object]:
    return {
        "roles": [each._asdict() for each in report.readings],
        "unused": [each._asdict() for each in report.unused],
        "unread": [each._asdict() for each in report.unread],
        "items_by_label": dict(items_by_label),
    }


def _lines(report: RoleReport, items_by_label: Mapping[str, int], n_series: int) -> Iterator[str]:
    yield from _table(
        ("role", "rule", "metrics", "unit", "series", "items"),
        [
            (
                each.role,
                each.rule,
                " / ".join(each.metrics),
                each.unit or "–",
                str(each.n_series),
                str(each.n_items),
            )
            for each in report.readings
        ],
    )
    if not report.readings:
        yield "no metric has a role"
    yield ""
    for label, count in items_by_label.items():
        yield f"items named by {label}: {count}" if label else "some series name no item: use --label"
    if report.unused:
        yield ""
        yield "rules that are not used:"
        yield from (f"  {each.role} {each.rule}: {each.reason}" for each in report.unused)
    hinted: dict[str, list[str]] = {}
    for each in report.unread:
        if each.hint:
            hinted.setdefault(each.hint, []).append(each.metric)
    if hinted:
        yield ""
        yield "these look like a role, but no rule reads them:"
    for hint, metrics in hinted.items():
        more = f", and {len(metrics) - MAX_HINTED} more" if len(metrics) > MAX_HINTED else ""
        yield f"  {', '.join(metrics[:MAX_HINTED])}{more}: {hint}"
    others = [each for each in report.unread if not each.hint]
    n_unread = sum(each.n_series for each in report.unread)
    yield ""
    yield f"{n_unread} of {n_series} series have no role; they are stored, scored and shown all the same"
    yield from (f"  {each.metric}: {each.n_series}" for each in others[:MAX_UNREAD])
    if len(others) > MAX_UNREAD:
        yield f"  and {len(others) - MAX_UNREAD} more metrics"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for row in [head, *rows] if rows else []:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
