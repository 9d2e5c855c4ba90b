"""`Style`: how a page is printed. What a machine prints is a `Style` and a `Layout`; the styles themselves are in `fastecg.styles`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

DATE_FORM = "{day:02d}-{name}-{year}"  # How most machines write dates.
CLOCK_FORM = "{hour:02d}:{minute:02d}:{second:02d}"  # How most machines write the time of day.

RGB = tuple[int, int, int]

_PALEST = 0.45  # Smallest share of its ink's contrast that a grid line keeps on a raster, however thin the line is.

#: Bold lead names on traces stay bold only if the factors on pen width and ink contrast have a larger product: on four of ten machines.
_BOLD = 1.08


@dataclass(frozen=True)
class GridInk:
    """How the millimetre grid is printed: up to three weights of lines, or dots at the 1 mm crossings.

    Widths and diameters are in mm; a width of 0 leaves that weight out. `minor` "dots" prints the 4 x 4 crossings within every 5 mm box.
    """

    minor: str  # the 1 mm grid: "line" or "dots"
    minor_ink: RGB
    minor_mm: float  # line width, or dot diameter
    major_ink: RGB
    major_mm: float  # width of the 5 mm lines
    heavy_ink: RGB = (0, 0, 0)
    heavy_mm: float = 0.0  # width of the lines every 25 mm
    heavy_rows: bool = True  # whether there are horizontal lines every 25 mm
    major_bead_mm: float = 0.0  # pitch of the beads that 5 mm lines are made of, 5 mm over a whole number; 0: they are solid
    uneven: float = 0.0  # how much lines vary in ink, and dots and beads in ink, size and position, as a share: plates print unevenly
    rows_last: bool = False  # whether horizontal lines of all weights lie over vertical ones, as plotting libraries draw them
    dots_per_mm: float = field(default=0.0, repr=False)  # dots per mm of the raster to which lines are rounded; 0: no raster


@dataclass(frozen=True)
class Pen:
    """How width and ink of a trace vary along it, as shares of the pen's width and of its ink. With 0 for all, they do not vary."""

    thin: float = 0.1  # width that is lost where the trace is steepest
    pale: float = 0.05  # ink that is lost where the trace is steepest
    wander: float = 0.03  # largest random change of the width, wider or narrower
    mottle: float = 0.06  # largest random loss of ink
    wave_mm: float = 7.0  # longer of the two wavelengths of these random changes


@dataclass(frozen=True)
class Style:
    """The look of one family of machines and papers. Lengths are in mm; colours are sRGB, 0 to 255, of ink on this paper."""

    name: str
    title: str  # one line for lists and docs
    paper: RGB  # inside the grid
    margin: RGB  # paper outside the grid (white band of a PDF, or the same as `paper`)
    grid: GridInk
    ink: RGB  # traces and pulses
    pen_mm: float  # trace width
    text_ink: RGB  # printed words and separators
    face: str  # "sans", "serif", "mono", "bitmap", "dejavu"
    label_mm: float = 3.2  # font size (em) of lead names
    label_bold: bool = False
    label_place: str = "above"  # "above", "below", "on", "left", "far_above", "far_below"
    label_spelling: str = "aVR"  # "aVR", "AVR", "a V R"
    label_shift_mm: float = 0.6  # from the trace's first sample to the name's left end; unused at the place "left" in the first column
    # What is printed between columns: "none", "tick", "tick_pair", "double_dash", "dotted", "dashed_tick", "bar", "short_bar",
    # "margin_colon", "step".
    separator: str = "none"
    pulse_side: str = "left"  # "left", "right", "both", "none"
    pulse_width_mm: float = 5.0
    pulse_feet_mm: float = 1.0  # length of the level line before the pulse, and of that after it
    pulse_shape: str = "full"  # "full", "right_half"
    pulse_gap_mm: float = 0.0  # between the pulse and the trace
    header: str = "none"  # a key of `fastecg.layouts.printed.HEADERS`
    footer: str = "none"  # a key of `fastecg.layouts.printed.FOOTERS`
    text_mm: float = 2.8  # font size (em) of header and footer
    paper_size: str = "letter"  # a key of `fastecg.layouts.PAPERS`
    grid_inset_mm: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # margins without grid: left, top, right, bottom
    date_form: str = DATE_FORM  # how the machine writes dates
    clock_form: str = CLOCK_FORM  # how the machine writes the time of day
    # Distance of the first row's 0 mV line from the page's upper edge, distance of rows of traces, and by how much rhythm strips lie above
    # the rows that follow from these two. If the distance of rows is 0, or the page is too low for the rows, they are spread evenly.
    rows_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    row_play: float = 0.0  # largest shift of a row that centres its traces, as a share of the rows' distance
    frame_mm: float = 0.0  # width of a line round the page; 0: there is none
    layouts: tuple[tuple[str, float], ...] = (("3x4+1", 1.0),)  # layouts that such machines print, and how often
    pen: Pen = Pen()
    by_name_only: bool = False  # whether "auto" leaves it out, because no machine prints like that
    dots_per_mm: float = 0.0  # resolution of the dots that letters are made of; 0: smooth outlines
    grey: bool = False  # whether these dots have levels of grey
    one_bit: bool = False  # whether a pixel of the print has ink or none

    def printed(self, pen_width: float, ink_depth: float, grid_depth: float) -> Style:
        """The style of one machine of the family, whose pen's width, ink contrast and grid contrast are multiplied by these factors.

        Bold lead names on traces become regular if pen and ink are not strong enough, see `_BOLD`; with all factors 1, nothing changes.
        """
        if pen_width == ink_depth == grid_depth == 1.0:
            return self
        minor, major, heavy = (
            _deeper(self.paper, ink, grid_depth) for ink in (self.grid.minor_ink, self.grid.major_ink, self.grid.heavy_ink)
        )
        grid = replace(self.grid, minor_ink=minor, major_ink=major, heavy_ink=heavy)
        ink, text_ink = (_deeper(self.paper, ink, ink_depth) for ink in (self.ink, self.text_ink))
        bold = self.label_bold and (self.label_place != "on" or pen_width * ink_depth > _BOLD)
        return replace(self, grid=grid, ink=ink, text_ink=text_ink, pen_mm=self.pen_mm * pen_width, label_bold=bold)


def on_raster(style: Style, dots_per_mm: float, one_bit: bool) -> Style:
    """The style as a program draws it into a bitmap of `dots_per_mm` pixels per mm: with grid lines of whole pixels and an even pen.

    With `one_bit`, letters and traces fill pixels or leave them bare, and the pen is a whole number of pixels wide; otherwise they have
    soft edges, and the pen is at least a pixel wide. Lines of the grid that would be thinner than three quarters of a pixel are one pixel
    wide and paler: in full ink and at a coarse raster, they would darken the page.
    """
    pen_mm = max(round(style.pen_mm * dots_per_mm), 1) / dots_per_mm if one_bit else max(style.pen_mm, 1.0 / dots_per_mm)
    shares = (
        min(max(1.3 * width * dots_per_mm, _PALEST), 1.0) for width in (style.grid.minor_mm, style.grid.major_mm, style.grid.heavy_mm)
    )
    inks = style.grid.minor_ink, style.grid.major_ink, style.grid.heavy_ink
    minor, major, heavy = (_deeper(style.paper, ink, share) for ink, share in zip(inks, shares, strict=True))
    grid = replace(style.grid, dots_per_mm=dots_per_mm, minor_ink=minor, major_ink=major, heavy_ink=heavy)
    return replace(style, grid=grid, pen_mm=pen_mm, pen=Pen(0.0, 0.0, 0.0, 0.0), dots_per_mm=dots_per_mm, grey=not one_bit, one_bit=one_bit)


def _deeper(paper: RGB, ink: RGB, depth: float) -> RGB:
    """The ink with its contrast to the paper multiplied by `depth`, cut to levels from 0 to 255."""
    red, green, blue = (min(max(round(light - depth * (light - dark)), 0), 255) for light, dark in zip(paper, ink, strict=True))
    return red, green, blue
