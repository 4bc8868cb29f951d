"""The log bundle: all that the service needs of a training on log lines, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from features.log_templates import TemplateMiner
from features.log_windows import LogReference, log_reference
from models.bundle_files import (
    MANIFEST,
    arrays_from_bytes,
    arrays_to_bytes,
    digest_of_bytes,
    read_files,
    with_manifest,
    write_files,
)
from models.log_sums_files import sums_from_parts, sums_parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from features.log_sums import LogSums

SCHEMA_VERSION = 1
KIND = "logs"


@dataclass(frozen=True)
class LogBundle:
    """What training on log lines saves and the service loads.

    Attributes
    ----------
    version
        Digest of the content: ``sha256:`` and 64 digits.
    miner_state
        As `features.log_templates.TemplateMiner.state` gives it.
    normal
        Sums of normal operation, thinned to some megabytes: what live windows and a case are compared with.
    metadata
        When, from what and by which code it was made, as text.
    """

    version: str
    miner_state: Mapping[str, Any]
    normal: LogSums
    metadata: Mapping[str, str]

    @property
    def step_ms(self) -> int:
        """Length of its windows."""
        return self.normal.counts.step_ms

    @cached_property
    def reference(self) -> LogReference:
        """What services usually say."""
        return log_reference(self.normal.counts)

    def miner(self) -> TemplateMiner:
        """A miner that continues where training stopped; each call makes another."""
        return TemplateMiner.from_state(self.miner_state)


def make_log_bundle(
    *, miner_state: Mapping[str, Any], normal: LogSums, metadata: Mapping[str, str]
) -> LogBundle:
    """Put a log bundle together and give it the version of its content."""
    bundle = LogBundle("", miner_state, normal, metadata)
    return replace(bundle, version=digest_of_bytes(log_bundle_files(bundle)[MANIFEST]))


def log_bundle_files(bundle: LogBundle) -> dict[str, bytes]:
    """Return the files of a log bundle by name; equal bundles give equal bytes."""
    names, numbers = sums_parts(bundle.normal)
    files = {
        "normal.npz": arrays_to_bytes(numbers),
        "miner.json": json.dumps(bundle.miner_state).encode(),
    }
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "normal": names,
        "metadata": dict(bundle.metadata),
    }
    return with_manifest(files, manifest)


def save_log_bundle(bundle: LogBundle, directory: Path) -> None:
    """Write a log bundle's files into a directory, which is made if need be."""
    write_files(log_bundle_files(bundle), directory)


def load_log_bundle(directory: Path) -> LogBundle:
    """Read a log bundle; every file must be what the manifest says.

    Raises
    ------
    BadBundleError
        If it is damaged, of an unknown layout, or asks for more than data.
    """
    return read_files(directory, _decode)


def _decode(manifest: dict[str, Any], files: dict[str, bytes], version: str) -> LogBundle:
    if (manifest["schema_version"], manifest.get("kind")) != (SCHEMA_VERSION, KIND):
        raise ValueError(f"it is no log bundle of layout {SCHEMA_VERSION}")
    state = json.loads(files["miner.json"])
    TemplateMiner.from_state(state)  # what cannot be restored is found here, and not in the service
    normal = sums_from_parts(manifest["normal"], arrays_from_bytes(files["normal.npz"]))
    metadata = {str(name): str(text) for name, text in manifest["metadata"].items()}
    return LogBundle(version, state, normal, metadata)
