"""``--peer`` of a benchmark: a peer that needs an environment of its own, below the data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def peer_option(*names: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """A peer to be run too."""
    return click.option(
        "--peer", type=click.Choice(names), help="Run this too, in an environment of its own."
    )


def peer_or_note(asked: str | None, name: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The peer of a benchmark by its name, ready to run; or the note that says why it is left out."""
    from experiments.peers.drain3 import install_drain3
    from experiments.peers.errors import PeerError
    from experiments.peers.river import install_river

    if asked != name:
        return {}, [f"{name} is left out: ask for it with --peer {name}"]
    install: Callable[[Path], Any] = {"drain3": install_drain3, "river": install_river}[name]
    try:
        return {name: install(folder / "peers")}, []
    except PeerError as error:
        return {}, [f"left out: {error}"]
