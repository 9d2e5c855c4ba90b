"""Points written as JSON by a kernel, against NumPy's rounding and a JSON library."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastecg.kernels.decimals import points_json

RNG = np.random.default_rng(8)


def naive(points: np.ndarray) -> bytes:
    return orjson.dumps(np.round(points, 3), option=orjson.OPT_SERIALIZE_NUMPY)


@pytest.mark.parametrize(
    "points",
    [
        np.empty((0, 2)),
        np.array([[np.nan, 1.0], [0.0, -0.0], [-1e-4, np.inf], [-np.inf, 10.0]]),
        np.array([[9999.9994, 9999.9996], [-9999.9996, 10_000.0], [999_999_999_999.0, -123_456.789]]),
        np.array([[0.0005, 0.0015], [0.0025, -0.0005], [1.0005, 2.6745]]),  # halves of a thousandth, as floats hold them
        np.arange(-2000, 12_000).reshape(-1, 2) / 1000,
        RNG.uniform(-50, 2200, (3000, 2)),
        RNG.uniform(-1, 1, (500, 2)) * 10.0 ** RNG.integers(-6, 12, (500, 2)),
    ],
)
def test_points_are_written_as_numpy_rounds_them(points):
    assert points_json(points) == naive(points)


def test_points_of_views_are_written_too():
    points = RNG.uniform(-50, 2200, (40, 2))
    assert points_json(points[::2, ::-1]) == naive(np.ascontiguousarray(points[::2, ::-1]))


@given(st.lists(st.tuples(*[st.floats(-9e11, 9e11) | st.just(float("nan"))] * 2), max_size=6))
def test_any_points_are_written_as_numpy_rounds_them(points):
    values = np.array(points, dtype=np.float64).reshape(-1, 2)
    assert points_json(values) == naive(values)


@pytest.mark.parametrize("far", [1e12, -1e300])
def test_a_point_too_far_away_for_a_decimal_is_left_to_the_caller(far):
    assert points_json(np.array([[1.0, 2.0], [3.0, far]])) is None
