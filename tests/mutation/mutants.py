"""Every mutant of a module: one small change each, by the operators of mutmut.

Unlike mutmut this mutates decorated functions, class bodies and the constants of a module, for that is
where weights and limits stand. Left alone are annotations, decorators, docstrings, ``strict=`` of ``zip``,
what only type checkers run, calls of ``len`` and ``isinstance``, and lines marked ``pragma: no mutate``.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider, WhitespaceInclusivePositionProvider
from mutmut.mutation.mutators import mutation_operators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libcst.metadata import CodeRange

PRAGMA = "# pragma: no mutate"


@dataclass(frozen=True)
class Mutant:
    """One changed module.

    Attributes
    ----------
    module
        Path from the root of the project.
    function
        Qualified name of the function or class changed; empty for the module itself.
    number
        Place among the mutants of that function, from 1.
    first_line, last_line
        Lines of the statement changed, the last included.
    is_at_import
        Whether the changed code runs when the module is imported, and in no test.
    source
        The changed module.
    """

    module: str
    function: str
    number: int
    first_line: int
    last_line: int
    is_at_import: bool
    source: str

    @property
    def name(self) -> str:
        """Its name, the same as long as the function is."""
        dotted = self.module.removesuffix(".py").replace("/", ".")
        return f"{dotted}:{self.function or '<module>'}:{self.number}"

    def diff(self, original: str) -> str:
        """Return the lines it changes."""
        lines = difflib.unified_diff(
            original.splitlines(), self.source.splitlines(), self.module, self.module, lineterm="", n=0
        )
        return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Return all mutants of a module, in the order of its lines.

    Examples
    --------
    >>> [each.source for each in mutants_of("a.py", "LIMIT = 2\\n")]
    ['LIMIT = None\\n', 'LIMIT = 3\\n']
    """
    visitor = _Collector(source)
    wrapper = MetadataWrapper(cst.parse_module(source))
    wrapper.visit(visitor)
    counts: dict[str, int] = {}
    found = []
    for function, lines, is_at_import, changed in visitor.found:
        counts[function] = counts.get(function, 0) + 1
        found.append(Mutant(module, function, counts[function], *lines, is_at_import, changed))
    return found


class _Collector(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, WhitespaceInclusivePositionProvider)

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[int, int], bool, str]] = []
        self._source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._names: list[str] = []
        self._n_functions = 0
        self._statements: list[tuple[int, int]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _is_left_alone(node):
            return False
        if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            self._statements.append(self._span(node))
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node.name.value)
            self._n_functions += isinstance(node, cst.FunctionDef)
        if self._statements and PRAGMA not in self._lines[self._statements[-1][0] - 1]:
            self._mutate(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if _is_left_alone(original_node):
            return
        if isinstance(original_node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            self._statements.pop()
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._names.pop()
            self._n_functions -= isinstance(original_node, cst.FunctionDef)

    def visit_FunctionDef_params(self, node: cst.FunctionDef) -> None:  # noqa: N802
        """Defaults are evaluated at import."""
        self._n_functions -= 1

    def leave_FunctionDef_params(self, node: cst.FunctionDef) -> None:  # noqa: N802
        self._n_functions += 1

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return the lines of a simple statement, or of the header of a compound one."""
        position: CodeRange = self.get_metadata(PositionProvider, node)
        last = position.end.line
        body = getattr(node, "body", None)
        if isinstance(body, cst.IndentedBlock):
            last = max(position.start.line, self.get_metadata(PositionProvider, body.body[0]).start.line - 1)
        return position.start.line, last

    def _mutate(self, node: cst.CSTNode) -> None:
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                for changed in operator(node):
                    if _guards(node) != _guards(changed):
                        continue
                    function = ".".join(self._names)
                    text = self._spliced(node, changed)
                    self.found.append((function, self._statements[-1], self._n_functions == 0, text))

    def _spliced(self, node: cst.CSTNode, changed: cst.CSTNode) -> str:
        place: CodeRange = self.get_metadata(WhitespaceInclusivePositionProvider, node)
        start = self._starts[place.start.line - 1] + place.start.column
        end = self._starts[place.end.line - 1] + place.end.column
        return self._source[:start] + cst.Module([]).code_for_node(changed) + self._source[end:]


def _guards(node: cst.CSTNode) -> list[cst.CSTNode]:
    """Return what makes a call strict: without it a sound program does the same."""
    arguments = node.args if isinstance(node, cst.Call) else ()
    return [each.value for each in arguments if each.keyword is not None and each.keyword.value == "strict"]


def _is_left_alone(node: cst.CSTNode) -> bool:
    match node:
        case cst.Annotation() | cst.Decorator() | cst.Import() | cst.ImportFrom():
            return True
        case cst.If(test=cst.Name("TYPE_CHECKING")) | cst.Arg(keyword=cst.Name("strict")):
            return True
        case cst.Call(func=cst.Name("len" | "isinstance")):
            return True
    return False


def all_mutants(sources: dict[str, str]) -> Iterator[Mutant]:
    """Yield the mutants of all modules, given as source by path."""
    for module in sorted(sources):
        yield from mutants_of(module, sources[module])
