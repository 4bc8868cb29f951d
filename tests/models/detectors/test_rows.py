"""The contract of every detector of feature rows."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from training_builders import a_detector, feature_rows

from models.detectors import DETECTORS
from models.detectors.estimators import SCHEMA, dump_estimator, load_estimator
from models.detectors.rows import Parts
from models.errors import BadBundleError, NotEnoughRowsError, NotFittedError

pytestmark = pytest.mark.parametrize("name", DETECTORS)
LIVE = feature_rows(50, seed=1)


def test_a_score_does_not_depend_on_the_batch(name: str) -> None:
    detector = a_detector(name)
    alone = np.concatenate([detector.score(LIVE[row : row + 1]) for row in range(len(LIVE))])
    np.testing.assert_allclose(detector.score(LIVE), alone, rtol=1e-9)
    np.testing.assert_allclose(detector.score(LIVE[::-1])[::-1], alone, rtol=1e-9)


def test_scoring_changes_nothing(name: str) -> None:
    detector, rows = a_detector(name), LIVE.copy()
    first = detector.score(LIVE)
    detector.score(100 * LIVE)
    np.testing.assert_array_equal(detector.score(LIVE), first)
    np.testing.assert_array_equal(rows, LIVE)


def test_a_loaded_detector_scores_the_same_as_the_saved_one(name: str) -> None:
    detector = a_detector(name)
    parts = detector.parts()
    content = None if parts.estimator is None else dump_estimator(parts.estimator)
    estimator = None if content is None else load_estimator(content, "here")
    again = DETECTORS[name].from_parts(Parts(parts.params, parts.arrays, estimator))
    np.testing.assert_array_equal(again.score(LIVE), detector.score(LIVE))
    assert content is None or dump_estimator(estimator) == content


def test_higher_is_more_anomalous(name: str) -> None:
    odd = LIVE.copy()
    odd[:, :4] += 12
    detector = DETECTORS[name]().fit(feature_rows())
    assert detector.score(odd).min() > np.median(detector.score(LIVE))
    assert np.median(detector.score(odd)) > detector.score(LIVE).max()


def test_a_missing_feature_counts_as_usual_and_an_empty_row_has_no_score(name: str) -> None:
    rows = LIVE.copy()
    rows[0, :3] = np.nan
    rows[1] = np.nan
    rows[2, 0] = np.inf
    scores = a_detector(name).score(rows)
    assert np.isnan(scores).tolist() == [row == 1 for row in range(len(rows))]


def test_constant_input_scores_finitely(name: str) -> None:
    detector = DETECTORS[name]().fit(np.ones((100, 3)))
    assert np.isfinite(detector.score(np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 1.0]]))).all()


def test_a_feature_never_seen_in_training_is_harmless(name: str) -> None:
    rows = feature_rows()
    rows[:, 2] = np.nan
    assert np.isfinite(DETECTORS[name]().fit(rows).score(LIVE)).all()


def test_an_empty_batch_gives_no_scores(name: str) -> None:
    assert a_detector(name).score(LIVE[:0]).shape == (0,)


def test_too_few_rows_are_refused(name: str) -> None:
    with pytest.raises(NotEnoughRowsError) as caught:
        DETECTORS[name]().fit(np.full((100, 3), np.nan))
    assert caught.value.got == 0


def test_an_unfitted_detector_raises_an_error(name: str) -> None:
    with pytest.raises(NotFittedError):
        DETECTORS[name]().score(LIVE)
    with pytest.raises(NotFittedError):
        DETECTORS[name]().parts()


class TestHostileEstimators:
    """Files that contain more than data, or would crash the process."""

    def forest(self) -> bytes:
        return dump_estimator(a_detector("isolation_forest").parts().estimator)

    def with_schema(self, old: str, new: str) -> bytes:
        written = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(self.forest())) as source, zipfile.ZipFile(written, "w") as target:
            for each in source.namelist():
                content = source.read(each)
                if each == SCHEMA:
                    assert old.encode() in content
                    content = content.replace(old.encode(), new.encode(), 1)
                target.writestr(each, content)
        return written.getvalue()

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('"__module__": "pyod.models.iforest"', '"__module__": "subprocess"'),
            ('"__class__": "IsolationForest"', '"__class__": "ExtraTreesRegressor"'),
            ('"__loader__": "ObjectNode"', '"__loader__": "MethodNode"'),
            ('"__loader__": "DictNode"', '"__loader__": "FunctionNode"'),
        ],
    )
    def test_a_type_that_is_not_allowed_is_refused_before_it_is_built(
        self, name: str, old: str, new: str
    ) -> None:
        with pytest.raises(BadBundleError, match="types that are not allowed"):
            load_estimator(self.with_schema(old, new), "there")

    @pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x05\x06" + bytes(18)])
    def test_a_damaged_file_is_a_bad_bundle(self, name: str, content: bytes) -> None:
        with pytest.raises(BadBundleError):
            load_estimator(content, "there")

    def test_the_trusted_list_of_the_file_itself_is_ignored(self, name: str) -> None:
        written = io.BytesIO()
        node = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "trusted": True}
        with zipfile.ZipFile(written, "w") as target:
            target.writestr(SCHEMA, json.dumps(node))
        with pytest.raises(BadBundleError, match=r"os\.system"):
            load_estimator(written.getvalue(), "there")

    @pytest.mark.parametrize("field", ["left_child", "right_child", "feature"])
    def test_a_tree_with_an_invalid_index_is_refused(self, name: str, field: str) -> None:
        detector = a_detector("isolation_forest")
        parts = detector.parts()
        forest = load_estimator(dump_estimator(parts.estimator), "here")
        tree = forest.detector_.estimators_[0].tree_  # type: ignore[attr-defined]
        state = tree.__getstate__()
        state["nodes"][field][0] = 10**6
        tree.__setstate__(state)
        with pytest.raises(ValueError, match="a tree of the forest"):
            type(detector).from_parts(Parts(parts.params, parts.arrays, forest))
