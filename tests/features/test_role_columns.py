import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.frame import Frame
from features.golden import MEANINGS, Role, meaning_of
from telemetry.batches import SeriesKey

ITEMS = ("app", "cache", "db", "queue")
KEYS = st.lists(
    st.builds(SeriesKey, st.sampled_from(ITEMS), st.sampled_from([*MEANINGS, "heap_bytes"])),
    unique=True,
    max_size=25,
)


def naive_role(frame: Frame, role: Role, items: list[str]) -> np.ndarray:
    values = np.full((frame.n_ticks, len(items)), np.nan)
    for tick in range(frame.n_ticks):
        for place, item in enumerate(items):
            for key in sorted(key for key in frame.keys if key.item == item):
                meaning = meaning_of(key.metric)
                seen = frame.values[tick, frame.column_of[key]]
                if meaning is not None and meaning.role is role and np.isnan(values[tick, place]):
                    values[tick, place] = seen * meaning.scale + meaning.offset
    return values


@given(keys=KEYS, items=st.permutations(ITEMS), n_asked=st.integers(0, 4), seed=st.integers(0, 99))
def test_every_role_equals_a_naive_reading(
    keys: list[SeriesKey], items: list[str], n_asked: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(size=(3, len(keys)))
    values[values > 1.0] = np.nan
    frame = Frame(0, 60_000, tuple(keys), values)
    asked = items[:n_asked]
    roles = frame.roles(asked)
    for role in Role:
        expected = naive_role(frame, role, asked)
        np.testing.assert_allclose(frame.role(role, asked), expected)
        np.testing.assert_allclose(roles.get(role, np.full((3, n_asked), np.nan)), expected)


def test_a_part_of_a_frame_shares_its_role_columns() -> None:
    frame = Frame(0, 60_000, (SeriesKey("db", "requests"),), np.arange(5.0)[:, None])
    part = frame.between(60_000, 180_000)
    assert part.role_columns is frame.role_columns
    assert part.role(Role.REQUESTS, ["db"]).tolist() == [[1.0], [2.0]]
