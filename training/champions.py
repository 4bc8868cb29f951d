"""Who was champion before, and which versions a person withdrew: kept in tags of the registered model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.artifacts.mlflow_names import BUNDLE_VERSION_TAG, CHALLENGER, CHAMPION
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

PREVIOUS = "previous"
FORMER = "sunspot.former_champions"
"""Tag of the registered model: the versions that were champion before, as a JSON list, latest last."""

DATA_DIGEST_TAG = "sunspot.data_digest"
WITHDRAWN_BY, WITHDRAWN_AT, WITHDRAWN_WHY = (f"sunspot.withdrawn_{each}" for each in ("by", "at", "why"))
MOST_FORMER = 50
MAX_WHY_LENGTH = 500


@dataclass(frozen=True)
class Withdrawal:
    """Who withdrew a version, when (milliseconds since the epoch) and why."""

    version: str
    who: str
    at_ms: int
    why: str

    def __str__(self) -> str:
        """As a sentence ends."""
        why = f": {self.why}" if self.why else ""
        return f"version {self.version} was withdrawn by {self.who} on {from_ms(self.at_ms):%Y-%m-%d}{why}"


class Champions:
    """The champions of one registered model, past and present.

    Parameters
    ----------
    client
        A client of MLflow.
    name
        Name of the registered model.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def former(self) -> list[str]:
        """Return the versions that were champion before, latest last; an older Sunspot noted only one."""
        model = self._client.get_registered_model(self._name)
        if FORMER in model.tags:
            return [str(each) for each in json.loads(model.tags[FORMER])]
        return [str(model.aliases[PREVIOUS])] if PREVIOUS in model.aliases else []

    def promote(self, version: str) -> None:
        """Make a version champion, and the present champion the latest of the former ones.

        A challenger that becomes champion is no longer challenger. A withdrawal of the version is lifted.
        """
        aliases = self._client.get_registered_model(self._name).aliases
        present = str(aliases.get(CHAMPION, ""))
        if present and present != version:
            self._remember([*self.former(), present])
        self._client.set_registered_model_alias(self._name, CHAMPION, version)
        if str(aliases.get(CHALLENGER)) == version:
            self._client.delete_registered_model_alias(self._name, CHALLENGER)
        tags = self._client.get_model_version(self._name, version).tags
        for tag in (WITHDRAWN_BY, WITHDRAWN_AT, WITHDRAWN_WHY):
            if tag in tags:
                self._client.delete_model_version_tag(self._name, version, tag)

    def roll_back(self, *, who: str, at_ms: int, why: str) -> str:
        """Withdraw the champion and make the one before it champion; return its version.

        Versions that were deleted or withdrawn since are passed over. Empty if there is none to go back to.
        """
        versions = {str(each.version): each for each in self._versions()}
        former = [
            each for each in self.former() if each in versions and WITHDRAWN_BY not in versions[each].tags
        ]
        present = str(self._client.get_registered_model(self._name).aliases.get(CHAMPION, ""))
        while former and former[-1] == present:
            former.pop()
        if not former:
            return ""
        version = former.pop()
        if present in versions:
            told = {WITHDRAWN_BY: who, WITHDRAWN_AT: str(at_ms), WITHDRAWN_WHY: why[:MAX_WHY_LENGTH]}
            for tag, value in told.items():
                self._client.set_model_version_tag(self._name, present, tag, value)
        self._client.set_registered_model_alias(self._name, CHAMPION, version)
        self._remember(former)
        return version

    def withdrawal_of(self, bundle_version: str, data_digest: str) -> Withdrawal | None:
        """Return the withdrawal of the same bundle or of one that learned from the same data, if any."""
        for each in self._versions():
            found = withdrawal_in(str(each.version), each.tags)
            same = each.tags.get(BUNDLE_VERSION_TAG) == bundle_version
            same |= bool(data_digest) and each.tags.get(DATA_DIGEST_TAG) == data_digest
            if found is not None and same:
                return found
        return None

    def _versions(self) -> list[Any]:
        return list(self._client.search_model_versions(f"name = '{self._name}'"))

    def _remember(self, former: list[str]) -> None:
        kept = former[-MOST_FORMER:]
        self._client.set_registered_model_tag(self._name, FORMER, json.dumps(kept))
        if kept:
            self._client.set_registered_model_alias(self._name, PREVIOUS, kept[-1])
        elif PREVIOUS in self._client.get_registered_model(self._name).aliases:
            self._client.delete_registered_model_alias(self._name, PREVIOUS)


def withdrawal_in(version: str, tags: Mapping[str, str]) -> Withdrawal | None:
    """Return the withdrawal that a version's tags tell of; ``None`` without one."""
    if WITHDRAWN_BY not in tags:
        return None
    at_ms = int(tags.get(WITHDRAWN_AT, "0"))
    return Withdrawal(version, tags[WITHDRAWN_BY], at_ms, tags.get(WITHDRAWN_WHY, ""))
