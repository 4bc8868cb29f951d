"""Log templates: the constant text of log lines, learned online, with one tree per service.

He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017, with two caches: each
word is masked only once; and a line whose masked text was seen before skips the tree while the tree stays
unchanged. Neither cache changes a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from features.errors import BadMinerStateError
from features.logs.masks import MAX_CHARACTERS, TokenMasks
from features.logs.tree import Template, TemplateTree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry.logs import Logs

MAX_SERVICES: Final = 1_000
MAX_CACHED_LINES: Final = 20_000
MAX_CACHED_LINE: Final = 1_000

STATE_VERSION: Final = 1


class TemplateMiner:
    """Finds the template of every log line, with one tree per service, in bounded memory.

    After the first 1,000 services, further ones share the tree of the service without a name.

    >>> miner = TemplateMiner()
    >>> first = miner.add("order", "INFO", "", "order 17 placed")
    >>> first == miner.add("order", "INFO", "", "order 18 placed")
    True
    """

    def __init__(self) -> None:
        self.trees: dict[str, TemplateTree] = {}
        self.n_lines = 0
        self.n_cut = 0
        self._masks = TokenMasks()
        self._seen: dict[tuple[str, str, str, str], tuple[int, TemplateTree, Template]] = {}

    def add(self, service: str, severity: str, logger: str, body: str, *, given: str = "") -> str:
        """The template id of a line.

        Parameters
        ----------
        service, severity, logger
            Part of the key; each may be empty.
        body
            The line; only its first 4,096 characters and 128 words are read.
        given
            The template that a collector set (``log.record.template``); it is used unchanged.
        """
        self.n_lines += 1
        if len(body) > MAX_CHARACTERS:
            self.n_cut += 1
        masked = given[:MAX_CHARACTERS] or self._masks.line(body)
        key = (service, severity, logger, masked)
        seen = self._seen.get(key)
        if seen is not None and seen[0] == seen[1].version and not given:
            _, tree, template = seen
        else:
            tree = self.tree(service)
            template = (tree.given if given else tree.find_or_create)(severity, logger, masked)
            if len(masked) <= MAX_CACHED_LINE and not given:
                if len(self._seen) >= MAX_CACHED_LINES:
                    self._seen.clear()
                self._seen[key] = (tree.version, tree, template)
        template.count += 1
        tree.templates.move_to_end(template.id)
        return template.id

    def mine(self, logs: Logs) -> tuple[str, ...]:
        """The template id of each line of a batch, in its order."""
        streams = (logs.streams[stream] for stream in logs.stream.tolist())
        return tuple(
            self.add(service, severity, logger, body, given=given)
            for (service, severity, logger), body, given in zip(
                streams, logs.bodies, logs.templates, strict=True
            )
        )

    def tree(self, service: str) -> TemplateTree:
        """The templates of a service, none if it is new."""
        found = self.trees.get(service)
        if found is None:
            if len(self.trees) >= MAX_SERVICES:
                service = ""
            found = self.trees.setdefault(service, TemplateTree())
        return found

    def state(self) -> dict[str, Any]:
        """The miner's state, as plain JSON values."""
        trees = {service: tree.state() for service, tree in self.trees.items()}
        return {"version": STATE_VERSION, "n_lines": self.n_lines, "n_cut": self.n_cut, "trees": trees}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TemplateMiner:
        """Restore a miner from its state; it continues identically.

        Raises
        ------
        BadMinerStateError
            If the state is malformed, or has another version.
        """
        if state.get("version") != STATE_VERSION:
            raise BadMinerStateError(f"version {state.get('version')!r} is not {STATE_VERSION}")
        miner = cls()
        try:
            miner.n_lines, miner.n_cut = int(state["n_lines"]), int(state["n_cut"])
            trees = dict(state["trees"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadMinerStateError(f"{type(error).__name__} at {error}") from error
        miner.trees = {service: TemplateTree.from_state(tree) for service, tree in trees.items()}
        return miner
