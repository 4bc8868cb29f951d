"""The sources of training history, and the report at the end of a training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from training_builders import a_bundle

from sunspot.training_report import paging_lines, report_of
from sunspot.training_source import advice_on, brokerage_week, name_of
from training.outcome import Outcome


def test_the_brokerages_week_is_seven_full_days_with_a_weekend_to_learn_from() -> None:
    week = brokerage_week(seed=3, step=timedelta(minutes=30))
    assert week.start.astimezone(UTC) < datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert week.end - week.start == timedelta(days=7)
    assert week.frame.step_ms == 1_800_000


def test_a_directory_goes_by_its_name_and_missing_history_is_explained() -> None:
    assert (name_of("history"), name_of("/data/old"), name_of("brokerage")) == ("history", "old", "brokerage")
    assert "send it samples" in advice_on("history", sent="samples", files="tables")
    assert advice_on("nowhere", sent="samples", files="tables").endswith("a directory of tables")


def test_a_training_without_figures_still_reports_its_outcome() -> None:
    bundle = a_bundle()
    unfit = Outcome(bundle, {}, "run-1", "", promoted=False, reason="it scores nothing")
    details = paging_lines(unfit.figures, unit="series", injected="shifts")
    assert list(report_of(unfit, "sqlite:///here", details)) == [
        "run        run-1",
        f"bundle     {bundle.version}",
        "registered no",
        "champion   no: it scores nothing",
        "view it with: mlflow ui --backend-store-uri sqlite:///here",
    ]
