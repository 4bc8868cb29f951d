"""``sunspot models``: list and compare registered bundles, and choose the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sunspot.drift import drift
from sunspot.options import MODEL_NAMES, data_option, model_option, tracking_uri_option
from sunspot.registry_guard import RegistryGroup
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from training.tracking import MlflowTracker, RegisteredBundle

PIPED_WIDTH = 160
"""Width of the table, in characters, when the output is not a terminal."""


PAGING = {"false_pages_per_week": ("false pages/week", "{:.2f}"), "recall_events": ("shifts found", "{:.0%}")}
RANKING = {
    "as1": ("AS@1", "{:.0%}"),
    "named_wrongly": ("named wrongly", "{:.0%}"),
    "calibration_error": ("calibration error", "{:.2f}"),
    "log_loss": ("loss", "{:.2f}"),
}
LISTED = {"sunspot-ranker": RANKING}
"""The figures listed for each model, with heading and format; `PAGING` for all others."""


@click.group(name="models", cls=RegistryGroup)
def command() -> None:
    """List and compare registered bundles, and choose champion and challenger.

    The exit status is 1 if a command is refused, 2 if it was called wrongly, 3 if MLflow cannot be used.
    """


command.add_command(drift)


@command.command(name="list")
@model_option(*MODEL_NAMES)
@data_option
@tracking_uri_option
def list_models(model_name: str, data: Path, tracking_uri: str) -> None:
    """Show every version, newest first, with its figures on held-back time."""
    from rich.table import Table

    bundles = tracker_of(model_name, data, tracking_uri).registered()
    if not bundles:
        click.echo(f"no bundle is registered yet: run sunspot train {model_name.removeprefix('sunspot-')}")
        return
    listed = LISTED.get(model_name, PAGING)
    headings = [heading for heading, _ in listed.values()]
    table = Table("version", "alias", "created (UTC)", "bundle", "run", *headings)
    for each in bundles:
        table.add_row(
            each.version,
            _state(each),
            from_ms(each.created_ms).strftime("%Y-%m-%d %H:%M"),
            each.bundle_version.removeprefix("sha256:")[:12],
            each.run_id[:12],
            *(_figure(each.figures.get(name), form) for name, (_, form) in listed.items()),
        )
    _print(table)
    for each in bundles:
        if each.withdrawal:
            click.echo(each.withdrawal)


def _state(bundle: RegisteredBundle) -> str:
    if bundle.is_champion:
        return "champion"
    if bundle.is_challenger:
        return "challenger"
    return "withdrawn" if bundle.withdrawal else ""


@command.command(name="compare")
@click.argument("first")
@click.argument("second")
@model_option(*MODEL_NAMES)
@data_option
@tracking_uri_option
def compare_models(first: str, second: str, model_name: str, data: Path, tracking_uri: str) -> None:
    """Show the figures of two versions on held-back time side by side.

    Each version was judged on its own training's held-back time, so the figures of two columns may be of
    different ticks. The change is shown where the one was champion when the other was trained: then both were
    judged on the same ticks, and the champion's figures of these are in the rows `champion_…`. For champion
    and challenger, also show how they did on the same ticks in shadow.
    """
    from rich.table import Table

    bundles = tracker_of(model_name, data, tracking_uri).registered()
    one, other = _found(bundles, first), _found(bundles, second)
    newer, sign = (
        (other, 1.0) if other.rival == first else (one, -1.0) if one.rival == second else (None, 0.0)
    )
    table = Table("figure", f"version {first}", f"version {second}", "change on the same ticks")
    for name in sorted(one.figures.keys() | other.figures.keys()):
        change = None
        if newer is not None and {name, f"champion_{name}"} <= newer.figures.keys():
            change = sign * (newer.figures[name] - newer.figures[f"champion_{name}"])
        shown = [_figure(each.figures.get(name), "{:.4g}") for each in (one, other)]
        table.add_row(name, *shown, _figure(change, "{:+.4g}"))
    _print(table)
    if newer is None:
        click.echo("neither was champion when the other was trained: they were not judged on the same ticks")
    for each, rival in ((one, other), (other, one)):
        if each.is_challenger and rival.is_champion:
            click.echo(f"version {each.version} was {_shadow(each, bundles, data)}")


@command.command(name="promote")
@click.argument("version")
@model_option(*MODEL_NAMES)
@data_option
@tracking_uri_option
def promote_model(version: str, model_name: str, data: Path, tracking_uri: str) -> None:
    """Make a version champion, whatever the promotion gate decided."""
    tracker = tracker_of(model_name, data, tracking_uri)
    bundles = tracker.registered(with_figures=False)
    chosen = _found(bundles, version)
    if chosen.is_champion:
        click.echo(f"version {version} is already champion")
        return
    if chosen.is_challenger:
        click.echo(f"version {version} was {_shadow(chosen, bundles, data)}")
    tracker.promote(version)
    _audit(data, "promote_model", model_name, version)
    click.echo(f"version {version} is champion")


@command.command(name="challenge")
@click.argument("version")
@model_option(MODEL_NAMES[0])
@data_option
@tracking_uri_option
def name_challenger(version: str, model_name: str, data: Path, tracking_uri: str) -> None:
    """Have the service score with a version of the detectors in shadow, without paging anybody.

    `sunspot models compare` and `promote`, and the page /models, show what it would have paged.
    """
    tracker = tracker_of(model_name, data, tracking_uri)
    if _found(tracker.registered(with_figures=False), version).is_champion:
        raise click.ClickException(
            f"version {version} is already champion: there is nothing to compare it with"
        )
    tracker.challenge(version)
    _audit(data, "challenge_model", model_name, version)
    click.echo(f"version {version} is challenger: the service scores with it in shadow")


@command.command(name="withdraw")
@model_option(MODEL_NAMES[0])
@data_option
@tracking_uri_option
def withdraw_challenger(model_name: str, data: Path, tracking_uri: str) -> None:
    """Stop scoring with the challenger in shadow."""
    tracker = tracker_of(model_name, data, tracking_uri)
    for each in tracker.registered(with_figures=False):
        if each.is_challenger:
            tracker.withdraw()
            _audit(data, "withdraw_model", model_name, each.version)
            click.echo(f"version {each.version} is no longer challenger")
            return
    click.echo("there is no challenger")


@command.command(name="rollback")
@click.option("--reason", default="", help="Why the champion is withdrawn; kept with its version.")
@model_option(*MODEL_NAMES)
@data_option
@tracking_uri_option
def rollback_model(reason: str, model_name: str, data: Path, tracking_uri: str) -> None:
    """Withdraw the champion, and make the one before it champion again; a second time, the one before that.

    No training promotes a withdrawn version, or one that learned from the same data, until a person does.
    """
    from sunspot.access_store import who_commands

    tracker = tracker_of(model_name, data, tracking_uri)
    is_any = bool(tracker.registered(with_figures=False))
    version = tracker.roll_back(who=who_commands(), why=reason) if is_any else ""
    if not version:
        raise click.ClickException("there is no previous champion")
    _audit(data, "promote_model", model_name, version, reason=reason)
    click.echo(f"version {version} is champion again")


def _audit(data: Path, action: str, model_name: str, version: str, *, reason: str = "") -> None:
    """Record a change of models in the audit of the service that has the data directory, if there is one."""
    from service.data_directory import STORE
    from sunspot.access_store import access_store, now, who_commands

    if (data / STORE).exists():
        with access_store(data) as store:
            document = {"version": version} | ({"reason": reason} if reason else {})
            store.audit.add(
                at=now(), who=who_commands(), action=action, subject=model_name, document=document
            )


def tracker_of(model_name: str, data: Path, tracking_uri: str) -> MlflowTracker[Any]:
    """Return the tracker of a registered model; an error with advice if there is no tracking store yet."""
    from models.artifacts.mlflow_names import store_path, tracking_uri_for
    from models.artifacts.model_kinds import registered_model

    uri = tracking_uri or tracking_uri_for(data)
    path = store_path(uri)
    if path is not None and not path.is_file():
        train = model_name.removeprefix("sunspot-")
        raise click.ClickException(f"there is no tracking store at {path} yet: run sunspot train {train}")
    from training.tracking import MlflowTracker

    return MlflowTracker(uri, registered_model(model_name))


def _found(bundles: list[RegisteredBundle], version: str) -> RegisteredBundle:
    for each in bundles:
        if each.version == version:
            return each
    raise click.ClickException(f"version {version} is not registered: see sunspot models list")


def _shadow(challenger: RegisteredBundle, bundles: list[RegisteredBundle], data: Path) -> str:
    """Summarize the service's shadow record of a challenger against the current champion."""
    from service.shadow.record import RECORD, SHADOW, read_record, summary_of

    path = data / SHADOW / RECORD
    record = read_record(path)
    champions = {each.bundle_version for each in bundles if each.is_champion}
    if record is None or record.challenger != challenger.bundle_version or record.champion not in champions:
        return f"not compared with the champion in shadow yet, according to {path}"
    return f"{summary_of(record)}; see /v1/shadow or the page /models"


def _print(table: Table) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
