"""Whether a bundle reloads to what was saved; one that does not is never registered."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models.artifacts.bundle_files import MANIFEST
from models.errors import BadBundleError

if TYPE_CHECKING:
    from models.artifacts.model_kinds import AnyBundle, RegisteredModel


def loaded_again(bundle: AnyBundle, model: RegisteredModel[AnyBundle]) -> AnyBundle:
    """The bundle after saving and reloading.

    Raises
    ------
    BadBundleError
        If it cannot be loaded, or would not be saved to the same bytes again.
    """
    with tempfile.TemporaryDirectory() as parent:
        first, second = Path(parent) / "saved", Path(parent) / "again"
        model.save(bundle, first)
        again = model.load(first)
        model.save(again, second)
        # the manifest holds the digest of every other file, and its own is the version
        is_same = (first / MANIFEST).read_bytes() == (second / MANIFEST).read_bytes()
        if not is_same or again.version != bundle.version:
            raise BadBundleError(str(first), "it does not reload to what was saved")
    return again


def loading_flaw(bundle: AnyBundle, model: RegisteredModel[AnyBundle]) -> str:
    """Why a bundle does not reload, in one sentence; empty if it does."""
    try:
        loaded_again(bundle, model)
    except BadBundleError as reason:
        return str(reason)
    return ""
