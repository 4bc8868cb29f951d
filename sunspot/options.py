"""Options shared by several subcommands, so that each has one meaning everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTORY = click.Path(file_okay=False, path_type=Path)
DATA_DIRECTORY = Path("sunspot-data")
DATA_VARIABLE = "SUNSPOT_DATA_DIR"

MODEL_NAMES = ("sunspot-detectors", "sunspot-logs", "sunspot-ranker")
"""As in models.artifacts.model_kinds, repeated here so that --help does not import it."""

data_option = click.option(
    "--data",
    type=DIRECTORY,
    envvar=DATA_VARIABLE,
    default=DATA_DIRECTORY,
    show_default=True,
    help="The service's data directory: store, history and MLflow's store.",
)

tracking_option = click.option(
    "--tracking",
    type=DIRECTORY,
    envvar=DATA_VARIABLE,
    default=DATA_DIRECTORY,
    show_default=True,
    help="The service's data directory; the run is logged to its MLflow store.",
)
"""For commands whose ``--data`` names a data set."""

calendar_overrides_option = click.option(
    "--calendar-overrides",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="SUNSPOT_CALENDAR_OVERRIDES",
    help="TOML file of closures and openings to add to the exchange calendar.",
)

roles_option = click.option(
    "--roles",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="SUNSPOT_ROLES",
    help="YAML file of your own rules of what metrics mean, before the shipped ones.",
)

tracking_uri_option = click.option(
    "--tracking-uri",
    envvar="SUNSPOT_TRACKING_URI",
    default="",
    help="Address of MLflow.  [default: a file in the data directory]",
)

team_option = click.option(
    "--team",
    "teams",
    multiple=True,
    help="See only the items and incidents of this team; repeat for more.  [default: every team]",
)

seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed for everything random."
)


def model_option(*names: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Option for one of the registered models, or for the model of a scope's own detectors."""
    own = f"{MODEL_NAMES[0]}-"

    def checked(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
        if name in names or (name.startswith(own) and name != own):
            return name
        raise click.BadParameter(f"{name!r} is not one of {', '.join(names)}, {own}NAME")

    def completed(
        _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(each) for each in names if each.startswith(incomplete)]

    return click.option(
        "--model",
        "model_name",
        default=names[0],
        show_default=True,
        callback=checked,
        shell_complete=completed,
        metavar="NAME",
        help=f"Registered model: {', '.join(names)}, or {own}NAME for the detectors of a scope.",
    )


def budget_option(unit: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Option for the page budget of a training, per unit and week."""
    return click.option(
        "--budget",
        type=click.FloatRange(0.01),
        default=1.0,
        show_default=True,
        help=f"False pages accepted per {unit} and week.",
    )


def replace_champion_option(units: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Option that lets a training replace a champion it cannot be compared with."""
    return click.option(
        "--replace-champion",
        is_flag=True,
        help=f"Replace the champion even if it has another step or other {units} and cannot be compared.",
    )
