"""Runs tests in forks of one warm process: with the coverage of each test, or against a mutant."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from coverage import Coverage
from hypothesis import Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

    from mutation.mutants import Mutant

PYTEST = (
    "--exitfirst", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:cov",
    "-o", "addopts=--import-mode=importlib --doctest-modules",
)  # fmt: skip
MAX_TEST_S = 3.0
"""Longer tests are left out, or a survivor would take minutes."""

MAX_TESTS_S = 10.0
"""Of the tests that cover a mutant, the fastest that take so long together are run."""

GRACE_S, GRACE_FACTOR = 8.0, 6.0
"""A mutant has so much processor time and so many times what its tests take; thrice that by the clock."""

MAX_BYTES = 6 << 30


class Outcome(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    UNCOVERED = "not covered by any test"


@dataclass
class Covered:
    """Which tests run which lines.

    Attributes
    ----------
    tests_of
        The tests that run a line, by module and line.
    tests_naming
        The tests whose file names a module, by module.
    seconds
        How long each test takes.
    imported
        Modules of other people that the tests import, in order.
    exit_code
        Of pytest; 0 if every test passes without a mutant.
    """

    tests_of: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    tests_naming: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    imported: list[str] = field(default_factory=list)
    exit_code: int = 0

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that may notice a mutant, fastest first.

        What is run at import may be noticed by all tests of the module. First come those that name it: that
        a constant or a generated method is used is seen in no line of the module.
        """
        lines, naming = self.tests_of.get(mutant.module, {}), set[str]()
        if not mutant.is_at_import:
            changed = range(mutant.first_line, mutant.last_line + 1)
            found = {each for line in changed for each in lines.get(line, ())}
        else:
            naming = set(self.tests_naming.get(mutant.module, ()))
            found = naming.union(*lines.values())
        ordered = sorted(found, key=lambda each: (each not in naming, self.seconds.get(each, 0.0), each))
        chosen, total = list[str](), 0.0
        for each in ordered:
            total += self.seconds.get(each, 0.0)
            if chosen and total > MAX_TESTS_S:
                break
            if self.seconds.get(each, 0.0) <= MAX_TEST_S:
                chosen.append(each)
        return chosen


class _Stopwatch:
    """A plugin that says to the coverage which test is running, and for how long."""

    def __init__(self, coverage: Coverage, modules: Sequence[str]) -> None:
        self.seconds: dict[str, float] = {}
        self._coverage = coverage
        self._modules = modules

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        for each in self._caches():
            each.cache_clear()  # or only the first test that asks would cover what is asked
        self._coverage.switch_context(item.nodeid)
        begun = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - begun
        self._coverage.switch_context("")
        return result

    def _caches(self) -> Iterator[Any]:
        for name in self._modules:
            for each in vars(sys.modules[name]).values() if name in sys.modules else ():
                if hasattr(each, "cache_clear"):
                    yield each


def covered(tests: Sequence[str], modules: Sequence[str], root: Path) -> Covered:
    """Run all tests once, each with its coverage of the modules; in a fork, so that this imports nothing."""

    def run() -> Covered:
        paths = [str(root / each) for each in modules]
        coverage = Coverage(data_file=None, include=paths, config_file=False)
        watch = _Stopwatch(coverage, [_dotted(each) for each in modules])
        coverage.start()
        code = int(pytest.main([*PYTEST, "-q", "-m", "not e2e", *tests, *modules], plugins=[watch]))
        coverage.stop()
        data = coverage.get_data()
        tests_of = {
            module: {
                line: [each for each in contexts if each]
                for line, contexts in data.contexts_by_lineno(path).items()
            }
            for module, path in zip(modules, paths, strict=True)
        }
        files = {each.split("::")[0] for each in watch.seconds}
        texts = {each: (root / each).read_text(encoding="utf-8") for each in files}
        naming = {
            module: [
                each
                for each in watch.seconds
                if each.startswith(module) or _dotted(module) in texts[each.split("::")[0]]
            ]
            for module in modules
        }
        others = [
            name
            for name, each in sys.modules.items()
            if not str(getattr(each, "__file__", None) or root).startswith(str(root))
        ]
        return Covered(tests_of, naming, watch.seconds, others, code)

    return _in_fork(run)


def warm_up(imported: Sequence[str]) -> None:
    """Import what tests import from other people, so that forks need not."""
    for name in imported:
        with suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


class Trial:
    """A mutant that is being tested in a fork."""

    def __init__(self, mutant: Mutant, tests: Sequence[str], seconds: float, root: Path) -> None:
        self.mutant = mutant
        self._until = time.monotonic() + 3 * (GRACE_S + GRACE_FACTOR * seconds)
        self.pid = os.fork()
        if not self.pid:
            try:
                code = _tested(mutant, tests, GRACE_S + GRACE_FACTOR * seconds, root)
            except BaseException:  # noqa: BLE001  whatever it is, the mutant made it
                code = 1
            os._exit(code)

    def outcome(self) -> Outcome | None:
        """Return what became of it; ``None`` while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid and time.monotonic() < self._until:
            return None
        if not pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            return Outcome.TIMED_OUT
        if os.WIFSIGNALED(status):
            return (
                Outcome.TIMED_OUT
                if os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL}
                else Outcome.KILLED
            )
        return Outcome.SURVIVED if os.WEXITSTATUS(status) == 0 else Outcome.KILLED


def _tested(mutant: Mutant, tests: Sequence[str], seconds: float, root: Path) -> int:
    """Run tests against a mutant and return the exit code of pytest."""
    _silence()
    used = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, int(used + seconds) + 3))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    sys.meta_path.insert(0, _Finder(mutant, root))
    near = [
        each for each in tests if not each.startswith("tests/service") or mutant.module.startswith("service")
    ]
    for some in (near, [each for each in tests if each not in near]):  # the service takes long to import
        code = pytest.main([*PYTEST, "-p", "no:terminal", *some], plugins=[_FirstFailure()]) if some else 0
        if code:
            return int(code)
    return 0


class _FirstFailure:
    """A plugin that lets Hypothesis look for a failure only, not for the smallest one."""

    def pytest_collection_finish(self) -> None:
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutation", settings.get_profile("sunspot"), phases=phases)
        settings.load_profile("mutation")


class _Finder:
    """Finds the changed module in place of its file."""

    def __init__(self, mutant: Mutant, root: Path) -> None:
        self._name = _dotted(mutant.module)
        self._path = str(root / mutant.module)
        self._source = mutant.source

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        return spec_from_file_location(name, self._path, loader=_Loader(name, self._path, self._source))


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._changed = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._changed, self.path, "exec", dont_inherit=True)


def _dotted(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def _in_fork(run: Callable[[], Covered]) -> Covered:
    """Return what a function returns in a fork."""
    receiving, sending = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.close(receiving)
            result = pickle.dumps(run())
            with os.fdopen(sending, "wb") as pipe:
                pipe.write(result)
            code = 0
        finally:
            os._exit(code)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        written = pipe.read()
    os.waitpid(pid, 0)
    found: Covered = pickle.loads(written)
    return found
