"""Files of a bundle: one JSON document that lists every other file with its digest.

Arrays are ``.npz`` and never pickled. The version of a bundle is the digest of that document, so equal
content has the same version.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from models.errors import BadBundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

Content = TypeVar("Content")

MANIFEST = "bundle.json"
MAX_FILE_BYTES = 2**30


def with_manifest(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files together with the document that lists them."""
    digests = {name: digest_of_bytes(content) for name, content in sorted(files.items())}
    return {**files, MANIFEST: json.dumps({**manifest, "files": digests}, sort_keys=True).encode()}


def write_files(files: Mapping[str, bytes], directory: Path) -> None:
    """Write files into a directory, which is created if necessary."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)


def read_files(
    directory: Path, decode: Callable[[dict[str, Any], dict[str, bytes], str], Content]
) -> Content:
    """Return what ``decode`` makes of the manifest, the files it lists, and the version.

    Raises
    ------
    BadBundleError
        If a file does not match its digest in the manifest, or ``decode`` cannot read its content.
    """
    source = str(directory)
    try:
        content = _read(directory / MANIFEST)
        manifest: dict[str, Any] = json.loads(content)
        files = {name: _checked(directory, name, digest) for name, digest in manifest["files"].items()}
        return decode(manifest, files, digest_of_bytes(content))
    except BadBundleError:
        raise
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        zipfile.BadZipFile,
    ) as reason:
        raise BadBundleError(source, f"{type(reason).__name__}: {reason}") from reason


def arrays_to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Encode arrays as one file; equal arrays give equal bytes."""
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **arrays)
    return written.getvalue()


def arrays_from_bytes(content: bytes) -> dict[str, NDArray[Any]]:
    """Decode the arrays of one file, by name.

    Raises
    ------
    ValueError
        If they would unpack to more than 1 GiB, or hold anything but numbers.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(each.file_size for each in archive.infolist()) > MAX_FILE_BYTES:
            raise ValueError(f"its arrays unpack to more than {MAX_FILE_BYTES} bytes")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def typed(array: NDArray[Any], wanted: type[np.generic]) -> NDArray[Any]:
    """Return the array itself, if it has the wanted type.

    Raises
    ------
    TypeError
        If it has another type.
    """
    if array.dtype != wanted:
        raise TypeError(f"an array is {array.dtype}, not {np.dtype(wanted)}")
    return array


def digest_of_bytes(content: bytes) -> str:
    """Digest of some bytes: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _checked(directory: Path, name: str, digest: str) -> bytes:
    if name in {"", ".", "..", MANIFEST} or "/" in name or "\\" in name:
        raise ValueError(f"{name!r} is not a valid name for a file of a bundle")
    content = _read(directory / name)
    if digest_of_bytes(content) != digest:
        raise ValueError(f"{name} does not match its digest in the manifest")
    return content


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_FILE_BYTES} bytes")
    return path.read_bytes()
