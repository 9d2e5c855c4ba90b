"""`Shot`: all values of one picture, and the steps that make the picture. Read this second, after mesh.py."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fastecg.artifact import Artifact, Light, developed
from fastecg.artifacts import ARTIFACTS
from fastecg.errors import LayoutError, RecipeError
from fastecg.layouts import MachineSettings, layout_for
from fastecg.layouts.paper import check_range
from fastecg.layouts.place import place
from fastecg.layouts.report_fields import ReportFields
from fastecg.mesh import CELL, Mesh, Warp
from fastecg.photo import Photo
from fastecg.recipes.limits import check_artifacts, check_values
from fastecg.record import Record
from fastecg.sheet import Sheet, print_page, sheet_shape
from fastecg.styles import style_for
from fastecg.styles.style import Style, on_raster
from fastecg.system.memory import trim_heap_if_large
from fastecg.views import VIEWS, Straight, View

if TYPE_CHECKING:
    from fastecg.page import Box, Page

P = TypeVar("P", MachineSettings, ReportFields, "Shot")

#: Largest number of pixels of a picture: more than a letter page has at 1200 dpi, and fewer than Pillow refuses to open.
MOST_PIXELS = 175_000_000
_BYTES_A_PIXEL = 8  # Memory for each pixel of a clean page; pages with many artifacts take twice as much.

_BAND = 256  # Rows of a picture that are processed together.

#: Artifacts and views by name.
ARTIFACT_KINDS = {kind.__name__: kind for kind in ARTIFACTS}
VIEW_KINDS = {kind.__name__: kind for kind in VIEWS}


@dataclass(frozen=True, repr=False)
class Shot:
    """All values of one picture, as plain data. After `to_dict`, JSON and `from_dict`, a shot gives the same picture bit for bit."""

    layout: str
    style: str
    setup: MachineSettings
    facts: ReportFields  # what is printed about the person and the recording, all made up
    dpi: float
    view: View = field(default_factory=Straight)
    artifacts: tuple[Artifact, ...] = ()
    start: int = 0  # first sample of the record that is on the page
    stop: int | None = None  # sample after the last one that is on the page; None for the record's end
    # Where the values above come from. The fields below change nothing in the picture.
    recipe: str = ""
    seed: int = 0
    page: int = 0
    variant: int = 0
    severity: float = 0.0

    def __repr__(self) -> str:
        artifacts = ", ".join(type(item).__name__ for item in self.artifacts) or "no artifacts"
        look = f"recipe {self.recipe or 'none'}, style {self.style}, layout {self.layout}, {self.dpi:g} dpi"
        return f"Shot({look}, {type(self.view).__name__}, {artifacts})"

    def take(self, record: Record) -> Photo:
        """Make the picture of a record.

        Raises
        ------
        LayoutError
            If the layout or style is unknown, the layout or a rhythm lead does not fit the record, no sample falls on the page, or the
            picture has more than `MOST_PIXELS`.
        """
        return self.picture(record, *self.placed(record))

    def placed(self, record: Record) -> tuple[Page, Style]:
        """The page that this shot prints of a record, and its style."""
        style = style_for(self.style).printed(self.setup.pen_width, self.setup.ink_depth, self.setup.grid_depth)
        if self.setup.raster != "none":
            style = on_raster(style, self.setup.raster_scale * self.dpi / 25.4, self.setup.raster == "one_bit")
        stop = record.samples if self.stop is None else min(self.stop, record.samples)
        layout = layout_for(self.layout, record.leads)
        return place(layout, record, style, self.setup, self.facts, start=self.start, stop=stop), style

    def picture(self, record: Record, page: Page, style: Style) -> Photo:
        """Make the picture of any page.

        Parameters
        ----------
        record : Record
            The record that the picture shows; it is kept in the `Photo`.
        page, style : Page, Style
            The page, and the look of the machine that prints it; `take` passes those that `placed` returns.

        Raises
        ------
        LayoutError
            If the picture or the sheet has more than `MOST_PIXELS`.
        """
        _check_pixels(self.view.size(page.size_mm, self.dpi), self.dpi)
        _check_pixels(sheet_shape(page, self.setup.raster_scale * self.dpi / 25.4), self.setup.raster_scale * self.dpi)
        warp = self.warp(page.size_mm)
        trim_heap_if_large(3 * warp.size[0] * warp.size[1])
        image, covered, boxes, marks = self._expose(self._print(page, style, self.setup.raster_scale * warp.scale), warp)
        trim_heap_if_large(image.nbytes)
        image = developed(self.artifacts, image, self.dpi / 25.4)
        for artifact in self.artifacts:
            covered = _united(covered, artifact.hide(warp.size, self.dpi / 25.4))
        trim_heap_if_large(image.nbytes)
        page = replace(page, boxes=page.boxes + boxes)
        return Photo(image, page, style, warp, self, record, covered, marks)

    def warp(self, size_mm: tuple[float, float]) -> Warp:
        """The geometry of the picture of a page with a (width, height) of `size_mm`."""
        return _bent(size_mm, self.dpi, self.view, tuple(item for item in self.artifacts if item.geometric))

    def _print(self, page: Page, style: Style, scale: float) -> Sheet:
        """Print the page and apply the artifacts that change the flat paper."""
        sheet = replace(print_page(page, style, scale), owns_pixels=True)
        for artifact in self.artifacts:
            sheet = artifact.stain(sheet)
        return sheet.drop_ink_planes()

    def _expose(self, sheet: Sheet, warp: Warp) -> tuple[np.ndarray, np.ndarray | None, tuple[Box, ...], np.ndarray | None]:
        """Light and resample the sheet. If it has no hole and the right scale, and is flat, straight and evenly lit, its pixels are kept.

        Returns the picture, the mask (height, width) of pixels at which the print is hidden (or None), the sheet's boxes, and its marks on
        the flat sheet, resized to the scale of the warp.
        The sheet is freed as soon as it has been exposed, which saves 30 MB if the caller does not keep it.
        """
        boxes, marks, same_scale = sheet.boxes, sheet.marks, sheet.scale == warp.scale
        if marks is not None and not same_scale:
            marks = _resized(marks, sheet_shape(sheet.page, warp.scale))
        # A clean page: nothing is resampled, the print is the picture.
        if not self.artifacts and isinstance(self.view, Straight) and same_scale:
            return sheet.pixels, None, boxes, marks
        for artifact in self.artifacts:
            sheet = artifact.focus(sheet, warp)
        over, gone = (None if plane is None else _plane_in_picture(plane, sheet.scale, warp) for plane in (sheet.over, sheet.gone))
        light = even = replace(Light.even(warp), backdrop=self.view.backdrop(), holes=None if gone is None else _at_nodes(gone, warp))
        # Artifacts change the light at the nodes of the warp: light is smooth enough for one value in 64 pixels. If none changes it,
        # `light` is still the object `even`.
        for artifact in self.artifacts:
            light = artifact.shade(light)
        flat = isinstance(self.view, Straight) and not any(artifact.geometric for artifact in self.artifacts)
        image = (
            sheet.pixels
            if flat and same_scale and light is even and gone is None
            else _exposed(sheet, warp, light, over_backdrop=gone is None)
        )
        # The sheet is the largest array, and from here on only the picture is needed.
        del sheet
        if gone is not None:
            image = _with_holes(image, gone, warp, light)
        for artifact in self.artifacts:
            image = artifact.resolve(image, light)
        hidden = [plane > 127 for plane in (over, gone) if plane is not None]
        return image, np.any(hidden, axis=0) if hidden else None, boxes, marks

    def to_dict(self) -> dict[str, Any]:
        """The shot as plain data that JSON can hold."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        parts = {"setup": asdict(self.setup), "facts": asdict(self.facts), "view": self.view.to_dict()}
        return plain | parts | {"artifacts": [artifact.to_dict() for artifact in self.artifacts]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Shot:
        """Make a shot from what `to_dict` gave, also if it was stored as JSON.

        Raises
        ------
        RecipeError, LayoutError
            If a part is unknown or a value not allowed.
        """
        check_values(values)
        try:
            known = dict(values)
            check_artifacts(known["artifacts"], "artifacts")
            known["setup"] = _checked(MachineSettings(**{key: _tupled(item) for key, item in known["setup"].items()}))
            known["facts"] = _checked(ReportFields(**{key: _tupled(item) for key, item in known["facts"].items()}))
            known["view"] = _made(VIEW_KINDS, known["view"])
            known["artifacts"] = tuple(_made(ARTIFACT_KINDS, item) for item in known["artifacts"])
            shot = _checked(cls(**known))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecipeError(f"not a shot: {error}, expected what Shot.to_dict gives") from None
        check_range("dpi", shot.dpi)
        return shot


def _check_pixels(shape: tuple[int, int], dpi: float) -> None:
    """Raise an error if a picture or sheet of this (height, width) has more than `MOST_PIXELS`; it would take gigabytes of memory."""
    pixels = shape[0] * shape[1]
    if pixels > MOST_PIXELS:
        raise LayoutError(
            f"at {dpi:g} dpi the picture has {shape[1]} x {shape[0]} px and takes {pixels * _BYTES_A_PIXEL / 1e9:.1f} to "
            f"{2 * pixels * _BYTES_A_PIXEL / 1e9:.1f} GB of memory, expected at most {MOST_PIXELS / 1e6:.0f} million px: a lower dpi"
        )


def _made(kinds: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """The artifact or view that plain data describes: of the class that is named `kind`, with the other `values`."""
    if values.get("kind") not in kinds:
        raise RecipeError(f"unknown kind {values.get('kind')!r}, expected one of {', '.join(kinds)}")
    return kinds[values["kind"]].from_dict(dict(values))


#: Types that values of plain data may have, by the annotation of their field. Values of other fields are not checked.
_KINDS: dict[str, Any] = {"int": int, "float": int | float, "str": str, "bool": bool, "tuple[str, ...]": tuple}


def _checked(plain: P) -> P:
    """The same data. Raises `TypeError` if a value does not have the type of its field, or is a number that is not finite."""
    for item in fields(plain):
        given = getattr(plain, item.name)
        annotation = str(item.type)
        kind = _KINDS.get(annotation.removesuffix(" | None"))
        if kind is None or (given is None and annotation.endswith(" | None")):
            continue
        numbers = (given,) if isinstance(given, float) else ()
        words = given if isinstance(given, tuple) else ()
        has_type = isinstance(given, kind) and isinstance(given, bool) == (kind is bool)
        if not (has_type and all(map(math.isfinite, numbers)) and all(isinstance(word, str) for word in words)):
            raise TypeError(f"{item.name} is {given!r}, which is no {annotation}")
    return plain


def _tupled(value: Any) -> Any:
    """The value with tuples in place of lists, also within it: JSON has only lists."""
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _exposed(sheet: Sheet, warp: Warp, light: Light, over_backdrop: bool) -> np.ndarray:
    """The picture (height, width, 3) uint8 of the sheet in its light, resampled through the warp.

    With `over_backdrop` the picture is written into the array of the backdrop, which is possible because every row of it is read before
    that row is written. A large picture then takes 40 MB less.
    """
    from fastecg.expose import expose

    gain = light.gain * light.relief[..., None]
    nodes = warp.nodes_mm * sheet.scale - 0.5
    return expose(
        sheet.pixels, nodes, gain, warp.size, origin=(-CELL, -CELL), desk_gain=light.gain,
        lift=light.veil + light.gloss, desk_lift=light.veil, background=light.backdrop, noise=light.noise,
        out=light.backdrop if over_backdrop and light.backdrop.ndim == 3 else None,
    )  # fmt: skip


def _plane_in_picture(plane: np.ndarray, scale: float, warp: Warp) -> np.ndarray:
    """A plane of the sheet, (height, width) uint8, resampled into the picture. Its edge pixels are repeated once beyond the edge."""
    # `expose` blends the sheet's edge with the background over one pixel. With the repeated edge, this pixel counts as part of the sheet.
    from fastecg.kernels.plane import sample_plane

    seen = np.empty(warp.size, dtype=np.uint8)
    sample_plane(plane, warp.nodes_mm * scale - 0.5, CELL, seen, True)
    return seen


def _resized(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A plane of uint8 resized to a `shape` (height, width)."""
    from PIL import Image

    return np.asarray(Image.fromarray(plane).resize(shape[::-1], Image.Resampling.BOX))


def _united(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """The union of two masks, either of which may be None."""
    return other if one is None else one if other is None else one | other


def _at_nodes(seen: np.ndarray, warp: Warp) -> np.ndarray:
    """Whether the plane `seen` (height, width) is above 0 somewhere in the cells around each node of the warp, (rows, columns) bool."""
    rows, columns = (count - 1 for count in warp.nodes_mm.shape[:2])  # of cells; the first ones lie beyond the picture
    # First whether a cell has such a pixel is found, then whether one of the four cells that meet at a node has one.
    padded = np.zeros((rows * CELL, columns * CELL), dtype=bool)
    padded[CELL : CELL + seen.shape[0], CELL : CELL + seen.shape[1]] = seen
    cells = np.asarray(padded.reshape(rows, CELL, columns, CELL).any(axis=(1, 3)))
    # Cells at the picture's edge are continued beyond it: if a hole ended at the edge, paper beyond would cast a shadow into the picture.
    last_row, last_column = (1 + (length - 1) // CELL for length in seen.shape)
    cells[0], cells[last_row + 1 :] = cells[1], cells[last_row]
    cells[:, 0], cells[:, last_column + 1 :] = cells[:, 1], cells[:, last_column, None]
    cells = np.pad(cells, 1, mode="edge")
    return cells[:-1, :-1] | cells[:-1, 1:] | cells[1:, :-1] | cells[1:, 1:]


def _with_holes(image: np.ndarray, share: np.ndarray, warp: Warp, light: Light) -> np.ndarray:
    """The picture with the backdrop in the holes of the paper. `share` (height, width) is the coverage by holes, 0 to 255."""
    from fastecg.expose import expose

    # All nodes are NaN, so no part of the sheet is seen: only the background, with its light and noise.
    behind = expose(
        np.zeros((8, 8, 3), dtype=np.uint8), np.full_like(warp.nodes_mm, np.nan), light.gain, warp.size, origin=(-CELL, -CELL),
        lift=light.veil, background=light.backdrop, noise=light.noise, out=light.backdrop if light.backdrop.ndim == 3 else None,
    )  # fmt: skip
    # In bands of rows, because arrays on the way take 40 bytes for each pixel of a hole, and a torn page may have a million of them.
    for start in range(0, len(image), _BAND):
        band = slice(start, start + _BAND)
        where = np.nonzero(share[band])
        weight = share[band][where][:, None].astype(np.uint16)
        image[band][where] = ((255 - weight) * image[band][where] + weight * behind[band][where] + 127) // 255
    return image


@lru_cache(maxsize=2)
def _bent(size_mm: tuple[float, float], dpi: float, view: View, artifacts: tuple[Artifact, ...]) -> Warp:
    """The warp of a page that is bent by geometric artifacts and projected by a view.

    The last two results are cached, because the geometry is needed to sample a shot and again, soon after, to make its picture.
    """
    size = view.size(size_mm, dpi)
    if isinstance(view, Straight) and not artifacts:
        return Warp.flat(size_mm, dpi / 25.4, size)
    mesh = Mesh.flat(size_mm, min((artifact.step_mm for artifact in artifacts), default=Artifact.step_mm), view.margin_mm)
    for artifact in artifacts:
        mesh = artifact.bend(mesh)
    return Warp.through(mesh, view.project(mesh.solid(), size_mm, dpi), size)


def with_artifacts(shot: Shot, *artifacts: Artifact) -> Shot:
    """The shot with these artifacts instead of its own, for galleries, tests and experiments."""
    return replace(shot, artifacts=artifacts)


def loads_shot(text: str | bytes) -> Shot:
    """A shot from its own JSON, or from a truth file's, where it is under ``fastecg.shot``. Errors are those of `Shot.from_dict`."""
    try:
        data = json.loads(text)
        return Shot.from_dict(data["fastecg"]["shot"] if "fastecg" in data else data)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RecipeError(f"not a shot: {error}, expected the JSON of one, or a truth file") from None
