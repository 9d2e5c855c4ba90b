"""`Style`: how a page is inked. A machine's look is a `Style` and a `Layout`; the looks themselves are tables in `fastecg.styles`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

DATE_FORM = "{day:02d}-{name}-{year}"  # How most machines write dates.
CLOCK_FORM = "{hour:02d}:{minute:02d}:{second:02d}"  # How most machines write the time of day.

RGB = tuple[int, int, int]

_PALEST = 0.45  # Minimum share of the ink's contrast that a thin line on a raster has.

#: Width times depth of the print from which on a thermal head's letters run bold: those of six of ten machines stay slender.
_BOLD = 1.08


@dataclass(frozen=True)
class GridInk:
    """How the millimetre grid is printed: up to three weights of lines, or dots at the 1 mm crossings.

    Widths and diameters in mm; a width of 0 leaves that weight out. `minor` "dots" prints the 4x4 inner crossings of every 5 mm box.
    """

    minor: str  # "line" or "dots"
    minor_ink: RGB
    minor_mm: float  # line width, or dot diameter
    major_ink: RGB
    major_mm: float
    heavy_ink: RGB = (0, 0, 0)
    heavy_mm: float = 0.0  # an extra weight every 25 mm
    heavy_rows: bool = True  # whether horizontal lines have it too
    major_bead_mm: float = 0.0  # pitch of the beads that major lines are made of, a part of 5 mm; 0: they are solid
    uneven: float = 0.0  # variation of the ink, size and position of dots, beads and lines of ready-ruled paper, as a share
    rows_last: bool = False  # all horizontal lines over all vertical ones, as plotting libraries draw them
    dots_mm: float = field(default=0.0, repr=False)  # dots per mm of the raster to which lines are rounded; 0: no raster


@dataclass(frozen=True)
class Pen:
    """Variation of a trace's line along it, as shares of the pen's width and of its ink; with all of them 0 the pen writes evenly."""

    thin: float = 0.1  # width lost where the trace is steepest
    pale: float = 0.05  # ink lost there
    wander: float = 0.03  # how far the width wanders to either side along the trace
    mottle: float = 0.06  # how far the ink varies, downwards
    wave_mm: float = 7.0  # wavelength of both


@dataclass(frozen=True)
class Style:
    """The look of one family of machines and papers. Lengths in mm, colours sRGB 0..255 of ink on this paper."""

    name: str
    title: str  # one line for lists and docs
    paper: RGB  # inside the grid
    margin: RGB  # paper outside the grid (white band of a PDF, or the same as `paper`)
    grid: GridInk
    ink: RGB  # traces, pulses, separators
    pen_mm: float  # trace width
    text_ink: RGB
    face: str  # "sans", "serif", "mono", "bitmap", "dejavu"
    label_mm: float = 3.2  # em size of lead names
    label_bold: bool = False
    label_place: str = "above"  # "above", "below", "on", "left", "far_above", "far_below"
    label_spelling: str = "aVR"  # "aVR", "AVR", "a V R"
    label_shift_mm: float = 0.6  # distance from the trace's first sample to the name's left end
    # "none", "tick", "tick_pair", "double_dash", "dotted", "dashed_tick", "bar", "short_bar", "margin_colon", "step"
    separator: str = "none"
    pulse_side: str = "left"  # "left", "right", "both", "none"
    pulse_width_mm: float = 5.0
    pulse_feet_mm: float = 1.0
    pulse_shape: str = "full"  # "full", "right_half"
    pulse_gap_mm: float = 0.0  # between the pulse and the trace
    header: str = "none"  # a key of `fastecg.layouts.printed.HEADERS`
    footer: str = "none"  # a key of `fastecg.layouts.printed.FOOTERS`
    text_mm: float = 2.8  # em size of header and footer
    paper_size: str = "letter"  # a key of `fastecg.layouts.PAPERS`
    grid_inset_mm: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # left, top, right, bottom margin without grid
    date_form: str = DATE_FORM  # the machine's formats of dates and of the time of day
    clock_form: str = CLOCK_FORM
    rows_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)  # first row, rows' distance, how much nearer strips are; 0: spread evenly
    row_play: float = 0.0  # largest shift of a row that centres its traces, as a share of the rows' distance
    frame_mm: float = 0.0  # width of a line round the page
    layouts: tuple[tuple[str, float], ...] = (("3x4+1", 1.0),)  # layouts that such machines print, with their shares
    pen: Pen = Pen()
    by_name_only: bool = False  # whether "auto" leaves it out, because no machine prints like that
    dots_mm: float = 0.0  # dots per mm that letters are made of; 0: smooth outlines
    grey: bool = False  # whether these dots have levels of grey
    one_bit: bool = False  # whether a pixel of the print has ink or none

    def printed(self, pen_width: float, ink_depth: float, grid_depth: float) -> Style:
        """The style of one machine of the family: its pen's width, ink contrast and grid contrast, as factors."""
        if pen_width == ink_depth == grid_depth == 1.0:
            return self
        minor, major, heavy = (
            _deeper(self.paper, ink, grid_depth) for ink in (self.grid.minor_ink, self.grid.major_ink, self.grid.heavy_ink)
        )
        grid = replace(self.grid, minor_ink=minor, major_ink=major, heavy_ink=heavy)
        ink, text_ink = (_deeper(self.paper, ink, ink_depth) for ink in (self.ink, self.text_ink))
        bold = self.label_bold and (self.label_place != "on" or pen_width * ink_depth > _BOLD)
        return replace(self, grid=grid, ink=ink, text_ink=text_ink, pen_mm=self.pen_mm * pen_width, label_bold=bold)


def on_raster(style: Style, dots_mm: float, one_bit: bool) -> Style:
    """The style as a program draws it into a bitmap with a number of pixels per mm: lines and letters of whole pixels, an even pen.

    With `one_bit` pixels of traces are inked or not; otherwise letters and traces have soft edges. Lines that would be thinner than a pixel
    are one pixel wide and paler, or a fine grid would cover half of the page.
    """
    pen_mm = max(round(style.pen_mm * dots_mm), 1) / dots_mm if one_bit else max(style.pen_mm, 1.0 / dots_mm)
    shares = (min(max(1.3 * width * dots_mm, _PALEST), 1.0) for width in (style.grid.minor_mm, style.grid.major_mm, style.grid.heavy_mm))
    inks = style.grid.minor_ink, style.grid.major_ink, style.grid.heavy_ink
    minor, major, heavy = (_deeper(style.paper, ink, share) for ink, share in zip(inks, shares, strict=True))
    grid = replace(style.grid, dots_mm=dots_mm, minor_ink=minor, major_ink=major, heavy_ink=heavy)
    return replace(style, grid=grid, pen_mm=pen_mm, pen=Pen(0.0, 0.0, 0.0, 0.0), dots_mm=dots_mm, grey=not one_bit, one_bit=one_bit)


def _deeper(paper: RGB, ink: RGB, depth: float) -> RGB:
    """The ink with `depth` times its contrast to the paper, as far as levels allow."""
    red, green, blue = (min(max(round(light - depth * (light - dark)), 0), 255) for light, dark in zip(paper, ink, strict=True))
    return red, green, blue
