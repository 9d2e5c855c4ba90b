"""`Recipe`: what may happen to pages, and how often. `Recipe.sample` makes a `Shot` of it, which makes a `Photo` of a record."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from isal.isal_zlib import crc32

from fastecg.artifact import Artifact
from fastecg.artifacts.handwriting import Handwriting
from fastecg.artifacts.pen_marks import PenMarks
from fastecg.artifacts.stamp import Stamp
from fastecg.artifacts.sticker import Sticker
from fastecg.errors import LayoutError, RecipeError
from fastecg.handwriting.words import shown_by
from fastecg.layouts import LAYOUTS, PAPERS, MachineSettings, auto_layouts, check_layout, layout_for
from fastecg.layouts.paper import RANGES, RASTERS, check_range
from fastecg.layouts.place import page_frame
from fastecg.layouts.report_fields import sample_report_fields
from fastecg.leads import standard_name
from fastecg.recipes.distributions import Distribution, RandomSlot, rng_for, whole, whole_seed
from fastecg.recipes.framing import reaching_page, showing_traces
from fastecg.recipes.limits import check_artifacts, check_values, parse_toml
from fastecg.record import Record
from fastecg.shot import ARTIFACT_KINDS, VIEW_KINDS, Shot
from fastecg.styles import STYLES, style_for
from fastecg.styles.style import Style
from fastecg.system.files import read_text
from fastecg.views import Straight, View

if TYPE_CHECKING:
    from fastecg.handwriting.font import NotesFont

_FOLDER = Path(__file__).parent / "recipes"

# Geometric artifacts are sampled at most this often until they do not fold the page over. If they still do, they are left out.
_ATTEMPTS = 6

#: Names of the recipes that come with the library.
RECIPES = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))

# The distribution of the severity if a recipe has none: Beta(1.3, 2.5), see `Recipe._sample_severity`.
_MOSTLY_MILD = Distribution("beta", ())


@dataclass(frozen=True, repr=False)
class Recipe:
    """What may happen to pages and how often: a distribution for every value of a shot.

    Examples
    --------
    >>> import fastecg
    >>> recipe = fastecg.Recipe.load("clean")
    >>> recipe
    Recipe('clean', seen Straight, 0 slots)
    >>> record = fastecg.simulate(seed=1)
    >>> shot = recipe.sample(record, seed=7, style="muse", layout="6x2")
    >>> bool((shot.take(record).image == shot.take(record).image).all())
    True
    """

    name: str
    title: str  # a few words about the recipe, for lists of recipes
    page: tuple[tuple[str, Distribution], ...]  # keys of the table "page", with the distributions of their values
    view: RandomSlot[View]
    slots: tuple[tuple[str, RandomSlot[Artifact]], ...] = ()  # names of the slots, with the artifacts that may happen
    severity: Distribution = _MOSTLY_MILD
    mix: tuple[tuple[Recipe, float], ...] = ()  # recipes and their shares; each picture is sampled from one of them

    #: Keys of the table "page".
    PAGE_KEYS = ("layout", "style", "dpi", *(item.name for item in fields(MachineSettings)))

    def __repr__(self) -> str:
        if self.mix:
            return f"Recipe({self.name!r}, one of {', '.join(part.name for part, _ in self.mix)})"
        return f"Recipe({self.name!r}, seen {self.view.kind.__name__}, {len(self.slots)} slots)"

    @classmethod
    def load(cls, source: str | Path) -> Recipe:
        """A recipe by name, or from a TOML file.

        Raises
        ------
        RecipeError
            If there is no such recipe or file, or the file is not a valid recipe.
        """
        if str(source) in RECIPES:
            return _built_in(str(source))
        if not str(source).endswith(".toml"):
            raise RecipeError(f"no recipe {str(source)!r}, expected one of {', '.join(RECIPES)}, or a .toml file")
        return cls._read(Path(source))

    @classmethod
    def _read(cls, path: Path) -> Recipe:
        """A recipe from a TOML file, which gives it its name. Errors name the file."""
        try:
            return cls.from_toml(read_text(path), path.stem)
        except OSError as error:
            raise RecipeError(f"{path}: cannot be read ({error.strerror}), expected a recipe as TOML") from None
        except UnicodeDecodeError as error:
            raise RecipeError(f"{path}: cannot be read ({error}), expected a recipe as TOML, in UTF-8") from None
        except RecipeError as error:
            raise RecipeError(f"{path.name}: {error}") from None

    @classmethod
    def from_toml(cls, text: str, name: str) -> Recipe:
        """A recipe from TOML text. Raises `RecipeError` if it is not valid."""
        try:
            table = parse_toml(text)
        except (ValueError, RecursionError) as error:
            # The parser's message does not explain two usual mistakes: numbers such as .9, and, in such a text, unquoted keys such as 0.9.
            bare = re.search(r"[=\[,]\s{0,8}[-+]?\.\d", text)
            hint = ": numbers begin with a digit, 0.9 and not .9" if bare else ""
            pointed = re.search(r"[{,]\s{0,8}(\d{1,9}\.\d{1,9})\s{0,8}=", text)
            hint += f'; a key with a point is quoted, "{pointed[1]}" = share' if bare and pointed else ""
            raise RecipeError(f"not valid TOML: {error}{hint}") from None
        return cls.from_dict(table, name)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], name: str) -> Recipe:
        """A recipe from nested tables, as TOML gives them. Raises `RecipeError` or `LayoutError` if it is not valid."""
        check_values(table)
        if "mix" in table:
            _check_keys(table, ("title", "mix"), "recipe with a mix")
            # The view is not used: pictures are sampled from the recipes of the mix.
            return cls(name, str(table.get("title", "")), (), RandomSlot(Straight, (1.0, 1.0), ()), mix=_parts(table["mix"]))
        _check_keys(table, ("title", "severity", "page", "view", "slots", "mix"), "recipe")
        page = table.get("page", {})
        _check_keys(page, cls.PAGE_KEYS, "page")
        page_values = tuple((key, Distribution.parse(page[key], f"page.{key}")) for key in cls.PAGE_KEYS if key in page)
        check_page(dict(page_values))
        view = RandomSlot.parse(VIEW_KINDS, table.get("view", {"kind": "Straight"}), "view")
        slot_tables = table.get("slots", {})
        if not isinstance(slot_tables, Mapping):
            raise RecipeError(f"slots is {slot_tables!r}, expected a table of tables")
        check_artifacts(slot_tables, "slots")
        slots = tuple((slot, RandomSlot.parse(ARTIFACT_KINDS, item, f"slots.{slot}")) for slot, item in slot_tables.items())
        severity = Distribution.parse(table["severity"], "severity") if "severity" in table else _MOSTLY_MILD
        if not all(isinstance(number, Real) and math.isfinite(number) for number in severity.extremes()):
            raise RecipeError(f"severity is {table['severity']!r}, expected numbers from 0 to 1")
        return cls(name, str(table.get("title", "")), page_values, view, slots, severity)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as nested tables, from which `from_dict` makes it again."""
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
        """The recipe as TOML text. For a built-in recipe this is the text of its file, with comments."""
        import tomli_w

        path = _FOLDER / f"{self.name}.toml"
        if self.name in RECIPES and Recipe.load(self.name) == self:
            return path.read_text(encoding="utf-8")
        return tomli_w.dumps(self.to_dict())

    def sample(
        self,
        record: Record,
        *,
        seed: int = 0,
        page: int = 0,
        variant: int = 0,
        severity: float | None = None,
        header_text: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
        notes_font: NotesFont | None = None,
        **fixed: Any,
    ) -> Shot:
        """Sample concrete values for one picture of a record.

        Parameters
        ----------
        record : Record
        seed, variant : int
            Another seed or another variant gives another picture.
        page : int
            Number of the page, from 0: which 10 s of the record.
        severity : float, optional
            How degraded the picture is, 0 to 1; sampled unless given.
        header_text : tuple of str
            Lines to print in the header.
        notes : tuple of str
            Notes that are written by hand instead of built-in phrases, if the recipe has handwriting.
        notes_font : NotesFont, optional
            The font in which `notes` are written; by default they are written in one of the library's hands.
        **fixed
            Values for keys of the recipe's table "page", such as ``layout`` and ``dpi``, instead of sampled ones. None means sampled.

        Returns
        -------
        Shot

        Raises
        ------
        RecipeError, LayoutError
            If a value is not valid, or the record has no such page.
        """
        if severity is not None and not 0 <= severity <= 1:
            raise RecipeError(f"the severity is {severity}, expected 0 to 1")
        seed, page, variant = whole_seed(seed), whole(page, "page"), whole(variant, "variant")
        if seed < 0:
            raise RecipeError(f"the seed is {seed}, expected 0 or above")
        if not 0 <= page < record.page_count():
            raise LayoutError(f"{record.name}: no page {page}, the record has {record.page_count()}")
        start, stop = record.page_range(page)
        shown = Record(record.signal[:, start:stop], record.fs, record.leads)
        # The signal is part of the key, because data sets with many folders have several records of the same name.
        key = f"{record.name}/{page}/{variant}/{crc32(shown.signal.tobytes())}"
        recipe, name = self, self.name
        if self.mix:
            recipe = self._part(rng_for(seed, key, "mix"))
            name = f"{self.name}/{recipe.name}"
        if severity is None:
            severity = recipe._sample_severity(rng_for(seed, key, "severity"))
        layout, style, setup, dpi = recipe._sample_page(record, shown, fixed, seed, key, severity)
        look = style_for(style)
        facts = sample_report_fields(rng_for(seed, key, "facts"), shown, look.date_form, look.clock_form)
        shot = Shot(
            layout=layout, style=style, setup=setup, facts=replace(facts, header_text=header_text), dpi=dpi,
            view=recipe.view.sample(rng_for(seed, key, "view"), severity) or Straight(), start=start, stop=stop,
            recipe=name, seed=seed, page=page, variant=variant, severity=severity,
        )  # fmt: skip
        frame = page_frame(layout_for(layout, record.leads), look, setup, [])  # the list takes notes to the user, not needed here
        shot = showing_traces(shot, record, frame, rng_for(seed, key, "frame"))
        return _with_page_facts(recipe._with_artifacts(shot, frame.size_mm, key), notes, notes_font)

    def draw(self, record: Record, **values: Any) -> Shot:
        """Former name of `sample`, which will be removed in the next version.

        Parameters
        ----------
        record, **values
            As for `sample`.

        Returns
        -------
        Shot
        """
        warnings.warn("Recipe.draw is called Recipe.sample now", DeprecationWarning, stacklevel=2)
        return self.sample(record, **values)

    def _sample_page(
        self, record: Record, shown: Record, fixed: Mapping[str, Any], seed: int, key: str, severity: float
    ) -> tuple[str, str, MachineSettings, float]:
        """Sample layout, style, machine settings and dpi of the page with the part `shown` of a record."""
        values = self._page_values(fixed, seed, key, severity)
        fixed_strips = lead_names(fixed.get("rhythm_leads"))
        look_rng = rng_for(seed, key, "look")
        style, layout = _sample_look(values.pop("style", "auto"), values.pop("layout", "auto"), shown, len(fixed_strips), look_rng)
        values["rhythm_leads"] = fixed_strips or _fitting_strips(lead_names(values.get("rhythm_leads")), layout, record)
        dpi = float(values.pop("dpi", 200.0))
        return layout, style, MachineSettings(**values), dpi

    def _page_values(self, fixed: Mapping[str, Any], seed: int, key: str, severity: float) -> dict[str, Any]:
        """Values of the table "page": those that the caller fixed, and samples of the others."""
        sampled = {name: item.sample(rng_for(seed, key, f"page.{name}"), severity) for name, item in self.page}
        values = {name: _in_range(name, item) for name, item in sampled.items()} | _without_none(fixed)
        check_page({name: Distribution("fixed", (item,)) for name, item in values.items()})
        return values

    def _part(self, rng: np.random.Generator) -> Recipe:
        """One recipe of the mix, chosen at random with probabilities in proportion to the shares."""
        ends = np.cumsum([share for _, share in self.mix])
        return self.mix[int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))][0]

    def _with_artifacts(self, shot: Shot, size_mm: tuple[float, float], key: str) -> Shot:
        """The shot with sampled artifacts, of which fingers are made to reach the page (see `reaching_page`).

        If the artifacts fold the page over, the geometric ones are sampled again with another generator, and left out after `_ATTEMPTS`.
        """
        for attempt in range(_ATTEMPTS):
            again = f"/{attempt}" if attempt else ""
            sampled = [
                item.sample(rng_for(shot.seed, key, slot + (again if item.kind.geometric else "")), shot.severity)
                for slot, item in self.slots
            ]
            shot = replace(shot, artifacts=tuple(item for item in sampled if item is not None))
            if not any(item.geometric for item in shot.artifacts) or shot.warp(size_mm).is_fold_free():
                return reaching_page(shot, size_mm)
        return reaching_page(replace(shot, artifacts=tuple(item for item in shot.artifacts if not item.geometric)), size_mm)

    def _sample_severity(self, rng: np.random.Generator) -> float:
        """Sample the severity, 0 to 1. Unless the recipe has its own distribution, most pictures are only mildly degraded."""
        if self.severity.form == "beta":
            return float(rng.beta(1.3, 2.5))
        return float(np.clip(self.severity.sample(rng, 0.0), 0.0, 1.0))


@cache
def _built_in(name: str) -> Recipe:
    """A built-in recipe, cached because training loops ask for it by name for every page."""
    return Recipe._read(_FOLDER / f"{name}.toml")


def _with_page_facts(shot: Shot, notes: tuple[str, ...], font: NotesFont | None) -> Shot:
    """The shot after its handwriting, marks, stamps and stickers were given the page's facts, and the user's notes and font."""
    from_user: dict[str, Any] = ({"own": "\n".join(notes)} if notes else {}) | ({"font": font.fingerprint} if font else {})
    facts = shot.facts
    shows, who = shown_by(facts), "\n".join((facts.initials, facts.sex, str(facts.age), facts.number, facts.date))

    def with_facts(item: Artifact) -> Artifact:
        if isinstance(item, Handwriting):
            return replace(item, shows=item.shows or shows, **from_user)
        if isinstance(item, Sticker):
            return replace(item, who=item.who or who)
        if isinstance(item, Stamp):
            return replace(item, date=item.date or facts.date)
        return replace(item, shows=item.shows or shows) if isinstance(item, PenMarks) else item

    return replace(shot, artifacts=tuple(with_facts(item) for item in shot.artifacts))


def _without_none(fixed: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in fixed.items() if item is not None}


def _check_keys(table: Any, known: tuple[str, ...], where: str) -> None:
    """Raise a `RecipeError` if `table` is no table or has a key that is not `known`; `where` names the table in the message."""
    if not isinstance(table, Mapping):
        raise RecipeError(f"{where} is {table!r}, expected a table")
    for key in table:
        if key not in known:
            raise RecipeError(f"{where} has the unknown key {key!r}, expected one of {', '.join(known)}")


def _parts(written: Any) -> tuple[tuple[Recipe, float], ...]:
    """The recipes that the table of a mix names, with their shares."""
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


def _in_range(name: str, sampled: Any) -> Any:
    """A sampled value of the table "page", clipped to its range if it is a float, since normal distributions have tails."""
    low, high = RANGES.get(name, (-math.inf, math.inf))
    return min(max(sampled, low), high) if isinstance(sampled, float) else sampled


def check_page(values: Mapping[str, Distribution]) -> None:
    """Check values of a recipe's table "page", or values that a caller fixed, against the known names and the allowed ranges.

    Raises
    ------
    LayoutError
        If one is not valid. The message names it, and what is allowed.
    """
    for name in values["layout"].numbers if "layout" in values else ():
        if name != "auto":
            check_layout(str(name))
    for key, names in (("style", STYLES), ("paper", PAPERS), ("raster", RASTERS)):
        for name in values[key].numbers if key in values else ():
            if name != "auto" and name not in names:
                raise LayoutError(f"unknown {key} {name!r}, expected one of auto, {', '.join(names)}")
    for given in values["simultaneous"].numbers if "simultaneous" in values else ():
        if not isinstance(given, bool):
            raise LayoutError(f"simultaneous is {given!r}, expected true or false")
    for leads in values["rhythm_leads"].numbers if "rhythm_leads" in values else ():
        lead_names(leads)
    for key in RANGES:
        for number in values[key].extremes() if key in values else ():
            check_range(key, number)


def lead_names(written: Any) -> tuple[str, ...]:
    """Names of leads from what a recipe has, such as "V1,II", or from a caller's sequence of names.

    Known spellings become the library's names, except those of inverted leads. Without names the result is empty. Anything else raises a
    `LayoutError`.
    """
    names = written.split(",") if isinstance(written, str) else written or ()
    if not (isinstance(names, Sequence) and all(isinstance(name, str) for name in names)):
        raise LayoutError(f"rhythm_leads is {written!r}, expected names of leads such as 'V1,II'")
    known = ((name.strip(), standard_name(name)) for name in names if name.strip())
    return tuple(found[0] if found and found[1] > 0 else name for name, found in known)


def _fitting_strips(leads: tuple[str, ...], layout: str, record: Record) -> tuple[str, ...] | None:
    """The rhythm leads of a recipe that the record has, at most as many as the layout has strips; None if none is left."""
    strips = layout_for(layout, record.leads).rhythm
    return tuple(lead for lead in leads if lead in record.leads)[: len(strips)] or None


def _sample_look(style: str, layout: str, shown: Record, strips: int, rng: np.random.Generator) -> tuple[str, str]:
    """Sample a style if `style` is "auto", and one of `auto_layouts` for at least `strips` rhythm strips if `layout` is "auto"."""
    u, v = rng.random(2)  # Two random numbers are always taken, so that a fixed style does not change the layout.
    if style == "auto":  # One that prints the layout if there is any, else any of the common styles.
        common = [name for name in STYLES if not STYLES[name].by_name_only]
        names = [name for name in common if _prints(STYLES[name], layout, strips)] or common
        style = names[int(u * len(names))]
    if layout == "auto":
        shares = auto_layouts(shown.leads, STYLES[style].layouts, shown.duration_s, strips)
        edges = np.cumsum(list(shares.values()))
        layout = list(shares)[int(np.searchsorted(edges, v * edges[-1], side="right"))]
    return style, layout


def _prints(style: Style, layout: str, strips: int) -> bool:
    """Whether a style prints a layout, or, for "auto", any layout with at least `strips` rhythm strips."""
    printed = [name for name, _ in style.layouts]
    return layout in printed if layout != "auto" else any(len(LAYOUTS[name].rhythm) >= strips for name in printed)
