"""The flow: a `Recipe` draws a `Shot`, a shot takes a `Photo` of a record."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastecg.artifact import Artifact, Light
from fastecg.artifacts import ARTIFACTS
from fastecg.errors import LayoutError, RecipeError
from fastecg.facts import Facts, draw_facts
from fastecg.layouts import LAYOUTS, Setup, fitting_layouts, layout_for
from fastecg.mesh import CELL, Mesh, Warp
from fastecg.photo import Photo
from fastecg.record import Record
from fastecg.sheet import Sheet, print_page
from fastecg.style import Style
from fastecg.styles import STYLES, style_for
from fastecg.vary import Distribution, Vary, stream
from fastecg.views import VIEWS, Straight, View

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from fastecg.page import Page

_ARTIFACT_KINDS = {kind.__name__: kind for kind in ARTIFACTS}
_VIEW_KINDS = {kind.__name__: kind for kind in VIEWS}
_FOLDER = Path(__file__).parent / "recipes"

_ATTEMPTS = 6  # at a page that is not folded over; after that it lies flat

#: Names of the recipes that come with the library.
RECIPES = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@dataclass(frozen=True)
class Shot:
    """Every value that makes one picture. Plain data: `to_dict` and `from_dict` go through JSON and replay it bit for bit."""

    layout: str
    style: str
    setup: Setup
    facts: Facts
    dpi: float
    view: View = field(default_factory=Straight)
    artifacts: tuple[Artifact, ...] = ()
    start: int = 0
    stop: int | None = None
    recipe: str = ""
    seed: int = 0
    page: int = 0
    variant: int = 0
    severity: float = 0.0

    def take(self, record: Record) -> Photo:
        """Make the picture of a record.

        Raises
        ------
        LayoutError
            If the layout or style is unknown, or the layout has no lead of the record.
        """
        style = style_for(self.style)
        stop = record.samples if self.stop is None else min(self.stop, record.samples)
        page = layout_for(self.layout, record.leads).place(record, style, self.setup, self.facts, start=self.start, stop=stop)
        warp = self.warp(page.size_mm)
        sheet = self._print(page, style, warp.scale)
        image, covered = self._expose(sheet, warp)
        for artifact in self.artifacts:
            image = artifact.develop(image, self.dpi / 25.4)
            covered = _united(covered, artifact.hide(warp.size, self.dpi / 25.4))
        page = replace(page, boxes=page.boxes + sheet.boxes)
        return Photo(image, page, style, warp, self, record, covered, sheet.marks)

    def warp(self, size_mm: tuple[float, float]) -> Warp:
        """The geometry of the picture of a page of (width, height) `size_mm`."""
        return _bent(size_mm, self.dpi, self.view, tuple(item for item in self.artifacts if item.geometric))

    def _print(self, page: Page, style: Style, scale: float) -> Sheet:
        """Print the page, and do to it what happened to the flat paper."""
        sheet = print_page(page, style, scale)
        for artifact in self.artifacts:
            sheet = artifact.stain(sheet)
        return sheet

    def _expose(self, sheet: Sheet, warp: Warp) -> tuple[np.ndarray, np.ndarray | None]:
        """Light and see the sheet; a page that nothing touches is its own picture."""
        if not self.artifacts and isinstance(self.view, Straight):
            return sheet.pixels, None
        over, gone = (None if plane is None else _seen_plane(plane, sheet.scale, warp) for plane in (sheet.over, sheet.gone))
        light = replace(Light.even(warp), backdrop=self.view.backdrop(), holes=None if gone is None else _at_nodes(gone, warp))
        for artifact in self.artifacts:
            light = artifact.shade(light)
        image = _seen(sheet, warp, light)
        if gone is not None:
            image = _with_holes(image, gone, warp, light)
        for artifact in self.artifacts:
            image = artifact.resolve(image, warp)
        hidden = [plane > 127 for plane in (over, gone) if plane is not None]
        return image, np.any(hidden, axis=0) if hidden else None

    def to_dict(self) -> dict[str, Any]:
        """The shot as plain data."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        parts = {"setup": asdict(self.setup), "facts": asdict(self.facts), "view": self.view.to_dict()}
        return plain | parts | {"artifacts": [artifact.to_dict() for artifact in self.artifacts]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Shot:
        """The inverse of `to_dict`, also after a way through JSON.

        Raises
        ------
        RecipeError
            If a part is unknown or a value not allowed.
        """
        known = dict(values)
        try:
            known["setup"] = Setup(**{key: _tupled(item) for key, item in known["setup"].items()})
            known["facts"] = Facts(**{key: _tupled(item) for key, item in known["facts"].items()})
            known["view"] = _made(_VIEW_KINDS, known["view"])
            known["artifacts"] = tuple(_made(_ARTIFACT_KINDS, item) for item in known["artifacts"])
            return cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise RecipeError(f"not a shot: {error}, expected what Shot.to_dict gives") from None


def _made(kinds: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    if values.get("kind") not in kinds:
        raise RecipeError(f"unknown kind {values.get('kind')!r}, expected one of {', '.join(kinds)}")
    return kinds[values["kind"]].from_dict(dict(values))


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _seen(sheet: Sheet, warp: Warp, light: Light) -> np.ndarray:
    """The sheet through the warp, in its light: the one resampling."""
    from fastecg.expose import expose

    gain = light.gain * light.relief[..., None]
    nodes = warp.nodes_mm * sheet.scale - 0.5
    return expose(
        sheet.pixels, nodes, gain, warp.size, origin=(-CELL, -CELL), desk_gain=light.gain, lift=light.veil,
        background=light.backdrop, noise=light.noise,
    )  # fmt: skip


def _seen_plane(plane: np.ndarray, scale: float, warp: Warp) -> np.ndarray:
    """A plane of the sheet, (height, width) uint8, as the picture shows it; on the sheet's blended edge as just inside."""
    from fastecg.kernels.plane import sample_plane

    seen = np.empty(warp.size, dtype=np.uint8)
    sample_plane(plane, warp.nodes_mm * scale - 0.5, CELL, seen, True)
    return seen


def _united(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """Where either of two masks is set."""
    return other if one is None else one if other is None else one | other


def _at_nodes(seen: np.ndarray, warp: Warp) -> np.ndarray:
    """Whether anything of a plane (height, width) is in a cell round each of the warp's nodes, (rows, columns) bool."""
    rows, columns = (count - 1 for count in warp.nodes_mm.shape[:2])
    padded = np.zeros((rows * CELL, columns * CELL), dtype=bool)
    padded[CELL : CELL + seen.shape[0], CELL : CELL + seen.shape[1]] = seen
    cells = np.pad(padded.reshape(rows, CELL, columns, CELL).any(axis=(1, 3)), 1)
    return cells[:-1, :-1] | cells[:-1, 1:] | cells[1:, :-1] | cells[1:, 1:]


def _with_holes(image: np.ndarray, share: np.ndarray, warp: Warp, light: Light) -> np.ndarray:
    """The picture with what lies behind the page where the paper is gone, `share` (height, width) 0..255."""
    from fastecg.expose import expose

    behind = expose(
        np.zeros((8, 8, 3), dtype=np.uint8), np.full_like(warp.nodes_mm, np.nan), light.gain, warp.size, origin=(-CELL, -CELL),
        lift=light.veil, background=light.backdrop, noise=light.noise,
    )  # fmt: skip
    where = np.nonzero(share)
    mixed = share[where][:, None].astype(np.uint16)
    image[where] = ((255 - mixed) * image[where] + mixed * behind[where] + 127) // 255
    return image


@lru_cache(maxsize=2)
def _bent(size_mm: tuple[float, float], dpi: float, view: View, artifacts: tuple[Artifact, ...]) -> Warp:
    """Bend the paper, and see where that puts it in the picture.

    The last are kept: drawing a shot looks at its geometry, and soon after the picture is taken through it.
    """
    size = view.size(size_mm, dpi)
    if isinstance(view, Straight) and not artifacts:
        return Warp.flat(size_mm, dpi / 25.4, size)
    mesh = Mesh.flat(size_mm, min((artifact.step_mm for artifact in artifacts), default=Artifact.step_mm))
    for artifact in artifacts:
        mesh = artifact.bend(mesh)
    return Warp.through(mesh, view.project(mesh.solid(), size_mm, dpi), size)


_MOSTLY_MILD = Distribution("beta", ())


@dataclass(frozen=True)
class Recipe:
    """What may happen to pages, and how often: distributions of everything a shot holds."""

    name: str
    title: str
    page: tuple[tuple[str, Distribution], ...]
    view: Vary[View]
    slots: tuple[tuple[str, Vary[Artifact]], ...] = ()
    severity: Distribution = _MOSTLY_MILD
    mix: tuple[tuple[Recipe, float], ...] = ()  # recipes of which every picture takes one, and their shares

    _PAGE_KEYS = ("layout", "style", "speed_mm_s", "gain_mm_mv", "chest_gain_mm_mv", "simultaneous", "dpi", "paper")

    @classmethod
    def load(cls, source: str | Path) -> Recipe:
        """A recipe by name, or from a TOML file.

        Raises
        ------
        RecipeError
            If there is no such recipe or file, or the file is not a valid recipe.
        """
        if str(source) in RECIPES:
            path = _FOLDER / f"{source}.toml"
        elif str(source).endswith(".toml"):
            path = Path(source)
        else:
            raise RecipeError(f"no recipe {str(source)!r}, expected one of {', '.join(RECIPES)}, or a .toml file")
        try:
            return cls.from_toml(path.read_text(encoding="utf-8"), path.stem)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path}: cannot be read ({error})") from None
        except RecipeError as error:
            raise RecipeError(f"{path.name}: {error}") from None

    @classmethod
    def from_toml(cls, text: str, name: str) -> Recipe:
        """A recipe from TOML text."""
        try:
            return cls.from_dict(tomllib.loads(text), name)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"not valid TOML: {error}") from None

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], name: str) -> Recipe:
        """A recipe from nested tables."""
        if "mix" in table:
            _check_keys(table, ("title", "mix"), "recipe with a mix")
            return cls(name, str(table.get("title", "")), (), Vary(Straight, (1.0, 1.0), ()), mix=_parts(table["mix"]))
        _check_keys(table, ("title", "severity", "page", "view", "slots", "mix"), "recipe")
        page = table.get("page", {})
        _check_keys(page, cls._PAGE_KEYS, "page")
        drawn = tuple((key, Distribution.parse(page[key], f"page.{key}")) for key in cls._PAGE_KEYS if key in page)
        _check_names(dict(drawn))
        view = Vary.parse(_VIEW_KINDS, table.get("view", {"kind": "Straight"}), "view")
        slots = tuple((slot, Vary.parse(_ARTIFACT_KINDS, item, f"slots.{slot}")) for slot, item in table.get("slots", {}).items())
        severity = Distribution.parse(table["severity"], "severity") if "severity" in table else _MOSTLY_MILD
        return cls(name, str(table.get("title", "")), drawn, view, slots, severity)

    def to_dict(self) -> dict[str, Any]:
        """Nested tables: the inverse of `from_dict`."""
        if self.mix:
            return {"title": self.title, "mix": {part.name: share for part, share in self.mix}}
        severity = {} if self.severity.form == "beta" else {"severity": self.severity.written()}
        return {
            "title": self.title,
            **severity,
            "page": {key: item.written() for key, item in self.page},
            "view": self.view.written(),
            "slots": {slot: item.written() for slot, item in self.slots},
        }

    def to_toml(self) -> str:
        """The recipe as TOML; a built-in one as its file has it, with its comments."""
        import tomli_w

        path = _FOLDER / f"{self.name}.toml"
        if self.name in RECIPES and Recipe.load(self.name) == self:
            return path.read_text(encoding="utf-8")
        return tomli_w.dumps(self.to_dict())

    def draw(
        self,
        record: Record,
        *,
        seed: int = 0,
        page: int = 0,
        variant: int = 0,
        severity: float | None = None,
        header_text: tuple[str, ...] = (),
        **fixed: Any,
    ) -> Shot:
        """Concrete values for one picture of a record; `fixed` are values of the table "page" that are not to vary."""
        key = f"{record.name}/{page}/{variant}"
        if self.mix:
            part = self._part(stream(seed, key, "mix"))
            shot = part.draw(record, seed=seed, page=page, variant=variant, severity=severity, header_text=header_text, **fixed)
            return replace(shot, recipe=f"{self.name}/{part.name}")
        if severity is None:
            severity = self._draw_severity(stream(seed, key, "severity"))
        values = {name: item.draw(stream(seed, key, f"page.{name}"), severity) for name, item in self.page} | _given(fixed)
        _check_names({name: Distribution("fixed", (item,)) for name, item in values.items()})
        style, layout = _draw_look(values.pop("style", "auto"), values.pop("layout", "auto"), record, stream(seed, key, "look"))
        dpi = float(values.pop("dpi", 200.0))
        starts = list(record.page_starts())
        if not 0 <= page < len(starts):
            raise LayoutError(f"{record.name}: no page {page}, the record has {len(starts)}")
        start, stop = starts[page]
        shown = Record(record.signal[:, start:stop], record.fs, record.leads)  # the printed rate is that of this page
        facts = replace(draw_facts(stream(seed, key, "facts"), shown), header_text=header_text)
        view = self.view.draw(stream(seed, key, "view"), severity) or Straight()
        shot = Shot(
            layout=layout, style=style, setup=Setup(**values), facts=facts, dpi=dpi, view=view, start=start, stop=stop,
            recipe=self.name, seed=seed, page=page, variant=variant, severity=severity,
        )  # fmt: skip
        size_mm = layout_for(layout, record.leads).size_mm(style_for(style), shot.setup)
        return self._with_artifacts(shot, size_mm, key)

    def _part(self, rng: np.random.Generator) -> Recipe:
        """One recipe of a mix, by their shares."""
        ends = np.cumsum([share for _, share in self.mix])
        return self.mix[int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))][0]

    def _with_artifacts(self, shot: Shot, size_mm: tuple[float, float], key: str) -> Shot:
        """The shot with what happens to its page. Geometry that folds the page over is drawn again, from the next sub-stream."""
        for attempt in range(_ATTEMPTS):
            again = f"/{attempt}" if attempt else ""
            drawn = [
                item.draw(stream(shot.seed, key, slot + (again if item.kind.geometric else "")), shot.severity) for slot, item in self.slots
            ]
            shot = replace(shot, artifacts=tuple(item for item in drawn if item is not None))
            if not any(item.geometric for item in shot.artifacts) or shot.warp(size_mm).is_fold_free():
                return shot
        return replace(shot, artifacts=tuple(item for item in shot.artifacts if not item.geometric))

    def _draw_severity(self, rng: np.random.Generator) -> float:
        """Most real pages are only mildly degraded: Beta(1.3, 2.5) unless the recipe says otherwise."""
        if self.severity.form == "beta":
            return float(rng.beta(1.3, 2.5))
        return float(np.clip(self.severity.draw(rng, 0.0), 0.0, 1.0))


def _given(fixed: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in fixed.items() if item is not None}


def _check_keys(table: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(table, Mapping):
        raise RecipeError(f"{where} is {table!r}, expected a table")
    for key in table:
        if key not in known:
            raise RecipeError(f"{where} has the unknown key {key!r}, expected one of {', '.join(known)}")


def _parts(written: Any) -> tuple[tuple[Recipe, float], ...]:
    """The recipes that a mix names, with their shares."""
    if not isinstance(written, Mapping) or not written:
        raise RecipeError(f"mix is {written!r}, expected a table of recipes and their shares")
    shares = Distribution.parse({"choice": dict(written)}, "mix").shares
    parts = []
    for name, share in zip(written, shares, strict=True):
        if name not in RECIPES:
            raise RecipeError(f"mix.{name}: no such recipe, expected one of {', '.join(RECIPES)}")
        parts.append((Recipe.load(name), share))
        if parts[-1][0].mix:
            raise RecipeError(f"mix.{name} is a mix itself, expected a recipe that is none")
    return tuple(parts)


def _check_names(values: Mapping[str, Distribution]) -> None:
    """Layouts and styles named by a recipe or a caller must exist."""
    for key, names in (("layout", LAYOUTS), ("style", STYLES)):
        for name in values[key].numbers if key in values else ():
            if name != "auto" and name not in names and not (key == "layout" and str(name).endswith("x1")):
                raise LayoutError(f"no {key} {name!r}, expected auto or one of {', '.join(names)}")


def _draw_look(style: str, layout: str, record: Record, rng: np.random.Generator) -> tuple[str, str]:
    """A machine, and a layout that such machines print; what is given stays. Two numbers are always drawn."""
    u, v = rng.random(2)
    fitting = fitting_layouts(record.leads)
    if style == "auto":
        known = [name for name in STYLES if not STYLES[name].by_name_only]
        names = [name for name in known if layout in ("auto", *dict(STYLES[name].layouts))] or known
        style = names[int(u * len(names))]
    if layout == "auto":
        shares = {name: share for name, share in STYLES[style].layouts if name in fitting} or {fitting[0]: 1.0}
        edges = np.cumsum(list(shares.values()))
        layout = list(shares)[int(np.searchsorted(edges, v * edges[-1], side="right"))]
    return style, layout


def render(
    record: Record,
    *,
    recipe: str | Path | Recipe = "clean",
    layout: str = "auto",
    style: str = "auto",
    dpi: float | None = None,
    speed: float | None = None,
    gain: float | None = None,
    seed: int = 0,
    page: int = 0,
    variant: int = 0,
    severity: float | None = None,
    header_text: Sequence[str] = (),
) -> Photo:
    """Draw one page of a record as a picture.

    Parameters
    ----------
    record : Record
    recipe : str, path or Recipe
        A recipe's name, a TOML file, or a recipe.
    layout, style : str
        Their names; "auto" draws a machine, and a layout such machines print.
    dpi : float, optional
        Pixels per inch of paper; 200 unless the recipe says otherwise.
    speed, gain : float, optional
        Paper speed in mm/s and gain in mm/mV; 25 and 10 unless the recipe says otherwise.
    seed, variant : int
        Other numbers, other pictures. The picture depends on (record, options, seed, page, variant) alone.
    page : int
        Which 10 s of the record.
    severity : float, optional
        How degraded, 0 to 1; drawn, and mostly mild, unless given.
    header_text : sequence of str
        Lines to print in the header as they are. Nothing of a record is printed unless it is given here.

    Returns
    -------
    Photo

    Raises
    ------
    RecipeError, LayoutError
        If a name is unknown or does not fit the record.
    """
    known = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    fixed = {"layout": _unless_auto(layout), "style": _unless_auto(style), "dpi": dpi, "speed_mm_s": speed, "gain_mm_mv": gain}
    return known.draw(record, seed=seed, page=page, variant=variant, severity=severity, header_text=tuple(header_text), **fixed).take(
        record
    )


def _unless_auto(name: str) -> str | None:
    return None if name == "auto" else name


def with_artifacts(shot: Shot, *artifacts: Artifact) -> Shot:
    """The shot with other artifacts: for galleries, tests and experiments."""
    return replace(shot, artifacts=artifacts)


def loads_shot(text: str | bytes) -> Shot:
    """A shot from its JSON, or from a truth file's ``fastecg.shot``."""
    data = json.loads(text)
    return Shot.from_dict(data.get("fastecg", {}).get("shot", data))
