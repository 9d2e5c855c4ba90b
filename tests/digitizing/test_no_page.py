"""Pictures of no ECG are refused after a look or two, whatever they show."""

import os

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fastecg.digitizing import levels
from fastecg.digitizing.phase import Fives
from fastecg.digitizing.reading import read_signals
from fastecg.digitizing.segmenter import LayerSegmenter
from fastecg.digitizing.upright import _is_blank
from fastecg.digitizing.warp_fit import _STIFF, fit_warp, residuals_mm, smoothest_warp
from fastecg.errors import ImageError

pytest.importorskip("onnxruntime")

SIZE = 850, 1100
MOST_PIXELS = 16_000_000  # four pages as large as the network sees them, some 8 s of one core


def drawn(*shapes):
    """White paper with what functions draw on it."""
    picture = Image.new("RGB", SIZE[::-1], "white")
    for shape in shapes:
        shape(ImageDraw.Draw(picture))
    return np.asarray(picture)


def lines(apart, colour, width=1):
    def draw(pen):
        for at in range(0, max(SIZE), apart):
            pen.line((0, at, SIZE[1], at), fill=colour, width=width)
            pen.line((at, 0, at, SIZE[0]), fill=colour, width=width)

    return draw


def staves(pen):
    rng = np.random.default_rng(0)
    for top in range(60, 800, 90):
        for k in range(5):
            pen.line((50, top + 9 * k, 1050, top + 9 * k), fill="black")
        for x in range(70, 1040, 25):
            y = top + int(rng.integers(0, 9)) * 4
            pen.ellipse((x - 5, y - 4, x + 5, y + 4), fill="black")
            pen.line((x + 5, y, x + 5, y - 30), fill="black")


def printed_staves():
    """Music as it is printed: a letter page at 200 dpi, whose lines are taken for those of a page larger than A3."""
    picture = Image.new("RGB", (1700, 2200), "white")
    pen, rng = ImageDraw.Draw(picture), np.random.default_rng(0)
    for top in range(60, 2140, 150):
        for k in range(5):
            pen.line((50, top + 14 * k, 1650, top + 14 * k), fill="black")
        for x in range(70, 1640, 39):
            y = top + 7 * int(rng.integers(0, 9))
            pen.ellipse((x - 7.7, y - 6.3, x + 7.7, y + 6.3), fill="black")
            pen.line((x + 7.7, y, x + 7.7, y - 46), fill="black")
    return np.asarray(picture)


def waves(pen):
    for row in range(14):
        pen.line([(x, 60 * row + 40 + round(15 * np.sin(x / 5.0 + row))) for x in range(50, 1050, 2)], fill="black")


def walks(pen):
    """Prices of shares."""
    rng = np.random.default_rng(2)
    for row in range(6):
        heights = 70 + 130 * row + np.cumsum(rng.normal(0, 3, 1000))
        pen.line(
            [(50 + x, float(y)) for x, y in enumerate(heights - np.linspace(0, heights[-1] - heights[0], 1000))], fill="black", width=2
        )


def noise():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)


def empty(contrast=0):
    """Paper that is lit from one side and seen by a sensor, with a trace as thin as any that differs by so much."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    trace = np.abs(y - 400 - 30 * np.sin(x / 20.0)) < 0.7
    light = 150 + 80.0 * x / SIZE[1] - contrast * trace
    return np.clip(light[..., None] + np.random.default_rng(0).normal(0, 2, (*SIZE, 3)), 0, 255).astype(np.uint8)


def checker():
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.repeat((255 * ((x // 4 + y // 4) % 2)).astype(np.uint8)[..., None], 3, 2)


NOTHING = {
    "white": lambda: np.full((*SIZE, 3), 255, np.uint8),
    "black": lambda: np.zeros((*SIZE, 3), np.uint8),
    "empty paper": empty,
    "noise": noise,
    "checker": checker,
    "graph paper": lambda: drawn(lines(4, (255, 190, 190)), lines(20, (240, 120, 120))),
    "squared paper": lambda: drawn(lines(20, (150, 180, 220))),
    "staves": lambda: drawn(staves),
    "printed staves": printed_staves,
    "waves": lambda: drawn(waves),
    "walks": lambda: drawn(walks),
}


BLANK = "white", "black", "empty paper"
USUAL = (
    NOTHING
    if os.environ.get("FASTECG_LONG")
    else ("white", "empty paper", "graph paper", "noise", "squared paper", "printed staves", "waves", "walks")
)


@pytest.fixture
def looks(monkeypatch):
    """How many pixels the network was shown at each look."""
    shown = []
    separate = LayerSegmenter.separate

    def counted(self, picture, zoom):
        layers = separate(self, picture, zoom)
        shown.append(layers.maps[0].size)
        return layers

    monkeypatch.setattr(LayerSegmenter, "separate", counted)
    return shown


@pytest.mark.parametrize("name", USUAL)
def test_no_page_is_refused_after_a_few_looks(name, looks, monkeypatch):
    """What a picture costs is what the network is shown, maps that are fitted, counted below, and words, which are not read."""
    monkeypatch.setattr(levels, "written_gain", lambda *given: pytest.fail("words were read"))
    with pytest.raises(ImageError, match="no trace was found" if name in (*BLANK, "graph paper") else "expected"):
        read_signals(NOTHING[name]())
    assert sum(looks) <= (0 if name in BLANK else MOST_PIXELS)
    if name == "graph paper":
        whole = [size for size in looks if size > 450 * 450]  # the others are parts, in which scales are tried
        assert len(whole) <= 4, "the page once, and three quick looks"


def test_a_faint_trace_is_no_empty_paper():
    assert _is_blank(empty())
    assert not _is_blank(empty(contrast=25))


def test_fives_are_followed_once(monkeypatch):
    from fastecg.digitizing import phase

    y, x = np.mgrid[:600, :600].astype(np.float32)
    plane = ((x % 40 < 3) | (y % 40 < 3)).astype(np.float32)
    calls = []
    followed = phase.follow_fives
    monkeypatch.setattr(phase, "follow_fives", lambda *given: calls.append(1) or followed(*given))
    fives = Fives(plane, 8.0)
    assert fives.alone is fives.alone
    assert len(calls) == 1
    assert fives.alone[0].scale == pytest.approx(8.0, rel=0.01)
    assert Fives(plane, 30.0).alone is None, "lines that are 1.3 mm apart then"


@pytest.mark.parametrize("bend", [0.0, 1e-6, 3e-6, 3e-5])
def test_the_stiffest_map_is_found_without_trying_all(bend):
    rng = np.random.default_rng(0)
    y, x = (plane.ravel() for plane in np.mgrid[0:600:12, 0:800:12].astype(float))
    points = np.column_stack([x, y])
    places = points / 8 + 0.01 * rng.standard_normal(points.shape)
    places[:, 1] += 1e3 * bend * np.sin(x / 40) * 8
    soft = fit_warp(points, places, (600, 800))
    most = 1.6 * residuals_mm(soft, points, places) + 0.001
    tried = (fit_warp(points, places, (600, 800), stiffness=stiffness) for stiffness in _STIFF)
    wanted = next((warp for warp in tried if (residuals_mm(warp, points, places) <= most).all()), soft)
    np.testing.assert_array_equal(smoothest_warp(points, places, (600, 800)).coefficients, wanted.coefficients)


def test_places_of_no_sheet_are_fitted_once(monkeypatch):
    from fastecg.digitizing import warp_fit

    fits = []
    monkeypatch.setattr(warp_fit, "fit_warp", lambda *given, **told: fits.append(1) or fit_warp(*given, **told))
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 400, (2000, 2))
    smoothest_warp(points, rng.uniform(0, 50, (2000, 2)), (400, 400))
    assert len(fits) == 1
