"""Obviously right twins of what the readers do fast."""

from __future__ import annotations

import numpy as np


def unpack_212(packed: bytes, count: int) -> list[int]:
    """Bit by bit, as signal(5) tells it."""
    values = []
    for k in range(count):
        a, b = packed[k // 2 * 3 : k // 2 * 3 + 2]
        value = (b % 16) * 256 + a if k % 2 == 0 else (b // 16) * 256 + packed[k // 2 * 3 + 2]
        values.append(value - 4096 if value >= 2048 else value)
    return values


def pack_212(values: list[int]) -> bytes:
    """The other way round; an odd last sample takes two bytes."""
    out = bytearray()
    for k in range(0, len(values), 2):
        first = values[k] % 4096
        second = values[k + 1] % 4096 if k + 1 < len(values) else None
        out += bytes([first % 256, first // 256 + (second or 0) // 256 * 16])
        if second is not None:
            out.append(second % 256)
    return bytes(out)


def millivolts(digital: np.ndarray, invalid: int | None, gain: float, baseline: int, factor: float) -> np.ndarray:
    """In float64, one sample after the other."""
    return np.array([np.nan if d == invalid else (int(d) - baseline) / gain * factor for d in digital]).astype(np.float32)
