"""Principal components as in pyod, stored as arrays; and the contract of all detectors of sessions."""

from __future__ import annotations

import numpy as np
import pytest

from models.detectors import SESSION_DETECTORS
from models.detectors.pca import PcaDetector
from models.errors import NotFittedError

COUNTS = np.random.default_rng(0).poisson([4.0, 2.0, 9.0, 0.0], size=(200, 4)).astype(np.float64)


def test_the_detector_scores_as_pyod_does() -> None:
    from pyod.models.pca import PCA  # noqa: PLC0415  takes seconds

    varying = COUNTS[:, :3]
    np.testing.assert_allclose(
        PcaDetector().fit(varying).score(varying), PCA(n_components=3).fit(varying).decision_function(varying)
    )


def test_a_feature_that_never_varied_raises_the_score_when_it_does() -> None:
    detector = PcaDetector().fit(COUNTS)
    odd = COUNTS[:5].copy()
    odd[:, 3] = 7.0
    np.testing.assert_allclose(detector.score(odd), detector.score(COUNTS[:5]) + 7.0)
    flat = PcaDetector().fit(np.ones((20, 2)))
    assert flat.score(np.array([[1.0, 1.0], [1.0, 3.0], [np.nan, np.nan]]))[:2].tolist() == [0.0, 2.0]


def test_the_detector_must_be_fitted_first() -> None:
    for ask in (lambda: PcaDetector().score(COUNTS), lambda: PcaDetector().parts()):
        with pytest.raises(NotFittedError):
            ask()


@pytest.mark.parametrize("name", SESSION_DETECTORS)
def test_a_detector_of_sessions_scores_each_by_itself_and_loads_again(name: str) -> None:
    detector = SESSION_DETECTORS[name]().fit(COUNTS)
    alone = np.concatenate([detector.score(COUNTS[row : row + 1]) for row in range(20)])
    np.testing.assert_allclose(detector.score(COUNTS)[:20], alone, rtol=1e-9)
    again = SESSION_DETECTORS[name].from_parts(detector.parts())
    np.testing.assert_array_equal(again.score(COUNTS), detector.score(COUNTS))
    odd = COUNTS[:20] + np.array([0.0, 0.0, 0.0, 50.0])
    assert np.median(detector.score(odd)) >= np.median(detector.score(COUNTS))
