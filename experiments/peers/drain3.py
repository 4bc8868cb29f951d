"""drain3 0.9.11, in an environment of its own: it cannot share one with MLflow."""

from __future__ import annotations

import json
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.peers.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = "0.9.11"
INSTALL_TIMEOUT_S = 300


@dataclass(frozen=True)
class Drain3:
    """drain3 with its defaults and the masks of its example configuration.

    Attributes
    ----------
    python
        The interpreter of its environment.
    """

    python: Path

    def __call__(self, bodies: Sequence[str]) -> tuple[list[int], float]:
        """The group of each line, and lines per second, the start of the process left out.

        Raises
        ------
        PeerError
            If it fails.
        """
        script = Path(__file__).with_name("run_drain3.py")
        try:
            done = subprocess.run(  # noqa: S603 - our own script, in our own environment
                [self.python, "-I", str(script)],
                input=json.dumps(list(bodies)),
                capture_output=True,
                text=True,
                check=True,
            )
            answer = json.loads(done.stdout)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            raise PeerError("drain3", str(error)) from error
        return answer["groups"], float(answer["lines_per_s"])


def install_drain3(folder: Path) -> Drain3:
    """Make drain3's environment below a folder, once.

    Raises
    ------
    PeerError
        If it cannot be installed here; nothing is left behind that would look installed.
    """
    home = (folder / f"drain3-{VERSION}").absolute()
    python = home / "bin" / "python"
    done = home / "installed"
    if not done.is_file():
        try:
            venv.create(home, with_pip=True, clear=True)
            subprocess.run(  # noqa: S603 - pip of the environment just made
                [python, "-m", "pip", "install", "--quiet", f"drain3=={VERSION}"],
                check=True,
                capture_output=True,
                text=True,
                timeout=INSTALL_TIMEOUT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise PeerError("drain3", str(error)) from error
        done.touch()
    return Drain3(python)
