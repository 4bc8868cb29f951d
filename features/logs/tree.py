"""The templates of one service, in a tree of fixed depth that each masked line descends.

He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017. One tree per service,
of depth 4: severity, logger and number of words; two leading words; then a leaf with few templates, of
which the most similar one matches the line. Unlike in the paper, the number of templates is bounded and the
least recently used ones are evicted; and a template always matches the line that it was created from.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from operator import eq
from typing import TYPE_CHECKING, Any, Final

from features.errors import BadMinerStateError
from features.logs.masks import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

SIMILARITY: Final = 0.6
"""Share of positions at which a line must have the same word as a template."""

N_PATH_WORDS: Final = 2
"""Leading words on the path to a leaf: depth 4, with the root's key and the leaf."""

MAX_CHILDREN: Final = 100
MAX_LEAF: Final = 64
MAX_TEMPLATES: Final = 2_000

OTHER: Final = "other"
"""The id that stands for every evicted template."""


def template_id(severity: str, logger: str, text: str) -> str:
    """Stable id of a template: a hash of its severity, logger and text, the same in every process.

    >>> template_id("INFO", "", "started in <*> ms") == template_id("INFO", "", "started in <*> ms")
    True
    """
    content = f"{severity}\x1f{logger}\x1f{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


@dataclass(slots=True)
class Template:
    """The constant text that some lines of a service share.

    Attributes
    ----------
    id
        Hash of the masked line that it was created from; it never changes.
    words
        Its present words; ``<*>`` where its lines differ.
    path
        The words that lead to its leaf; empty if a collector gave the template.
    number
        Order of creation within the service.
    count
        Number of matched lines.
    alias
        Hash of its present text if that differs from the first one; else empty.
    """

    id: str
    severity: str
    logger: str
    words: tuple[str, ...]
    path: tuple[str, ...]
    number: int
    is_given: bool = False
    count: int = 0
    alias: str = ""

    @property
    def text(self) -> str:
        """The text to show: its words, with ``<*>`` for the variable parts."""
        return " ".join(self.words)


@dataclass(slots=True)
class _Node:
    """A node: its children by word or, at the end of a path, its templates in order of creation."""

    children: dict[str, _Node] = field(default_factory=dict)
    templates: list[Template] = field(default_factory=list)


class TemplateTree:
    """The templates of one service.

    Attributes
    ----------
    templates
        By id, least recently used first.
    aliases
        The id of the template that was first generalised to a text, by the hash of that text.
    version
        Rises whenever a line might from now on match another template than before.
    n_evicted, n_other_lines
        Number of evicted templates, and of the lines they had matched.
    """

    def __init__(self) -> None:
        self.templates: OrderedDict[str, Template] = OrderedDict()
        self.aliases: dict[str, str] = {}
        self.version = 0
        self.n_created = 0
        self.n_evicted = 0
        self.n_other_lines = 0
        self._roots: dict[tuple[str, str, int], _Node] = {}

    def resolve(self, id_or_alias: str) -> str:
        """The id of a live template, given its id or its alias; ``other`` for an evicted one."""
        if id_or_alias in self.templates:
            return id_or_alias
        return self.aliases.get(id_or_alias, OTHER)

    def find_or_create(self, severity: str, logger: str, masked: str) -> Template:
        """The template of a masked line, created if there is none; the line is not counted."""
        words = tuple(masked.split())
        path, rivals = self._leaf(severity, logger, words)
        best = max(rivals, key=lambda each: _n_equal(each.words, words), default=None)
        if best is None or _n_equal(best.words, words) < SIMILARITY * len(words):
            # the one created from this very text may have become too general to be found by similarity
            best = self.templates.get(template_id(severity, logger, masked))
        if best is not None and not best.is_given:
            self._generalise(best, words)
        if best is not None:
            return best
        if len(rivals) >= MAX_LEAF:
            in_leaf = {each.id for each in rivals}
            self._evict(next(each for each in self.templates.values() if each.id in in_leaf))
        return self._create(severity, logger, masked, words, path)

    def given(self, severity: str, logger: str, text: str) -> Template:
        """The template that a collector gave, unchanged; the line is not counted."""
        known = self.templates.get(template_id(severity, logger, text))
        if known is not None:
            return known
        return self._create(severity, logger, text, tuple(text.split()), None)

    def _leaf(
        self, severity: str, logger: str, words: tuple[str, ...]
    ) -> tuple[tuple[str, ...], list[Template]]:
        """The path that a line follows now, and the templates at its end."""
        node = self._roots.get((severity, logger, len(words)), _Node())
        path = []
        for word in words[:N_PATH_WORDS]:
            step = MASK if MASK in word else word
            if step not in node.children and len(node.children) >= MAX_CHILDREN:
                step = MASK
            node = node.children.get(step) or _Node()
            path.append(step)
        return tuple(path), node.templates

    def _create(
        self, severity: str, logger: str, text: str, words: tuple[str, ...], path: tuple[str, ...] | None
    ) -> Template:
        made = Template(
            template_id(severity, logger, text),
            severity,
            logger,
            words,
            path or (),
            self.n_created,
            is_given=path is None,
        )
        self.n_created += 1
        self._insert(made)
        if len(self.templates) > MAX_TEMPLATES:
            self._evict(next(iter(self.templates.values())))
        return made

    def _insert(self, template: Template) -> None:
        self.version += 1
        self.templates[template.id] = template
        if template.is_given:
            return
        node = self._roots.setdefault((template.severity, template.logger, len(template.words)), _Node())
        for step in template.path:
            node = node.children.setdefault(step, _Node())
        node.templates.append(template)

    def _generalise(self, template: Template, words: tuple[str, ...]) -> None:
        merged = tuple(old if old == new else MASK for old, new in zip(template.words, words, strict=True))
        if merged == template.words:
            return
        self.version += 1
        self._drop_alias(template)
        template.words = merged
        template.alias = template_id(template.severity, template.logger, template.text)
        self.aliases.setdefault(template.alias, template.id)

    def _drop_alias(self, template: Template) -> None:
        if self.aliases.get(template.alias) == template.id:  # two may have been generalised to the same text
            del self.aliases[template.alias]

    def _evict(self, template: Template) -> None:
        """Remove a template, its alias, and the nodes that only it needed."""
        self.version += 1
        self.n_evicted += 1
        self.n_other_lines += template.count
        del self.templates[template.id]
        self._drop_alias(template)
        if template.is_given:
            return
        key = (template.severity, template.logger, len(template.words))
        nodes = [self._roots[key]]
        for step in template.path:
            nodes.append(nodes[-1].children[step])
        nodes[-1].templates.remove(template)
        for parent, step, node in reversed(list(zip(nodes, template.path, nodes[1:], strict=False))):
            if not node.children and not node.templates:
                del parent.children[step]
        if not nodes[0].children and not nodes[0].templates:
            del self._roots[key]

    def state(self) -> dict[str, Any]:
        """The tree's state, as plain JSON values."""
        return {
            "n_created": self.n_created,
            "n_evicted": self.n_evicted,
            "n_other_lines": self.n_other_lines,
            "aliases": dict(self.aliases),
            "templates": [
                {
                    "id": each.id,
                    "severity": each.severity,
                    "logger": each.logger,
                    "words": list(each.words),
                    "path": list(each.path),
                    "number": each.number,
                    "is_given": each.is_given,
                    "count": each.count,
                    "alias": each.alias,
                }
                for each in self.templates.values()
            ],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TemplateTree:
        """Restore a tree from its state; it continues identically.

        Raises
        ------
        BadMinerStateError
            If the state is malformed.
        """
        tree = cls()
        try:
            templates = [
                Template(
                    str(each["id"]),
                    str(each["severity"]),
                    str(each["logger"]),
                    tuple(map(str, each["words"])),
                    tuple(map(str, each["path"])),
                    int(each["number"]),
                    is_given=bool(each["is_given"]),
                    count=int(each["count"]),
                    alias=str(each["alias"]),
                )
                for each in state["templates"]
            ]
            tree.aliases = {str(alias): str(each) for alias, each in dict(state["aliases"]).items()}
            counts = [int(state[name]) for name in ("n_created", "n_evicted", "n_other_lines")]
        except (KeyError, TypeError, ValueError) as error:
            raise BadMinerStateError(f"{type(error).__name__} at {error}") from error
        tree.n_created, tree.n_evicted, tree.n_other_lines = counts
        for template in sorted(templates, key=lambda each: each.number):
            tree._insert(template)
        for template in templates:  # the state lists the least recently used first
            tree.templates.move_to_end(template.id)
        return tree


def _n_equal(template: tuple[str, ...], words: tuple[str, ...]) -> int:
    return sum(map(eq, template, words))
