"""``sunspot models drift``: whether the signals have drifted from what the champion learned."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sunspot.options import calendar_overrides_option, data_option, roles_option, tracking_uri_option
from sunspot.registry_guard import REGISTRY_FAILED, RegistryError, sentence_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from features.frame import Frame
    from training.drift import Drift

N_SHOWN = 10
DAY_MS = 86_400_000
DRIFTED = 1
"""Exit status when it is time to retrain."""


class DriftCommand(click.Command):
    """A command that ends with status 1 for drift only: a failure of any kind ends with 3."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what fails in it ends it with status 3, with what went wrong."""
        try:
            return super().invoke(ctx)
        except (click.UsageError, click.exceptions.Exit, click.exceptions.Abort):
            raise
        except click.ClickException as reason:
            raise RegistryError(reason.message) from reason
        except Exception as reason:
            if sentence_of(reason):
                raise
            traceback.print_exc()
            raise click.exceptions.Exit(REGISTRY_FAILED) from reason


@click.command(name="drift", cls=DriftCommand)
@click.option(
    "--from",
    "source",
    default="history",
    show_default=True,
    metavar="history|DIR",
    help="Source of the recent signals: the service's own history, or a directory of tables as for training.",
)
@click.option(
    "--days",
    type=click.IntRange(1),
    default=7,
    show_default=True,
    help="Number of latest days to compare; full weeks contain the same kinds of day.",
)
@data_option
@tracking_uri_option
@calendar_overrides_option
@roles_option
def drift(
    source: str,
    days: int,
    data: Path,
    tracking_uri: str,
    calendar_overrides: Path | None,
    roles: Path | None,
) -> None:
    """Compare recent signals with what the champion learned; exit with 1 if it is time to retrain.

    The exit status is 0 if it is not, 1 if it is, 2 without signals that can be read, and 3 if there is
    nothing to compare with or anything else failed.
    For cron: `sunspot models drift; test $? -ne 1 || sunspot train detectors`.
    """
    from models.artifacts.mlflow_names import MODEL_NAME
    from sunspot.models import tracker_of
    from sunspot.train import clocks_with, read_roles_by
    from training.drift import drift_of
    from training.errors import BadHistoryError, NoHistoryError

    read_roles_by(roles)
    champion = tracker_of(MODEL_NAME, data, tracking_uri).champion()
    if champion is None:
        raise click.ClickException("there is no champion to compare with: run sunspot train detectors")
    try:
        recent = _latest(source, data, days, step_ms=champion.step_ms)
    except (NoHistoryError, BadHistoryError) as reason:
        raise click.UsageError(str(reason)) from reason
    found = drift_of(champion, recent, clocks_with(calendar_overrides)[champion.clock])
    for line in lines_of(found):
        click.echo(line)
    if found.reasons:
        raise click.exceptions.Exit(DRIFTED)


def lines_of(drift: Drift) -> Iterator[str]:
    """The result, in a few lines."""
    yield f"compared  {drift.n_compared} of the champion's {drift.n_known} series"
    yield f"moved     {len(drift.moved)}, {drift.n_new} new, {drift.n_gone} gone"
    for name, index in list(drift.moved.items())[:N_SHOWN]:
        yield f"          {name} (stability index {index:.2f})"
    if len(drift.moved) > N_SHOWN:
        yield f"          and {len(drift.moved) - N_SHOWN} more"
    yield (
        f"pages     {drift.pages_per_week:.2f} per series-week ({drift.pages_low:.2f} to "
        f"{drift.pages_high:.2f}), budget {drift.budget_per_week:.2f}; incidents included"
    )
    if drift.reasons:
        yield f"train     {'; '.join(drift.reasons)}"
    else:
        yield "train     no need: the signals have not drifted too far"


def _latest(source: str, data: Path, days: int, *, step_ms: int) -> Frame:
    from training.datasets import frame_from_history, frame_from_tables

    if source == "history":
        frame = frame_from_history(data / "history", step_ms=step_ms, until_ms=int(time.time() * 1000))
    else:
        frame = frame_from_tables(Path(source), step_ms=step_ms)
    return frame.between(frame.end_ms - days * DAY_MS, frame.end_ms)
