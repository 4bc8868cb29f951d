import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models.detectors import sessions as module
from models.detectors.sessions import SessionDetector
from models.errors import NotEnoughRowsError, NotFittedError

USUAL = np.array([[1.0, 3, 3, 0]] * 50 + [[1.0, 3, 3, 2]] * 30)
BROKEN = np.array([[1.0, 1, 0, 0]] * 3)


def test_a_usual_session_scores_nothing_and_an_unusual_one_by_its_distance() -> None:
    detector = SessionDetector().fit(USUAL)
    assert detector.score(USUAL).max() == 0.0
    near, far = detector.score(np.array([[1.0, 3, 3, 3], [1.0, 0, 0, 40]]))
    assert 0 < near < far


def test_one_more_count_weighs_less_the_larger_the_count_is() -> None:
    few = SessionDetector().fit(np.array([[1.0]])).score(np.array([[2.0]]))
    many = SessionDetector().fit(np.array([[100.0]])).score(np.array([[101.0]]))
    assert many < few / 5


def test_abnormal_sessions_in_training_hide_themselves_unless_contamination_is_allowed() -> None:
    mixed = np.vstack([USUAL, BROKEN])
    assert SessionDetector().fit(mixed).score(BROKEN).max() == 0.0
    detector = SessionDetector(contamination=0.04).fit(mixed)
    assert detector.score(BROKEN).min() > 1.0
    assert detector.score(USUAL).max() == 0.0


def test_vectors_of_equal_support_are_learned_or_left_out_together() -> None:
    rows = np.vstack([USUAL, [[9.0, 0, 0, 0]], [[0.0, 9, 0, 0]]])
    scores = SessionDetector(contamination=1.5 / len(rows)).fit(rows).score(rows[-2:])
    assert (scores == 0.0).all()
    scores = SessionDetector(contamination=2.5 / len(rows)).fit(rows).score(rows[-2:])
    assert (scores > 0.0).all()


def test_only_the_most_frequent_vectors_are_stored_when_there_are_too_many() -> None:
    rows = np.vstack([USUAL, np.arange(100.0, 100.0 + module.MAX_USUAL)[:, None] * np.ones(4)])
    detector = SessionDetector().fit(rows)
    assert detector.usual_ is not None
    assert len(detector.usual_) == module.MAX_USUAL
    assert detector.score(USUAL).max() == 0.0


def test_fitting_again_forgets_what_was_learned() -> None:
    detector = SessionDetector().fit(USUAL)
    assert detector.score(BROKEN).min() > 0
    assert detector.fit(BROKEN).score(BROKEN).max() == 0.0


def test_a_detector_can_be_rebuilt_from_its_parts() -> None:
    detector = SessionDetector(contamination=0.02).fit(np.vstack([USUAL, BROKEN]))
    again = SessionDetector.from_parts(detector.parts())
    np.testing.assert_array_equal(again.score(BROKEN), detector.score(BROKEN))
    assert again.parts().params == detector.parts().params


@given(arrays(np.float64, (4, 3), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_a_score_is_finite_and_does_not_depend_on_the_batch(X: NDArray[np.float64]) -> None:
    detector = SessionDetector().fit(np.array([[0.0, 1, 2], [3, 0, 0]]))
    together = detector.score(X)
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(together, np.concatenate([detector.score(X[i : i + 1]) for i in range(4)]))


def test_the_detector_must_be_fitted_on_at_least_one_session() -> None:
    with pytest.raises(NotFittedError):
        SessionDetector().score(USUAL)
    with pytest.raises(NotFittedError):
        SessionDetector().parts()
    with pytest.raises(NotEnoughRowsError):
        SessionDetector().fit(np.empty((0, 4)))
    with pytest.raises(ValueError, match="contamination"):
        SessionDetector(contamination=1.0)
