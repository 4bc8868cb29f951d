"""The first use of a tracking store on this machine: one process makes its tables, the others wait."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def one_at_a_time(store: Path | None) -> Iterator[None]:
    """Keep other processes from a store meanwhile; do nothing for a server, which does that itself."""
    if store is None:
        yield
        return
    with store.with_name(f"{store.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the file
        yield
