"""Our Deflate and PNG filter against zlib and against plain loops."""

from __future__ import annotations

import heapq
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastecg.errors import ImageError
from fastecg.kernels.deflate import _find_steps, adler32, room, zlib_stream
from fastecg.kernels.huffman import code_lengths, codes_of
from fastecg.kernels.row_filters import paeth_rows, plain_rows
from fastecg.writers import png_bytes

ENOUGH = (0, 16, 16, 1 << 30)


def packed(data: np.ndarray, row: int = 30, pixel: int = 3, level: int = 1) -> bytes:
    out = np.full(room(data.size) + 64, 0xA5, np.uint8)
    size = zlib_stream(data, row, pixel, level, out[:-64])
    assert (out[-64:] == 0xA5).all()
    return out[:size].tobytes()


def noise(size: int, most: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, most, size).astype(np.uint8)


def printed(height: int = 61, width: int = 83, channels: int = 3) -> np.ndarray:
    """A grid with a wave on it, by whole numbers alone."""
    y, x = np.mgrid[:height, :width]
    page = np.where((x % 8 == 0) | (y % 8 == 0), 200, 250)
    page[(y - height // 2 - (x * x // 7) % 11) ** 2 < 3] = 20
    return np.repeat(page[:, :, None], channels, 2).astype(np.uint8)


# --- the stream

PIECES = st.one_of(
    st.binary(max_size=60),
    st.tuples(st.binary(min_size=1, max_size=9), st.integers(1, 120)).map(lambda piece: piece[0] * piece[1]),
    st.builds(noise, st.integers(1, 700), st.integers(1, 256), st.integers(0, 2**31)).map(np.ndarray.tobytes),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=8).map(b"".join), st.integers(1, 400), st.sampled_from([1, 2, 3, 4, 6, 8]), st.integers(0, 3))
def test_streams_are_read_by_zlib(body, row, pixel, level):
    assert zlib.decompress(packed(np.frombuffer(body, np.uint8), row, pixel, level)) == body


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 15, 16, 257, 258, 259, 260, 261, 516, 517, 518, 519, 774, 40000, (1 << 20) + 300, 3 << 20])
@pytest.mark.parametrize("level", [0, 1, 3])
def test_long_repeats_are_cut_to_what_deflate_knows(size, level):
    data = np.full(size, 77, np.uint8)
    assert zlib.decompress(packed(data, 1, 1, level)) == data.tobytes()


@pytest.mark.parametrize("most", [2, 3, 20, 256])
def test_streams_of_many_blocks(most):
    data = noise(700_001, most)
    body = packed(data, 997, 3, 2)
    assert zlib.decompress(body) == data.tobytes()
    if most >= 20:  # fewer values do repeat by chance
        best = naive_cost([*np.bincount(data).tolist(), 6]) / 8  # with no repeats, and the ends of six blocks
        assert len(body) < 1.002 * best + 1000


@pytest.mark.parametrize("back", [1, 32767, 32768, 32769, 40000])
def test_repeats_at_the_farthest_distance(back):
    data = np.tile(noise(back), 3)[: back + 50_000]
    body = packed(data, back, 1)
    assert zlib.decompress(body) == data.tobytes()
    if back <= 32768:
        assert len(body) < 1.1 * back + 700


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=5).map(b"".join), st.integers(1, 90), st.integers(1, 6), st.integers(0, 3))
def test_steps_are_those_of_plain_loops(body, row, stride, level):
    data = np.frombuffer(body, np.uint8)
    steps = np.empty((1 << 12, 3), np.int32)
    counts = np.zeros((2, 256), np.int64)
    count, end = _find_steps(data, 0, row, stride, ENOUGH[level], np.zeros(1 << 14, np.uint32), steps, counts)
    assert end == data.size
    expected = naive_steps(body, row, stride, ENOUGH[level])
    assert steps[:count].tolist() == expected
    starts = np.cumsum([0, *(spelled + length for spelled, length, _ in expected)])
    spelled = b"".join(body[at : at + step[0]] for at, step in zip(starts, expected, strict=False))
    assert counts.sum(axis=0).tolist() == np.bincount(np.frombuffer(spelled, np.uint8), minlength=256).tolist()


def naive_steps(body: bytes, row: int, stride: int, enough: int) -> list[list[int]]:
    table: dict[int, int] = {}
    steps, at, done, vain, recent = [], 0, 0, 0, row
    while at + 8 <= len(body):
        found = [(naive_repeat(body, recent, at), recent)]
        if found[0][0] < enough:
            found.append((naive_repeat(body, row, at), row))
        if max(length for length, _ in found) < enough:
            slot = int.from_bytes(body[at : at + 8], "little") * 0x9E3779B97F4A7C15 % 2**64 >> 50
            back = at - table.get(slot, 0)
            table[slot] = at
            found.append((naive_repeat(body, back, at) if back <= 32768 else 0, back))
        length, distance = max(found, key=lambda pair: pair[0])
        if length == 0:
            vain += 1
            at += stride + vain // 8
        else:
            steps.append([at - done, length, distance])
            at += length
            done, vain, recent = at, 0, distance
    return [*steps, [len(body) - done, 0, 0]]


def naive_repeat(body: bytes, back: int, at: int) -> int:
    length = 0
    while 0 < back <= at and at + length < len(body) and body[at + length] == body[at + length - back]:
        length += 1
    if at + length == len(body):  # the kernel compares eight bytes at a time, and not beyond the end
        length -= length % 8
    else:
        words = (len(body) - at) // 8 * 8
        length = min(length, words)
    return length if length >= 8 else 0


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, st.integers(0, 9000), elements=st.integers(0, 255), fill=st.just(255)))
def test_checksum(data):
    assert adler32(data) == zlib.adler32(data)


# --- its codes


@settings(max_examples=150, deadline=None)
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


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)), st.sampled_from([1, 2, 3, 4, 6, 8]))
def test_filters_are_undone_by_their_definition(rows, pixel):
    out = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    paeth_rows(rows, pixel, out)
    assert (out[:, 0] == 4).all()
    np.testing.assert_array_equal(unfiltered(out, pixel), rows)
    plain_rows(rows, out)
    assert (out[:, 0] == 0).all()
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


@settings(max_examples=80, deadline=None)
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
    image = printed()
    expected = png_bytes(image)
    for offset in range(65):
        buffer = noise(image.size + 128, seed=offset)
        elsewhere = buffer[offset : offset + image.size].reshape(image.shape)
        elsewhere[:] = image
        png_bytes(noise(3000, seed=offset).reshape(50, 60))
        assert png_bytes(elsewhere) == expected
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(png_bytes, [image] * 64)) == {expected}


def test_bytes_are_the_same_everywhere():
    """Known bytes: another processor, system or library must not change them."""
    y, x, c = np.mgrid[:97, :131, :3]
    grain = ((x * 2654435761 + y * 40503 + c * 97) >> 7) % 13
    pictures = printed(), (2 * x + y + 30 * c + grain).astype(np.uint8), printed(40, 50, 1).astype(np.uint16) * 257
    assert [zlib.crc32(png_bytes(picture)) for picture in pictures] == KNOWN


KNOWN = [2306797175, 3971125952, 337263013]
