"""Subcommand ``sunspot serve``: the online service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sunspot.options import calendar_overrides_option, data_option, tracking_uri_option

if TYPE_CHECKING:
    from pathlib import Path

    from service.settings import Settings


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 picks a free one.  [default: 8321]"
)
@data_option
@tracking_uri_option
@click.option("--base-url", help="Address at which people reach the pages, if not the one listened on.")
@click.option(
    "--present",
    type=click.Choice(["wall", "signals"]),
    help="Source of the current time: this machine's clock, or the newest tick received (for replays).",
)
@calendar_overrides_option
def command(data: Path, **chosen: Any) -> None:
    """Run the online service.

    Every setting is also an environment variable: SUNSPOT_HOST, SUNSPOT_PORT, SUNSPOT_DATA_DIR and so on.
    An option overrides its variable.
    """
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        settings = Settings(
            data_dir=data, **{name: value for name, value in chosen.items() if value is not None}
        )
    except ValidationError as error:
        raise click.ClickException(str(error)) from error
    serve(settings)


def serve(settings: Settings) -> None:
    """Listen until stopped; requests in progress are finished first."""
    from service.app import create_app
    from service.doors.errors import BadKafkaSettingsError
    from service.errors import (
        BadAddressError,
        BadCalendarFileError,
        BadMaskingFileError,
        BadRolesFileError,
        BadTargetError,
        OpenToTheNetworkError,
        StoreUnavailableError,
    )
    from service.http.server import AnnouncingServer, bind, bounded_config
    from service.logging_setup import configure_logging
    from telemetry.errors import HistoryLockedError

    configure_logging()
    try:
        listener, settings = bind(settings)
        with listener:
            app = create_app(settings)
            config = bounded_config(app, settings)
            server = AnnouncingServer(config, settings, app.state.rooms.access.gate, announce=click.echo)
            server.run(sockets=[listener])
    except KeyboardInterrupt:
        click.echo("stopped")
        return
    except (
        BadAddressError,
        BadCalendarFileError,
        BadKafkaSettingsError,
        BadMaskingFileError,
        BadRolesFileError,
        BadTargetError,
        OpenToTheNetworkError,
        HistoryLockedError,
        StoreUnavailableError,
        OSError,
    ) as error:
        raise click.ClickException(str(error)) from error
    if not server.started:
        raise click.ClickException("the service could not start; see its log for the reason")
