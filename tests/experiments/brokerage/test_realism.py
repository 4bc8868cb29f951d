"""The comparison of the brokerage's noise with real KPIs, on a small folder in the public layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from experiments.brokerage.realism import draw, figures, main, read_kpis, table

if TYPE_CHECKING:
    from pathlib import Path

N_TICKS = 12 * 1_440


def write_kpi(folder: Path, name: str, *, step_s: int = 60) -> None:
    rng = np.random.default_rng(0)
    times_s = 1_490_000_040 + step_s * np.arange(N_TICKS)
    is_present = rng.random(N_TICKS) > 0.01
    columns = {
        "timestamp": times_s[is_present],
        "value": np.round(100 + rng.standard_normal(N_TICKS), 2)[is_present],
        "label": (np.arange(N_TICKS) == 700).astype(np.int64)[is_present],
    }
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def test_kpis_are_read_on_a_grid_without_their_anomalies(tmp_path: Path) -> None:
    write_kpi(tmp_path, "minutes")
    write_kpi(tmp_path, "slow", step_s=300)
    (kpi,) = read_kpis(tmp_path)
    assert kpi.name == "minutes"
    assert np.isnan(kpi.values[700])
    assert 0.005 < np.isnan(kpi.values[:N_TICKS]).mean() < 0.02


def test_the_comparison_is_a_table_and_a_small_plot(tmp_path: Path) -> None:
    write_kpi(tmp_path / "kpis", "minutes")
    groups = {"real KPIs": read_kpis(tmp_path / "kpis")}
    assert figures(groups["real KPIs"])["memory_1"][1] == pytest.approx(0.0, abs=0.05)
    assert table(groups).splitlines()[0] == "| figure | real KPIs (1) |"
    plot = tmp_path / "images" / "plot.png"
    draw({**groups, "requests": groups["real KPIs"]}, plot)
    assert 5_000 < plot.stat().st_size < 150_000


def test_a_folder_without_kpis_is_a_clear_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--data", str(tmp_path)])
    assert result.exit_code == 2
    assert "no KPI at one minute" in result.output
