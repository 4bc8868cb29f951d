"""Arrays of a case as one small file, every number exact to the last bit."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from models.artifacts.bundle_files import arrays_from_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MAX_UNPACKED_BYTES = 64 * 2**20


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Compress arrays; float64 arrays that float32 holds without loss are stored as float32."""
    written = io.BytesIO()
    np.savez_compressed(
        written, allow_pickle=False, **{name: _narrowed(each) for name, each in arrays.items()}
    )
    return written.getvalue()


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays that were packed, int64 and float64.

    Raises
    ------
    ValueError
        If they unpack to more than 64 MiB, or hold anything but numbers.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(each.file_size for each in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise ValueError(f"its arrays unpack to more than {MAX_UNPACKED_BYTES} bytes")
    arrays = arrays_from_bytes(content)
    return {
        name: each.astype(np.float64) if each.dtype == np.float32 else each for name, each in arrays.items()
    }


def _narrowed(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype != np.float64:
        return array
    with np.errstate(over="ignore", under="ignore"):
        narrow = array.astype(np.float32)
    same = np.array_equal(narrow.astype(np.float64), array, equal_nan=True)
    return narrow if same else array
