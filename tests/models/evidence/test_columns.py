import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.evidence.columns import column_mean, column_median, median_and_seen

VALUES = arrays.arrays(
    np.float64,
    st.tuples(st.integers(0, 6), st.integers(1, 4)),
    elements=st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)),
)


@given(VALUES, st.booleans())
def test_medians_and_means_ignore_missing_values(values: np.ndarray, by_column: bool) -> None:
    values = np.asfortranarray(values) if by_column else values
    before = values.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of columns without a value
        median, mean = np.nanmedian(values, axis=0), np.nanmean(values, axis=0)
    np.testing.assert_allclose(column_median(values), median)
    np.testing.assert_allclose(column_mean(values), mean, atol=1e-9)
    np.testing.assert_array_equal(median_and_seen(values)[1], np.isfinite(values).sum(axis=0))
    np.testing.assert_array_equal(values, before)
