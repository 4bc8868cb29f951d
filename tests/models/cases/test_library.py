"""A stored case is identical when read back, bit for bit; an invalid case is refused with a reason."""

import io
import json
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import ONSET, a_case, a_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from cmdb.items import ChangeEvent
from features.golden import Role
from models.artifacts.bundle_files import digest_of_bytes
from models.cases.case import Alert, Case, Signals
from models.cases.files import StoredCase, decode_case, encode_case, file_stem
from models.cases.library import (
    ROUNDED,
    THINNED,
    case_paths,
    path_of,
    read_case,
    read_cases,
    remove_case,
    write_case,
)
from models.errors import BadCaseError, CaseTooLargeError
from models.rankers import RANKERS, rank

SHOP = a_graph(("app", "cart"), ("app", "search"), ("cart", "db"), ("search", "db"))


def a_stored_case(case_id: str = "shop/1") -> StoredCase:
    case = a_case(SHOP, {("db", "latency_s"): 0.5, ("app", "latency_s"): 0.5}, alerting="app")
    change = ChangeEvent("deploy-1", "db", ONSET - timedelta(minutes=9), summary="db 2.1")
    other = Alert("cart", "Slow", ONSET, role=Role.LATENCY, labels={"a": "b"})
    case = replace(
        case, id=case_id, changes=(change,), other_alerts=(other,), cause=("db",), system="shop", notes=("n",)
    )
    case = replace(case, change_ages_days=(1 / 3,))
    return StoredCase(case, {"candidates": [{"item": "db", "probability": 0.9}]})


def parts_of(case: Case) -> dict[str, Any]:
    """Everything in a case, in a form that can be compared."""
    arrays = {
        f"{part}.{role}": values.tobytes()
        for part in ("window", "before", "normal")
        for role, values in getattr(case, part).values.items()
    }
    times = [getattr(case, part).times_ms.tolist() for part in ("window", "before", "normal")]
    identity = (case.id, case.alert, case.at, case.items, case.step_ms, case.other_alerts)
    changes = (case.changes, case.change_ages_days)
    graph = (case.graph.items, case.graph.edges)
    more = (case.graph_version, case.bundle_version, case.notes, case.cause, case.system, case.fault_type)
    return {**arrays, "times": times, "identity": identity, "changes": changes, "graph": graph, "more": more}


def test_a_stored_case_reads_back_identical_and_ranks_the_same(tmp_path: Path) -> None:
    stored = a_stored_case()
    back = read_case(write_case(stored, tmp_path))
    assert parts_of(back.case) == parts_of(stored.case)
    assert back.ranking == stored.ranking
    for ranker in RANKERS:
        assert rank(back.case, ranker=ranker) == rank(stored.case, ranker=ranker)


def test_later_ticks_that_an_earlier_version_stored_as_normal_are_left_out(tmp_path: Path) -> None:
    case = a_stored_case().case
    times = case.normal.times_ms.copy()
    times[-100:] += 2 * 86_400_000
    stored = StoredCase(replace(case, normal=replace(case.normal, times_ms=times)))
    back = read_case(write_case(stored, tmp_path)).case
    assert len(back.normal.times_ms) == len(times) - 100
    assert back.notes[-1].startswith("100 stored ticks after the incident began were left out")


def test_a_stored_case_whose_normal_period_came_afterwards_keeps_it(tmp_path: Path) -> None:
    case = a_stored_case().case
    after = replace(case.normal, times_ms=case.normal.times_ms + 7 * 86_400_000)
    back = read_case(write_case(StoredCase(replace(case, normal=after)), tmp_path)).case
    assert len(back.normal.times_ms) == len(after.times_ms)


@settings(max_examples=30)
@given(st.lists(st.floats(width=64), min_size=4, max_size=4), st.text(max_size=30), st.text(max_size=30))
def test_any_numbers_and_words_survive_the_round_trip(values: list[float], note: str, label: str) -> None:
    stored = a_stored_case()
    matrix = stored.case.window.values[Role.LATENCY].copy()
    matrix[0, :] = values
    window = Signals(stored.case.window.times_ms, {**stored.case.window.values, Role.LATENCY: matrix})
    alert = replace(stored.case.alert, labels={label: note})
    case = replace(stored.case, window=window, alert=alert, notes=(note,))
    files = encode_case(StoredCase(case))
    back = decode_case(files["case-shop%2F1.json"], "here", files.__getitem__).case
    np.testing.assert_array_equal(back.window.values[Role.LATENCY], matrix)
    assert (back.alert, back.notes) == (alert, (note,))


def test_a_library_is_read_by_name_and_without_removed_cases(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        write_case(a_stored_case(name), tmp_path / "new" / "library")
    remove_case(tmp_path / "new" / "library", "c")
    assert [case.id for case in read_cases(tmp_path / "new" / "library", left_out=pytest.fail)] == ["a", "b"]
    assert len(list((tmp_path / "new" / "library").iterdir())) == 4
    assert list(read_cases(tmp_path / "nothing", left_out=pytest.fail)) == []


@given(st.text(min_size=1, max_size=400))
def test_every_id_has_a_safe_name_of_its_own(case_id: str) -> None:
    stem = file_stem(case_id.encode(errors="replace").decode())
    assert len(stem) < 200
    assert not set(stem) & set("/\\\0: *?")


def test_a_case_that_is_too_large_is_refused() -> None:
    stored = a_stored_case()
    rng = np.random.default_rng(0)
    big = Signals(np.arange(100_000), {Role.CPU: rng.random((100_000, 4))})
    with pytest.raises(CaseTooLargeError) as caught:
        encode_case(StoredCase(replace(stored.case, normal=big)))
    assert caught.value.size_bytes > caught.value.limit_bytes


def test_a_case_of_mostly_missing_values_is_written_only_if_it_can_be_read() -> None:
    empty = Signals(np.arange(2_500_000), {Role.CPU: np.full((2_500_000, 4), np.nan)})
    with pytest.raises(CaseTooLargeError):
        encode_case(StoredCase(replace(a_stored_case().case, normal=empty)))


def test_a_case_that_is_too_large_is_rounded_then_thinned_and_carries_a_note(
    tmp_path: Path,
) -> None:
    stored = a_stored_case()
    rng = np.random.default_rng(0)
    for n_ticks, n_left in ((100_000, 100_000), (200_000, 100_000)):
        big = Signals(np.arange(n_ticks), {Role.CPU: rng.random((n_ticks, 4))})
        large = StoredCase(replace(stored.case, normal=big))
        smaller = read_case(write_case(large, tmp_path, may_thin=True)).case
        assert len(smaller.normal.times_ms) == n_left
        thinned = (f"{n_left} {THINNED}",) if n_left < n_ticks else ()
        assert smaller.notes == ("n", ROUNDED, *thinned)
        thinned_values = big.values[Role.CPU][:: n_ticks // n_left]
        np.testing.assert_allclose(smaller.normal.values[Role.CPU], thinned_values, rtol=1e-6)
    wide = Signals(np.arange(40), {Role.CPU: rng.random((40, 4))})
    many = replace(stored.case, window=big, normal=wide)
    with pytest.raises(CaseTooLargeError):
        write_case(StoredCase(many), tmp_path, may_thin=True)
    assert read_case(write_case(stored, tmp_path, may_thin=True)).case.notes == ("n",)


def damaged(tmp_path: Path, **changed: Any) -> Path:
    path = write_case(a_stored_case(), tmp_path)
    document = json.loads(path.read_text())
    document.update(changed)
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"alert": {"item": "app"}}, "alert.starts_at"),
        ({"alert": {"item": "nobody", "starts_at": "2026-03-04T02:00:00Z"}}, "nobody"),
        ({"edges": [{"dependent": "app", "dependency": "nobody"}]}, "nobody"),
        ({"at": None}, "at"),
        ({"colour": "red"}, "colour"),
        ({"csv": "signals.csv"}, "signals once"),
        ({"items": [{"id": "app"}]}, "nobody|no configuration item"),
    ],
)
def test_the_error_for_an_invalid_document_names_the_reason(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadCaseError, match=reason) as caught:
        read_case(damaged(tmp_path, **changed))
    assert caught.value.source.endswith("case-shop%2F1.json")


@pytest.mark.parametrize("name", ["../secret.npz", "/etc/passwd", "..", "nothing.npz", "a\0b"])
def test_only_files_beside_a_case_are_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadCaseError):
        read_case(damaged(tmp_path, arrays={"file": name, "digest": "sha256:" + "0" * 64, "step_ms": 1}))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'"a"'])
def test_content_that_is_no_document_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "case-a.json"
    path.write_bytes(content)
    with pytest.raises(BadCaseError):
        read_case(path)


def test_a_missing_case_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BadCaseError, match="no file"):
        read_case(path_of(tmp_path, "nothing"))
    assert case_paths(tmp_path) == []


def with_arrays(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """A stored case whose arrays are these bytes, with a matching digest."""
    files = encode_case(a_stored_case("a"))
    document = json.loads(files["case-a.json"])
    document["arrays"]["digest"] = digest_of_bytes(content)
    return json.dumps(document).encode(), {"case-a.npz": content}


def a_bomb() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("window.times_ms.npy", bytes(80 * 2**20))
    return written.getvalue()


def a_pickle() -> bytes:
    written = io.BytesIO()
    np.savez(written, np.array([{}], dtype=object))
    return written.getvalue()


def a_false_header() -> bytes:
    """An array whose header claims far more data than follows."""
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999,), }"
    header += b" " * (117 - len(header)) + b"\n"
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("window.times_ms.npy", b"\x93NUMPY\x01\x00v\x00" + header)
    return written.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK", a_bomb(), a_pickle(), a_false_header()])
def test_hostile_arrays_are_refused(content: bytes) -> None:
    document, files = with_arrays(content)
    with pytest.raises(BadCaseError):
        decode_case(document, "here", files.__getitem__)


@settings(max_examples=50)
@given(st.data())
def test_any_damage_to_the_arrays_is_refused_or_still_a_case(data: st.DataObject) -> None:
    files = encode_case(a_stored_case("a"))
    content = bytearray(files["case-a.npz"])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    document, others = with_arrays(bytes(content))
    with suppress(BadCaseError):  # refused, or read with the changed numbers: never another error
        decode_case(document, "here", others.__getitem__)
