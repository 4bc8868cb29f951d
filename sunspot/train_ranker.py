"""``sunspot train ranker``: fit the weights of evidence on closed cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.options import DIRECTORY, data_option, tracking_uri_option
from sunspot.progress import shown_progress
from sunspot.training_report import report_of
from sunspot.training_source import say_left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@click.command()
@click.option(
    "--cases",
    type=DIRECTORY,
    help="Case library to learn from.  [default: cases in the service's data directory]",
)
@data_option
@tracking_uri_option
@click.option(
    "--calm-share",
    type=click.FloatRange(0.0),
    default=0.25,
    show_default=True,
    help="Total weight of the cases without a cause, relative to those with one, in each system.",
)
def ranker(cases: Path | None, data: Path, tracking_uri: str, calm_share: float) -> None:
    """Fit the ranker's weights on closed cases, and make them champion if they rank no worse.

    They are judged on left-out cases: one system after another or, with a single system, later cases after
    earlier ones. They are compared with the champion or, without one, with the weights shipped with
    Sunspot. The shipped weights do well untrained, so a small library will rarely replace them.
    """
    from training.errors import FewCasesError

    library = cases or data / "cases"
    try:
        with shown_progress() as progress:
            progress("reading cases")
            from models.artifacts.model_kinds import RANKER_MODEL
            from models.cases.library import read_cases
            from training.fit_ranker import RankerFitConfig, check_enough, fit_ranker
            from training.ranker_examples import examples_of
            from training.tracking import MlflowTracker, tracking_uri_for

            examples = examples_of(read_cases(library, left_out=say_left_out))
            check_enough(examples)  # a library that is too small must not create a tracking store
            uri = tracking_uri or tracking_uri_for(data)
            config = RankerFitConfig(data_name=library.name, data_source=str(library), calm_share=calm_share)
            tracker = MlflowTracker(uri, RANKER_MODEL)
            outcome = fit_ranker(config, examples, tracker, progress=progress)
    except FewCasesError as reason:
        raise click.UsageError(
            f"{reason} in {library}; close incidents with a verdict, or choose another library with --cases"
        ) from reason
    for line in report_of(outcome, uri, _details(outcome.figures)):
        click.echo(line)


def _details(figures: Mapping[str, float]) -> Iterator[str]:
    yield (
        f"left out   the cause comes first in {figures['as1']:.0%} of {figures['n']:.0f} cases "
        f"({figures['as1_low']:.0%} to {figures['as1_high']:.0%}), calibration error "
        f"{figures['calibration_error']:.2f}"
    )
    if "named_wrongly" in figures:
        yield (
            f"           a cause is wrongly named in {figures['named_wrongly']:.0%} of "
            f"{figures['n_calm']:.0f} cases without one"
        )
