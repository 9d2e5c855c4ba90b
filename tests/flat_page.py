"""A page that lies flat and square in its picture."""

from __future__ import annotations

import numpy as np


class FlatPage:
    """The map of a picture whose pixels are millimetres times `scale`."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def forward(self, points_mm):
        return np.asarray(points_mm) * self.scale

    def inverse(self, points_px):
        return np.asarray(points_px) / self.scale
