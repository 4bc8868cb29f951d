from __future__ import annotations

from pathlib import Path

from mutation.mutants import all_mutants, mutants_of
from mutation.targets import modules_by_area
from mutation.trial import MAX_TEST_S, Covered

SOURCE = '''"""Words of the module."""

from __future__ import annotations

LIMIT: int = 2


@cache
def doubled(values: list[int], *, by: int = 2) -> list[int]:
    """Words of the function."""
    return [
        each * by for each in zip(values, strict=True) if len(values) > 1
    ]


if TYPE_CHECKING:
    OTHER = 5
FIXED = 7  # pragma: no mutate
'''


def changes(source: str = SOURCE) -> list[tuple[str, str]]:
    """Where each mutant differs and what stands there."""
    return [
        (each.function, line.strip())
        for each in mutants_of("some.py", source)
        for old, line in zip(source.splitlines(), each.source.splitlines(), strict=True)
        if old != line
    ]


def test_constants_defaults_and_decorated_functions_are_mutated_and_guards_are_not() -> None:
    assert changes() == [
        ("", "LIMIT: int = None"),
        ("", "LIMIT: int = 3"),
        ("doubled", "def doubled(values: list[int], *, by: int = 3) -> list[int]:"),
        ("doubled", "each / by for each in zip(values, strict=True) if len(values) > 1"),
        ("doubled", "each * by for each in zip(None, strict=True) if len(values) > 1"),
        ("doubled", "each * by for each in zip(strict=True) if len(values) > 1"),
        ("doubled", "each * by for each in zip(values, strict=True) if len(values) >= 1"),
        ("doubled", "each * by for each in zip(values, strict=True) if len(values) > 2"),
    ]


def test_a_mutant_knows_its_statement_and_whether_it_is_run_at_import() -> None:
    found = mutants_of("a/some.py", SOURCE)
    assert [(each.name, each.first_line, each.last_line, each.is_at_import) for each in found[1:4]] == [
        ("a.some:<module>:2", 5, 5, True),
        ("a.some:doubled:1", 9, 9, True),
        ("a.some:doubled:2", 11, 13, False),
    ]
    assert found[1].diff(SOURCE) == "@@ -5 +5 @@\n-LIMIT: int = 2\n+LIMIT: int = 3"


def test_every_mutant_of_a_module_compiles_and_has_a_name_of_its_own() -> None:
    source = Path("models/rankers/fusion.py").read_text(encoding="utf-8")
    found = list(all_mutants({"models/rankers/fusion.py": source}))
    assert len({each.name for each in found}) == len({each.source for each in found} | {source}) - 1 > 300
    for each in found[::10]:
        compile(each.source, each.module, "exec")


def test_only_tests_that_run_the_changed_lines_are_chosen_fastest_first() -> None:
    at_import, default, body = (mutants_of("some.py", SOURCE)[place] for place in (1, 2, 3))
    lines = {11: ["slow", "fast"], 13: ["other"], 30: ["far"]}
    seconds = {"slow": 2.0, "fast": 0.1, "other": 1.0, "far": MAX_TEST_S + 0.1}
    covered = Covered({"some.py": lines}, {"some.py": ["slow", "new"]}, seconds)
    assert covered.tests_for(body) == ["fast", "other", "slow"]
    assert covered.tests_for(at_import) == covered.tests_for(default) == ["new", "slow", "fast", "other"]
    assert Covered().tests_for(body) == []


def test_every_area_has_modules() -> None:
    areas = modules_by_area(Path.cwd())
    assert list(areas) == ["ranking", "paging", "windows", "intake", "outbox"]
    assert all(areas.values())
    assert "models/rankers/__init__.py" in areas["ranking"]
    assert "models/evidence/__init__.py" not in areas["ranking"]
