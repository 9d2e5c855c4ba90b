"""`LayerSegmenter`: runs the trained network on whole pictures, at the scale that it was trained at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fastecg.digitizing.targets import MAPS, MARKER_CELL, STRIDE
from fastecg.errors import FastecgError, ImageError
from fastecg.system.cores import cores

#: The network that ships with the package.
WEIGHTS = Path(__file__).parent / "layernet.onnx"

_BAND = 640  # Rows of pixels in a band; the network sees one band at a time. More rows take more memory; fewer rows make more overlaps.
_OVERLAP = 64  # Rows of pixels above and below a band that the network sees as context. The results for these rows are discarded.
# The working memory of the network is released after a resized picture with more pixels than this, which is more than a letter page has.
# For a picture as wide as A3, this memory takes 500 MB. To allocate it again takes 0.2 s.
_RELEASED = 5_000_000


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers that the network found in a picture, at about `fastecg.digitizing.targets.SCALE`.

    Attributes
    ----------
    maps : ndarray, shape (6, height, width) float32
        Coverage, 0 to 1, in the order of `MAPS`.
    markers : ndarray, shape (14, height / 4, width / 4) float32
        Probability of each class of `MARKERS` in every cell of the marker map. Height and width are first rounded up to multiples of
        `STRIDE`.
    zoom : float
        Width of the maps divided by that of the picture before it was resized for the network.
    cap_mm : float
        How far the ink in the map of traces extends beyond the first and last sample of a trace. For maps of the network, 0.14 was measured
        on pages whose truth is known.
    picture : ndarray, shape (height, width, 3) uint8, optional
        The picture that the network was given, as large as the maps.
    original : ndarray, shape (height / zoom, width / zoom, 3) uint8, optional
        The picture before it was made `zoom` times as large.
    """

    maps: np.ndarray
    markers: np.ndarray
    zoom: float
    cap_mm: float = 0.14
    picture: np.ndarray | None = None
    original: np.ndarray | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        """One map, (height, width) float32, by its name in `MAPS`."""
        return np.asarray(self.maps[MAPS.index(name)])

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Convert pixels (n, 2) of the maps to pixels of the picture before it was resized. Pixel centres are at integers in both."""
        return (np.asarray(points) + 0.5) / self.zoom - 0.5

    def to_maps(self, points: np.ndarray) -> np.ndarray:
        """Convert pixels (n, 2) of the picture before it was resized to pixels of the maps."""
        return (np.asarray(points) + 0.5) * self.zoom - 0.5


@dataclass(frozen=True, eq=False)
class OwnScale:
    """Layers at the size that the picture had before it was resized for the network.

    A map is resized whenever it is accessed. All of them together would take 200 MB at 300 dpi.
    """

    layers: Layers

    @property
    def picture(self) -> np.ndarray:
        """The picture before it was resized, (height, width, 3) uint8."""
        assert self.layers.original is not None
        return self.layers.original

    def __getitem__(self, name: str) -> np.ndarray:
        """One map, (height, width) float32, by its name in `MAPS`."""
        from PIL import Image

        size = self.picture.shape[1], self.picture.shape[0]
        return np.asarray(Image.fromarray(self.layers[name]).resize(size, Image.Resampling.BILINEAR))


class LayerSegmenter:
    """Runs the network with onnxruntime.

    Parameters
    ----------
    weights : Path
        An ONNX file as `fastecg train` exports it.
    threads : int
        Number of threads that the network runs on; 0 for as many as this process has cores.
    """

    def __init__(self, weights: Path = WEIGHTS, threads: int = 0) -> None:
        try:
            import onnxruntime
        except ImportError as missing:
            raise FastecgError("digitising needs onnxruntime, expected `pip install 'fastecg[digitize]'` to have been run") from missing
        if not weights.exists():
            raise ImageError(f"{weights}: no network there, expected an ONNX file that `fastecg train` has written")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or cores()
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # Otherwise onnxruntime keeps a memory plan for each size of picture, which takes 300 MB more.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # Spinning threads would keep cores from other processes.
        self._session: Any = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._last_run: Any = onnxruntime.RunOptions()
        self._last_run.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def separate(self, picture: np.ndarray, zoom: float) -> Layers:
        """Resize a picture (height, width, 3) uint8 by the factor `zoom`, and find its layers."""
        seen = resized(picture, zoom)
        height, width = seen.shape[:2]
        padded = np.pad(seen, ((0, -height % STRIDE), (0, -width % STRIDE), (0, 0)), mode="edge")
        maps = np.empty((len(MAPS), height, width), dtype=np.float32)
        markers = None
        for top in range(0, padded.shape[0], _BAND):
            # First row that the network sees, and the row after the last.
            low, high = max(top - _OVERLAP, 0), min(top + _BAND + _OVERLAP, padded.shape[0])
            bottom = min(top + _BAND, padded.shape[0])
            run = self._last_run if bottom == padded.shape[0] and height * width > _RELEASED else None
            found = self._session.run(None, {"picture": np.ascontiguousarray(padded[low:high])}, run)
            maps[:, top:bottom] = found[0][:, top - low : min(bottom, height) - low, :width]
            if markers is None:
                markers = np.empty((found[1].shape[0], padded.shape[0] // MARKER_CELL, padded.shape[1] // MARKER_CELL), dtype=np.float32)
            markers[:, top // MARKER_CELL : bottom // MARKER_CELL] = found[1][:, (top - low) // MARKER_CELL : (bottom - low) // MARKER_CELL]
        assert markers is not None
        return Layers(maps, markers, width / picture.shape[1], picture=seen, original=picture)

    def part(self, picture: np.ndarray, zoom: float, middle: tuple[float, float], size: int = 512) -> Layers:
        """The layers of a square part of a picture, around the point `middle` (x, y) px.

        The side of the square is about `size` px after resizing by `zoom`. At the edges of the picture the square is moved inwards. If the
        picture is narrower or lower than the square, its whole width or height is taken.
        """
        side = size / zoom
        x, y = (int(np.clip(at - side / 2, 0, max(length - side, 0))) for at, length in zip(middle, picture.shape[1::-1], strict=True))
        return self.separate(picture[y : y + int(side) + 1, x : x + int(side) + 1], zoom)


@lru_cache(maxsize=2)
def load_segmenter(weights: Path = WEIGHTS) -> LayerSegmenter:
    """The network of a file of weights. The last two networks are kept, so that they are not loaded again."""
    return LayerSegmenter(weights)


def resized(picture: np.ndarray, zoom: float) -> np.ndarray:
    """Resize a picture by the factor `zoom`; unchanged if this is 1 within a thousandth. If the picture shrinks, pixels are averaged.

    The edges of the picture stay its edges, so the middle of pixel p is moved to ``(p + 0.5) * zoom - 0.5``.
    """
    from PIL import Image

    if abs(zoom - 1.0) < 1e-3:
        return picture
    size = max(round(picture.shape[1] * zoom), 1), max(round(picture.shape[0] * zoom), 1)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
