"""The public data sets, as folders or packed."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def unpacked(
    public_data: Path, name: str, folder: Path, wanted: Callable[[str], bool] = lambda _: True
) -> Path:
    """Return the folder of a data set; of one that is packed, what is wanted is unpacked into ``folder``."""
    if (public_data / name).is_dir():
        return public_data / name
    with tarfile.open(public_data / f"{name}.tar.xz") as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder, members=[each for each in archive if wanted(each.name)])
    return folder
