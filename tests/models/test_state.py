"""Checkpoints of the first stage."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import a_frame

from features.calendar import CLOCKS
from models.detectors.first_stage import Status, fit_baseline, initial_state, score
from models.errors import BadStateError
from models.state import ARRAYS, migrate, set_back, state_from_bytes, state_to_bytes
from telemetry.instants import from_ms

CLOCK = CLOCKS["always"]
FRAME = a_frame(["order", "quotes"], n_ticks=200)
STATE = score(FRAME, fit_baseline(FRAME, CLOCK), CLOCK)[0]


def test_a_state_survives_a_round_trip() -> None:
    again = state_from_bytes(state_to_bytes(STATE))
    assert (again.keys, again.tick_ms) == (STATE.keys, STATE.tick_ms)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(again, name), getattr(STATE, name))


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", state_to_bytes(STATE)[:100], state_to_bytes(STATE)[:-40]], ids=len
)
def test_damaged_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(BadStateError):
        state_from_bytes(content)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadStateError, match="do not fit"):
        state_from_bytes(state_to_bytes(STATE._replace(level=STATE.level[:1])))
    with pytest.raises(BadStateError, match="float64"):
        state_from_bytes(state_to_bytes(STATE._replace(level=STATE.level.astype(np.float64))))


def test_a_state_of_another_version_is_refused() -> None:
    with np.load(io.BytesIO(state_to_bytes(STATE))) as stored:
        arrays = dict(stored)
    header = arrays["header"].tobytes().replace(b'"spec": 3', b'"spec": 9')
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **{**arrays, "header": np.frombuffer(header, dtype=np.uint8)})
    with pytest.raises(BadStateError, match="version 9"):
        state_from_bytes(written.getvalue())


def test_a_state_that_is_set_back_forgets_nothing_and_goes_on_from_there() -> None:
    hour_ms, baseline = 3_600_000, fit_baseline(FRAME, CLOCK)
    ahead = score(
        a_frame(["order", "quotes"], n_ticks=1, end=from_ms(FRAME.end_ms + 6 * hour_ms)),
        baseline,
        CLOCK,
        STATE,
    )[0]
    back = set_back(ahead, FRAME.end_ms)
    assert back.tick_ms == FRAME.end_ms
    assert back.seen_ms.max() == FRAME.end_ms
    for name in set(ARRAYS) - {"partial_ms"}:
        np.testing.assert_array_equal(getattr(back, name), getattr(ahead, name))
    later = a_frame(["order", "quotes"], n_ticks=3, end=from_ms(FRAME.end_ms + hour_ms))
    assert (score(later, baseline, CLOCK, back)[1].status == Status.SCORED).all()
    assert set_back(STATE, STATE.tick_ms + 1).tick_ms == STATE.tick_ms


def test_migration_carries_the_memory_of_shared_series_and_seeds_the_others() -> None:
    other = a_frame(["quotes", "search"], n_ticks=200, seed=7)
    fresh = initial_state(fit_baseline(other, CLOCK), CLOCK)
    moved = migrate(STATE, fresh)
    assert (moved.keys, moved.tick_ms) == (fresh.keys, STATE.tick_ms)
    for index, key in enumerate(fresh.keys):
        source = STATE if key in STATE.keys else fresh
        assert moved.level[index] == source.level[source.keys.index(key)]
        assert moved.n_values[index] == source.n_values[source.keys.index(key)]
    assert migrate(STATE, initial_state(fit_baseline(a_frame([]), CLOCK), CLOCK)).keys == ()
