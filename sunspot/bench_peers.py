"""``--peer`` of a benchmark: a peer that runs in its own environment, below the data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def peer_option(*names: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Option to run a peer too."""
    return click.option(
        "--peer", type=click.Choice(names), help="Also run this peer, in an environment of its own."
    )


def peer_or_note(requested: str | None, name: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The requested peer, ready to run, by its name; otherwise a note on why it is left out."""
    from experiments.peers.drain3 import install_drain3
    from experiments.peers.errors import PeerError
    from experiments.peers.river import install_river

    if requested != name:
        return {}, [f"{name} was not run: add --peer {name} to include it"]
    install: Callable[[Path], Any] = {"drain3": install_drain3, "river": install_river}[name]
    try:
        return {name: install(folder / "peers")}, []
    except PeerError as error:
        return {}, [f"not run: {error}"]
