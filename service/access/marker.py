"""A file that remembers that access was set up, should the store be lost or emptied."""

from __future__ import annotations

from pathlib import Path

TEXT = (
    "A token or a person was created here, so requests need one. Should the store hold none any more, the\n"
    "service stays closed until a new one is created. Remove this file to open it to this machine again.\n"
)

EMPTIED = (
    "the store holds no token and no person, but did once: nobody is answered until a token or a person is "
    "created, or the store is restored"
)


class AccessMarker:
    """The file, which is written once and never removed by the service."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_set(self) -> bool:
        """Whether a token or person was ever created in this data directory."""
        return self._path.exists()

    def set(self) -> None:
        """Write the file where it is missing."""
        if not self._path.exists():
            self._path.write_text(TEXT, encoding="utf-8")
