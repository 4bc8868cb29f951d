"""Subcommand ``sunspot serve``: the online service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from service.settings import Settings


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.  [default: 8321]")
@click.option(
    "--data",
    "data_dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the service's data.  [default: sunspot-data]",
)
@click.option("--tracking-uri", help="MLflow's address.  [default: a file in the data directory]")
@click.option("--base-url", help="How people reach the pages, if not by the address listened on.")
@click.option(
    "--present",
    type=click.Choice(["wall", "signals"]),
    help="What now is: this machine's clock, or the newest tick received (to replay stored days).",
)
def command(**chosen: Any) -> None:
    """Run the online service.

    Every setting is also an environment variable: SUNSPOT_HOST, SUNSPOT_PORT, SUNSPOT_DATA_DIR and so on;
    an option wins over its variable.
    """
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        settings = Settings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        raise click.ClickException(str(error)) from error
    serve(settings)


def serve(settings: Settings) -> None:
    """Listen until told to stop; requests under way are finished first."""
    import uvicorn

    from service.app import create_app
    from service.errors import OpenToTheNetworkError, StoreUnavailableError
    from service.listening import Announcing, bind
    from service.logs import configure_logging
    from telemetry.errors import HistoryLockedError

    configure_logging()
    try:
        listener, settings = bind(settings)
        with listener:
            app = create_app(settings)
            config = uvicorn.Config(
                app, log_config=None, access_log=False, timeout_graceful_shutdown=10, server_header=False
            )
            server = Announcing(config, settings, say=click.echo)
            server.run(sockets=[listener])
    except (OpenToTheNetworkError, HistoryLockedError, StoreUnavailableError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if not server.started:
        raise click.ClickException("the service could not start; its log says why")
