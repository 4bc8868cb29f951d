"""The ranker bundle: the few numbers that training on stored cases learns, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from models.artifacts.bundle_files import MANIFEST, digest_of_bytes, read_files, with_manifest, write_files
from models.rankers.posterior import Belief
from models.rankers.sunspot import SunspotRanker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA_VERSION = 2
KIND = "ranker"


@dataclass(frozen=True)
class RankerBundle:
    """What training on stored cases saves and the service loads.

    Attributes
    ----------
    version
        Digest of the content: ``sha256:`` and 64 digits.
    weights
        Factor of each meaning of evidence, none negative; 1 for a meaning that is not listed.
    belief
        How evidence turns into belief.
    floor
        Below this probability no candidate is named.
    metadata
        When, from which data and by which code it was made, as text.
    """

    version: str
    weights: Mapping[str, float]
    belief: Belief
    floor: float
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def ranker(self) -> SunspotRanker:
        """Sunspot's ranker with these numbers."""
        return SunspotRanker(weights=self.weights, belief=self.belief, floor=self.floor, version=self.version)


def make_ranker_bundle(
    *, weights: Mapping[str, float], belief: Belief, floor: float, metadata: Mapping[str, str]
) -> RankerBundle:
    """Assemble a ranker bundle and derive its version from its content."""
    bundle = RankerBundle("", weights, belief, floor, metadata)
    return replace(bundle, version=digest_of_bytes(ranker_bundle_files(bundle)[MANIFEST]))


def ranker_bundle_files(bundle: RankerBundle) -> dict[str, bytes]:
    """Return the only file of a ranker bundle by name; equal bundles give equal bytes."""
    belief = bundle.belief
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "weights": dict(bundle.weights),
        "belief": {
            "sharpness": belief.sharpness,
            "doubt": belief.doubt,
            "surge_bonus": belief.surge_bonus,
        },
        "floor": bundle.floor,
        "metadata": dict(bundle.metadata),
    }
    return with_manifest({}, manifest)


def save_ranker_bundle(bundle: RankerBundle, directory: Path) -> None:
    """Write a ranker bundle into a directory, which is created if necessary."""
    write_files(ranker_bundle_files(bundle), directory)


def load_ranker_bundle(directory: Path) -> RankerBundle:
    """Read a ranker bundle.

    Raises
    ------
    BadBundleError
        If it is damaged, has an unknown layout, or holds a number that no ranker can use.
    """
    return read_files(directory, _decode)


def _decode(manifest: dict[str, Any], _files: dict[str, bytes], version: str) -> RankerBundle:
    if (manifest["schema_version"], manifest.get("kind")) != (SCHEMA_VERSION, KIND):
        raise ValueError(f"it is not a ranker bundle of layout {SCHEMA_VERSION}")
    weights = {str(meaning): _at_least_0(weight) for meaning, weight in manifest["weights"].items()}
    numbers = manifest["belief"]
    belief = Belief(
        _at_least_0(numbers["sharpness"]), _finite(numbers["doubt"]), _finite(numbers["surge_bonus"])
    )
    metadata = {str(name): str(text) for name, text in manifest["metadata"].items()}
    return RankerBundle(version, weights, belief, min(_at_least_0(manifest["floor"]), 1.0), metadata)


def _finite(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{value} is not finite")
    return number


def _at_least_0(value: Any) -> float:
    number = _finite(value)
    if number < 0:
        raise ValueError(f"{value} is negative")
    return number
