"""Colour from coverage planes: one blend for opaque ink, one for ink that lets the print below show through."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit, subkernel

RGB = tuple[int, int, int]

_WORD = 8  # Pixels that are examined together: 98 % of a page is without ink, and eight bytes of coverage are one integer.
_BLOCK = 8  # Words that are skipped together if all are empty.
_CHUNK = 8192  # Words that are copied and then inked together: their pixels, 200 kB, stay in the cache meanwhile.


def blend(pixels: np.ndarray, plane: np.ndarray, ink: RGB) -> None:
    """Cover `pixels` with opaque ink: ``pixels += (ink - pixels) * plane / 255``, rounded to nearest.

    Parameters
    ----------
    pixels : (height, width, 3) array of uint8
        sRGB, changed in place.
    plane : (height, width) array of uint8
        Coverage of the ink.
    ink : tuple of int
        sRGB 0 to 255.

    Raises
    ------
    ValueError
        If the two arrays differ in height or width, or `pixels` is not C-contiguous.
    """
    _blend(*_flat(pixels, plane), _repeat_eight(ink))


def inked(paper: np.ndarray, first: tuple[np.ndarray, RGB], second: tuple[np.ndarray, RGB]) -> np.ndarray:
    """Return a copy of `paper` covered with two opaque inks, each a plane of coverage and a colour, the second over the first.

    The result is that of a copy and two calls of `blend`, but the pixels go through memory once. `paper`, planes, colours and errors
    are as in `blend`.
    """
    pixels = np.empty_like(paper)
    bare, cover, words = _flat(paper, first[0])
    flat, second_cover, second_words = _flat(pixels, second[0])
    _copy_and_ink(bare, flat, cover, words, _repeat_eight(first[1]), second_cover, second_words, _repeat_eight(second[1]))
    return pixels


def multiply(pixels: np.ndarray, plane: np.ndarray, ink: RGB) -> None:
    """Lay a filter over `pixels` (pen ink, highlighter): ``pixels *= 1 - plane / 255 * (1 - ink / 255)``, rounded to nearest.

    The parameters are those of `blend`. Black print stays black below a yellow highlighter.
    """
    _multiply(*_flat(pixels, plane), np.array(ink, np.uint8))


def _repeat_eight(ink: RGB) -> np.ndarray:
    """A colour, repeated for eight pixels, (24,) uint8."""
    return np.array(ink * _WORD, np.uint8)


def _flat(pixels: np.ndarray, plane: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pixels (n, 3), their coverage (n,), and words of eight pixels' coverage each, which leave out the last n % 8 pixels."""
    if pixels.shape != (*plane.shape, 3) or not pixels.flags.c_contiguous:
        raise ValueError(f"pixels of shape {pixels.shape}: expected a contiguous ({plane.shape[0]}, {plane.shape[1]}, 3) array")
    cover = np.ascontiguousarray(plane).reshape(-1)
    whole = len(cover) // _WORD * _WORD
    if not cover[:whole].view(np.uint64).flags.aligned:  # Rows cut from a larger plane may begin at any address.
        cover = cover.copy()
    return pixels.reshape(-1, 3), cover, cover[:whole].view(np.uint64)


@subkernel
def _next_inked(words, start, stop):
    """Index of the first word from `start` up to `stop` that has ink; `stop` if none has."""
    word, stop = np.uint64(start), np.uint64(stop)
    while word + np.uint64(_BLOCK) <= stop:
        found = np.uint64(0)
        for i in range(_BLOCK):
            found |= words[word + np.uint64(i)]
        if found:
            break
        word += np.uint64(_BLOCK)
    while word < stop and words[word] == 0:
        word += np.uint64(1)
    return np.int64(word)


@jit
def _copy_and_ink(paper, pixels, cover, words, ink, second_cover, second_words, second_ink):
    """Copy paper to pixels chunk by chunk, and draw both inks on each chunk while it is in the cache."""
    for start in range(0, len(words), _CHUNK):
        stop = min(start + _CHUNK, len(words))
        _copy(paper, pixels, _WORD * start, _WORD * stop)
        _blend_words(pixels, cover, words, start, stop, ink)
        _blend_words(pixels, second_cover, second_words, start, stop, second_ink)
    _copy(paper, pixels, _WORD * len(words), len(pixels))
    _blend_rest(pixels, cover, _WORD * len(words), ink)
    _blend_rest(pixels, second_cover, _WORD * len(words), second_ink)


@subkernel
def _copy(paper, pixels, start, stop):
    """Copy the pixels from `start` up to `stop`."""
    source, target = paper.reshape(-1), pixels.reshape(-1)
    for i in range(np.uint64(3 * start), np.uint64(3 * stop)):  # With an unsigned index LLVM makes this one call of memcpy.
        target[i] = source[i]


@jit
def _blend(pixels, cover, words, ink):
    _blend_words(pixels, cover, words, np.int64(0), len(words), ink)
    _blend_rest(pixels, cover, _WORD * len(words), ink)


@subkernel
def _blend_words(pixels, cover, words, start, stop, ink):
    """Draw ink on the pixels of the words from `start` up to `stop`."""
    pixels_at, cover_at, ink_at = np.uint64(address(pixels)), np.uint64(address(cover)), np.uint64(address(ink))
    word = _next_inked(words, start, stop)
    while word < stop:
        first = np.uint64(_WORD * word)
        _mix_eight(pixels_at + np.uint64(3) * first, cover_at + first, ink_at)
        word = _next_inked(words, word + 1, stop)


@subkernel
def _blend_rest(pixels, cover, start, ink):
    """Draw ink on the pixels from `start` on, one by one."""
    for k in range(start, len(cover)):
        a = np.int32(cover[k])
        # If v is x + 128, as `mixed` is below, (v + (v >> 8)) >> 8 is x / 255, rounded to nearest, for all x that occur.
        for c in range(3):
            mixed = np.int32(np.int32(pixels[k, c]) * np.int32(255 - a) + np.int32(ink[c]) * a + 128)
            pixels[k, c] = np.uint8(np.int32(mixed + (mixed >> 8)) >> 8)


@intrinsic
def _mix_eight(context: Any, pixels: Any, cover: Any, ink: Any) -> Any:
    """Set eight pixels to (old * (255 - a) + new * a) / 255, rounded to nearest, without a division.

    `pixels` is the address of the pixels, `cover` that of their eight coverages a, and `ink` that of the new colour, repeated eight times.
    All numbers are integers, so the result is the same on every processor. The function is written in vector instructions, because the
    compiler does not vectorise loops in which three channels share a coverage.
    """
    lanes, byte, short = 3 * _WORD, ir.IntType(8), ir.VectorType(ir.IntType(16), 3 * _WORD)

    def emit(context: Any, builder: Any, signature: Any, addresses: Any) -> Any:
        def load(address: Any, count: int) -> Any:
            loaded = builder.load(builder.inttoptr(address, ir.VectorType(byte, count).as_pointer()))
            loaded.align = 1
            return loaded

        def all_of(value: int) -> Any:
            return ir.Constant(short, [value] * lanes)

        eight = load(addresses[1], _WORD)
        # Lane i is channel i % 3 of pixel i // 3.
        channels = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [lane // 3 for lane in range(lanes)])
        a = builder.zext(builder.shuffle_vector(eight, ir.Constant(eight.type, ir.Undefined), channels), short)
        old, new = (builder.zext(load(address, lanes), short) for address in (addresses[0], addresses[2]))
        mixed = builder.add(builder.mul(old, builder.sub(all_of(255), a)), builder.mul(new, a))
        mixed = builder.add(mixed, all_of(128))
        mixed = builder.lshr(builder.add(mixed, builder.lshr(mixed, all_of(8))), all_of(8))
        bytes_type = ir.VectorType(byte, lanes)
        stored = builder.store(builder.trunc(mixed, bytes_type), builder.inttoptr(addresses[0], bytes_type.as_pointer()))
        stored.align = 1
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, types.uint64), emit


@jit
def _multiply(pixels, cover, words, ink):
    """Do `multiply` in integers: shares of the light are in units of 1 / 65025, and 65025 is 255²."""
    word = _next_inked(words, np.int64(0), len(words))
    while word <= len(words):  # The round with word == len(words) is for the pixels after the last whole word.
        for i in range(_WORD * word, min(_WORD * word + _WORD, len(cover))):
            a = np.uint32(cover[i])
            if a:
                for c in range(3):
                    passed = np.uint32(65025 - a * np.uint32(255 - ink[c]))
                    pixels[i, c] = np.uint8(np.uint32(np.uint32(pixels[i, c]) * passed + 32512) // np.uint32(65025))
        word = _next_inked(words, word + 1, len(words)) if word < len(words) else word + 1


@jit
def brighten(pixels, covers, factors):
    """Multiply pixels (n, 3) uint8 by the factors (bands,) of bands that lie one upon the other, in place.

    `covers` (bands, n) uint8 is the coverage by each band, 0 to 255. A band that covers the share c of a pixel changes the factor f of the
    bands below to (1 - c) f + c times the band's own factor. Pixels that the first band does not cover stay as they are.
    Values above 255 become 255.
    """
    for k in range(len(pixels)):
        if covers[0, k]:
            gain = 1.0
            for band in range(len(factors)):
                gain += (factors[band] - gain) * (covers[band, k] / 255.0)
            for c in range(3):
                pixels[k, c] = np.uint8(min(np.rint(pixels[k, c] * gain), 255.0))
