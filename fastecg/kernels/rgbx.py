"""RGB pixels to RGBX, the form in which Pillow stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastecg.kernels.address import address
from fastecg.kernels.jit import jit

if TYPE_CHECKING:
    from PIL import Image

_PIXELS = 16  # Pixels that are converted together.


def to_rgbx(pixels: np.ndarray) -> Image.Image:
    """A picture (height, width, 3) uint8 for Pillow.

    Pillow keeps four bytes a pixel and uses such a buffer without copying it; its own conversion takes six times as long.
    """
    from PIL import Image

    wide = rgbx_pixels(pixels)
    return Image.frombuffer("RGBX", (wide.shape[1], wide.shape[0]), wide, "raw", "RGBX", 0, 1)


def rgbx_pixels(pixels: np.ndarray) -> np.ndarray:
    """Pixels (height, width, 3) uint8 with a fourth byte of 0 behind each: (height, width, 4)."""
    out = np.empty((*pixels.shape[:2], 4), dtype=np.uint8)
    _widen(np.ascontiguousarray(pixels), out)
    return out


@jit
def _widen(pixels, out):
    width = pixels.shape[1]
    whole = width // _PIXELS * _PIXELS
    for row in range(len(pixels)):
        source, target = np.uint64(address(pixels[row])), np.uint64(address(out[row]))
        for k in range(np.uint64(0), np.uint64(whole), np.uint64(_PIXELS)):
            _widen_some(source + np.uint64(3) * k, target + np.uint64(4) * k)
        for k in range(whole, width):
            for c in range(3):
                out[row, k, c] = pixels[row, k, c]
            out[row, k, 3] = 0


@intrinsic
def _widen_some(context: Any, source: Any, target: Any) -> Any:
    """Pixels at the address `source`, three bytes each, to `target`, four bytes each: one shuffle, which plain loops do not become."""
    byte = ir.IntType(8)
    packed, spread = ir.VectorType(byte, 3 * _PIXELS), ir.VectorType(byte, 4 * _PIXELS)
    nothing = 3 * _PIXELS  # the first byte of the shuffle's other operand
    lanes = [3 * k + c if c < 3 else nothing for k in range(_PIXELS) for c in range(4)]

    def generate(context: Any, builder: Any, signature: Any, addresses: Any) -> Any:
        loaded = builder.load(builder.inttoptr(addresses[0], packed.as_pointer()))
        loaded.align = 1
        wide = builder.shuffle_vector(loaded, ir.Constant(packed, None), ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))
        builder.store(wide, builder.inttoptr(addresses[1], spread.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64), generate
