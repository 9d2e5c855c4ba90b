"""What bends the paper: each artifact alone."""

import json
from dataclasses import fields, replace

import naive_mesh as naive
import numpy as np
import pytest

from fastecg.artifact import Light
from fastecg.artifacts import ARTIFACTS, BookBend, Crease, Curl, Dent, DogEar, FeedJitter, Folds, Wave, Wrinkle
from fastecg.artifacts._relief import STEEPEST, Line, fold_height, noise_along, wear_lines
from fastecg.errors import RecipeError
from fastecg.kernels.hashing import mixed, uniform
from fastecg.kernels.wear import wear_over
from fastecg.mesh import Mesh, Warp
from fastecg.page import Grid, Page
from fastecg.sheet import Sheet
from fastecg.shot import _at_nodes
from fastecg.styles import STYLES

LETTER = (279.4, 215.9)
BENT = (BookBend, Crease, Curl, Dent, FeedJitter, Folds, Wave, Wrinkle)
PAPER = (*BENT, DogEar)


def printed(scale=4.0, size_mm=(60.0, 40.0)):
    """A small sheet of random print."""
    shape = round(size_mm[1] * scale), round(size_mm[0] * scale)
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    plane = np.zeros(shape, dtype=np.uint8)
    return Sheet(pixels, plane, plane, scale, Page(size_mm, Grid((0, 0, *size_mm)), ()), STYLES["muse"])


def drawn(kind, seed):
    """An artifact with values from anywhere in its ranges."""
    rng = np.random.default_rng(seed)
    values = {}
    for item in fields(kind):
        low, high, choices = (item.metadata[key] for key in ("low", "high", "choices"))
        values[item.name] = str(rng.choice(choices)) if choices else float(rng.uniform(low, high))
        if isinstance(item.default, int):
            values[item.name] = int(values[item.name])
    return kind(**values)


@pytest.mark.parametrize("kind", PAPER)
def test_values_survive_json(kind):
    for seed in range(5):
        artifact = drawn(kind, seed)
        assert kind.from_dict(json.loads(json.dumps(artifact.to_dict()))) == artifact


@pytest.mark.parametrize("kind", PAPER)
def test_values_out_of_range_are_refused(kind):
    for item in fields(kind):
        if not item.metadata["choices"]:
            for wrong in (item.metadata["low"] - 1, item.metadata["high"] + 1, "much", float("nan")):
                with pytest.raises(RecipeError, match=item.name):
                    kind(**{item.name: wrong})


@pytest.mark.parametrize("kind", PAPER)
def test_every_value_is_explained(kind):
    assert kind.__doc__
    for item in fields(kind):
        assert item.metadata["help"], item.name


@pytest.mark.parametrize("kind", PAPER)
@pytest.mark.parametrize("seed", range(6))
def test_every_value_in_range_bends_and_stains(kind, seed):
    """At any values: nothing is changed in place, the same comes out twice, everything is finite, and no paper stands too steep."""
    artifact, mesh, sheet = drawn(kind, seed), Mesh.flat(LETTER, kind.step_mm), printed()
    before = sheet.pixels.copy()
    bent, stained = artifact.bend(mesh), artifact.stain(sheet)
    assert not mesh.height_mm.any()
    assert not mesh.slide_mm.any()
    np.testing.assert_array_equal(sheet.pixels, before)
    np.testing.assert_array_equal(artifact.bend(mesh).height_mm, bent.height_mm)
    np.testing.assert_array_equal(artifact.stain(sheet).pixels, stained.pixels)
    assert stained.pixels.shape == before.shape
    assert stained.pixels.dtype == np.uint8
    assert np.isfinite(bent.solid()).all()
    slope_x, slope_y = bent.slopes()
    assert np.quantile(np.hypot(slope_x, slope_y), 0.98) < 1.0


@pytest.mark.parametrize("kind", BENT)
def test_it_bends(kind):
    assert kind.geometric
    mesh = Mesh.flat(LETTER, kind.step_mm)
    moved = np.abs(kind().bend(mesh).solid() - mesh.solid())
    assert moved.max() > 0.05


def test_registry_holds_them_all():
    assert {kind for kind in ARTIFACTS if kind.geometric} == set(BENT)
    assert DogEar in ARTIFACTS
    assert not DogEar.geometric


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Crease, "fold_deg"), (Folds, "fold_deg"), (Wrinkle, "strength"), (FeedJitter, "strain")]
    + [(kind, "lift_mm") for kind in (Dent, Curl, Wave, BookBend)],
)
def test_nothing_at_zero(kind, name):
    mesh = Mesh.flat(LETTER, kind.step_mm)
    flat = kind(**{name: 0.0}).bend(mesh)
    np.testing.assert_allclose(flat.solid(), mesh.solid(), atol=1e-12)


def test_fold_has_its_angle():
    across = np.linspace(-10, 10, 2001)
    for angle in (-20, 12):
        height = fold_height(across, angle, 0.3, 60.0)
        slope = np.gradient(height, across)
        assert slope[700] == pytest.approx(np.tan(np.deg2rad(angle / 2)), rel=0.06)
        assert slope[1300] == pytest.approx(-slope[700])
        assert np.sign(height[1000]) == np.sign(angle)


def test_line_is_where_it_says():
    line = Line.at((200.0, 100.0), 0.25, 0.5, 90.0)
    assert line.across(np.array(7.0), np.array(53.0)) == pytest.approx(3.0)
    assert line.along(np.array(40.0), np.array(53.0)) == pytest.approx(10.0)


@pytest.mark.parametrize(("edge", "high"), [("left", (0, slice(None))), ("top", (slice(None), 0)), ("right", (-1, slice(None)))])
def test_book_is_bound_at_its_edge(edge, high):
    height = BookBend(edge=edge, lift_mm=10, length_mm=30).bend(Mesh.flat(LETTER)).height_mm.T
    np.testing.assert_allclose(height[high], 10.0)
    assert height.min() < 0.2


def test_curl_rises_at_its_corner():
    mesh = Curl(angle_deg=float(np.rad2deg(np.arctan2(216, 279))), lift_mm=12, start=0.4).bend(Mesh.flat(LETTER))
    inside = (mesh.y_mm >= 0)[:, None] & (mesh.y_mm <= 215.9)[:, None] & (mesh.x_mm >= 0) & (mesh.x_mm <= 279.4)
    on_page = np.where(inside, mesh.height_mm, 0)
    assert np.unravel_index(on_page.argmax(), on_page.shape) == tuple(np.argwhere(inside)[-1])
    assert on_page.max() == pytest.approx(12, rel=0.05)
    assert (on_page[: on_page.shape[0] // 2, : on_page.shape[1] // 2] == 0).all()


def test_feed_changes_the_local_speed_only():
    mesh = FeedJitter(strain=0.01, length_mm=25, seed=5).bend(Mesh.flat(LETTER))
    strain = np.diff(mesh.slide_mm[..., 0], axis=1) / mesh.step_mm[0]
    assert 0.003 < np.abs(strain).max() <= 0.0101
    assert not mesh.slide_mm[..., 1].any()
    assert not mesh.height_mm.any()
    np.testing.assert_array_equal(mesh.slide_mm[0], mesh.slide_mm[-1])


def test_dent_snaps_over_at_its_kink():
    height = Dent(at_x=0.5, at_y=0.5, kink=1.0, lift_mm=2).bend(Mesh.flat(LETTER, 1.0)).height_mm
    row = height[np.abs(height).max(axis=1).argmax()]
    left, right = row[: len(row) // 2 - 8], row[len(row) // 2 + 8 :]
    assert {np.sign(left[np.abs(left).argmax()]), np.sign(right[np.abs(right).argmax()])} == {-1.0, 1.0}


@pytest.mark.parametrize("style", ["facets", "folding", "pinched"])
def test_wrinkles_grow_with_strength(style):
    mesh = Mesh.flat(LETTER, 1.0)
    rough = [np.hypot(*Wrinkle(style=style, strength=s, seed=2).bend(mesh).slopes()).mean() for s in (0.1, 0.4, 1.0)]
    assert rough[0] < rough[1] < rough[2]


def test_pinched_paper_is_smooth_between_its_creases_and_nowhere_too_steep():
    mesh = Mesh.flat(LETTER, 1.0)
    for seed in range(6):
        slope = np.hypot(*Wrinkle(style="pinched", strength=1.0, seed=seed).bend(mesh).slopes())
        assert (slope < 1e-6).mean() > 0.3
        assert slope.max() < 2 * STEEPEST  # where two creases cross, their slopes add
        assert np.quantile(slope, 0.98) < STEEPEST


def test_a_fold_is_pressed_flat_here_and_there():
    height = Folds(pattern="half", fold_deg=10, seed=3).bend(Mesh.flat(LETTER, 1.0)).height_mm
    crest = np.abs(height[12:-12]).max(axis=1)
    assert crest.min() < 0.75 * crest.max()
    assert np.abs(np.diff(crest)).max() < 0.2 * 1.0


def test_wrinkle_on_a_coarser_mesh_is_the_same_wrinkle():
    fine, coarse = Mesh.flat((280.0, 216.0), 1.0), Mesh.flat((280.0, 216.0), 2.0)
    wrinkle = Wrinkle(strength=0.5, seed=3)
    np.testing.assert_allclose(wrinkle.bend(fine).height_mm[::2, ::2], wrinkle.bend(coarse).height_mm, atol=0.5)


def test_hash_is_even_and_fixed():
    drawn = uniform(7, np.arange(20_000))
    assert abs(drawn.mean()) < 0.02
    assert drawn.std() == pytest.approx(3**-0.5, rel=0.02)
    assert (uniform(7, np.arange(5)) == drawn[:5]).all()
    assert (uniform(8, np.arange(5)) != drawn[:5]).all()
    t = np.linspace(-3, 9, 4000)
    assert np.abs(np.diff(noise_along(7, t))).max() < 0.02  # smooth


def test_noise_along_a_line_is_its_naive_twin():
    places = np.random.default_rng(1).uniform(-7, 9, (12, 9))
    places[0, :3] = -7.0, 0.0, 9.0

    def naive(t: float) -> float:
        first, second = uniform(11, np.array([np.floor(t), np.floor(t) + 1]))
        share = t - np.floor(t)
        step = 6 * share**5 - 15 * share**4 + 10 * share**3
        return float(first + step * (second - first))

    np.testing.assert_allclose(noise_along(11, places), np.vectorize(naive)(places), atol=1e-12)


def test_wear_along_a_line_stays_near_it():
    sheet = printed(scale=6.0)
    line = Line(30.0, 20.0, 25.0)
    worn = wear_lines(sheet, [(line, 9.0)], loss=1.0, dirt=0.3, edge=0.2, width_mm=0.5, seed=3)
    rows, columns = np.nonzero((worn.pixels != sheet.pixels).any(axis=-1))
    across = np.abs(line.across((columns + 0.5) / 6, (rows + 0.5) / 6))
    assert len(rows) > 500
    assert across.max() < 3.1
    assert wear_lines(sheet, [(line, 9.0)], loss=0.0, dirt=0.0, edge=0.0, width_mm=0.5, seed=3) is sheet


@pytest.mark.parametrize("angle", [0.0, 90.0, 180.0, 33.0, -90.0])
def test_wear_crosses_the_whole_page(angle):
    sheet = replace(printed(), pixels=np.zeros((160, 240, 3), dtype=np.uint8))
    worn = wear_lines(sheet, [(Line(30.0, 20.0, angle), 9.0)], loss=1.0, dirt=0.0, edge=0.0, width_mm=1.0, seed=1).pixels.any(axis=-1)
    touched = np.argwhere(worn)
    reach = np.ptp(touched, axis=0) / worn.shape
    assert reach.max() > 0.95


def test_lost_ink_shows_paper_and_dirt_darkens():
    black, white = (replace(printed(), pixels=np.full((160, 240, 3), level, dtype=np.uint8)) for level in (0, 255))
    line = Line(30.0, 20.0, 0.0)
    lost = wear_lines(black, [(line, 9.0)], loss=1.0, dirt=0.0, edge=0.0, width_mm=0.6, seed=1).pixels
    soiled = wear_lines(white, [(line, 9.0)], loss=0.0, dirt=1.0, edge=0.0, width_mm=0.6, seed=1).pixels
    assert lost.max() > 150
    assert soiled.min() < 140


def test_wear_over_a_plane():
    sheet = printed()
    plane = np.zeros((5, 7))
    plane[2, 3] = 0.8
    pixels, origin, step = sheet.pixels.copy(), np.array([-10.0, -8.0]), np.array([45.0, 50.0])
    wear_over(pixels, plane, origin, step, np.array([240.0, 241.0, 242.0]), 4.0, 9)
    changed = (pixels != sheet.pixels).any(axis=-1)
    for row in range(0, 160, 7):
        for column in range(0, 240, 7):
            worn = naive.bilinear(plane[..., None], (column + 10) / 45, (row + 8) / 50)[0]
            if worn == 0:
                assert not changed[row, column]
            before, after = sheet.pixels[row, column].astype(int), pixels[row, column].astype(int)
            assert (np.abs(after - before) <= worn * np.abs([240, 241, 242] - before) + 1).all()
    assert changed.sum() > 500
    assert abs(mixed(1, 2, 3)) <= 1


@pytest.mark.parametrize("corner", ["top_left", "top_right", "bottom_left", "bottom_right"])
def test_flap_mirrors_the_corner(corner):
    sheet = printed(scale=6.0)
    folded = DogEar(corner=corner, width_mm=18, height_mm=12).stain(sheet)
    right, bottom = corner.endswith("right"), corner.startswith("bottom")
    gone, over = (plane[:: -1 if bottom else 1, :: -1 if right else 1] for plane in (folded.gone, folded.over))
    assert gone[0, 0] == 255
    assert over[0, 0] == 0
    assert gone.sum() / 255 == pytest.approx(0.5 * 18 * 12 * 36, rel=0.03)
    assert over.sum() / 255 == pytest.approx(0.5 * 18 * 12 * 36, rel=0.03)
    assert not ((gone > 130) & (over > 130)).any()
    changed = (folded.pixels != sheet.pixels).any(axis=-1)
    assert changed[folded.over == 255].mean() > 0.9


def test_a_corner_folded_under_is_only_gone():
    sheet = printed()
    folded = DogEar(way="under").stain(sheet)
    assert folded.over is None
    assert (folded.pixels == sheet.pixels).all()
    assert folded.gone.max() == 255


def test_what_counts_beside_a_missing_corner_is_the_paper_left():
    """Distances from the page, which shadows follow, go on growing where the corner was, and are untouched elsewhere."""
    warp = Warp.flat(LETTER, 4.0, (864, 1118))
    whole = Light.even(warp)
    page = np.moveaxis(warp.nodes_mm, -1, 0)
    fold = 70.0 - page[0] - page[1]  # a corner of 70 mm by 70 mm at the top left
    holes = (fold > 0) & (page.min(axis=0) > 0)
    off, before = replace(whole, holes=holes).off_page_mm(), whole.off_page_mm()
    np.testing.assert_allclose(off[holes & (fold > 8)], (fold / np.sqrt(2))[holes & (fold > 8)], atol=6.0)
    far = fold < -20
    np.testing.assert_array_equal(off[far], before[far])


def test_cockles_are_a_few_centimetres_wide_and_as_high_as_asked():
    flat = Mesh.flat(LETTER, 2.0)
    plain, cockled, other = (
        Wave(angle_deg=20, lift_mm=1, cockle_mm=height, seed=seed).bend(flat).height_mm for height, seed in ((0, 3), (0.2, 3), (0.2, 4))
    )
    own = cockled - plain
    assert own.std() == pytest.approx(0.2, rel=0.25)
    assert not np.array_equal(other, cockled)
    slope = np.hypot(*np.gradient(own, 2.0))
    assert 2 * np.pi * own.std() / 150 < slope.std() + slope.mean() < 2 * 2 * np.pi * own.std() / 34
    across = np.abs(np.fft.rfft2(own * np.hanning(len(own))[:, None] * np.hanning(own.shape[1]))) ** 2
    hertz = np.hypot(np.fft.fftfreq(len(own), 2.0)[:, None], np.fft.rfftfreq(own.shape[1], 2.0))
    assert across[hertz > 1 / 18].sum() < 0.01 * across.sum()


def test_cockles_are_plane_waves_added_up_in_patches():
    wave, flat = Wave(lift_mm=0.0, cockle_mm=0.3, angle_deg=-40, seed=9), Mesh.flat((80.0, 60.0), 4.0)
    rng = np.random.default_rng([9, 1])
    x, y = np.meshgrid(flat.x_mm, flat.y_mm)

    def waves(angles, shortest, longest):
        lengths = shortest * (longest / shortest) ** rng.random(len(angles))
        phases, size = rng.uniform(0, 2 * np.pi, len(angles)), lengths * rng.uniform(0.3, 1.0, len(angles))
        size *= np.sqrt(2 / (size**2).sum())
        parts = zip(size, lengths, np.deg2rad(angles), phases, strict=True)
        return sum(s * np.sin(2 * np.pi / length * (x * np.cos(a) + y * np.sin(a)) + p) for s, length, a, p in parts)

    cockles = waves(-40 + 60 * rng.standard_normal(12), 34, 150)
    patches = np.clip(0.8 + 0.6 * waves(rng.uniform(0, 360, 3), 160, 420), 0.1, 2)
    np.testing.assert_allclose(wave.bend(flat).height_mm, 0.3 * cockles * patches, atol=1e-9)


@pytest.mark.parametrize("size", [(40, 64), (37, 61)])
def test_a_hole_at_the_edge_of_the_picture_goes_on_beyond_it(size):
    """A corner that is folded away throws no shadow into the picture from outside."""
    warp = Warp.flat((100.0, 100.0), 4.0, size)
    gone = np.zeros(size, dtype=bool)
    gone[:20, :24] = gone[-3:, -5:] = True
    nodes = _at_nodes(gone, warp)
    assert nodes[:3, :4].all()
    assert nodes[-2:, -2:].all()
    assert not nodes[5:, :4].any() or size[0] < 40
    assert not nodes[:3, 6:-2].any()
