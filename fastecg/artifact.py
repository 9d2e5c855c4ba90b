"""`Artifact`: one thing that happens to a page, with its effect on every stage of the picture.

An artifact is a frozen dataclass of plain values. It has one method for every stage of a picture; at each stage, `Shot` calls the
stage's method of all artifacts in turn. A method that an artifact does not define changes nothing. Only `bend` changes the geometry.
Positions of samples in the picture follow from the geometry and the page alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from fastecg.errors import RecipeError

if TYPE_CHECKING:
    from fastecg.expose import Noise
    from fastecg.mesh import Mesh, Warp
    from fastecg.sheet import Sheet

T = TypeVar("T", bound="Params")

#: level / 255 = (light / full light) ** GAMMA: half of the full light gives 73 % of the full level.
GAMMA = 1 / 2.2

#: `Artifact.level_table` is given only pixels whose row and column are multiples of this.
SAMPLED = 5


def param(default: Any, low: float | None = None, high: float | None = None, help: str = "", choices: tuple[str, ...] = ()) -> Any:
    """A field of an artifact or a view: its default, the allowed range or choices, and one line for the docs."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "help": help, "choices": choices})


_FIELDS: dict[type[Any], tuple[dataclasses.Field[Any], ...]] = {}


def fields_of(kind: type[Any]) -> tuple[dataclasses.Field[Any], ...]:
    """The fields of a dataclass, cached, because they are needed for every artifact that is made."""
    if kind not in _FIELDS:
        _FIELDS[kind] = fields(kind)
    return _FIELDS[kind]


@dataclass(frozen=True)
class Params:
    """Base class of artifacts and views: checks their values when an object is made, and converts them to and from dictionaries."""

    def __post_init__(self) -> None:
        for item in fields_of(type(self)):
            object.__setattr__(self, item.name, _checked(type(self).__name__, item, getattr(self, item.name)))

    def to_dict(self) -> dict[str, Any]:
        """The class's name as `kind`, and the values of all fields, ready for JSON."""
        return {"kind": type(self).__name__} | {item.name: getattr(self, item.name) for item in fields_of(type(self))}

    @classmethod
    def from_dict(cls: type[T], values: dict[str, Any]) -> T:
        """Make an object from what `to_dict` gave. The caller has already found the class by the `kind`, which is ignored here.

        Raises
        ------
        RecipeError
            If a key is unknown or a value is not allowed.
        """
        given = {key: item for key, item in values.items() if key != "kind"}
        known = [item.name for item in fields_of(cls)]
        for key in given:
            if key not in known:
                raise RecipeError(f"{cls.__name__} has no value {key!r}, expected one of {', '.join(known)}")
        return cls(**given)


def _checked(owner: str, item: dataclasses.Field[Any], given: Any) -> Any:
    """The value `given` for a field; `RecipeError` if not allowed. A number for an int field is cut to its whole part."""
    low, high, choices = item.metadata.get("low"), item.metadata.get("high"), item.metadata.get("choices")
    if choices:
        if given not in choices:
            raise RecipeError(f"{owner}.{item.name} is {given!r}, expected one of {', '.join(choices)}")
        return given
    if isinstance(item.default, bool) or not isinstance(item.default, int | float):
        if not isinstance(given, type(item.default)):
            raise RecipeError(f"{owner}.{item.name} is {given!r}, expected {type(item.default).__name__}")
        return given
    if isinstance(given, bool) or not isinstance(given, int | float | np.integer | np.floating) or not math.isfinite(given):
        raise RecipeError(f"{owner}.{item.name} is {given!r}, expected a number")
    if (low is not None and given < low) or (high is not None and given > high):
        wanted = f"at most {high:g}" if low is None else f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
        raise RecipeError(f"{owner}.{item.name} is {given:g}, expected {wanted}")
    return int(given) if isinstance(item.default, int) else float(given)


@dataclass(frozen=True, eq=False)
class Light:
    """The light on the picture, at the nodes of its warp.

    Attributes
    ----------
    warp : Warp
        Where the nodes are: pixels and page points.
    gain : ndarray, shape (rows, columns, 3) float32
        Factor for each channel of page and background. In memory the channels are separate planes, so the array is not in C order.
    relief : ndarray, shape (rows, columns) float32
        Factor for the page alone, from the shading of its slopes.
    veil : ndarray, shape (rows, columns) float32
        Levels, 0 to 255, that are added to page and background.
    gloss : ndarray, shape (rows, columns) float32
        Levels, 0 to 255, that are added to the page alone, because it mirrors light.
    backdrop : ndarray of uint8, shape (height, width, 3), or (3,)
        What is seen beside the page.
    noise : Noise, optional
        Sensor noise, which is added while the sheet is exposed.
    holes : ndarray, shape (rows, columns) bool, or None
        Whether any of the four cells around the node shows a hole of the page, through which the background is seen. None without holes.
    lamp_deg : float, optional
        Direction to the lamp, clockwise from the picture's right; None as long as no artifact has set one. Shadows and reflections use it.
    panel_mm : (left, top, right, bottom), optional
        Edges of the display that shows the page, in page coordinates; None if they are unknown, or there is no display.
    """

    warp: Warp
    gain: np.ndarray
    relief: np.ndarray
    veil: np.ndarray
    gloss: np.ndarray
    backdrop: np.ndarray
    noise: Noise | None = None
    holes: np.ndarray | None = None
    lamp_deg: float | None = None
    panel_mm: tuple[float, float, float, float] | None = None

    @classmethod
    def even(cls, warp: Warp) -> Light:
        """Light that changes nothing, with a black background."""
        rows, columns = warp.nodes_mm.shape[:2]
        # The three channels are separate planes in memory: interleaved, every inner loop of NumPy would be three numbers long.
        gain = np.moveaxis(np.ones((3, rows, columns), dtype=np.float32), 0, -1)
        relief, zeros = np.ones((rows, columns), dtype=np.float32), np.zeros((rows, columns), dtype=np.float32)
        return cls(warp, gain, relief, zeros, zeros, np.zeros(3, dtype=np.uint8))

    def lit(self, gain: np.ndarray) -> Light:
        """The light after multiplying page and background by `gain`, (rows, columns) or (rows, columns, 3)."""
        factor = gain if np.ndim(gain) == 3 else np.asarray(gain)[..., None]
        return replace(self, gain=(self.gain * factor).astype(np.float32, copy=False))

    def shaded(self, factor: np.ndarray) -> Light:
        """The light after multiplying the page alone by `factor`, (rows, columns)."""
        return replace(self, relief=(self.relief * factor).astype(np.float32, copy=False))

    def veiled(self, added: np.ndarray) -> Light:
        """The light after adding `added`, (rows, columns) of 0 to 255 levels, to page and background."""
        return replace(self, veil=(self.veil + added).astype(np.float32, copy=False))

    def mirrored(self, added: np.ndarray) -> Light:
        """The light after adding `added`, (rows, columns) of 0 to 255 levels, to the page alone."""
        return replace(self, gloss=(self.gloss + added).astype(np.float32, copy=False))

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixel coordinates (x, y) of the nodes, broadcastable to (rows, columns)."""
        from fastecg.mesh import CELL

        rows, columns = self.relief.shape
        return (np.arange(columns)[None, :] - 1.0) * CELL, (np.arange(rows)[:, None] - 1.0) * CELL

    def off_page_mm(self) -> np.ndarray:
        """Distance (rows, columns) in mm of the light's nodes from the page: negative on the page, infinite where no page is near.

        Beside the page it is the larger of the distances along x and y, as in `Warp.off_page_mm`. If the page has holes, the straight
        distance to the nearest paper that is left, less two cells, replaces it in holes and beside the page wherever that is larger.
        """
        off = self.warp.off_page_mm
        if self.holes is not None:
            from scipy.ndimage import distance_transform_edt

            from fastecg.mesh import CELL

            # `off` does not know holes and missing corners, so the distance to the nearest node on paper is used where it is larger. Two
            # cells are subtracted from it, because `holes` also marks nodes of cells that the edge of a hole crosses.
            cell_mm = CELL / self.warp.scale
            bare = self.holes | ~(off <= 0.0)
            to_paper_mm = cell_mm * (distance_transform_edt(bare) - 2.0)
            off = np.where(bare, np.maximum(np.maximum(off, 0.0), to_paper_mm), off)
        return np.where(np.isnan(off), np.inf, off).astype(np.float32)

    def on_nodes(self, on_mesh: np.ndarray, outside: float = 0.0) -> np.ndarray:
        """Resample a quantity from the paper's mesh to the light's nodes; the result is (rows, columns) float32.

        Parameters
        ----------
        on_mesh : ndarray
            Values at the nodes of the mesh, (rows, columns), or in the middles of its cells, (rows - 1, columns - 1).
        outside : float
            Result at nodes that are far from the page, where `Warp.nodes_mm` is NaN. Other nodes beyond the mesh get extrapolated values.
        """
        from fastecg.kernels.invert import lookup_plane

        mesh, nodes = self.warp.mesh, self.warp.nodes_mm
        found = np.empty(nodes.shape[:2], dtype=np.float32)
        half = 0.0 if on_mesh.shape == mesh.height_mm.shape else 0.5  # in steps: the first cell's middle is half a step from the first node
        origin = (mesh.x_mm[0] + half * mesh.step_mm[0], mesh.y_mm[0] + half * mesh.step_mm[1])
        plane = np.ascontiguousarray(on_mesh, dtype=np.float32)
        lookup_plane(nodes.reshape(-1, 2), plane, origin, mesh.step_mm, np.float32(outside), found.reshape(-1))
        return found


def turn_deg(mesh_px: np.ndarray) -> float:
    """Angle in degrees of the page's x axis in the picture, clockwise from the right; `mesh_px` as in `Warp`."""
    along = np.nanmean(mesh_px[:, -1] - mesh_px[:, 0], axis=0)
    return float(np.degrees(np.arctan2(along[1], along[0])))


def developed(artifacts: Iterable[Artifact], pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
    """The picture after `Artifact.develop` of all artifacts. Consecutive artifacts that only change levels share one pass.

    `pixels` (height, width, 3) uint8 may be overwritten; `px_per_mm` is the nominal resolution, dpi / 25.4.
    """
    table: np.ndarray | None = None
    for artifact in artifacts:
        next_table = artifact.level_table(partial(_sample, pixels, table))
        if next_table is None:
            pixels, table = artifact.develop(_apply_table(table, pixels), px_per_mm), None
        else:
            # Indexing gives the one table that has the effect of `table` followed by `next_table`.
            table = next_table if table is None else next_table[table]
    return _apply_table(table, pixels)


def _sample(pixels: np.ndarray, table: np.ndarray | None = None) -> np.ndarray:
    """A copy of every `SAMPLED`-th pixel along both axes, after `table`: enough for the quantiles that `Artifact.level_table` needs."""
    from fastecg.kernels.curve import thinned

    return _apply_table(table, thinned(pixels, SAMPLED))


def _apply_table(table: np.ndarray | None, pixels: np.ndarray) -> np.ndarray:
    """Replace every level of `pixels` by its entry in `table`, (256,) uint8, in place, and return `pixels`. None changes nothing."""
    if table is not None:
        from fastecg.kernels.curve import apply_lut

        apply_lut(pixels, table)
    return pixels


@dataclass(frozen=True)
class Artifact(Params):
    """Something that happens to the page or the picture. A subclass overrides the methods of the stages at which it changes something."""

    geometric: ClassVar[bool] = False  # whether `bend` moves anything
    step_mm: ClassVar[float] = 2.0  # largest distance of mesh nodes that `bend` allows; a page's geometric artifacts share the smallest

    def stain(self, sheet: Sheet) -> Sheet:
        """Change the flat print: remove ink, add ink, or colour the paper."""
        return sheet

    def bend(self, mesh: Mesh) -> Mesh:
        """Lift or slide the paper."""
        return mesh

    def focus(self, sheet: Sheet, warp: Warp) -> Sheet:
        """Blur the flat print where the lens is out of focus, without moving anything.

        Parameters
        ----------
        sheet : Sheet
            The print with its stains, just before it is exposed.
        warp : Warp
            The map between page and picture.
        """
        return sheet

    def shade(self, light: Light) -> Light:
        """Change the light. `light.warp` says where the paper is in the picture."""
        return light

    def resolve(self, pixels: np.ndarray, light: Light) -> np.ndarray:
        """Change the picture after exposure, by detail of the page that is finer than the light's nodes.

        Parameters
        ----------
        pixels : ndarray, shape (height, width, 3) uint8
            The picture just exposed, which may be overwritten.
        light : Light
            The light in which it was exposed; `light.warp` is the map between page and picture.
        """
        return pixels

    def develop(self, pixels: np.ndarray, px_per_mm: float) -> np.ndarray:
        """Change the finished picture without moving anything in it. By default `level_table` is applied.

        Parameters
        ----------
        pixels : ndarray, shape (height, width, 3) uint8
            The picture, which may be overwritten.
        px_per_mm : float
            The nominal resolution, dpi / 25.4.
        """
        return _apply_table(self.level_table(lambda: _sample(pixels)), pixels)

    def level_table(self, sample: Callable[[], np.ndarray]) -> np.ndarray | None:
        """The new value of every level, (256,) uint8, if `develop` does nothing but replace levels; None if it does more, or nothing.

        Parameters
        ----------
        sample : callable
            Returns every `SAMPLED`-th pixel of the picture along both axes, (rows, columns, 3) uint8.
        """
        return None

    def hide(self, size: tuple[int, int], px_per_mm: float) -> np.ndarray | None:
        """The mask (height, width) bool of what `develop` paints over the page; None if it paints over nothing.

        Parameters
        ----------
        size : (int, int)
            Height and width of the picture.
        px_per_mm : float
            The nominal resolution, dpi / 25.4.
        """
        return None
