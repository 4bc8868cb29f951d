"""The latest examples and trace ids of each kind of log line."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from features.logs.counts import LogKind
from features.logs.sums import MAX_EXAMPLES
from features.masking.masker import mask_text

if TYPE_CHECKING:
    from features.logs.sums import LogSums
    from features.logs.templates import TemplateMiner

MAX_KINDS = 20_000

_shown_template: Final = lru_cache(maxsize=MAX_KINDS)(mask_text)
"""A template's text; those mined by an earlier release may hold what is now masked before."""

Shown = tuple[tuple[str, ...], tuple[str, ...]]


class LogExamples:
    """The latest lines of each of the most recent kinds."""

    def __init__(self) -> None:
        self._shown: OrderedDict[LogKind, Shown] = OrderedDict()

    def add(self, sums: LogSums) -> None:
        """Add the examples and trace ids of a batch."""
        for kind, lines in sums.examples.items():
            old_lines, old_traces = self._shown.pop(kind, ((), ()))
            traces = (*old_traces, *sums.traces.get(kind, ()))
            self._shown[kind] = ((*old_lines, *lines)[-MAX_EXAMPLES:], traces[-MAX_EXAMPLES:])
        while len(self._shown) > MAX_KINDS:
            self._shown.popitem(last=False)

    def onto(self, sums: LogSums, miner: TemplateMiner) -> LogSums:
        """Return sums with the examples, trace ids and template texts of their kinds."""
        known = {kind: self._shown[kind] for kind in sums.counts.kinds if kind in self._shown}
        texts = {}
        for kind in sums.counts.kinds:
            tree = miner.trees.get(kind.service)
            template = tree.templates.get(kind.template) if tree else None
            if template is not None:
                texts[kind] = _shown_template(template.text)
        return replace(
            sums,
            examples={kind: lines for kind, (lines, _) in known.items()},
            traces={kind: ids for kind, (_, ids) in known.items() if ids},
            texts=texts,
        )

    def state(self) -> list[Any]:
        """Return all examples as plain JSON values."""
        return [[list(kind), list(lines), list(ids)] for kind, (lines, ids) in self._shown.items()]

    @classmethod
    def from_state(cls, state: list[Any]) -> LogExamples:
        """Return the examples of a state; ``ValueError`` or ``TypeError`` if it is malformed."""
        examples = cls()
        for kind, lines, ids in state[-MAX_KINDS:]:
            examples._shown[LogKind(*map(str, kind))] = (tuple(map(str, lines)), tuple(map(str, ids)))
        return examples
