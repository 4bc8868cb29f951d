"""The documentation: links lead somewhere, lines are short, and every command in it works."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest
from log_builders import FAULT_MS, a_log_bundle, requests
from service_builders import a_service, a_webhook

from cmdb.importers.mapping import load_mapping
from features.golden import meaning_of
from features.masking.own_patterns import read_patterns
from features.role_files import read_rules
from models.artifacts.log_bundle import save_log_bundle
from models.cases.document import CaseDocument
from service.calendar_file import overrides_from
from service.settings import Settings
from sunspot.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MAX_LINE = 100
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE_COMMAND = re.compile(r"`(sunspot [a-z][^`]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACEHOLDERS = {"DIR", "FILE", "NAME", "ID", "KIND", "GLOB", "DATE"}
TOOLS = {".venv/bin/ruff", ".venv/bin/python", ".venv/bin/lint-imports", ".venv/bin/sunspot"}
SEPARATORS = {";", "&", "&&", "|", "||"}
RUN_SECONDS = 280
"""A quarter of a minute on an idle machine; bounded for a very busy one."""
PACKAGES = ("cmdb", "telemetry", "features", "models", "service")
N_FILES_OFF = 6
"""The page need not be touched for every file that an alert crosses more or less."""


class Block(NamedTuple):
    """A fenced block of a page: where it is, its language, and its text."""

    page: str
    line: int
    language: str
    text: str


def blocks_of(page: Path) -> Iterator[Block]:
    content = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(content):
        line = content.count("\n", 0, found.start()) + 1
        yield Block(str(page.relative_to(ROOT)), line, found[1], found[2])


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def of(*languages: str, where: Callable[[Block], bool] = lambda _: True) -> list[object]:
    """Return the blocks in some languages as parameters of a test, each named by its place."""
    chosen = [each for each in BLOCKS if each.language in languages and where(each)]
    return [pytest.param(each, id=f"{each.page}:{each.line}") for each in chosen]


def calls_a_service(block: Block) -> bool:
    return "curl " in block.text


def prose_of(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page: Path) -> set[str]:
    """The names by which GitHub links to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_outside_tables_are_short(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    long = [each for each in lines if len(each) > MAX_LINE and not each.startswith("|")]
    assert long == []


def test_every_page_is_in_an_index() -> None:
    docs = ROOT / "docs"
    for directory in (docs, docs / "adr"):
        index = directory / "README.md"
        linked = {(directory / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
        assert set(directory.glob("*.md")) - {index} <= linked


def test_every_block_has_a_language_that_a_test_here_reads() -> None:
    readable = {"sh", "python", "json", "csv", "toml", "yaml", "mermaid"}
    assert [each for each in BLOCKS if each.language not in readable] == []
    fences = [line for each in PAGES for line in each.read_text().splitlines() if "```" in line]
    assert len(fences) == 2 * len(BLOCKS)


@pytest.mark.parametrize("block", of("sh", where=lambda each: not calls_a_service(each)))
def test_every_command_is_understood(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in commands_of(block.text):
        check_command(words, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_named_in_prose_exists(page: Path) -> None:
    for command in INLINE_COMMAND.findall(prose_of(page)):
        check_mentioned(command.split())


@pytest.mark.timeout(RUN_SECONDS + 20)
@pytest.mark.parametrize("block", of("sh", where=calls_a_service))
def test_the_first_hour_ends_with_a_named_cause(block: Block, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    assert block.page == "README.md"
    output = run_with_a_service(block.text, tmp_path)
    answer, _ = json.JSONDecoder().raw_decode(output, output.index("{\n"))  # the one that is laid out
    ranking = answer["ranking"]
    assert ranking["causes"] == ["db"]
    assert ranking["abstained"] == ""
    assert ranking["candidates"][0]["probability"] > 0.9
    assert ranking["candidates"][0]["path"] == ["app", "db"]


@pytest.mark.parametrize("block", of("python"))
def test_every_python_example_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log-bundle").mkdir()
    save_log_bundle(a_log_bundle(), tmp_path / "log-bundle")
    lines = sorted(requests(*FAULT_MS, seed=3, broken="order"), key=lambda each: each.time_ms)
    (tmp_path / "lines.jsonl").write_text(
        "".join(
            json.dumps(
                {
                    "service": each.service,
                    "time_ms": each.time_ms,
                    "level": each.severity,
                    "message": each.body,
                    "trace_id": each.trace_id,
                }
            )
            + "\n"
            for each in lines
        )
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)
    checks = {"docs/logs.md": "abnormal", "docs/brokerage.md": "payload"}
    assert names[checks[block.page]]
    if block.page == "docs/logs.md":
        assert names["abnormal"] == {"order"}


def test_both_forms_of_a_case_in_the_page_are_documents_of_one() -> None:
    written, series = (
        each.text for each in BLOCKS if each.page == "docs/cases.md" and each.language == "json"
    )
    by_table = json.loads(written)
    assert CaseDocument.model_validate(by_table).cause == by_table["cause"]
    by_series = {name: value for name, value in by_table.items() if name != "csv"}
    assert CaseDocument.model_validate(by_series | json.loads("{" + series + "}")).series is not None


@pytest.mark.parametrize("block", of("csv"))
def test_every_column_of_a_table_has_a_meaning(block: Block) -> None:
    rows = list(csv.DictReader(block.text.splitlines()))
    assert all(set(each) > {"time", "item"} for each in rows)
    assert all(meaning_of(name) for name in set(rows[0]) - {"time", "item"})


@pytest.mark.parametrize("block", of("toml", where=lambda each: each.page == "docs/logs.md"))
def test_every_file_of_patterns_is_read(block: Block) -> None:
    assert [each.name for each in read_patterns(block.text)] == list(tomllib.loads(block.text)["patterns"])


@pytest.mark.parametrize("block", of("yaml"))
def test_every_file_of_rules_is_read(block: Block, tmp_path: Path) -> None:
    if block.page == "docs/cmdb.md":
        (tmp_path / "mapping.yaml").write_text(block.text)
        assert load_mapping(tmp_path / "mapping.yaml").keys() == {"items", "edges"}
        return
    assert block.page == "docs/roles.md"
    assert len(read_rules(block.text)) == block.text.count("- rule:")


@pytest.mark.parametrize("block", of("toml", where=lambda each: each.page == "docs/calendar.md"))
def test_every_calendar_file_is_read(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(block.text)
    assert overrides_from(path).closures == frozenset(tomllib.loads(block.text)["closures"])


def test_every_setting_is_in_the_table_with_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `SUNSPOT_(\w+)` \| (?:`(.+?)`|–) \| .+ \|$", text, re.MULTILINE)
    names = [name.lower() for name, _ in rows]
    assert sorted(names) == sorted(Settings.model_fields)
    for name in names:
        monkeypatch.delenv(f"SUNSPOT_{name.upper()}", raising=False)
    usual = Settings.model_validate({})
    for name, default in rows:
        if default:
            monkeypatch.setenv(f"SUNSPOT_{name}", default)
        else:
            assert not getattr(usual, name.lower()), name
    assert Settings.model_validate({}) == usual


def test_no_json_csv_or_toml_is_left_untested() -> None:
    found = {(each.page, each.language) for each in BLOCKS if each.language in {"json", "csv", "toml"}}
    assert found == {
        ("docs/cases.md", "json"),
        ("docs/cases.md", "csv"),
        ("docs/calendar.md", "toml"),
        ("docs/logs.md", "toml"),
    }


def test_one_alert_crosses_about_as_many_files_as_the_page_says(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (walk,) = re.findall(r"^## One alert\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    ((n_files, n_linked),) = re.findall(r"code of (\d+) files: these (\d+),", walk)
    until_the_answer = walk.partition("\n11. ")[0]
    assert len({each for each in LINK.findall(until_the_answer) if each.endswith(".py")}) == int(n_linked)
    assert abs(files_run_by_an_alert(tmp_path) - int(n_files)) <= N_FILES_OFF


def commands_of(text: str) -> Iterator[list[str]]:
    """The commands of a shell block, each as its words; comments and separators are left out."""
    for line in text.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        words: list[str] = []
        for word in [*reader, ";"]:
            if word not in SEPARATORS:
                words.append(word)
            elif words:
                yield words
                words = []


def check_command(words: list[str], directory: Path) -> None:
    """Fail unless a command would be understood as it stands, or is of no kind that is known here."""
    match words:
        case ["make", *targets]:
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert set(targets) <= set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
        case [("sunspot" | ".venv/bin/sunspot"), *arguments]:
            parse(main, arguments, directory)
        case [("python" | ".venv/bin/python"), "-m", module, *arguments]:
            check_module(module, arguments)
        case ["export", setting]:
            name = setting.partition("=")[0]
            assert name.removeprefix("SUNSPOT_").lower() in Settings.model_fields
        case [tool, *arguments] if tool in TOOLS:
            assert shutil.which(Path(tool).name, path=Path(sys.executable).parent), tool
            assert all((ROOT / each).exists() for each in arguments if "/" in each)
        case _:
            pytest.fail(f"no test knows how to treat the command {words}")


def parse(command: click.Command, arguments: list[str], directory: Path) -> None:
    """Parse a command line as click would, without running it; placeholders stand for real files."""
    name = command.name or "sunspot"
    while isinstance(command, click.Group):
        assert arguments, f"{name} needs a subcommand"
        name, *arguments = arguments
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    (directory / "DIR").mkdir(exist_ok=True)
    (directory / "FILE").touch()
    command.make_context(name, list(arguments))


def check_module(module: str, arguments: list[str]) -> None:
    """Fail unless a module can be found and its source names every option."""
    found = find_spec(module)
    assert found is not None, module
    if module.startswith("experiments."):
        assert found.origin is not None
        source = Path(found.origin).read_text(encoding="utf-8")
        assert all(f'"{each}"' in source for each in arguments if each.startswith("--"))


def check_mentioned(words: list[str]) -> None:
    """Fail unless a command named in a sentence exists, with every option that is named with it."""
    command: click.Command = main
    for word in words[1:]:
        if word.startswith("--"):
            options = {name for each in command.params for name in each.opts}
            assert word.partition("=")[0] in options, words
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            assert found is not None or word in PLACEHOLDERS, words
            command = found or command


def run_with_a_service(script: str, directory: Path) -> str:
    """Run a shell block whose service listens on a free port; return what the block wrote.

    The service ends with the block; a block that hangs is ended with all that it started.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    programs = directory / "bin"
    programs.mkdir()
    for name, command in (("python", ""), ("sunspot", "-m sunspot")):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {command} "$@"\n')
        (programs / name).chmod(0o755)
    left_out = ("SUNSPOT_", "PYTHONDONTWRITEBYTECODE")  # without bytecode MLflow takes long to import
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    environment |= {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "SUNSPOT_PORT": port,
        "SUNSPOT_DATA_DIR": str(directory / "data"),
    }
    with subprocess.Popen(
        ["/bin/sh", "-e", "-c", "trap 'kill $!; wait' EXIT\n" + script.replace("8321", port)],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            output, errors = shell.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGTERM)
            raise
    assert shell.returncode == 0, errors
    return output


def files_run_by_an_alert(directory: Path) -> int:
    """Count the files of ours whose functions are called between a webhook and its answer."""
    ours, files, is_counted = tuple(f"{ROOT / each}{os.sep}" for each in PACKAGES), set(), False

    def note(frame: FrameType, event: str, _argument: object) -> None:
        path = frame.f_code.co_filename
        if is_counted and event == "call" and path.startswith(ours):
            files.add(path)

    threading.setprofile(note)  # the service answers in threads of its own, which begin below
    try:
        with a_service(directory) as client:
            is_counted = True
            client.post("/v1/alerts", json=a_webhook()).raise_for_status()
            is_counted = False
    finally:
        threading.setprofile(None)
    return len(files)
