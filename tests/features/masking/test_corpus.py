"""How much of what is secret is masked, and how little of what is not.

``secret_forms.tsv`` has a written form a line: what must not be shown, a tab, and the text. A ¦ stands where
a prefix is cut so that no scanner takes the file for a leak. Its last section was written after the patterns.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from public_sets import unpacked

from features.masking.masker import Masker, mask_text

HERE = Path(__file__).parent
FORMS = [
    line.replace("¦", "").split("\t")
    for line in (HERE / "secret_forms.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
ORDINARY = (HERE / "ordinary_lines.txt").read_text(encoding="utf-8").splitlines()


def test_secrets_and_personal_data_are_masked() -> None:
    shown = [text for hidden, text in FORMS if hidden in mask_text(text)]
    assert len(FORMS) >= 300
    assert len(shown) <= 0.02 * len(FORMS), shown


def test_ordinary_lines_stay_as_they_are() -> None:
    touched = [line for line in ORDINARY if mask_text(line) != line]
    assert len(ORDINARY) >= 200
    assert len(touched) <= 0.01 * len(ORDINARY), touched


def test_public_logs_stay_as_they_are(public_data: Path, tmp_path: Path) -> None:
    folder = unpacked(public_data, "logs", tmp_path, lambda name: "loghub2k" in name)
    lines = [
        line
        for path in sorted(folder.rglob("*.log"))
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    masked = Masker().lines(lines)
    touched = [line for line, other in zip(lines, masked, strict=True) if line != other]
    assert len(lines) >= 1_000
    assert len(touched) <= 0.01 * len(lines), touched[:20]


def test_many_lines_are_masked_as_one_is() -> None:
    lines = [*(text for _, text in FORMS), *ORDINARY]
    assert Masker().lines(lines) == tuple(map(mask_text, lines))


@pytest.mark.parametrize("text", [text for _, text in FORMS])
def test_what_is_masked_stays_as_it_is(text: str) -> None:
    masked = mask_text(text)
    assert mask_text(masked) == masked
