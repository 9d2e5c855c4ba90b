"""Straightened planes against SciPy's interpolation at every pixel's own position."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from fastecg.kernels.straight import sample_straight


def straightened(plane, lattice, rows, columns):
    """The twin: positions by bilinear interpolation of the lattice, and SciPy's value at each; and where these are close to the edge."""
    at = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    x, y = (map_coordinates(lattice[..., axis], at, order=1, mode="nearest") for axis in range(2))
    edges = [np.abs(position - edge) < 1e-6 for position, size in ((x, plane.shape[1]), (y, plane.shape[0])) for edge in (0, size - 1)]
    return map_coordinates(plane, [y, x], order=1, mode="constant", output=np.float64), np.any(edges, axis=0)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_straightened_plane_is_scipys(seed, small):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 40, 2))
    plane = rng.integers(0, 256, shape, dtype=np.uint8) if small else rng.random(shape, dtype=np.float32)
    nodes = tuple(rng.integers(2, 6, 2))
    lattice = rng.uniform(-0.3, 1.3, (*nodes, 2)) * np.array(shape[::-1])
    rows, columns = (np.linspace(0, count - 1, rng.integers(1, 30)) for count in nodes)
    out = np.full((len(rows), len(columns)), np.nan, dtype=np.float32)
    sample_straight(plane, lattice, rows, columns, out)
    wanted, doubtful = straightened(plane, lattice, rows, columns)
    np.testing.assert_allclose(out[~doubtful], wanted[~doubtful], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("at", [0.0, 9.0])
def test_the_outermost_pixels_belong_to_the_plane(at):
    plane = np.full((10, 10), 7, dtype=np.uint8)
    lattice = np.full((2, 2, 2), at)
    out = np.zeros((1, 1), dtype=np.float32)
    sample_straight(plane, lattice, np.array([0.5]), np.array([0.25]), out)
    assert out[0, 0] == 7
    sample_straight(plane, lattice + np.sign(at - 5) * 1e-3, np.array([0.5]), np.array([0.25]), out)
    assert out[0, 0] == 0
