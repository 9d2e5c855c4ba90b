"""Write points as JSON, with at most three decimals.

In general, the shortest decimal that reads back as the same float has to be searched for. For a whole number of thousandths, this decimal
is the number itself, with up to three digits after the point. The characters from the point on come from a table. If the number is below
10,000, those before the point come from another table, and all are written as one word of eight bytes.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit, subkernel

_PER_UNIT = 1000  # Three decimals are kept, so numbers are whole thousandths.
_IN_TABLE = 10_000  # Whole numbers below this have their characters in a table.
_LARGEST = 1e15  # Numbers of this many thousandths or more are not written. Smaller floats resolve thousandths.
_MOST_BYTES = 20  # Most bytes of a number with its brackets and commas: sign, twelve digits, point, three decimals, and ``],[`` before.
_NULL = int.from_bytes(b"null", "little")
_BEGIN, _BETWEEN, _NEXT = (int.from_bytes(text, "little") for text in (b"[[", b",", b"],["))
_MINUS, _ZERO, _CLOSE = b"-0]"
_COUNT_SHIFT = 40  # An entry of a table has its characters, at most four, in its lower 40 bits, and their number above.


def points_json(points: np.ndarray) -> bytes | None:
    """JSON of points (n, 2) float64, rounded to thousandths, with ``null`` for numbers that are not finite.

    The bytes are those of ``orjson.dumps(np.round(points, 3), option=orjson.OPT_SERIALIZE_NUMPY)``. The result is None if the absolute
    value of a finite number is 1e12 or more.
    """
    if not len(points):
        return b"[]"
    out = np.empty(len(points) * 2 * _MOST_BYTES + 16, dtype=np.uint8)
    size = _write_points(np.ascontiguousarray(points, dtype=np.float64), *_tables(), out)
    return out[:size].tobytes() if size else None


@functools.cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Tables, uint64, of the characters of the whole numbers below `_IN_TABLE`, and of 0 to 999 thousandths, such as ``.25``.

    The first character is the lowest byte; see `_COUNT_SHIFT` for the rest of an entry.
    """

    def packed(texts: list[str]) -> np.ndarray:
        return np.array([int.from_bytes(text.encode(), "little") | len(text) << _COUNT_SHIFT for text in texts], dtype=np.uint64)

    parts = [f".{number:03}".rstrip("0") for number in range(_PER_UNIT)]
    return packed([str(number) for number in range(_IN_TABLE)]), packed([part if len(part) > 1 else ".0" for part in parts])


@jit
def _write_points(points, wholes, parts, out):
    """Write all points; return the number of bytes, or 0 if a number is too large (`_LARGEST`)."""
    begin = np.uint64(address(out))  # An address is never 0, so `at` can be 0 after a number that is too large.
    at = begin
    for i in range(np.uint64(len(points))):
        _store(at, np.uint64(_NEXT if i else _BEGIN))
        at += np.uint64(3 if i else 2)
        at = _write_number(points[i, 0], wholes, parts, at)
        if at:
            _store(at, np.uint64(_BETWEEN))
            at = _write_number(points[i, 1], wholes, parts, at + np.uint64(1))
        if not at:
            return 0
    _store(at, np.uint64(_CLOSE | _CLOSE << 8))
    return np.int64(at + np.uint64(2) - begin)


@jit(inline="always")
def _write_number(value, wholes, parts, at):
    """Write a number at the address `at`; return the address after it, or 0 if the number is too large."""
    if not np.isfinite(value):
        _store(at, np.uint64(_NULL))
        return at + np.uint64(4)
    rounded = np.rint(value * _PER_UNIT)
    if abs(rounded) >= _LARGEST:
        return np.uint64(0)
    if np.signbit(rounded):
        _store(at, np.uint64(_MINUS))
        at += np.uint64(1)
    thousandths = np.uint64(abs(rounded))
    whole = np.uint64(thousandths // np.uint64(_PER_UNIT))
    part = parts[np.uint64(thousandths - whole * np.uint64(_PER_UNIT))]
    if whole >= np.uint64(_IN_TABLE):
        at = _write_whole(whole, at)
        _store(at, part)
        return at + (part >> np.uint64(_COUNT_SHIFT))
    # Both texts fit one word: the one from the point on is moved up by eight bits for each digit before the point.
    text = wholes[whole]
    count, part_count = text >> np.uint64(_COUNT_SHIFT), part >> np.uint64(_COUNT_SHIFT)
    _store(at, np.uint64(text & np.uint64(0xFFFFFFFF)) | np.uint64(part << np.uint64(count << np.uint64(3))))
    return at + count + part_count


@subkernel
def _write_whole(whole, at):
    """Write a whole number digit by digit at the address `at`; return the address after it."""
    power = np.uint64(1)
    while whole // power >= np.uint64(10):
        power *= np.uint64(10)
    while power:
        _store(at, np.uint64(_ZERO) + np.uint64(whole // power % np.uint64(10)))
        at += np.uint64(1)
        power //= np.uint64(10)
    return at


@intrinsic
def _store(context: Any, address: Any, word: Any) -> Any:
    """Write eight bytes at an address, aligned or not. The next text overwrites the bytes after the last character."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        builder.store(arguments[1], target).align = 1
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), emit
