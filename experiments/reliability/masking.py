"""The share of written forms of secrets and personal data that are masked, and of ordinary lines left alone.

The corpus is a JSON list of objects with ``line`` and ``must_not_show``, and perhaps ``kind``; an object
without ``must_not_show`` is an ordinary line, which must stay as it is. Each line is masked by the function
that the service uses, and is sent through the service, whose data directory must not hold the secret after.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.reliability.errors import UnreadableCorpusError
from experiments.reliability.fuzz import NOW, in_memory
from experiments.reliability.in_process import Asked, StillClock, application, ask
from features.logs.secrets import mask_secrets
from service.data_directory import LINES
from telemetry.instants import to_ms
from telemetry.log_history import read_lines
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CORPUS = Path("tests/features/masking/forms.json")
"""Where the corpus is, from the root of the project."""

ORDINARY = "ordinary lines"
FORMS = "forms"


@dataclass(frozen=True)
class Form:
    """One line of a corpus, and the part of it that must not be shown; empty in an ordinary line."""

    kind: str
    line: str
    must_not_show: str


@dataclass(frozen=True)
class Masked:
    """How many forms of one kind are masked, and of ordinary lines, how many are changed.

    Attributes
    ----------
    n_masked
        Forms whose secret the function masks; ordinary lines that it changes.
    n_kept_from_disk
        Forms whose secret is not among the log lines that the service stores.
    """

    kind: str
    n: int
    n_masked: int
    n_kept_from_disk: int


@dataclass(frozen=True)
class Masking:
    """Forms masked, by kind; no rows without a corpus."""

    rows: tuple[Masked, ...]
    shown: tuple[str, ...]

    @property
    def failures(self) -> list[str]:
        """What is promised is a share of the forms: see the table."""
        return []


def measure_masking(corpus: Path | None = None, *, on_progress: Progress = silent) -> Masking:
    """Mask every line of a corpus.

    Parameters
    ----------
    corpus
        The file; by default that of the tests, where they are.

    Raises
    ------
    UnreadableCorpusError
        If the file is not such a list.
    """
    report = begin_step(on_progress, "masking written forms")
    path = corpus or CORPUS
    if corpus is None and not path.is_file():
        return Masking((), ())
    forms = read_forms(path)
    with in_memory() as directory:
        stored = asyncio.run(_stored(directory, forms))
    report(1.0)
    by_kind: dict[str, list[tuple[Form, bool, bool]]] = defaultdict(list)
    for form, kept in zip(forms, stored, strict=True):
        masked = mask_secrets(form.line)
        is_masked = form.must_not_show not in masked if form.must_not_show else masked != form.line
        by_kind[form.kind].append((form, is_masked, form.must_not_show not in kept))
    rows = tuple(
        Masked(
            kind,
            len(members),
            sum(is_masked for _, is_masked, _ in members),
            sum(is_kept for _, _, is_kept in members) if kind != ORDINARY else 0,
        )
        for kind, members in by_kind.items()
    )
    shown = tuple(
        form.line
        for members in by_kind.values()
        for form, is_masked, _ in members
        if is_masked != bool(form.must_not_show)
    )
    return Masking(rows, shown)


def read_forms(path: Path) -> list[Form]:
    """Read a corpus; see `measure_masking`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return [_form(each) for each in document]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableCorpusError(path, str(error)) from error


def _form(entry: Mapping[str, Any]) -> Form:
    secret = str(entry.get("must_not_show", ""))
    return Form(str(entry.get("kind", FORMS if secret else ORDINARY)), str(entry["line"]), secret)


async def _stored(directory: Path, forms: Sequence[Form]) -> list[str]:
    """What the service stores of each line."""
    now_ms = to_ms(NOW)
    async with application(directory, StillClock(NOW)) as app:
        for number, form in enumerate(forms):
            line = {"service": f"form-{number}", "time_ms": now_ms, "message": form.line}
            await ask(app, Asked("POST", "/v1/logs", body=json.dumps(line).encode()))
    found = [""] * len(forms)
    for batch in read_lines(directory / LINES):
        for stream, body in zip(batch.stream.tolist(), batch.bodies, strict=True):
            found[int(batch.streams[stream].service.removeprefix("form-"))] = body
    return found
