"""The outcome of a training, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry.addresses import shown_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from training.outcome import Outcome


def report_of(outcome: Outcome[Any], uri: str, details: Iterable[str]) -> Iterator[str]:
    """The lines common to every training, with the details of this kind.

    Parameters
    ----------
    uri
        MLflow's address.
    """
    yield f"run        {outcome.run_id}"
    yield f"bundle     {outcome.bundle.version}"
    yield f"registered {f'version {outcome.version}' if outcome.version else 'no'}"
    yield f"champion   {'yes' if outcome.promoted else 'no'}: {outcome.reason}"
    yield from details
    yield f"view it with: mlflow ui --backend-store-uri {shown_address(uri)}"


def paging_lines(figures: Mapping[str, float], *, unit: str, injected: str) -> Iterator[str]:
    """False pages on held-back time, per unit and week, and the share of injected anomalies found."""
    if "false_pages_per_week" in figures:
        low, high = figures["false_pages_per_week_low"], figures["false_pages_per_week_high"]
        yield (
            f"held back  {figures['false_pages_per_week']:.2f} false pages per {unit}-week "
            f"({low:.2f} to {high:.2f}), budget {figures['budget_per_week']:.2f}"
        )
    if "recall_events" in figures:
        yield f"           {figures['recall_events']:.0%} of artificial {injected} found"
