"""The case library: a plain directory of cases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.cases.case import Signals
from models.cases.files import PREFIX, decode_case, encode_case, file_stem
from models.cases.normal_ticks import MIN_NORMAL_TICKS
from models.errors import BadCaseError, CaseTooLargeError
from telemetry.durable import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from models.cases.case import Case
    from models.cases.files import StoredCase

MAX_FILE_BYTES = 16 * 2**20
"""Largest file that is read; a table written by hand may be larger than the files Sunspot writes."""

THINNED = "normal ticks were kept, evenly spread, so that the case fits into its files"
ROUNDED = "Signals were rounded to seven digits, so that the case fits into its files"
"""Notes of a case that was made smaller; stored cases are recognised by them, so they never change."""


def read_cases(directory: Path, *, left_out: Callable[[BadCaseError], object]) -> Iterator[Case]:
    """Yield every case of a library that can be read, by file name; none if the directory does not exist.

    Parameters
    ----------
    left_out
        Is called with the error of each case that cannot be read: one such case stops nothing, and is said.
    """
    for path in case_paths(directory):
        try:
            case = read_case(path).case
        except BadCaseError as error:
            left_out(error)
        else:
            yield case


def case_paths(directory: Path) -> list[Path]:
    """Return the paths of a library's case documents, by name."""
    return sorted(directory.glob(f"{PREFIX}*.json"))


def path_of(directory: Path, case_id: str) -> Path:
    """Return the path of a case's document in a library."""
    return directory / f"{file_stem(case_id)}.json"


def read_case(path: Path) -> StoredCase:
    """Read one case, whose other file is beside its document.

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
    """Write a case into a library and return the path of its document.

    The directory is created if necessary. Each file appears complete or not at all, the document last; a case
    with the same id is replaced.

    Parameters
    ----------
    may_thin
        Whether a case that is too large is written with less data and a note about it: signals are rounded
        first, then every second normal tick is dropped until the case fits.

    Raises
    ------
    CaseTooLargeError
        If the case is larger than 2 MiB, even thinned where that is allowed.
    OSError
        If the files cannot be written.
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
    """The case with every second normal tick; ``None`` if fewer than `MIN_NORMAL_TICKS` would remain."""
    normal = case.normal
    every_second = slice(None, None, 2)
    n_left = len(normal.times_ms[every_second])
    if n_left < MIN_NORMAL_TICKS:
        return None
    fewer = Signals(
        normal.times_ms[every_second],
        {role: values[every_second] for role, values in normal.values.items()},
    )
    notes = tuple(each for each in case.notes if not each.endswith(THINNED))
    return replace(case, normal=fewer, notes=(*notes, f"{n_left} {THINNED}"))


def _rounded(case: Case) -> Case | None:
    """The case with signals rounded to single precision; ``None`` if they already are."""
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
    """Remove a case from a library; do nothing if it is not there."""
    path = path_of(directory, case_id)
    for each in (path, path.with_suffix(".npz")):
        each.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
    return path.read_bytes()
