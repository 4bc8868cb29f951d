"""The case library: a plain directory of cases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.cases.case import MIN_NORMAL_TICKS, Signals
from models.cases.files import PREFIX, decode_case, encode_case, file_stem
from models.errors import BadCaseError, CaseTooLargeError
from telemetry.durable import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.cases.case import Case
    from models.cases.files import StoredCase

MAX_FILE_BYTES = 16 * 2**20
"""What one file may take; a table that somebody wrote may be larger than what Sunspot writes."""

THINNED = "normal ticks were kept, evenly spread, so that the case fits into its files"
ROUNDED = "Signals were rounded to seven digits, so that the case fits into its files"


def read_cases(directory: Path) -> Iterator[Case]:
    """Every case of a library, by file name; none if there is no such directory.

    Raises
    ------
    BadCaseError
        When it comes to a case that cannot be read.
    """
    for path in case_paths(directory):
        yield read_case(path).case


def case_paths(directory: Path) -> list[Path]:
    """The documents of a library's cases, by name."""
    return sorted(directory.glob(f"{PREFIX}*.json"))


def path_of(directory: Path, case_id: str) -> Path:
    """Where a library keeps the document of a case."""
    return directory / f"{file_stem(case_id)}.json"


def read_case(path: Path) -> StoredCase:
    """One case, whose other file lies beside its document.

    Raises
    ------
    BadCaseError
        If it cannot be read.
    """

    def beside(name: str) -> bytes:
        if name in {".", ".."} or "/" in name or "\\" in name or "\0" in name:
            raise ValueError(f"{name!r} is not the name of a file beside the case")
        return _read(path.with_name(name))

    try:
        content = _read(path)
    except (OSError, ValueError) as error:
        raise BadCaseError(str(path), str(error)) from error
    return decode_case(content, str(path), beside)


def write_case(stored: StoredCase, directory: Path, *, may_thin: bool = False) -> Path:
    """Write a case into a library, which is made if need be; return the path of its document.

    Each file appears whole or not at all, the document last; a case of the same id is replaced.

    Parameters
    ----------
    may_thin
        Whether a case that is too large is written with less in it, and a note that says so: signals are
        rounded first; then every second normal tick goes, as often as need be.

    Raises
    ------
    CaseTooLargeError
        If the case takes more than 2 MiB, thinned or not.
    OSError
        If the disk does not take it.
    """
    files = _thinned_files(stored) if may_thin else encode_case(stored)
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        with replacing(directory / name) as file:
            file.write(content)
    return path_of(directory, stored.case.id)


def _thinned_files(stored: StoredCase) -> dict[str, bytes]:
    try:
        return encode_case(stored)
    except CaseTooLargeError:
        less = _rounded(stored.case) or _with_fewer_ticks(stored.case)
        if less is None:
            raise
        return _thinned_files(replace(stored, case=less))


def _with_fewer_ticks(case: Case) -> Case | None:
    """The case with every second normal tick; ``None`` if `MIN_NORMAL_TICKS` would not be left."""
    normal = case.normal
    kept = slice(None, None, 2)
    n_kept = len(normal.times_ms[kept])
    if n_kept < MIN_NORMAL_TICKS:
        return None
    fewer = Signals(normal.times_ms[kept], {role: values[kept] for role, values in normal.values.items()})
    notes = tuple(each for each in case.notes if not each.endswith(THINNED))
    return replace(case, normal=fewer, notes=(*notes, f"{n_kept} {THINNED}"))


def _rounded(case: Case) -> Case | None:
    """The case with single-precision signals; ``None`` if they are so already."""
    if ROUNDED in case.notes:
        return None
    window, before, normal = (
        Signals(
            part.times_ms,
            {role: values.astype(np.float32).astype(np.float64) for role, values in part.values.items()},
        )
        for part in (case.window, case.before, case.normal)
    )
    return replace(case, window=window, before=before, normal=normal, notes=(*case.notes, ROUNDED))


def remove_case(directory: Path, case_id: str) -> None:
    """Remove a case from a library; nothing if it is not there."""
    path = path_of(directory, case_id)
    for each in (path, path.with_suffix(".npz")):
        each.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
    return path.read_bytes()
