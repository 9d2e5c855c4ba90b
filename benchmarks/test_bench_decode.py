"""Speed of the decoder's kernels, guarded by ratios to what OpenCV takes for like work in the same session."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from timing import times_faster

from fastecg.kernels.demodulate import follow
from fastecg.kernels.fit import BAND, normal_equations
from fastecg.kernels.line import stroke_trace
from fastecg.page import Grid
from fastecg.printing.grid import grid_plane
from fastecg.styles.style import GridInk

SCALE = 200 / 25.4
SIGMA = 6.0


@pytest.fixture(autouse=True)
def one_thread():
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


def test_following_a_grid(benchmark):
    """Against demodulating every pixel with two Gaussian blurs an axis."""
    ink = GridInk("line", (250, 200, 200), 0.13, (230, 120, 120), 0.2)
    plane = grid_plane((800, 1000), Grid((0.0, 0.0, 127.0, 101.0)), ink, SCALE) / np.float32(255)
    shape = (100, 125)
    places, gradients, strengths = np.empty((*shape, 2)), np.empty((*shape, 2, 2)), np.empty(shape)
    gradient = np.eye(2) / SCALE
    y, x = np.mgrid[0:800, 0:1000].astype(np.float32)
    carriers = [wave(2 * np.pi * axis / SCALE).astype(np.float32) for axis in (x, y) for wave in (np.cos, np.sin)]

    def dense() -> None:
        for carrier in carriers:
            cv2.GaussianBlur(plane * carrier, (31, 31), SIGMA)

    def ours() -> None:
        follow(plane, 8, SIGMA, (50, 62), gradient, 0.3, places, gradients, strengths)

    (ratio,) = times_faster(benchmark, ours, {"dense demodulation": dense}, times=5)
    assert np.isfinite(places[..., 0]).mean() > 0.95
    assert ratio > LEAST_GRID


def test_linearising_a_lead(benchmark):
    """One pass over a lead of 2.5 s against OpenCV's exact distance transform of its ink, six times: an order of magnitude, no more."""
    t = np.arange(1250)
    y = 120 + 10 * np.sin(t / 60) - 80 * np.exp(-(((t % 400 - 200) / 5.0) ** 2))
    points = np.column_stack([8 + 0.394 * t, y])
    plane = np.zeros((200, 520), np.uint8)
    stroke_trace(points, 2.4, plane)
    ink, along = plane / np.float32(255), np.tile([0.0, 1.0], (1250, 1))
    bands, right, border, by_pen = np.empty((BAND + 1, 1250)), np.empty(1250), np.empty((4, 1250)), np.empty((4, 5))
    fast, pen = np.zeros(1250), np.array([1.0, 1.0, 0.5, 0.0])
    blank = (plane < 128).astype(np.uint8)

    def ours() -> None:
        normal_equations(ink, points, along, 1.2, fast, pen, 2, 0.0, bands, right, border, by_pen)

    def transform() -> None:
        for _ in range(6):
            cv2.distanceTransform(blank, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)

    (ratio,) = times_faster(benchmark, ours, {"six distance transforms": transform}, times=9)
    assert ratio > LEAST_LEAD


#: Guards at half of what was measured.
LEAST_GRID, LEAST_LEAD = 0.05, 2.9
