"""The real command ``sunspot serve`` on loopback, so that it can be measured and killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.reliability.errors import ServiceDidNotStartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ANNOUNCED = re.compile(r"http://127\.0\.0\.1:(\d+)")
LOG_NAME = "serve.log"
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Running:
    """A service in a process of its own.

    Attributes
    ----------
    process
        Its process; only this one is ever killed.
    port
        Where it listens on 127.0.0.1.
    began_s
        When the process was started, by `time.perf_counter`.
    """

    process: subprocess.Popen[str]
    port: int
    began_s: float

    @property
    def address(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Kill it with SIGKILL: nothing can be finished or flushed."""
        self.process.kill()
        self.process.wait()

    def rss_mb(self) -> float:
        """Resident memory, in MiB, or ``nan`` where the system does not tell."""
        told = subprocess.run(  # noqa: S603  a number of our own
            ["ps", "-o", "rss=", "-p", str(self.process.pid)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        return int(told.stdout) / 1024 if told.stdout.strip() else float("nan")


@contextmanager
def starting(data: Path, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start the service on a free port, and kill it at the end whatever happened."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOG_NAME).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and arguments
            [sys.executable, "-m", "sunspot", "serve", "--port", "0", "--data", str(data)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def running(data: Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run the service until the block ends; it listens when the block begins.

    Parameters
    ----------
    data
        Its data directory; its log is written there, too.
    environment
        Settings beside those of this process.

    Raises
    ------
    ServiceDidNotStartError
        If it stops instead of announcing its address.
    """
    began_s = time.perf_counter()
    with starting(data, environment) as process:
        announced = process.stdout.readline() if process.stdout is not None else ""
        found = ANNOUNCED.search(announced)
        if found is None:
            raise ServiceDidNotStartError((data / LOG_NAME).read_text(encoding="utf-8")[-2_000:])
        yield Running(process, int(found[1]), began_s)


def stop(service: Running) -> None:
    """Ask a service to finish, and wait until it has.

    Raises
    ------
    subprocess.TimeoutExpired
        If it has not stopped within twenty seconds.
    subprocess.CalledProcessError
        If it ended in another way than by finishing.
    """
    service.process.terminate()
    status = service.process.wait(STOP_TIMEOUT_S)
    if status not in {0, -signal.SIGTERM}:
        raise subprocess.CalledProcessError(status, service.process.args)
