"""``sunspot demo``: train, serve, replay a fault, and print the enriched alert."""

from __future__ import annotations

import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sunspot.progress import shown_progress

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.demo_scenario import DemoScenario
    from experiments.replay import ServiceClient

N_SHOWN = 3
"""Number of candidates printed; the injected cause must be among them."""

SERVICE_PORT, MLFLOW_PORT = 8321, 5321


@click.command("demo")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the PetShop data set: replay one of its labelled injected faults instead.",
)
@click.option("--incident", help="PetShop incident to replay, such as low_traffic/test/issue_9.")
@click.option(
    "--fault", default="slow_database", show_default=True, help="Fault to inject into the brokerage."
)
@click.option("--seed", default=7, show_default=True, help="Seed of the simulated brokerage.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Save everything in this new or empty folder.  [default: a temporary folder]",
)
@click.option(
    "--exit",
    "exit_after",
    is_flag=True,
    help="Stop after the report; exit with status 1 if the cause is missed.",
)
def command(
    data: Path | None,
    incident: str | None,
    fault: str,
    seed: int,
    keep: Path | None,
    exit_after: bool,
) -> None:
    """Train, serve and explain a fault, from nothing, in a minute.

    Simulates a mobile brokerage, trains detectors on its history, registers them in MLflow, starts the
    service, replays a trading day with a fault, and prints the alert with its likely causes.
    With --data, replays a labelled injected fault of the PetShop test bed instead.
    """
    from rich.console import Console

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers are stopped either way
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = _folder(stack, keep)
        with console.status("simulating a week of the brokerage" if data is None else "reading PetShop"):
            scenario = _scenario(data, incident, fault, seed)
        _print_step(
            console,
            began,
            f"{scenario.title}: {len(scenario.graph)} items, {scenario.history.n_ticks:,} ticks of history",
        )
        run_page = _train(console, began, scenario, folder)
        client, mlflow = _serve(console, began, scenario, folder, stack)
        alerts = _replay(console, began, scenario, client)
        found = _report(console, scenario, alerts, mlflow + run_page)
        console.print(f"\nDone in {time.monotonic() - began:.0f} s.")
        if not exit_after:
            _wait(console, client.address)
    if exit_after and not found:
        raise SystemExit(1)


def _folder(stack: ExitStack, keep: Path | None) -> Path:
    if keep is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sunspot-demo-")))
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise click.UsageError(f"{keep} is not empty; the demo needs a folder of its own")
    return keep


def _scenario(data: Path | None, incident: str | None, fault: str, seed: int) -> DemoScenario:
    from experiments.brokerage.errors import UnknownFaultError
    from experiments.datasets.errors import DatasetError
    from experiments.demo_scenario import brokerage_scenario, petshop_scenario

    try:
        if data is None:
            return brokerage_scenario(kind=fault, seed=seed)
        return petshop_scenario(data, incident=incident)
    except (DatasetError, LookupError, UnknownFaultError) as error:
        raise click.UsageError(str(error)) from error


def _train(console: Console, began: float, scenario: DemoScenario, folder: Path) -> str:
    """Train; return the path of the run in MLflow's UI."""
    from sunspot.demo_environment import train

    with shown_progress() as progress:
        progress("starting MLflow")
        result, run_page = train(scenario, folder, progress=progress)
    if not result.version:
        raise click.ClickException(f"training produced no usable bundle: {result.reason}")
    state = "champion" if result.promoted else f"not promoted: {result.reason}"
    _print_step(console, began, f"trained; registered in MLflow as version {result.version}, {state}")
    return run_page


def _serve(
    console: Console, began: float, scenario: DemoScenario, folder: Path, stack: ExitStack
) -> tuple[ServiceClient, str]:
    from experiments.replay import ServiceClient
    from sunspot.demo_environment import mlflow_server, service
    from sunspot.processes import free_port

    mlflow_port, port = free_port(MLFLOW_PORT), free_port(SERVICE_PORT)
    stack.enter_context(mlflow_server(folder, mlflow_port))
    stack.enter_context(service(folder, port, step_ms=scenario.history.step_ms))
    with console.status("starting the service"):
        client = stack.enter_context(ServiceClient(f"http://127.0.0.1:{port}"))
        client.wait_until_ready("/healthz")
        client.import_graph(scenario.graph)
        client.wait_until_ready()
    with console.status("starting MLflow's UI"), ServiceClient(f"http://127.0.0.1:{mlflow_port}") as pages:
        pages.wait_until_ready("/health")
    _print_step(console, began, f"serving on {client.address} with the champion")
    return client, pages.address


def _replay(
    console: Console, began: float, scenario: DemoScenario, client: ServiceClient
) -> list[dict[str, Any]]:
    from rich.progress import Progress

    from experiments.replay import replay

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("replaying the day of the incident", total=len(scenario.incident))
        replay(scenario, client, on_progress=lambda n_samples: progress.advance(task, n_samples))
    _print_step(
        console,
        began,
        f"replayed {len(scenario.incident):,} samples, {len(scenario.logs):,} log lines; sending the alert",
    )
    return client.send_webhook(scenario.webhook)


def _report(console: Console, scenario: DemoScenario, alerts: list[dict[str, Any]], mlflow_page: str) -> bool:
    from rich.markup import escape

    from models.evidence.figures import probability_percent as percent

    lead = next((alert for alert in alerts if alert["ranking"]), None)
    if lead is None:
        console.print(f"\nNo alert was enriched: {escape(alerts[0]['unenriched'])}")
        return False
    ranking = lead["ranking"]
    console.print(
        f"\n[bold]{escape(lead['name'])} on {escape(lead['item'])}[/bold] since {lead['starts_at']}"
    )
    if ranking["abstained"]:
        console.print(f"  no cause named: {escape(ranking['abstained'])}")
    for place, candidate in enumerate(ranking["candidates"][:N_SHOWN], start=1):
        path = " → ".join(candidate["path"]) or "no path from the alert"
        name, probability = escape(candidate["item"]), candidate["probability"]
        console.print(f"  {place}. [bold]{name}[/bold]  {percent(probability)}  ({escape(path)})")
        for evidence in candidate["evidence"]:
            console.print(f"     {escape(evidence['sentence'])}")
    for sentence in ranking["unseen"]:
        console.print(f"  [dim]{escape(sentence)}[/dim]")
    console.print(f"\n  incident  {lead['page']}\n  MLflow    {mlflow_page}")
    named = [candidate["item"] for candidate in ranking["candidates"][:N_SHOWN]]
    found = (
        any(cause in named for cause in scenario.causes) if scenario.causes else bool(ranking["abstained"])
    )
    verdict = "[green]found[/green]" if found else "[red]missed[/red]"
    console.print(f"\n  actual cause: {escape(scenario.happened)}: {verdict}")
    return found


def _print_step(console: Console, began: float, what: str) -> None:
    from rich.markup import escape

    console.print(f"[dim]{time.monotonic() - began:5.1f} s[/dim]  {escape(what)}")


def _wait(console: Console, address: str) -> None:
    console.print(f"Serving on {address} until Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("stopped")
