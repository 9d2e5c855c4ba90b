"""Our PNG, and the Deflate and filter of its noise, against zlib and against plain loops."""

from __future__ import annotations

import heapq
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastecg.errors import ImageError
from fastecg.kernels.deflate import deflate_bound, deflate_noise
from fastecg.kernels.huffman import code_lengths, codes_of
from fastecg.kernels.row_filters import paeth_rows
from fastecg.writers import png_bytes


def noise(size: int, most: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, most, size).astype(np.uint8)


def printed(height: int = 61, width: int = 83, channels: int = 3) -> np.ndarray:
    """A grid with a wave on it, by whole numbers alone."""
    y, x = np.mgrid[:height, :width]
    page = np.where((x % 8 == 0) | (y % 8 == 0), 200, 250)
    page[(y - height // 2 - (x * x // 7) % 11) ** 2 < 3] = 20
    return np.repeat(page[:, :, None], channels, 2).astype(np.uint8)


# --- the stream


def stream(data: np.ndarray) -> bytes:
    out = np.full(deflate_bound(data.size) + 64, 0xA5, np.uint8)
    size = deflate_noise(data, out[:-64])
    assert (out[-64:] == 0xA5).all()
    return out[:size].tobytes()


@given(st.one_of(st.binary(max_size=200), st.builds(noise, st.integers(0, 700), st.integers(1, 256), st.integers(0, 2**31)).map(bytes)))
def test_streams_are_read_by_zlib(body):
    assert zlib.decompress(stream(np.frombuffer(body, np.uint8)), wbits=-15) == body


@pytest.mark.parametrize("size", [0, 1, 2, (1 << 17) - 1, 1 << 17, (1 << 17) + 1, 700_001])
@pytest.mark.parametrize("most", [1, 2, 20, 256])
def test_streams_of_many_blocks_are_as_short_as_huffmans(size, most):
    data = noise(size, most)
    body = stream(data)
    assert zlib.decompress(body, wbits=-15) == data.tobytes()
    best = sum(naive_cost([*np.bincount(part).tolist(), 1]) for part in np.split(data, range(1 << 17, size, 1 << 17)) if len(part)) / 8
    assert len(body) <= best + 1 + 1024 * (size // (1 << 17) + 1)
    if most == 20:  # not much longer than what a search for repeats would make of it
        assert len(body) < 1.05 * len(zlib.compress(data, 1)) + 100


# --- its codes


@given(hnp.arrays(np.int64, st.integers(2, 286), elements=st.integers(0, 10**6), fill=st.just(0)))
def test_codes_are_as_short_as_huffmans(counts):
    lengths = code_lengths(counts, 60)
    assert sum(2.0**-length for length in lengths if length) == 1.0
    if np.count_nonzero(counts) >= 2:
        assert ((lengths > 0) == (counts > 0)).all()
        assert (lengths * counts).sum() == naive_cost(counts.tolist())
    limited = code_lengths(counts, 15)
    assert limited.max() <= 15
    assert sum(2.0**-length for length in limited if length) == 1.0


def naive_cost(counts: list[int]) -> int:
    """Bits of a message with the best code."""
    heap, cost = [count for count in counts if count], 0
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        cost += both
        heapq.heappush(heap, both)
    return cost


@pytest.mark.parametrize(("symbols", "longest"), [(30, 15), (40, 15), (19, 7), (12, 7)])
def test_codes_that_would_be_too_long_are_shortened(symbols, longest):
    counts = [1, 1]
    while len(counts) < symbols:
        counts.append(counts[-1] + counts[-2])  # Huffman's deepest tree
    lengths = code_lengths(np.array(counts), longest)
    assert lengths.max() == longest
    assert sum(2.0 ** -int(length) for length in lengths) == 1.0
    assert (np.diff(lengths) <= 0).all()


def test_codes_of_the_standard():
    """The example of RFC 1951, section 3.2.2, whose codes are written first bit first."""
    codes = codes_of(np.array([3, 3, 3, 3, 3, 2, 4, 4]))
    written = [f"{int(code):0{size}b}"[::-1] for code, size in zip(codes, [3, 3, 3, 3, 3, 2, 4, 4], strict=True)]
    assert written == ["010", "011", "100", "101", "110", "00", "1110", "1111"]


# --- the filter and the file


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)), st.sampled_from([1, 2, 3, 4, 6, 8]))
def test_the_filter_is_undone_by_its_definition(rows, pixel):
    out = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    paeth_rows(rows, pixel, out)
    assert (out[:, 0] == 4).all()
    np.testing.assert_array_equal(unfiltered(out, pixel), rows)


def unfiltered(filtered: np.ndarray, pixel: int) -> np.ndarray:
    """Rows of a PNG from those with the filter in front."""
    rows = np.zeros((filtered.shape[0], filtered.shape[1] - 1), int)
    for y, line in enumerate(filtered.astype(int)):
        for x, value in enumerate(line[1:]):
            a = rows[y, x - pixel] if x >= pixel else 0
            b = rows[y - 1, x] if y else 0
            c = rows[y - 1, x - pixel] if y and x >= pixel else 0
            guess = a + b - c
            nearest = min((a, b, c), key=lambda near: abs(guess - near))  # the first of equals, as PNG has it
            rows[y, x] = (value + {0: 0, 4: nearest}[line[0]]) % 256
    return rows


@given(st.data())
def test_pictures_read_back_equal(data):
    dtype, channels = data.draw(st.sampled_from([np.uint8, np.uint16])), data.draw(st.sampled_from([1, 3, 4]))
    height, width = data.draw(st.tuples(st.integers(1, 14), st.integers(1, 14)))
    kind = data.draw(st.sampled_from(["noise", "gradient", "constant", "print"]))
    y, x, c = np.mgrid[:height, :width, :channels]
    image = {
        "noise": np.random.default_rng(height * width).integers(0, 65536, (height, width, channels)),
        "gradient": 7 * x + 5 * y + 50 * c,
        "constant": np.full((height, width, channels), 200),
        "print": printed(height, width, channels),
    }[kind].astype(dtype)
    image.flags.writeable = data.draw(st.booleans())
    body = png_bytes(image, level=data.draw(st.integers(0, 3)))
    at, size = 8 + 25, struct.unpack(">I", body[33:37])[0]
    assert body[at + 4 : at + 8] == b"IDAT"
    pixel = channels * image.itemsize
    filtered = np.frombuffer(zlib.decompress(body[at + 8 : at + 8 + size]), np.uint8).reshape(height, -1)
    read = unfiltered(filtered, pixel).astype(np.uint8).view(">u2" if dtype == np.uint16 else np.uint8)
    np.testing.assert_array_equal(read.reshape(image.shape), image)


@pytest.mark.parametrize("level", [-1, 4, 9])
def test_levels_there_are_not(level):
    with pytest.raises(ImageError, match=r"expected 0 \(fast\) to 3 \(small\)"):
        png_bytes(printed(), level=level)


# --- equal bytes


def test_bytes_do_not_depend_on_place_thread_or_earlier_work():
    for image in (printed(), noise(90_000).reshape(150, 200, 3)):
        _check_bytes(image)


def _check_bytes(image: np.ndarray) -> None:
    expected = png_bytes(image)
    for offset in range(65):
        buffer = noise(image.size + 128, seed=offset)
        elsewhere = buffer[offset : offset + image.size].reshape(image.shape)
        elsewhere[:] = image
        png_bytes(noise(3000, seed=offset).reshape(50, 60))
        assert png_bytes(elsewhere) == expected
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(png_bytes, [image] * 64)) == {expected}


def test_bytes_are_those_of_another_process():
    code = (
        "import sys, numpy as np, fastecg.writers as writers\n"
        "image = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape({})\n"
        "sys.stdout.buffer.write(writers.png_bytes(image))"
    )
    for image in (printed(400, 500), noise(90_000).reshape(150, 200, 3)):
        other = subprocess.run([sys.executable, "-c", code.format(image.shape)], input=image.tobytes(), capture_output=True, check=True)
        assert other.stdout == png_bytes(image)
