"""All options of rendering: how pages look, which files a run writes, which records it reads, and how it is carried out.

Every option is a field of a class here, with its type, its default and a sentence about it. The parameters, signatures and help texts of
`fastecg.render`, `fastecg.render_dataset`, `fastecg.photos`, `fastecg.torch.EcgPhotos` and ``fastecg render`` are made from these fields,
so a new option needs only a new field, and the code that uses it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar, get_args

from fastecg.errors import FastecgError, ImageError

if TYPE_CHECKING:
    from distributed import Client

    from fastecg.handwriting import NotesFont
    from fastecg.recipe import Recipe
    from fastecg.record import Record
    from fastecg.run.dataset import Progress

#: Formats of pictures.
Format = Literal["png", "jpg", "webp", "tiff"]
#: Kinds of truth files that can be written beside a picture.
TruthFile = Literal["json", "mask", "layers", "warp"]
#: Kinds of truth that an example of `fastecg.photos` can contain.
Truth = Literal["mask", "layers", "points", "signal"]

#: What `fastecg.photos` yields: a picture with its truth, by the keys that the docstring of `photos` lists.
Example = dict[str, Any]

#: Duration of a page, s.
PAGE_S = 10.0
_MOST_S = 1e9  # The options `start` and `every` are below this, s.
_MOST_PAGES = 10**9  # Largest value of the option `pages`: three centuries.
_MOST_VARIANTS = 10_000  # Largest number of variants of a page: the parts of a record are listed before the first is drawn.
_MOST_WORKERS = 1024  # Largest number of processes.

# Groups of options in `fastecg render --help`.
LOOK = "Look"
INPUT = "What is read"
FILES = "Files"


@dataclass(frozen=True)
class Flag:
    """How an option is written on the command line, where that differs from Python.

    Attributes
    ----------
    name : str, optional
        The flag's name without dashes; the field's name unless given.
    metavar : str, optional
        The placeholder for the value in the help text.
    of_file : bool
        Whether the flag takes the name of a file, whose content is the value.
    default : str, optional
        The default in words, if the field's default is None.
    """

    name: str | None = None
    metavar: str | None = None
    of_file: bool = False
    default: str | None = None


def option(
    default: Any, text: str, *, group: str | None = None, flag: Flag | None = Flag(), clean: Callable[[Any], Any] | None = None
) -> Any:
    """A dataclass field for an option.

    Parameters
    ----------
    default : object
        The option's default in Python.
    text : str
        A sentence for the docs and for the help of the command line.
    group : str, optional
        The heading under which the help of the command line lists the option.
    flag : Flag, optional
        How the option is written on the command line; None if only Python has it.
    clean : callable, optional
        Converts what a user may give, such as the name of a recipe, to the value that is kept.
    """
    return field(default=default, metadata={"text": text, "group": group, "flag": flag, "clean": clean})


# --- functions that convert what users give -----------------------------------------------------------------------------------


def _loaded(recipe: Any) -> Recipe:
    from fastecg.recipe import Recipe

    return recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)


def _lead_names(given: Any) -> tuple[str, ...]:
    from fastecg.recipe import lead_names

    return lead_names(given)


def _font(given: Any) -> NotesFont | None:
    from fastecg.handwriting.font import read_font

    return None if given is None else read_font(given)


def _words(given: Any) -> tuple[str, ...] | None:
    return None if given is None else (given,) if isinstance(given, str) else tuple(given)


def _whole(what: str, optional: bool = False) -> Callable[[Any], int | None]:
    """A function that converts whole numbers to int, and keeps None if `optional`. Errors call the number `what`."""

    def clean(given: Any) -> int | None:
        from fastecg.recipes.distributions import whole

        return None if optional and given is None else whole(given, what)

    return clean


def _seed(given: Any) -> int:
    from fastecg.recipes.distributions import whole_seed

    return whole_seed(given)


# --- the options --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """How pages look."""

    recipe: str | Path | Recipe = option("clean", "A recipe, its name (see `fastecg recipes`) or FILE.toml.", group=LOOK, clean=_loaded)
    layout: str = option("auto", "3x4, 3x4+1, 6x2, 12x1 …; auto chooses at random one that the machine prints.", group=LOOK)
    style: str = option("auto", "The kind of machine and its paper; auto chooses one at random.", group=LOOK)
    dpi: float | None = option(None, "Pixels per inch of paper.", group=LOOK, flag=Flag(default="the recipe's, or 200"))
    speed_mm_s: float | None = option(None, "Paper speed, mm/s.", group=LOOK, flag=Flag("speed", default="the recipe's, or 25"))
    gain_mm_mv: float | None = option(None, "Gain, mm/mV.", group=LOOK, flag=Flag("gain", default="the recipe's, or 10"))
    chest_gain_mm_mv: float | None = option(
        None, "Gain of the chest leads if it differs (the 5 in 10/5), mm/mV.", group=LOOK, flag=Flag("chest-gain")
    )
    paper: str = option("auto", "letter, a4, roll-63 … roll-210; auto is the paper of the machine.", group=LOOK)
    rhythm_leads: Sequence[str] = option(
        (),
        "Leads of the rhythm strips from top to bottom, such as V1,II,V5; an automatic layout then has as many strips.",
        group=LOOK,
        flag=Flag("rhythm-lead", "LEAD[,…]"),
        clean=_lead_names,
    )
    severity: float | None = option(None, "How degraded the page is, 0 to 1; random, mostly mild, unless given.", group=LOOK)
    header_text: Sequence[str] = option(
        (), "Lines to print in the header as they are; no text of the record itself is printed.", group=LOOK, flag=Flag(None, "FILE", True),
        clean=tuple,
    )  # fmt: skip
    notes: Sequence[str] = option(
        (), "Notes, one per line, that are written by hand if the recipe has handwriting.", group=LOOK, flag=Flag(None, "FILE", True),
        clean=tuple,
    )  # fmt: skip
    notes_font: str | Path | NotesFont | None = option(
        None, "A TrueType or OpenType font in which notes are written.", group=LOOK, flag=Flag(None, "FILE.ttf", True), clean=_font
    )
    seed: int = option(0, "Another seed gives other pictures; the same seed gives the same bytes.", clean=_seed)

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.metadata["clean"] is not None:
                object.__setattr__(self, item.name, item.metadata["clean"](getattr(self, item.name)))

    def page_values(self) -> dict[str, Any]:
        """The options that a recipe's table "page" has too; None for those that are left to the recipe."""
        from fastecg.recipe import Recipe

        given = {item.name: getattr(self, item.name) for item in fields(self) if item.name in Recipe.PAGE_KEYS}
        return {name: None if value in ("auto", ()) else value for name, value in given.items()}

    def sample_values(self) -> dict[str, Any]:
        """The keyword arguments of `Recipe.sample`, except page and variant."""
        others = {item.name for item in fields(PageOptions)} - {"recipe", *self.page_values()}
        return {name: getattr(self, name) for name in others} | self.page_values()

    def check(self) -> None:
        """Raise an error if an option is not valid.

        Raises
        ------
        FastecgError
        """
        from fastecg.layouts import check_layout
        from fastecg.recipe import check_page
        from fastecg.recipes.distributions import Distribution
        from fastecg.recipes.limits import MOST_HEADER_LINES, MOST_NOTES, check_lines

        fixed = {name: value for name, value in self.page_values().items() if value is not None}
        check_page({name: Distribution("fixed", (value,)) for name, value in fixed.items()})
        # No layout that is chosen automatically has more rhythm strips than 3x4+3.
        check_layout("3x4+3" if self.layout == "auto" else self.layout, tuple(self.rhythm_leads))
        check_lines(tuple(self.header_text), "header lines", MOST_HEADER_LINES)
        check_lines(tuple(self.notes), "notes", MOST_NOTES)
        if self.severity is not None and not 0 <= self.severity <= 1:
            raise FastecgError(f"the severity is {self.severity}, expected 0 to 1")
        if self.seed < 0:
            raise FastecgError(f"the seed is {self.seed}, expected 0 or above")


@dataclass(frozen=True, kw_only=True)
class PictureOptions(PageOptions):
    """How a page looks, and which picture of a record it is."""

    page: int = option(0, "Number of the page, from 0: which 10 s of the record.")
    variant: int = option(0, "Number of the variant, from 0; each is another picture of the page.")


@dataclass(frozen=True, kw_only=True)
class Options(PageOptions):
    """The options that determine the content of a run's files. They are kept in ``run.json``."""

    per_record: int = option(1, "Number of variants of every page.", clean=_whole("number of variants"))
    format: Format = option("png", "Format of the images: png, jpg, webp or tiff.", group=FILES)
    quality: int | None = option(None, "Quality of the compression, 1 to 100, for jpg (95) and webp (90).", group=FILES)
    truth: TruthFile | Sequence[TruthFile] = option(
        ("json",), "Truth files to write: some of json,mask,layers,warp.", group=FILES, clean=_words
    )
    mask_unplotted: bool = option(False, "Write NaN to the WFDB copy for samples that no picture shows.", group=FILES)
    challenge_headers: bool = option(False, "Name the images in the WFDB copy (#Image: …), as PhysioNet 2024 does.", group=FILES)
    fs: float | None = option(None, "Sampling frequency in Hz of CSV and NumPy files that state none.", group=INPUT)
    leads: Sequence[str] | None = option(
        None, "Names of the leads in CSV and NumPy files, in their order.", group=INPUT, flag=Flag(None, "LEAD[,…]"), clean=_words
    )
    unit: str | None = option(None, "Unit of CSV and NumPy files: mV, uV or V.", group=INPUT, flag=Flag("units", default="mV"))
    choose: Sequence[str] | None = option(
        None, "Only these leads, in this order; NEW=OLD renames one.", group=INPUT, flag=Flag(None, "LEAD[,…]"), clean=_words
    )
    derive: bool | None = option(
        None, "Compute III, aVR, aVL and aVF from I and II if they are missing.", group=INPUT, clean=lambda given: given or None
    )
    start: float | None = option(
        None, "Time at which the first page of a long record begins, a multiple of 10.", group=INPUT, flag=Flag(None, "SECONDS")
    )
    pages: int | None = option(
        None, "Largest number of pages of a record.", group=INPUT, flag=Flag(None, "N"), clean=_whole("number of pages", optional=True)
    )
    every: float | None = option(
        None, "Time from one page to the next, a multiple of 10. Pages keep their numbers, and so their pictures.", group=INPUT,
        flag=Flag(None, "SECONDS", default="10"),
    )  # fmt: skip

    def chosen_pages(self, count: int) -> range:
        """The numbers of the pages that are drawn of a record with `count` pages."""
        first, step = round((self.start or 0.0) / PAGE_S), round((self.every or PAGE_S) / PAGE_S)
        return range(first, count, step)[: self.pages]

    def applied_to(self, record: Record) -> Record:
        """The record with the leads that the options `derive` and `choose` ask for."""
        record = record.with_limb_leads() if self.derive else record
        return record if self.choose is None else record.choose(self.choose)

    def check(self) -> None:
        """Raise an error if an option is not valid.

        Raises
        ------
        FastecgError
        """
        from fastecg.readers.leads import millivolts_per
        from fastecg.writers import FORMATS

        if f".{self.format}" not in FORMATS:
            raise ImageError(f"unknown format {self.format!r}, expected png, jpg, webp or tiff")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ImageError(f"the quality is {self.quality}, expected 1 to 100")
        for kind in self.truth:
            if kind not in get_args(TruthFile):
                raise ImageError(f"unknown truth {kind!r}, expected some of {', '.join(get_args(TruthFile))}")
        super().check()
        if self.unit is not None and millivolts_per(self.unit) is None:
            raise FastecgError(f"the unit is {self.unit!r}, expected mV, uV or V")
        for name, seconds in (("start", self.start), ("every", self.every)):
            is_valid = seconds is None or (0 <= seconds < _MOST_S and abs(seconds / PAGE_S - round(seconds / PAGE_S)) < 1e-9)
            if not is_valid or (name == "every" and seconds == 0):
                raise FastecgError(
                    f"{name} is {seconds:g} s, expected a multiple of a page's {PAGE_S:g} s, as {PAGE_S:g} or {6 * PAGE_S:g}"
                )
        if self.pages is not None and not 1 <= self.pages <= _MOST_PAGES:
            raise FastecgError(f"pages is {self.pages}, expected 1 to {_MOST_PAGES}")
        if not 1 <= self.per_record <= _MOST_VARIANTS:
            raise FastecgError(f"per-record is {self.per_record}, expected 1 to {_MOST_VARIANTS}")

    def to_dict(self) -> dict[str, Any]:
        """The options as they are stored in ``run.json``, with the full recipe."""
        from fastecg import __version__

        recipe, font = _loaded(self.recipe), _font(self.notes_font)
        plain = {item.name: getattr(self, item.name) for item in fields(Options)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
        plain |= {"recipe": recipe.name, "notes_font": font and font.fingerprint, "recipe_toml": recipe.to_toml()}
        return {"version": __version__, **plain}


@dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    """All options of a run. The options that this class adds say how a run is carried out, and are not in ``run.json``."""

    limit: int | None = option(None, "Only the first N records.", flag=Flag(None, "N"))
    shard: tuple[int, int] | None = option(
        None, "(K, N): only every N-th record, from the K-th on, so that each of N machines draws its part.", flag=Flag(None, "K/N")
    )
    overwrite: bool = option(False, "Draw pictures again that are already there.", group=FILES)
    workers: int | None = option(None, "Number of processes.", flag=Flag(default="all cores"))
    client: Client | None = option(None, "Draw on this Dask cluster; its machines must see the same folders.", flag=None)
    progress: Callable[[Progress], None] | None = option(None, "Called with a `Progress` after every record, or part of it.", flag=None)

    def content(self) -> Options:
        """The options that determine the content of the files."""
        return Options(**{item.name: getattr(self, item.name) for item in fields(Options)})

    def check(self) -> None:
        """Raise an error if an option is not valid.

        Raises
        ------
        FastecgError
        """
        super().check()
        if self.workers is not None and not 1 <= self.workers <= _MOST_WORKERS:
            raise FastecgError(f"workers is {self.workers}, expected 1 to {_MOST_WORKERS}")


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(PageOptions):
    """Options of pictures for a training loop: how they look, and what an example contains."""

    recipe: str | Path | Recipe = option("photo", "A recipe, its name (see `fastecg recipes`) or FILE.toml.", clean=_loaded)
    truth: Truth | Sequence[Truth] = option(
        ("mask",), 'Truth that an example contains: some of "mask", "layers", "points", "signal".', clean=_words
    )
    crop: int | None = option(None, "Width and height in px of windows at random places, which are cut out instead of whole pictures.")
    crops: int = option(1, "Number of windows that are cut out of every picture.")
    transform: Callable[[Example], Example] | None = option(
        None, "Called with every example, a dict of arrays; what it returns replaces the example."
    )

    def check(self) -> None:
        """Raise an error if an option is not valid.

        Raises
        ------
        FastecgError
        """
        for kind in self.truth:
            if kind not in get_args(Truth):
                raise ImageError(f"unknown truth {kind!r}, expected some of {', '.join(get_args(Truth))}")
        for what, number in (("crop", self.crop), ("crops", self.crops)):
            if number is not None and number < 1:
                raise FastecgError(f"{what} is {number}, expected 1 or more")
        if self.crops > 1 and self.crop is None:
            raise FastecgError(f"{self.crops} crops of no size, expected crop=PIXELS too")
        super().check()


# --- decorators of functions that take options --------------------------------------------------------------------------------

P = ParamSpec("P")
A = TypeVar("A")
B = TypeVar("B")
O = TypeVar("O")  # noqa: E741
R = TypeVar("R")

#: The line of a docstring that is replaced by the documentation of the options.
PLACE = "<options>"


def takes(kind: Callable[P, O]) -> Callable[[Callable[[A, O], R]], Callable[Concatenate[A, P], R]]:
    """A decorator for functions of (something, options). They then take the fields of an options class as keywords instead of `options`."""

    def decorate(function: Callable[[A, O], R]) -> Callable[Concatenate[A, P], R]:
        @wraps(function)
        def named(first: A, *positional: P.args, **options: P.kwargs) -> R:
            _refuse_unknown(function, kind, options)
            return function(first, kind(*positional, **options))  # Positional options are an error: options classes take keywords only.

        return listing(kind)(named)

    return decorate


def takes_with_two(kind: Callable[P, O]) -> Callable[[Callable[[A, B, O], R]], Callable[Concatenate[A, B, P], R]]:
    """A decorator like `takes` for functions of (something, something else, options)."""

    def decorate(function: Callable[[A, B, O], R]) -> Callable[Concatenate[A, B, P], R]:
        @wraps(function)
        def named(first: A, second: B, *positional: P.args, **options: P.kwargs) -> R:
            _refuse_unknown(function, kind, options)
            return function(first, second, kind(*positional, **options))

        return listing(kind)(named)

    return decorate


def _refuse_unknown(function: Callable[..., Any], kind: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise a `TypeError` with a suggestion if a keyword is not one of the options."""
    known = [item.name for item in fields_of(kind)]
    for name in given:
        if name not in known:
            near = [each for each in known if each.startswith(name)] or get_close_matches(name, known, 1)
            raise TypeError(f"{function.__name__}() has no option {name!r}, expected one of {', '.join(near or known)}")


F = TypeVar("F", bound=Callable[..., Any])


def listing(kind: Callable[..., Any]) -> Callable[[F], F]:
    """A decorator that puts the fields of an options class into the signature and docstring of a function that takes them as keywords."""

    def decorate(function: F) -> F:
        known = fields_of(kind)
        own = [each for each in inspect.signature(function).parameters.values() if each.name != "options"]
        named = [inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=item.default, annotation=item.type) for item in known]
        signature = inspect.signature(function).replace(parameters=[*own, *named])
        function.__signature__ = signature  # type: ignore[attr-defined]
        function.__doc__ = (function.__doc__ or "").replace(PLACE, _documented(known))
        return function

    return decorate


def fields_of(kind: Callable[..., Any]) -> tuple[Field[Any], ...]:
    """The options of an options class, as dataclass fields."""
    return fields(kind)  # type: ignore[arg-type]


def _documented(known: Sequence[Field[Any]]) -> str:
    """The text about the options in a docstring's section "Parameters"."""
    return "\n    ".join(line for item in known for line in _entry(item))


def _entry(item: Field[Any]) -> Iterator[str]:
    """The lines about one option in a docstring's section "Parameters"."""
    flag = item.metadata["flag"]
    # The flag's default in words if it has one, else the field's default; nothing if that is missing, None or empty.
    default = flag.default if flag and flag.default else None if item.default in (MISSING, None, ()) else repr(item.default)
    yield f"{item.name} : {item.type}"
    yield f"    {item.metadata['text']}" + (f" Default: {default}." if default else "")
