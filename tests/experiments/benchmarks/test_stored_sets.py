"""Cases of every set, with spans and logs, rank the same from disk as in memory."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from log_builders import a_logged_case
from nezha_layout import a_day

from experiments.brokerage.incidents import brokerage_cases
from experiments.datasets.nezha import load_nezha
from models.artifacts.bundle_files import digest_of_bytes
from models.cases.arrays import pack, unpack
from models.cases.case import Case
from models.cases.files import StoredCase, decode_case, encode_case
from models.errors import BadCaseError
from models.rankers import RANKERS, rank


def stored(case: Case) -> Case:
    files = encode_case(StoredCase(case))
    name = next(each for each in files if each.endswith(".json"))
    return decode_case(files[name], name, files.__getitem__).case


def assert_ranks_the_same(case: Case) -> None:
    again = stored(case)
    for ranker in RANKERS:
        assert rank(again, ranker=ranker) == rank(case, ranker=ranker)


def test_a_case_with_spans_ranks_the_same(tmp_path: Path) -> None:
    a_day(tmp_path)
    [day] = load_nezha(tmp_path)
    for fault in day.faults:
        assert day.case(fault).window_spans is not None
        assert_ranks_the_same(day.case(fault))


def test_a_case_with_logs_ranks_the_same() -> None:
    case = a_logged_case(broken="stock")
    assert_ranks_the_same(case)
    again, logs = stored(case).window_logs, case.window_logs
    assert again is not None
    assert logs is not None
    assert again.examples == {
        kind: lines for kind, lines in logs.examples.items() if kind in logs.counts.kinds
    }


def test_a_case_of_the_brokerage_ranks_the_same() -> None:
    for _, case in brokerage_cases(kinds=["slow_database"]):
        assert_ranks_the_same(case)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("kind", np.array([99])),
        ("kind", np.array([-1])),
        ("kind", np.array([0.0])),
        ("n", np.array([0.0])),
        ("total", np.array([np.nan])),
        ("squares", np.zeros(7)),
    ],
)
def test_invalid_sums_of_spans_are_refused(tmp_path: Path, name: str, wrong: Any) -> None:
    def changed(arrays: dict[str, Any]) -> None:
        key = f"window.spans.own.{name}"
        few = arrays[key].astype(wrong.dtype)
        few[:1] = wrong[:1]
        arrays[key] = few if len(wrong) == 1 else wrong

    with pytest.raises(BadCaseError):
        decoded_with(tmp_path, changed)


def test_kinds_of_spans_with_too_few_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCaseError, match="names"):
        decoded_with(tmp_path, lambda _: None, kinds=[["a"]])


def decoded_with(tmp_path: Path, change: Any, *, kinds: list[list[str]] | None = None) -> Case:
    """A case with spans, decoded after changing some of its numbers or names."""
    a_day(tmp_path)
    [day] = load_nezha(tmp_path)
    files = encode_case(StoredCase(day.case(day.faults[0])))
    npz, name = sorted(files, key=lambda each: each.endswith(".json"))
    arrays = unpack(files[npz])
    change(arrays)
    packed = pack(arrays)
    document = json.loads(files[name])
    document["arrays"]["digest"] = digest_of_bytes(packed)
    if kinds is not None:
        document["arrays"]["spans"]["window"]["own"] = kinds
    return decode_case(json.dumps(document).encode(), name, {npz: packed}.__getitem__).case
