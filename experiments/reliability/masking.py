"""The share of written forms of secrets and personal data that the service masks, by the way they came in.

Each line of a corpus is sent as a log line, in an annotation of an alert and in the summary of a change; then
the stored lines and the answers of the API are searched for the part that nobody must see. Ordinary lines go
the same way and must come out as they were.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.reliability import estate
from experiments.reliability.errors import RefusedError, UnreadableCorpusError
from experiments.reliability.fuzz import NOW, in_memory
from experiments.reliability.in_process import Asked, StillClock, application, ask
from service.data_directory import LINES
from telemetry.decoders import json_logs
from telemetry.instants import to_ms
from telemetry.log_history import read_lines
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CORPUS: Final = (
    Path("tests/features/masking/secret_forms.tsv"),
    Path("tests/features/masking/ordinary_lines.txt"),
)
"""The corpus of the tests, from the root of the project."""

FORMS, ORDINARY = "forms", "ordinary lines"
WAYS: Final = ("log lines", "annotations", "changes")
TOGETHER = 50
"""So many alerts are in one incident, and so many changes about one item."""


@dataclass(frozen=True)
class Form:
    """One line of a corpus, and the part of it that must not be shown; empty in an ordinary line."""

    kind: str
    line: str
    must_not_show: str


@dataclass(frozen=True)
class Masked:
    """Forms of one kind whose secret is not shown, or ordinary lines that were changed, by `WAYS`."""

    kind: str
    n: int
    by_way: tuple[int, ...]


@dataclass(frozen=True)
class Masking:
    """Forms masked, by kind; no rows without a corpus.

    Attributes
    ----------
    shown
        Lines whose secret is shown, by any way, and ordinary lines that were changed.
    """

    rows: tuple[Masked, ...]
    shown: tuple[str, ...]

    @property
    def failures(self) -> list[str]:
        """What is promised is a share of the forms: see the table."""
        return []


def measure_masking(corpus: Sequence[Path] = (), *, on_progress: Progress = silent) -> Masking:
    """Send every line of a corpus through a service in this process.

    Parameters
    ----------
    corpus
        Its files, as `read_forms` reads them; by default those of the tests, where they are.

    Raises
    ------
    UnreadableCorpusError
        If a file cannot be read.
    """
    report = begin_step(on_progress, "masking written forms")
    files = corpus or [each for each in CORPUS if each.is_file()]
    forms = [form for path in files for form in read_forms(path)]
    if not forms:
        return Masking((), ())
    with in_memory() as directory:
        found = asyncio.run(_through_the_service(directory, forms))
    report(1.0)
    is_masked = {
        way: [
            form.must_not_show not in text if form.must_not_show else text != unmasked(form.line, way)
            for form, text in zip(forms, texts, strict=True)
        ]
        for way, texts in found.items()
    }
    kinds = {
        form.kind: [each for each, other in enumerate(forms) if other.kind == form.kind] for form in forms
    }
    return Masking(
        tuple(
            Masked(kind, len(members), tuple(sum(is_masked[way][each] for each in members) for way in WAYS))
            for kind, members in kinds.items()
        ),
        tuple(
            form.line
            for number, form in enumerate(forms)
            if {is_masked[way][number] for way in WAYS} != {bool(form.must_not_show)}
        ),
    )


def unmasked(line: str, way: str) -> str:
    """What becomes of a line that is not masked: a log line has its time, level and ids read from it.

    >>> unmasked("2026-03-04 09:30:00.136 INFO placed", "log lines"), unmasked("a", "changes")
    ('placed', 'a')
    """
    return json_logs.decode(_log_line(0, line)).logs.bodies[0] if way == WAYS[0] else line


def read_forms(path: Path) -> list[Form]:
    """Read a file of a corpus.

    In a ``.tsv`` file, a line has the part that must not be shown, a tab, and the form; a line that begins
    with ``#`` names the kind of those below it. A ¦, which keeps made-up tokens from looking real, is left
    out. A ``.json`` file is a list of objects with ``line``, perhaps ``must_not_show`` and perhaps ``kind``.
    In any other file each line is an ordinary one.

    Raises
    ------
    UnreadableCorpusError
        If it is not so.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return [_form(each) for each in json.loads(text)]
        if path.suffix == ".tsv":
            return _of_table(text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableCorpusError(path, str(error)) from error
    return [Form(ORDINARY, line, "") for line in text.splitlines() if line.strip()]


def _form(entry: Mapping[str, Any]) -> Form:
    secret = str(entry.get("must_not_show", ""))
    return Form(str(entry.get("kind", FORMS if secret else ORDINARY)), str(entry["line"]), secret)


def _of_table(text: str) -> list[Form]:
    kind, forms = FORMS, []
    for line in text.splitlines():
        if line.startswith("#"):
            kind = line.removeprefix("#").strip()
        elif line.strip():
            secret, form = line.replace("¦", "").split("\t", 1)
            forms.append(Form(kind, form, secret))
    return forms


async def _through_the_service(directory: Path, forms: Sequence[Form]) -> dict[str, list[str]]:
    """What each line has become, by way."""
    async with application(directory, StillClock(NOW)) as app:
        for number, form in enumerate(forms):
            await _send(app, number, form)
        annotations = await _annotations(app, len(forms))
        changes = await _changes(app, len(forms))
    stored = [""] * len(forms)
    for batch in read_lines(directory / LINES):
        for stream, body in zip(batch.stream.tolist(), batch.bodies, strict=True):
            stored[int(batch.streams[stream].service.removeprefix("form-"))] = body
    return dict(zip(WAYS, (stored, annotations, changes), strict=True))


async def _send(app: Any, number: int, form: Form) -> None:
    alert = estate.alert(number, name="Form", starts_at=NOW - timedelta(minutes=1))
    alert["labels"]["service"] = _item(number)
    alert["annotations"] = {"description": form.line}
    change = {"id": str(number), "item": _item(number), "at": NOW.isoformat(), "summary": form.line}
    for path, body in (
        ("/v1/logs", _log_line(number, form.line)),
        ("/v1/alerts", estate.webhook(alert)),
        ("/v1/changes", json.dumps({"changes": [change]}).encode()),
    ):
        answered = await ask(app, Asked("POST", path, body=body))
        if answered.status != 200:
            raise RefusedError(path, answered.status, answered.body)


def _log_line(number: int, text: str) -> bytes:
    return json.dumps({"service": f"form-{number}", "time_ms": to_ms(NOW), "message": text}).encode()


async def _annotations(app: Any, n_forms: int) -> list[str]:
    found = [""] * n_forms
    for incident in range(1, -(-n_forms // TOGETHER) + 1):
        answered = await ask(app, Asked("GET", f"/v1/incidents/{incident}"))
        for each in json.loads(answered.body)["alerts"]:
            found[int(each["fingerprint"].removeprefix("Form-"))] = each["annotations"]["description"]
    return found


async def _changes(app: Any, n_forms: int) -> list[str]:
    found = [""] * n_forms
    for first in range(0, n_forms, TOGETHER):
        query = f"limit=1000&item={_item(first)}".encode()
        answered = await ask(app, Asked("GET", "/v1/changes", query=query))
        for each in json.loads(answered.body)["changes"]:
            found[int(each["id"])] = each["summary"]
    return found


def _item(number: int) -> str:
    return f"forms-{number // TOGETHER}"
