"""Obviously right twins of the text kernels."""

from __future__ import annotations

import numpy as np


def blit_glyph(plane: np.ndarray, mask: np.ndarray, left: float, top: float, step: float) -> None:
    """Every mask cell spreads its value over the pixels by the area they share; pixels keep the larger of old and new."""
    total = np.zeros(plane.shape)
    for r, row in enumerate(mask):
        for c, value in enumerate(row):
            x0, x1, y0, y1 = left + c / step, left + (c + 1) / step, top + r / step, top + (r + 1) / step
            for y in range(max(0, int(np.floor(y0))), min(plane.shape[0], int(np.ceil(y1)))):
                for x in range(max(0, int(np.floor(x0))), min(plane.shape[1], int(np.ceil(x1)))):
                    total[y, x] += float(value) * (min(x1, x + 1) - max(x0, x)) * (min(y1, y + 1) - max(y0, y))
    np.maximum(plane, np.minimum(np.floor(total + 0.5), 255).astype(np.uint8), out=plane)
