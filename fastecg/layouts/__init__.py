"""The table of layouts, and layouts for records with other leads than the standard twelve."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fastecg.errors import LayoutError
from fastecg.layouts.layout import Layout
from fastecg.layouts.paper import PAPERS, MachineSettings, PageFrame, Paper
from fastecg.record import LEADS

__all__ = [
    "LAYOUTS",
    "PAPERS",
    "Layout",
    "MachineSettings",
    "PageFrame",
    "Paper",
    "auto_layouts",
    "check_layout",
    "fitting_layouts",
    "layout_for",
    "single_column",
]  # fmt: skip

# The leads in the columns of the layouts, from top to bottom.
_LIMB = LEADS[:6]
_CHEST = LEADS[6:]
_THREES = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
_FOURS = (("I", "II", "III", "aVR"), ("aVL", "aVF", "V1", "V2"), ("V3", "V4", "V5", "V6"))
_TWOS = (("I", "II"), ("III", "aVR"), ("aVL", "aVF"), ("V1", "V2"), ("V3", "V4"), ("V5", "V6"))
_CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
_FURTHER = ("V4R", "V8", "V9")  # Leads in the fifth column of 3x5.
_ROWS = re.compile(r"([1-9]\d?)x1(-wide)?")  # Names of layouts of up to 99 rows, 2 mm apart on the highest paper.
_MOST_NAMED_ROWS = 99  # Largest number that `_ROWS` matches.
_MOST_ROWS = 24  # For the twelve leads and others, "auto" gives each lead a row up to this number of leads (15: mostly not), else 3x5.

_TABLE = (
    Layout("3x4", "three rows of four", _THREES),
    Layout("3x4+1", "three rows of four and a rhythm strip", _THREES, ("II",)),
    Layout("3x4+2", "three rows of four and two rhythm strips", _THREES, ("V1", "II")),
    Layout("3x4+3", "three rows of four and three rhythm strips", _THREES, ("V1", "II", "V5")),
    Layout("6x2", "limb leads left, chest leads right", (_LIMB, _CHEST)),
    Layout("6x2+1", "limb leads left, chest leads right, and a rhythm strip", (_LIMB, _CHEST), ("II",)),
    Layout("6x2-cabrera", "limb leads in the order of the frontal plane left, chest leads right", (_CABRERA, _CHEST)),
    Layout("6x2-cabrera+1", "limb leads in the order of the frontal plane, chest leads, a rhythm strip", (_CABRERA, _CHEST), ("II",)),
    Layout("12x1", "twelve rows over the whole width", (LEADS,)),
    Layout("4x3", "four rows of three", _FOURS),
    Layout("2x6", "two rows of six", _TWOS),
    Layout("3x5", "fifteen leads: three rows of five", (*_THREES, _FURTHER)),
    Layout("6x1", "limb leads on one upright page", (_LIMB,), seconds=7.0, upright=True),
    Layout("6x1-chest", "chest leads on one upright page", (_CHEST,), seconds=7.0, upright=True),
    Layout("2x1", "two rows over the whole width", (("II", "V1"),)),
    Layout("1x1", "one row over the whole width", (("II",),)),
)

#: Layouts by name. `layout_for` makes any other `n`x1, which shows the first n leads of a record.
LAYOUTS = {layout.name: layout for layout in _TABLE}


def check_layout(name: str, rhythm_leads: Sequence[str] = ()) -> None:
    """Check, without a record, that a layout exists and has a rhythm strip for each of `rhythm_leads`.

    Raises
    ------
    LayoutError
        If it does not exist, or has too few rhythm strips.
    """
    if name not in LAYOUTS and not _ROWS.fullmatch(name):
        raise LayoutError(f"unknown layout {name!r}, expected one of auto, {', '.join(LAYOUTS)}, or n x 1 as in 5x1, up to 99x1")
    LAYOUTS.get(name, Layout(name, "", ())).check_rhythm(rhythm_leads)


def layout_for(name: str, leads: Sequence[str]) -> Layout:
    """The layout called `name`, for a record with these leads.

    The fifth column of "3x5" shows V4R, V8 and V9, or other leads beyond the twelve if the record lacks one of these. An `n`x1 that is not
    in the table shows the first n leads of the record. An `n`x1 in the table does so too if the record lacks one of the layout's leads, but
    has at least n. All these layouts show 10 s on a page in landscape, and so does any `n`x1-wide with the first n leads, whereas the 6x1
    of the table shows 7 s on an upright page.

    Raises
    ------
    LayoutError
        If there is no such layout, it shows no lead of the record, or an `n`x1 that is not in the table has more rows than the record
        has leads.
    """
    check_layout(name)
    layout, single = LAYOUTS.get(name), _ROWS.fullmatch(name)
    if name == "3x5":
        layout = Layout(name, LAYOUTS[name].title, (*_THREES, _fifth_column(leads)))
    if single and (layout is None or not set(layout.leads) <= set(leads)) and (layout is None or int(single[1]) <= len(leads)):
        return _first_leads(name, int(single[1]), leads)
    assert layout is not None
    if not set(layout.leads) & set(leads):
        raise LayoutError(f"layout {name} shows no lead of this record ({', '.join(leads)}), expected one of the layouts {_fitting(leads)}")
    return layout


def fitting_layouts(leads: Sequence[str]) -> tuple[str, ...]:
    """The names of the layouts that a record with these leads fills completely, preferred ones first; at least one."""
    known = set(leads)
    large = [name for name in LAYOUTS if name not in ("1x1", "2x1", "3x5") and set(LAYOUTS[name].leads) <= known]
    if len(known) >= 15 and known >= set(LEADS):
        large.insert(0, "3x5")
    if not known >= set(LEADS):
        large.insert(0, f"{min(len(leads), _MOST_NAMED_ROWS)}x1")
    small = [f"{n}x1" for n in (2, 1) if n <= len(leads)]
    return tuple(dict.fromkeys([*large, *small]))


def auto_layouts(leads: Sequence[str], printed: Iterable[tuple[str, float]], seconds: float = 10.0, strips: int = 0) -> dict[str, float]:
    """The layouts that "auto" chooses from, with their relative probabilities.

    Records of the twelve leads get the layouts that the machine prints. For other records, every lead has a row, up to 99 leads. But a
    record of the twelve with further leads has three rows of five: mostly if it has fifteen leads, always if it has more than 24. A record
    of the limb leads gets 6x1-wide if 6x1 is too short for the page.

    Parameters
    ----------
    leads : sequence of str
        The leads of the record.
    printed : iterable of (name, share)
        Layouts of the machine, as in `Style.layouts`.
    seconds : float
        Duration of the page, s.
    strips : int
        Least number of rhythm strips; ignored for a record that lacks one of the twelve leads. If it is above 0, a record with more than
        the twelve leads gets a layout for twelve. If no layout of the machine has so many strips, the layout is 3x4 with 1 to 3 strips.
    """
    known, count = set(leads), len(leads)
    if known == set(LEADS) or (strips and known > set(LEADS)):
        shares = {name: share for name, share in printed if len(LAYOUTS[name].rhythm) >= strips}
        return shares or {f"3x4+{min(max(strips, 1), 3)}": 1.0}
    if known > set(LEADS) and (count == 15 or count > _MOST_ROWS):
        return {"3x5": 0.7, "15x1": 0.3} if count == 15 else {"3x5": 1.0}
    if known == set(_LIMB) and seconds > LAYOUTS["6x1"].seconds:
        return {"6x1-wide": 1.0}
    return {f"{min(count, _MOST_NAMED_ROWS)}x1": 1.0}


def single_column(leads: Sequence[str]) -> Layout:
    """A layout in which every lead has a row over the whole width."""
    return Layout(f"{len(leads)}x1", f"{len(leads)} rows over the whole width", (tuple(leads),))


def _fifth_column(leads: Sequence[str]) -> tuple[str, ...]:
    """V4R, V8 and V9 if the record has all three, or no lead beyond the standard twelve; else its first one to three leads beyond these."""
    others = tuple(lead for lead in leads if lead not in LEADS)[:3]
    return _FURTHER if set(_FURTHER) <= set(leads) else others or _FURTHER


def _first_leads(name: str, rows: int, leads: Sequence[str]) -> Layout:
    """A layout called `name` in which each of the first `rows` leads has a row; a `LayoutError` if there are fewer leads."""
    if rows > len(leads):
        raise LayoutError(f"layout {name} needs {rows} leads, this record has {len(leads)}, expected one of the layouts {_fitting(leads)}")
    return replace(single_column(tuple(leads)[:rows]), name=name)


def _fitting(leads: Sequence[str]) -> str:
    """The names of `fitting_layouts` for an error."""
    return ", ".join(fitting_layouts(leads))
