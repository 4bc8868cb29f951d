"""Compare the simulator's noise with that of real operations data.

Question: do the residuals of the simulated brokerage have the tails, memory and quantisation of real KPIs?
Data: the one-minute KPIs of the AIOps-2018 challenge without labelled anomalies, and as many days of the
brokerage without faults. Both are cut to four weeks and treated alike (`experiments.brokerage.residuals`).
Metric: robust figures per series, the median over series and their range. Seed: 5.
Result: see docs/brokerage.md. Run as ``python -m experiments.brokerage.realism --data DIR``.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import numpy as np
import pyarrow.parquet as pq
from scipy.special import ndtr

from experiments.brokerage.residuals import LAGS, Noise, lagged_correlation, noise_of, ranks_of, residuals
from experiments.brokerage.simulate import simulate
from features.calendar import DAY_MS, MINUTE_MS, AlwaysClock, ExchangeClock

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

FIRST_DAY = date(2026, 3, 2)
N_DAYS = 28
SEED = 5
LEAST_UNMOVED = 0.5
"""A series unchanged in more than this share of its ticks has no noise to compare."""

PLOT = Path("docs/images/brokerage-residuals.png")
PLOT_LAGS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377)
COLOURS = ("0.2", "tab:blue", "tab:orange", "tab:green")
TAIL_AT = np.linspace(0.5, 12.0, 60)
ROLES: dict[str, tuple[str, ...]] = {
    "requests": ("requests",),
    "latency": ("latency_s",),
    "resources": ("cpu_ratio", "memory_ratio"),
}


class Series(NamedTuple):
    """One series and its residuals without the season."""

    name: str
    values: Values
    left: Values


def read_kpis(folder: Path) -> list[Series]:
    """The one-minute KPIs of a folder in the public layout, four weeks each, without labelled points.

    Raises
    ------
    FileNotFoundError
        If the folder has no such KPI.
    """
    found = []
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path, columns=["timestamp", "value", "label"])
        times_s, values, labels = (table[name].to_numpy() for name in ("timestamp", "value", "label"))
        if np.median(np.diff(times_s)) != MINUTE_MS / 1000:
            continue
        ticks = (times_s - times_s[0]) * 1000 // MINUTE_MS
        n_ticks = N_DAYS * DAY_MS // MINUTE_MS
        is_used = (ticks < n_ticks) & (labels == 0)
        grid = np.full(n_ticks, np.nan)
        grid[ticks[is_used]] = values[is_used]
        grid_ms = times_s[0] * 1000 + MINUTE_MS * np.arange(n_ticks, dtype=np.int64)
        found.append(Series(path.stem, grid, residuals(grid, AlwaysClock().slots(grid_ms))))
    if not found:
        raise FileNotFoundError(f"no KPI at one minute in {folder}")
    return found


def simulated_series(roles: Mapping[str, Collection[str]] = ROLES) -> dict[str, list[Series]]:
    """The brokerage's series on normal days, by kind of metric; nearly constant ones are left out."""
    frame = simulate(FIRST_DAY, n_days=N_DAYS, seed=SEED).frame
    slots = ExchangeClock().slots(frame.times_ms)
    groups: dict[str, list[Series]] = {}
    for role, metrics in roles.items():
        for key, column in frame.column_of.items():
            values = frame.values[:, column].astype(np.float64)
            if key.metric in metrics and np.mean(np.diff(values) == 0) <= LEAST_UNMOVED:
                series = Series("/".join(key), values, residuals(values, slots))
                groups.setdefault(role, []).append(series)
    return groups


def figures(series: Sequence[Series]) -> dict[str, tuple[float, float, float]]:
    """Minimum, median and maximum of every figure of `Noise` over some series."""
    noises = [noise_of(each.values, each.left) for each in series]
    columns = {
        field.name: [getattr(noise, field.name) for noise in noises]
        for field in fields(Noise)
        if field.name != "memory"
    }
    columns |= {f"memory_{lag}": [noise.memory[i] for noise in noises] for i, lag in enumerate(LAGS)}
    return {
        name: (float(np.min(column)), float(np.median(column)), float(np.max(column)))
        for name, column in columns.items()
    }


def table(groups: dict[str, list[Series]]) -> str:
    """The figures of every group as a Markdown table: median, and minimum to maximum."""
    rows = {name: figures(series) for name, series in groups.items()}
    names = list(next(iter(rows.values())))
    lines = [
        "| figure | " + " | ".join(f"{name} ({len(series)})" for name, series in groups.items()) + " |",
        "| --- |" + " --- |" * len(rows),
    ]
    for name in names:
        cells = [
            f"{middle:.3g} ({low:.2g} – {high:.2g})"
            for low, middle, high in (row[name] for row in rows.values())
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(groups: dict[str, list[Series]], path: Path) -> None:
    """Draw tails, memory and quantisation of every group; the first group is the real one."""
    import matplotlib as mpl  # noqa: PLC0415  a second, and only the plot needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, (tails, memory, values) = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
    for (name, series), colour in zip(groups.items(), COLOURS, strict=False):
        label = f"{name} ({len(series)})"
        lags = [[lagged_correlation(ranks_of(each.left), lag) for lag in PLOT_LAGS] for each in series]
        _band(memory, np.array(PLOT_LAGS), np.array(lags), colour, label)
        _band(tails, TAIL_AT, np.array([_share_beyond(each.left) for each in series]), colour, label)
        noises = [noise_of(each.values, each.left) for each in series]
        unchanged = [max(noise.unchanged, 1e-4) for noise in noises]
        values.plot([noise.n_values for noise in noises], unchanged, "o", ms=4, color=colour, alpha=0.5)
    tails.plot(TAIL_AT, 2 * ndtr(-TAIL_AT), "k:", lw=1, label="normal noise")
    tails.set(yscale="log", ylim=(2e-5, 1), xlabel="robust standard deviations")
    tails.set_title("Tails: share of ticks further out", fontsize=10)
    memory.set(xscale="log", ylim=(-0.1, 1), xlabel="lag, minutes")
    memory.set_title("Memory: rank autocorrelation", fontsize=10)
    values.set(xscale="log", yscale="log", xlabel="distinct values per 1000 ticks", ylabel="unchanged ticks")
    values.set_title("Quantisation", fontsize=10)
    tails.legend(fontsize=8, loc="upper right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _band(axes: Axes, at: Values, lines: Values, colour: str, label: str) -> None:
    """Draw the median of some lines, shape ``(n_lines, len(at))``, and the band of four in five of them."""
    low, middle, high = np.quantile(lines, (0.1, 0.5, 0.9), axis=0)
    axes.fill_between(at, low, high, color=colour, alpha=0.18, lw=0)
    axes.plot(at, middle, color=colour, lw=1.6, label=label)


def _share_beyond(left: Values) -> Values:
    sizes = np.sort(np.abs(left[np.isfinite(left)]))
    return np.maximum(1.0 - np.searchsorted(sizes, TAIL_AT) / len(sizes), 1e-5)


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Folder that contains kpi/aiops2018."
)
@click.option(
    "--plot", type=click.Path(path_type=Path), default=PLOT, show_default=True, help="File for the plot."
)
def main(data: Path, plot: Path) -> None:
    """Compare the brokerage's noise with that of real KPIs, print a table and draw a plot."""
    try:
        real = read_kpis(data / "kpi" / "aiops2018")
    except FileNotFoundError as error:
        raise click.UsageError(str(error)) from error
    groups = {"real KPIs": real, **simulated_series()}
    click.echo(table(groups))
    draw(groups, plot)
    click.echo(f"\nplot: {plot} ({plot.stat().st_size // 1024} KB)")


if __name__ == "__main__":
    main()
