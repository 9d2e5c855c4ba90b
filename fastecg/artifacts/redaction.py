"""Words made unreadable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastecg.artifact import Artifact, param
from fastecg.handwriting.patch import PatchFrame, blend_colour, box_round, free_frame, rough, text_lines
from fastecg.handwriting.room import Room

if TYPE_CHECKING:
    from fastecg.sheet import Sheet

_VALUE_MM = 16.0  # Assumed length in mm of the value after a label such as "Name:".


@dataclass(frozen=True)
class Redaction(Artifact):
    """Black or white boxes, strokes of a marker, a grey brush or a blur hide words that tell who the patient is."""

    look: str = param(
        "bar", help="a black or white box, a marker's strokes, a soft brush, or a blur", choices=("bar", "white", "marker", "brush", "blur")
    )
    lines: int = param(2, 1, 12, "number of printed lines that are hidden")
    seed: int = param(0, 0, 2**31, "decides which lines are hidden")

    def stain(self, sheet: Sheet) -> Sheet:
        """Cover neighbouring lines that tell who the patient is, or strips of free space if none are printed."""
        rng = np.random.default_rng(self.seed)
        pixels, boxes = sheet.canvas(), list(sheet.boxes)
        for frame in self._strips(sheet, rng):
            window = frame.window(sheet, 4.0)
            if window is None:
                continue
            if self.look == "blur":
                share, colour = frame.coverage(window, sheet.scale), _blurred(pixels[window], sheet.scale)
            else:
                share, colour = getattr(self, f"_{self.look}")(frame, window, sheet.scale, rng)
            if share.any():
                pixels[window] = blend_colour(pixels[window], share, colour)
                sheet = sheet.with_overlay(window, np.rint(255 * share).astype(np.uint8))
                boxes.append(box_round(share, window, sheet.scale, "redaction"))
        return replace(sheet, pixels=pixels, boxes=tuple(boxes))

    def _strips(self, sheet: Sheet, rng: np.random.Generator) -> list[PatchFrame]:
        """Frames of the strips to cover: printed lines that tell who the patient is, or free space if there are none."""
        from fastecg.layouts.printed import IDENTITY
        from fastecg.printing.text import measure

        # Measurements and statements are never covered, because redacted pages are shown for them.
        printed = [(text.words, np.array(measure(text)).reshape(2, 2)) for text in sheet.page.texts if text.kind == IDENTITY]
        if not printed:
            return self._free_strips(sheet, rng)
        # Names are mostly at the top left of a page, so of three random lines the one nearest to that corner is covered first. Distances
        # down the page count three times.
        picks = rng.integers(len(printed), size=3)
        first = min((printed[int(k)][1].mean(axis=0) for k in picks), key=lambda place: float(3.0 * place[1] + place[0]))
        near = sorted(printed, key=lambda text: float(np.hypot(*(text[1].mean(axis=0) - first))))[: self.lines]
        # A line that ends with ":" is a label without a value; the place where a value would be is covered too.
        value = np.array([[0.0, 0.0], [_VALUE_MM, 0.0]])
        return [_frame_over(box + value * words.endswith(":"), rng) for words, box in near]

    def _free_strips(self, sheet: Sheet, rng: np.random.Generator) -> list[PatchFrame]:
        """Frames of strips that look as if they covered names, in free space, above the traces if possible.

        If space is short, a page with words gets fewer than `lines` strips or none, and one without words gets all of them at any place.
        Strips are 30 x 4.5 mm, 5.5 mm from one middle to the next.
        """
        room, has_words = Room.of(sheet.page, sheet.boxes), bool(text_lines(sheet.page))
        header, fewest = room.regions()["header"], 1 if has_words else self.lines
        for lines in range(self.lines, fewest - 1, -1):
            corner = room.find((30.0, 5.5 * lines), rng, header)
            if corner is not None:
                return [PatchFrame((corner[0] + 15.0, corner[1] + 5.5 * (k + 0.5)), (30.0, 4.5)) for k in range(lines)]
        if has_words:
            return []
        x, y = free_frame(sheet, (30.0, 5.5 * self.lines), 0.0, rng, "free").centre_mm
        return [PatchFrame((x, y + 5.5 * (k - 0.5 * self.lines + 0.5)), (30.0, 4.5)) for k in range(self.lines)]

    def _bar(self, frame: PatchFrame, window: tuple[slice, slice], scale: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Coverage (rows, columns), 0 to 1, and colour (3,) of a black box."""
        return frame.coverage(window, scale), np.zeros(3)

    def _white(
        self, frame: PatchFrame, window: tuple[slice, slice], scale: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Coverage and colour, as for `_bar`, of a white box."""
        return frame.coverage(window, scale), np.full(3, 255.0)

    def _marker(
        self, frame: PatchFrame, window: tuple[slice, slice], scale: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Coverage and colour, as for `_bar`, of a black marker's overlapping strokes, at most 3.5 mm broad, with round, uneven ends."""
        from fastecg.kernels.capsule import stroke_polyline

        rows, columns = window
        plane = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
        width, height = frame.size_mm
        broad = min(height, 3.5)
        strokes = max(1, round(height / (0.7 * broad)))
        for k in range(strokes):
            v = (k + 0.5) / strokes * (height - broad) - 0.5 * (height - broad) if strokes > 1 else 0.0
            ends = np.array([[-0.5 * width, v], [0.5 * width, v]]) + rng.normal(0, 0.3, (2, 2)) * (2.3, 1.0)
            points = frame.to_page(ends) * scale - 0.5 - (columns.start, rows.start)
            stroke_polyline(points, broad * scale, plane, density=float(rng.uniform(0.96, 1.0)))
        return plane / 255.0, np.array([18.0, 17.0, 22.0])

    def _brush(
        self, frame: PatchFrame, window: tuple[slice, slice], scale: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Coverage and colour, as for `_bar`, of a grey or white strip with a soft, uneven edge."""
        u, v = frame.inside(window, scale)
        wobble = 0.9 * (rough(u.shape, 3.0 * scale, rng) - 0.5)
        off = np.maximum(np.abs(u) - 0.5 * frame.size_mm[0], np.abs(v) - 0.5 * frame.size_mm[1]) + wobble
        return np.rint(255 * np.clip(0.5 - off / 0.5, 0.0, 1.0)) / 255, np.full(3, (150.0, 190.0, 225.0, 250.0)[self.seed % 4])


def _blurred(part: np.ndarray, scale: float) -> np.ndarray:
    """Pixels (rows, columns, 3) blurred as by an image editor: means over 6 x 3 mm (width x height), twice, leave no letter legible."""
    from scipy.ndimage import uniform_filter1d

    width, height = (max(round(length * scale), 3) for length in (6.0, 3.0))
    smooth = part.astype(np.float32)
    for _ in range(2):
        smooth = uniform_filter1d(uniform_filter1d(smooth, height, axis=0, mode="nearest"), width, axis=1, mode="nearest")
    return smooth


def _frame_over(box_mm: np.ndarray, rng: np.random.Generator) -> PatchFrame:
    """The frame of a strip that is a little larger than a box (2, 2), whose rows are its upper left and lower right corners."""
    upper_left, lower_right = box_mm
    more = rng.uniform(0.4, 1.2, 2) * (1.6, 0.7)
    centre, size = 0.5 * (upper_left + lower_right), lower_right - upper_left + 2 * more
    return PatchFrame((float(centre[0]), float(centre[1])), (float(size[0]), float(size[1])))
