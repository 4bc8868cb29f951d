"""The role rules of this process, chosen once in start-up.

Frames are made in many places and have to be read alike in all of them, in training as in the service. A
frame keeps the rules that were in use when it was first read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.role_files import shipped_rules

if TYPE_CHECKING:
    from features.role_rules import Rules

_chosen: list[Rules] = []


def use_rules(rules: Rules) -> None:
    """Have the frames that are made from now on read by these rules."""
    _chosen[:] = [rules]


def rules_in_use() -> Rules:
    """The rules chosen; the shipped ones if none were."""
    return _chosen[0] if _chosen else shipped_rules()
