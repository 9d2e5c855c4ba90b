"""What a picture loses as a JPEG, and the file itself, against Pillow's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastecg.artifacts import Jpeg
from fastecg.kernels.jpeg import recompress
from fastecg.writers import image_bytes

RNG = np.random.default_rng(4)


def naive(pixels: np.ndarray, quality: int, left: int = 0, top: int = 0) -> np.ndarray:
    """The picture with its edge repeated on the left and above, saved, opened, and cut out again."""
    wide = np.pad(pixels, ((top, 0), (left, 0), (0, 0)), mode="edge")
    file = io.BytesIO()
    Image.fromarray(wide).save(file, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(file))[top:, left:]


def noise(height: int, width: int) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def print_of_lines(height: int, width: int) -> np.ndarray:
    """Saturated colours and steep edges: values beyond black and white."""
    pixels = np.full((height, width, 3), (255, 244, 238), dtype=np.uint8)
    pixels[::7], pixels[:, ::9], pixels[: height // 3, : width // 3] = (255, 0, 0), (10, 20, 250), 0
    return pixels


@pytest.mark.parametrize("drawn", [noise, print_of_lines])
@pytest.mark.parametrize("quality", [1, 5, 49, 50, 75, 92, 98, 100])
@pytest.mark.parametrize("size", [(16, 16), (48, 64), (33, 17), (1, 5), (100, 131), (15, 200), (47, 130)])
def test_the_pixels_are_those_of_libjpeg(size, quality, drawn):
    pixels = drawn(*size)
    for left, top in ((0, 0), (3, 5), (15, 15)):
        again = pixels.copy()
        recompress(again, quality, left, top)
        np.testing.assert_array_equal(again, naive(pixels, quality, left, top))


@given(st.integers(1, 70), st.integers(5, 70), st.integers(1, 100), st.integers(0, 15), st.integers(0, 15), st.integers(0, 2**32))
def test_any_size_and_place_of_blocks(height, width, quality, left, top, seed):
    rng = np.random.default_rng(seed)
    pixels = np.clip(rng.normal(rng.uniform(0, 255, 3), rng.uniform(1, 80), (height, width, 3)), 0, 255).astype(np.uint8)
    again = pixels.copy()
    recompress(again, quality, left, top)
    np.testing.assert_array_equal(again, naive(pixels, quality, left, top))


def test_blocks_move_on_from_time_to_time():
    pixels = noise(64, 80)
    expected = naive(naive(naive(pixels, 60, 14, 15), 60, 3, 2), 60, 8, 5)
    np.testing.assert_array_equal(Jpeg(quality=60, block_x=14, block_y=15, times=3).develop(pixels.copy(), 8.0), expected)


def test_tiny_pictures_are_possible():
    for height, width in ((1, 1), (2, 3), (20, 1)):
        pixels = np.full((height, width, 3), (200, 60, 90), dtype=np.uint8)
        recompress(pixels, 95)
        assert np.abs(pixels.astype(int) - (200, 60, 90)).max() <= 3


# --- the file


def pillows_file(pixels: np.ndarray, quality: int, dpi: int = 200) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, dpi=(dpi, dpi))
    return file.getvalue()


def white_and_black(height: int, width: int) -> np.ndarray:
    """Rows of either: the largest differences of means, and runs of zeros of all lengths."""
    return np.repeat(RNG.integers(0, 2, (height, 1, 1), dtype=np.uint8) * np.uint8(255), 3 * width, axis=1).reshape(height, width, 3)


@pytest.mark.parametrize("drawn", [noise, print_of_lines, white_and_black])
@pytest.mark.parametrize("quality", [1, 5, 49, 50, 75, 92, 98, 100])
@pytest.mark.parametrize(
    "size", [(1, 1), (16, 16), (48, 64), (33, 17), (8, 24), (24, 8), (2, 3), (100, 131), (15, 200), (47, 130), (531, 20)]
)
def test_the_file_is_that_of_libjpeg(size, quality, drawn):
    pixels = drawn(*size)
    assert image_bytes(pixels, ".jpg", dpi=200, quality=quality) == pillows_file(pixels, quality)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 100), st.integers(0, 2**32))
def test_the_file_of_any_size(height, width, quality, seed):
    rng = np.random.default_rng(seed)
    pixels = np.clip(rng.normal(rng.uniform(0, 255, 3), rng.uniform(0, 80), (height, width, 3)), 0, 255).astype(np.uint8)
    assert image_bytes(pixels, ".jpg", dpi=72, quality=quality) == pillows_file(pixels, quality, 72)


def test_the_file_of_a_whole_page():
    """Larger than what is written as one piece; in other orders of memory too."""
    pixels = print_of_lines(1700, 1100)
    pixels = np.clip(pixels + RNG.normal(0, 5, pixels.shape), 0, 255).astype(np.uint8)
    assert image_bytes(pixels, ".jpg", dpi=200) == pillows_file(pixels, 95)
    assert image_bytes(pixels[::-1, ::2], ".jpg", dpi=200) == pillows_file(np.ascontiguousarray(pixels[::-1, ::2]), 95)
