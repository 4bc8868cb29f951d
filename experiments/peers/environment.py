"""Peers in their own environments: each created once in a folder, and queried over standard input."""

from __future__ import annotations

import json
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.peers.errors import PeerError

INSTALL_TIMEOUT_S = 300


@dataclass(frozen=True)
class PeerEnvironment:
    """The environment of one peer.

    Attributes
    ----------
    name
        Name of the peer.
    python
        The environment's interpreter.
    """

    name: str
    python: Path

    def run(self, script: str, question: object) -> Any:
        """The answer of a script beside this module, JSON in and JSON out.

        Raises
        ------
        PeerError
            If it fails.
        """
        path = Path(__file__).with_name(script)
        try:
            done = subprocess.run(  # noqa: S603 - our own script, in our own environment
                [self.python, "-I", str(path)],
                input=json.dumps(question),
                capture_output=True,
                text=True,
                check=True,
            )
            return json.loads(done.stdout)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            raise PeerError(self.name, str(error)) from error


def installed(name: str, version: str, folder: Path) -> PeerEnvironment:
    """Create a peer's environment below a folder, once.

    Raises
    ------
    PeerError
        If it cannot be installed here; no half-installed environment is left behind.
    """
    home = (folder / f"{name}-{version}").absolute()
    python = home / "bin" / "python"
    done = home / "installed"
    if not done.is_file():
        try:
            venv.create(home, with_pip=True, clear=True)
            subprocess.run(  # noqa: S603 - pip of the environment just made
                [python, "-m", "pip", "install", "--quiet", f"{name}=={version}"],
                check=True,
                capture_output=True,
                text=True,
                timeout=INSTALL_TIMEOUT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise PeerError(name, str(error)) from error
        done.touch()
    return PeerEnvironment(name, python)
