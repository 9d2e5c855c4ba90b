"""Light, desks, camera and scanner: the promises every such artifact keeps, and what each does."""

import json
from dataclasses import replace

import naive_light
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.interpolate import interpn

from fastecg import RecipeError
from fastecg.artifact import GAMMA, Artifact, Light, developed
from fastecg.artifacts import (
    ARTIFACTS,
    AutoLevels,
    Bilevel,
    BitDepth,
    ContactShadow,
    Defocus,
    DepthOfField,
    Desk,
    Display,
    Dither,
    Dust,
    Fax,
    Glare,
    ImageSignal,
    Jpeg,
    Lamp,
    MotionBlur,
    Photocopy,
    ScanBorder,
    ScanHead,
    ScanStreaks,
    SensorNoise,
    Shadow,
    Sharpening,
    ToneCurve,
    Viewer,
    Vignette,
    WhiteBalance,
    _letter,
)
from fastecg.artifacts.white_balance import light_colour
from fastecg.expose import expose
from fastecg.kernels import curve, grey, leaves, stencil, tiles
from fastecg.kernels.window import paint_window
from fastecg.mesh import CELL, Mesh, Warp
from fastecg.sheet import Sheet

SCALE = 6.0  # px/mm
PAGE_MM = (80.0, 60.0)
SIZE = (360, 480)  # px

# Every artifact here at full strength, several ways where it has ways.
STRONG = (
    Bilevel(unevenness=0.1, grain=0.02, specks=0.0003),
    Bilevel(softness=0.2),
    BitDepth(bits=3, grey=True),
    ContactShadow(depth=0.9),
    Defocus(sigma_px=2.5),
    DepthOfField(aperture_mm=12, field_mm=0.3, sharp_x=0.2),
    *(
        Desk(surface=surface, seed=3, angle_deg=20)
        for surface in ("oak", "walnut", "cloth", "linen", "folder", "laminate", "steel", "sheet", "stone")
    ),
    Desk(surface="white_lid"),
    Desk(surface="dark_lid"),
    Display(pitch_mm=0.23, blur_px=0.2, angle_deg=3),
    Dither(pattern="clustered", cells=8),
    Dither(levels=4, grey=False, dot_px=2),
    Dust(specks=60, hairs=4, opacity=1),
    Fax(lines="fine"),
    Fax(lines="standard", dither=0.6, lost=0),
    Glare(strength=0.8, width_mm=60, height_mm=40),
    Glare(shape="sky", strength=0.4, height_mm=90, angle_deg=-30),
    Jpeg(quality=25, times=2, block_x=3, block_y=5),
    Lamp(falloff=4, relief=1),
    Lamp(falloff=3, relief=1, coolness=0.6),
    MotionBlur(length_px=7, angle_deg=33),
    MotionBlur(length_px=5, angle_deg=90),
    Photocopy(growth=0.5, loss=0.3, reach_mm=0.4),
    Photocopy(generations=3, softness=0.4),
    ScanBorder(left=0.8, top=0.5, right=-0.3, reach_mm=6),
    ScanStreaks(count=6, strength=0.6),
    ScanStreaks(count=6, strength=0.6, along="x"),
    SensorNoise(read_levels=4, shot_levels=6, chroma=0.5, seed=5),
    *(Shadow(shape=shape, depth=0.7, penumbra_mm=8, reach_mm=25, x=0.5, y=0.5) for shape in ("body", "phone", "hand", "arm")),
    Sharpening(amount=1.5, sigma_px=1.5),
    AutoLevels(dark=0.01, bright=0.5, strength=1),
    ImageSignal(core=6, kept=0.3, sharpen=2, colour_px=4, mottle=2),
    ScanHead(red_px=0.2, blue_px=-0.2, line_levels=2),
    ToneCurve(black=60, white=230, contrast=0.8, gamma=1.4),
    Viewer(theme="dark", left_mm=6, top_mm=5, right_mm=4, bottom_mm=4, bezel_mm=3),
    Vignette(depth=0.6, offset_x=0.1),
    WhiteBalance(kelvin=2600, remaining=1, green=0.1),
)
every = pytest.mark.parametrize("artifact", STRONG, ids=lambda artifact: type(artifact).__name__)


def crumpled():
    """A page with some relief."""
    mesh = Mesh.flat(PAGE_MM)
    x, y = mesh.coordinates()
    return mesh.lifted(1.5 * np.sin(x / 7) * np.cos(y / 9))


def warp_of(mesh, turn_deg=0.0, share=1.0, size=SIZE):
    """The page in the middle of the picture, turned, filling a share of it."""
    solid, angle = mesh.solid()[..., :2], np.radians(turn_deg)
    right, down = solid[..., 0] - PAGE_MM[0] / 2, solid[..., 1] - PAGE_MM[1] / 2
    turned = np.stack([right * np.cos(angle) - down * np.sin(angle), right * np.sin(angle) + down * np.cos(angle)], axis=-1)
    return Warp.through(mesh, turned * SCALE * share + 0.5 * np.array([size[1] - 1, size[0] - 1]), size)


FULL = warp_of(Mesh.flat(PAGE_MM))
BESIDE = warp_of(crumpled(), turn_deg=8, share=0.8)


def blank(level=235):
    return np.full((*SIZE, 3), level, dtype=np.uint8)


def picture(sheet, warp, *artifacts):
    """The sheet in the artifacts' light, developed."""
    seen = printed(sheet)
    for artifact in artifacts:
        seen = artifact.focus(seen, warp)
    light = replace(Light.even(warp), backdrop=np.array([90, 100, 110], dtype=np.uint8))
    for artifact in artifacts:
        light = artifact.shade(light)
    gain, nodes = light.gain * light.relief[..., None], warp.nodes_mm * SCALE - 0.5
    pixels = expose(seen.pixels, nodes, gain, warp.size, origin=(-CELL, -CELL), desk_gain=light.gain,
                    lift=light.veil + light.gloss, desk_lift=light.veil,
                    background=light.backdrop, noise=light.noise)  # fmt: skip
    for artifact in artifacts:
        pixels = artifact.resolve(pixels, light)
    for artifact in artifacts:
        pixels = artifact.develop(pixels, SCALE)
    return pixels


def is_about_light(kind):
    return kind.bend is Artifact.bend and kind.stain is Artifact.stain and kind.hide is Artifact.hide


def test_every_such_artifact_is_tested_here():
    assert {type(artifact) for artifact in STRONG} >= {kind for kind in ARTIFACTS if is_about_light(kind)}


@every
def test_values_go_through_json(artifact):
    plain = json.loads(json.dumps(artifact.to_dict()))
    assert plain["kind"] == type(artifact).__name__
    assert type(artifact).from_dict(plain) == artifact


@every
def test_the_page_stays_where_it_is(artifact):
    assert not artifact.geometric
    mesh = crumpled()
    assert artifact.bend(mesh) is mesh
    before = [array.tobytes() for array in (BESIDE.nodes_mm, BESIDE.mesh_px, BESIDE.mesh.height_mm, BESIDE.mesh.slide_mm)]
    light = artifact.shade(Light.even(BESIDE))
    assert light.warp is BESIDE
    assert before == [array.tobytes() for array in (BESIDE.nodes_mm, BESIDE.mesh_px, BESIDE.mesh.height_mm, BESIDE.mesh.slide_mm)]


@every
def test_light_is_not_changed_in_place(artifact):
    light = Light.even(BESIDE)
    for array in (light.gain, light.relief, light.veil, light.gloss, light.backdrop, BESIDE.nodes_mm):
        array.flags.writeable = False
    try:
        shaded = artifact.shade(light)
    finally:
        BESIDE.nodes_mm.flags.writeable = True
    for before, after in ((light.gain, shaded.gain), (light.relief, shaded.relief), (light.veil, shaded.veil)):
        assert after.shape == before.shape
        assert after.dtype == np.float32
        assert np.isfinite(after).all()
    assert shaded.backdrop.dtype == np.uint8
    assert shaded.gain.min() >= 0
    assert shaded.gain.max() <= 2


@every
def test_pictures_keep_their_shape_and_repeat(artifact):
    sheet = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    first, again = picture(sheet, BESIDE, artifact), picture(sheet, BESIDE, type(artifact).from_dict(artifact.to_dict()))
    assert first.shape == (*SIZE, 3)
    assert first.dtype == np.uint8
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != picture(sheet, BESIDE).tobytes()


@every
def test_any_size_will_do(artifact):
    for height, width in ((1, 1), (7, 3), (9, 40), (33, 17)):
        mesh = Mesh.flat((10.0, 8.0))
        warp = Warp.through(mesh, mesh.solid()[..., :2] * 2.0 - 0.5, (height, width))
        assert artifact.shade(Light.even(warp)).gain.shape == (*warp.nodes_mm.shape[:2], 3)
        pixels = np.full((height, width, 3), 200, dtype=np.uint8)
        assert artifact.develop(pixels, 2.0).shape == (height, width, 3)


# --- nothing moves -----------------------------------------------------------------------------------------------

PITCH, RADIUS = 36, 4.2


def dotted():
    """Dark discs every 36 px at places between pixels, and those places."""
    x, y = np.meshgrid(np.arange(PITCH, SIZE[1] - PITCH + 1, PITCH), np.arange(PITCH, SIZE[0] - PITCH + 1, PITCH))
    centres = np.stack([x, y], axis=-1).reshape(-1, 2) + np.random.default_rng(1).uniform(-0.5, 0.5, (x.size, 2))
    sheet = blank().astype(float)
    column, row = np.arange(SIZE[1])[None, :], np.arange(SIZE[0])[:, None]
    for cx, cy in centres:
        sheet += np.clip(RADIUS + 0.5 - np.hypot(column - cx, row - cy), 0, 1)[..., None] * (40.0 - 235.0)
    return np.rint(sheet).astype(np.uint8), centres


def centroids(ink, centres):
    """Centre of the ink in a window round each dot."""
    reach = 14
    window = np.arange(-reach, reach + 1)
    found = []
    for cx, cy in np.rint(centres).astype(int):
        part = ink[cy - reach : cy + reach + 1, cx - reach : cx + reach + 1]
        part = np.where(part > 0.08 * part.max(), part, 0.0)
        found.append((cx + (part.sum(axis=0) * window).sum() / part.sum(), cy + (part.sum(axis=1) * window).sum() / part.sum()))
    return np.array(found)


FINE = [artifact for artifact in STRONG if not isinstance(artifact, Dither | Fax | Photocopy)]  # copies: see test_artifacts_copies.py


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("artifact", FINE, ids=lambda artifact: type(artifact).__name__)
def test_no_dot_moves(artifact):
    """Centroids of dots, against the same picture without dots; where dirt lies on a dot, that dot tells nothing."""
    sheet, centres = dotted()
    plain, dots = (picture(item, FULL, artifact).mean(axis=2) for item in (blank(), sheet))
    before = centroids(picture(blank(), FULL).mean(axis=2) - picture(sheet, FULL).mean(axis=2), centres)
    after = centroids(np.maximum(plain - dots, 0.0), centres)
    clean = np.array([np.ptp(plain[cy - 12 : cy + 13, cx - 12 : cx + 13]) < 60 for cx, cy in np.rint(centres).astype(int)])
    if isinstance(artifact, SensorNoise | Jpeg | Lamp | ScanBorder | Glare | Vignette | ToneCurve | Defocus | DepthOfField | MotionBlur):
        assert clean.all()
    assert clean.mean() > 0.5
    shift = np.hypot(*(after - before)[clean].T)
    limit = 0.15 if isinstance(artifact, Bilevel) else 0.1  # one bit a pixel rounds the outline of a disc by that much
    assert np.sqrt(np.mean(shift**2)) < limit
    assert np.abs(np.mean((after - before)[clean], axis=0)).max() < 0.03


# --- light -------------------------------------------------------------------------------------------------------


def test_a_lamp_falls_off_as_asked():
    light = Lamp(direction_deg=0, falloff=3, brightness=1).shade(Light.even(FULL))
    inside = light.gain[1:-1, 1:-1, 0] ** (1 / GAMMA)
    half = 0.5 * np.hypot(*SIZE)
    distance = half * (np.sqrt(3) + 1) / (np.sqrt(3) - 1)
    nearest, farthest = ((distance - half) / (distance + sign * SIZE[1] / 2) for sign in (-1, 1))
    middle = inside[inside.shape[0] // 2]
    assert middle[-1] / middle[0] == pytest.approx((nearest / farthest) ** 2, rel=0.05)
    assert np.ptp(inside) > 0.3
    assert inside.max() <= 1.0 + 1e-6
    assert np.ptp(Lamp(falloff=1).shade(Light.even(FULL)).gain) < 1e-4


@pytest.mark.parametrize("turn_deg", [0, 90, 180, -90])
def test_slopes_that_face_the_lamp_are_bright(turn_deg):
    """Also when the page is turned in the picture: the lamp stays where it is."""
    mesh = crumpled()
    warp = warp_of(mesh, turn_deg=turn_deg, share=0.7)
    light = Lamp(direction_deg=180, falloff=1, relief=0.8).shade(Light.even(warp))
    height = light.on_nodes(mesh.height_mm)
    on_page = light.off_page_mm() < -3
    rising = np.gradient(height, axis=1)  # to the right, away from the lamp on the left
    assert np.corrcoef(rising[on_page], light.relief[on_page])[0, 1] > 0.95
    assert (light.relief[np.isinf(light.off_page_mm())] == 1).all()


def test_flat_paper_has_no_relief():
    assert (Lamp().shade(Light.even(FULL)).relief == 1).all()


def test_a_vignette_takes_as_much_from_the_corners_as_asked():
    gain = Vignette(depth=0.4).shade(Light.even(FULL)).gain[..., 0] ** (1 / GAMMA)
    assert gain[1 + SIZE[0] // (2 * CELL), 1 + SIZE[1] // (2 * CELL)] == pytest.approx(1, abs=0.01)
    assert gain[1, 1] == pytest.approx(0.6, abs=0.01)


def test_corners_are_redder_and_bluer_by_as_much_as_asked():
    gain = Vignette(depth=0.2, red=0.06, blue=-0.04).shade(Light.even(FULL)).gain ** (1 / GAMMA)
    plain = Vignette(depth=0.2).shade(Light.even(FULL)).gain ** (1 / GAMMA)
    np.testing.assert_allclose(gain[1, 1] / plain[1, 1], (1.06, 1.0, 0.96), atol=0.002)
    middle = 1 + SIZE[0] // (2 * CELL), 1 + SIZE[1] // (2 * CELL)
    np.testing.assert_allclose(gain[middle] / plain[middle], 1.0, atol=0.002)


def test_a_shadow_is_softer_at_one_end_of_its_edge():
    body = {"shape": "body", "x": 0.5, "y": 0.5, "angle_deg": 0, "depth": 0.4, "penumbra_mm": 8, "waviness_mm": 0}
    gain = Shadow(**body, softer=9).shade(Light.even(FULL)).gain[..., 1]
    steepest = np.abs(np.diff(gain, axis=1)).max(axis=1)[1:-1]
    assert steepest.max() > 2 * steepest.min()
    assert (np.diff(steepest) < 1e-3).all() or (np.diff(steepest) > -1e-3).all()
    middle = Shadow(**body).shade(Light.even(FULL)).gain[..., 1][len(gain) // 2]
    np.testing.assert_allclose(gain[len(gain) // 2], middle, atol=0.02)


def test_a_shadow_has_its_depth_and_penumbra():
    shadow = Shadow(shape="body", x=0.5, y=0.5, angle_deg=0, depth=0.4, penumbra_mm=12, waviness_mm=0, blueness=0.1)
    light = shadow.shade(Light.even(FULL)).gain ** (1 / GAMMA)
    line = light[20, :, 1]
    assert line[1] == pytest.approx(0.6, abs=0.01)
    assert line[-2] == pytest.approx(1.0, abs=0.01)
    place = np.interp([0.64, 0.96], line, (np.arange(len(line)) - 1) * CELL / FULL.scale)
    assert place[1] - place[0] == pytest.approx(12, rel=0.1)
    assert place.mean() == pytest.approx(40, abs=1)
    assert light[20, 1, 2] > light[20, 1, 0]


@pytest.mark.parametrize("lamp_deg", [0, 130, 300])
def test_what_lies_in_the_lamps_light_goes_by_where_the_lamp_is(lamp_deg):
    """A body's shadow falls away from it, or a quarter of the difference aside; the page's own too; glare lies on its side."""
    lit = Lamp(direction_deg=lamp_deg, falloff=1, brightness=1, relief=0).shade(Light.even(BESIDE))
    assert lit.lamp_deg == lamp_deg
    towards = np.array([np.cos(np.radians(lamp_deg)), np.sin(np.radians(lamp_deg))])
    x, y = lit.pixels()
    side = (x - SIZE[1] / 2) * towards[0] + (y - SIZE[0] / 2) * towards[1]
    for angle in (0, 90, 180, 270):
        body = {"shape": "body", "x": 0.5, "y": 0.5, "waviness_mm": 0, "penumbra_mm": 6, "blueness": 0, "angle_deg": angle}
        gain = Shadow(**body).shade(lit).gain[..., 1]
        assert gain[side > 120].mean() > gain[side < -120].mean() + 0.05
        other = Shadow(of="other", **body).shade(lit).gain / lit.gain
        np.testing.assert_allclose(other, Shadow(**body).shade(Light.even(BESIDE)).gain, rtol=1e-5)
    for place in ((0.2, 0.3), (0.8, 0.7), (0.2, 0.8)):
        mirrored = Glare(x=place[0], y=place[1], gloss=0, strength=0.5).shade(lit).gloss
        assert (mirrored * side).sum() > 0
    off = lit.off_page_mm()
    near = (off > 0.3) & (off < 5)
    dark = 1 - ContactShadow(depth=0.8, offset_mm=3, direction_deg=lamp_deg).shade(lit).gain[..., 1]  # what the lamp says counts
    assert (dark * side)[near].sum() < 0


def test_a_shadow_lies_on_paper_that_rises_where_the_lamps_light_meets_it():
    """The edge is nearer to the lamp on a crest than on the table: by the height, so many times as the light falls aslant."""
    body = Shadow(shape="body", x=0.5, y=0.5, depth=0.5, penumbra_mm=6, waviness_mm=0, blueness=0)
    edges = []
    for lift in (0.0, 4.0):
        mesh = Mesh.flat((80.0, 60.0), 2.0).lifted(np.full(Mesh.flat((80.0, 60.0), 2.0).height_mm.shape, lift))
        light = replace(Light.even(replace(FULL, mesh=mesh)), lamp_deg=0.0)
        line = body.shade(light).gain[20, :, 1] ** (1 / GAMMA)
        edges.append(np.interp(0.75, line, (np.arange(len(line)) - 1) * CELL / FULL.scale))
    assert edges[1] - edges[0] == pytest.approx(1.6 * 4.0, abs=0.5)


@pytest.mark.parametrize("shape", ["phone", "hand", "arm"])
def test_shadows_of_things_are_darkest_within_them(shape):
    gain = Shadow(shape=shape, x=0.5, y=0.5, reach_mm=30, penumbra_mm=5, waviness_mm=0, depth=0.5).shade(Light.even(FULL)).gain[..., 1]
    assert gain[gain.shape[0] // 2, gain.shape[1] // 2] == pytest.approx(0.5**GAMMA, abs=0.03)
    assert gain.max() == pytest.approx(1.0, abs=0.02)
    assert 0.04 < np.mean(gain < 0.85) < 0.6


def test_glare_adds_light_on_the_page_alone():
    light = Glare(x=0.5, y=0.5, width_mm=200, height_mm=200, strength=0.5, gloss=0).shade(Light.even(BESIDE))
    assert not light.veil.any()
    assert light.gloss.max() == pytest.approx(127, abs=3)
    plain, glaring = (picture(blank(90), BESIDE, *items) for items in ((), (Glare(x=0.2, y=0.2, width_mm=200, strength=0.8),)))
    off = np.kron(Light.even(BESIDE).off_page_mm() > 0, np.ones((CELL, CELL), bool))[CELL : CELL + SIZE[0], CELL : CELL + SIZE[1]]
    sure = ndimage.binary_erosion(off, iterations=2 * CELL)
    assert sure.sum() > 1000
    assert (plain[sure] == glaring[sure]).all()
    white, black = (picture(blank(level), BESIDE, Glare(x=0.5, y=0.5, strength=0.5, gloss=0)) for level in (255, 0))
    middle = SIZE[0] // 2, SIZE[1] // 2
    assert white[middle].min() >= 253
    assert 115 < black[middle].min() < 130


def test_bumps_move_glare():
    """A slope of s mirrors what the level paper 200 s mm a metre further on would."""
    smooth, moved = (Glare(width_mm=120, height_mm=120, gloss=gloss).shade(Light.even(BESIDE)).gloss for gloss in (0, 4))
    inner = Light.even(BESIDE).off_page_mm() < -5
    assert np.abs(moved - smooth)[inner].max() > 20
    mesh = Mesh.flat((200.0, 150.0), 2.0)
    tilted = mesh.lifted(np.broadcast_to(0.05 * mesh.x_mm, mesh.height_mm.shape))
    warps = [replace(Warp.flat((200.0, 150.0), 4.0, (600, 800)), mesh=item) for item in (mesh, tilted)]
    level, slanted = (Glare(width_mm=50, height_mm=50, gloss=2).shade(Light.even(warp)).gloss for warp in warps)
    row = level.shape[0] // 2
    moved_mm = (int(level[row].argmax()) - int(slanted[row].argmax())) * CELL / 4.0
    assert moved_mm == pytest.approx(0.05 * 200 * 2, abs=CELL / 4.0)


def test_a_cool_lamp_is_bluer_where_it_shines():
    """Near it and on slopes that face it paper is bluer, away from it redder, green as without; the table has no slopes."""
    plain, cool = (Lamp(direction_deg=0, falloff=2, relief=1, coolness=coolness).shade(Light.even(BESIDE)) for coolness in (0.0, 0.5))
    np.testing.assert_array_equal(plain.gain[..., 0], plain.gain[..., 2])
    np.testing.assert_allclose(cool.gain[..., 1], plain.gain[..., 1], rtol=1e-5)
    np.testing.assert_allclose(cool.relief, plain.relief)
    bluer, lit = (cool.gain[..., 2] / cool.gain[..., 0])[1:-1, 1:-1], (plain.gain[..., 1] * plain.relief)[1:-1, 1:-1]
    off = Light.even(BESIDE).off_page_mm()[1:-1, 1:-1]
    for where in (off < -2, off > 2):
        assert np.corrcoef(bluer[where], lit[where])[0, 1] > 0.9
    assert bluer.max() > 1.1
    assert bluer.min() < 0.95


def test_the_sky_is_mirrored_on_the_side_of_the_lamp():
    """Print loses contrast towards it, most at the edge; without a lamp on the far side of the page."""
    sky = Glare(shape="sky", x=0.5, y=0.5, height_mm=60, angle_deg=0, strength=0.4, gloss=0)
    even = Light.even(FULL)
    rows = {lamp: sky.shade(replace(even, lamp_deg=lamp)).gloss.mean(axis=1) for lamp in (None, 90.0, -90.0)}
    assert (np.diff(rows[None]) < 0).all()
    assert (np.diff(rows[-90.0]) < 0).all()
    assert (np.diff(rows[90.0]) > 0).all()
    dark, bright = (picture(blank(level), FULL, sky).mean(axis=2) for level in (100, 235))
    contrast = (bright - dark).mean(axis=1)
    assert contrast[20] < 0.75 * contrast[-20]


@pytest.mark.parametrize(
    ("kelvin", "expected"),
    [(6504, (1.0, 1.0, 1.0)), (5003, (1.0, 0.79, 0.59)), (2856, (1.0, 0.44, 0.10)), (9300, (0.65, 0.73, 1.0))],
)
def test_colours_of_light(kelvin, expected):
    """Linear sRGB of CIE illuminants D65, D50 and A, and of daylight at 9300 K."""
    colour = light_colour(kelvin)
    assert colour / colour.max() == pytest.approx(expected, abs=0.06)


def test_white_balance_leaves_the_brightest_channel_and_only_what_remains():
    warm = WhiteBalance(kelvin=2900, remaining=1).shade(Light.even(FULL)).gain[0, 0]
    assert warm[0] == 1
    assert warm[0] > warm[1] > warm[2]
    assert WhiteBalance(kelvin=9000, remaining=1).shade(Light.even(FULL)).gain[0, 0, 2] == 1
    assert (WhiteBalance(kelvin=2900, remaining=0).shade(Light.even(FULL)).gain == 1).all()


def test_a_contact_shadow_darkens_the_desk_and_not_the_page():
    sheet = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    desk = Desk(surface="laminate")
    without, with_it = picture(sheet, BESIDE, desk).astype(int), picture(sheet, BESIDE, desk, ContactShadow(depth=0.8)).astype(int)
    off = BESIDE.inverse(np.stack(np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0])), axis=-1).reshape(-1, 2).astype(float))
    off = np.maximum(np.abs(off[:, 0] - 40) - 40, np.abs(off[:, 1] - 30) - 30).reshape(SIZE)
    difference = without - with_it
    assert np.abs(difference[off < -0.3]).max() <= 1
    assert difference[(off > 1.0) & (off < 1.6)].mean() > 15
    assert not difference[np.isnan(off)].any()


def test_a_desk_lies_beside_the_page_only():
    sheet = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    plain, wood = picture(sheet, BESIDE), picture(sheet, BESIDE, Desk(surface="oak", seed=1))
    same = (plain == wood).all(axis=2)
    assert same[60:-60, 100:-100].all()
    assert not same[:25, :25].any()
    corner = wood[:25, :25].reshape(-1, 3).mean(axis=0)
    assert 100 < corner[0] < 230
    assert corner[0] > corner[1] > corner[2]
    assert wood[:25, :25].std() > 2


def test_desks_vary_with_their_seed():
    assert len({Desk(surface="folder", seed=seed).shade(Light.even(BESIDE)).backdrop[2, 2].tobytes() for seed in range(12)}) >= 8


def test_a_page_that_fills_the_picture_needs_no_desk():
    mesh = Mesh.flat((120.0, 90.0))
    inner = Warp.through(mesh, mesh.solid()[..., :2] * SCALE - 100.0, SIZE)
    light = Light.even(inner)
    assert Desk().shade(light) is light
    assert ContactShadow().shade(light) is light


# --- camera ------------------------------------------------------------------------------------------------------


def test_noise_follows_brightness():
    noise = SensorNoise(read_levels=2, shot_levels=5, chroma=0.3, seed=1)
    dark, bright = (picture(blank(level), FULL, noise)[20:-20, 20:-20].astype(float) for level in (30, 220))
    assert dark.std() == pytest.approx(np.hypot(2, 5 * np.sqrt(30 / 255)), rel=0.15)
    assert bright.std() == pytest.approx(np.hypot(2, 5 * np.sqrt(220 / 255)), rel=0.15)
    other = picture(blank(220), FULL, SensorNoise(read_levels=2, shot_levels=5, chroma=0.3, seed=2))[20:-20, 20:-20].astype(float)
    assert abs(np.corrcoef(bright.ravel(), other.ravel())[0, 1]) < 0.02


small = st.tuples(st.integers(1, 12), st.integers(1, 14), st.integers(0, 2**31)).map(
    lambda key: np.random.default_rng(key[2]).integers(0, 256, (key[0], key[1], 3), dtype=np.uint8)
)


@given(small, st.floats(0.3, 4))
def test_blur_is_its_naive_twin(pixels, sigma):
    expected = naive_light.blurred(pixels, [int(w) for w in stencil.gaussian_weights(sigma)])
    stencil.blur(pixels, sigma)
    assert (pixels == expected).all()


@given(small, st.floats(0.4, 4), st.floats(0, 2))
def test_sharpen_is_its_naive_twin(pixels, sigma, amount):
    expected = naive_light.sharpened(pixels, stencil.gaussian_weights(sigma), round(64 * amount))
    stencil.sharpen(pixels, sigma, amount)
    assert (pixels == expected).all()


@given(small, st.floats(0, 24), st.floats(0, 180))
def test_smear_is_its_naive_twin(pixels, length, angle):
    offsets, weights = MotionBlur(length_px=length, angle_deg=angle)._line()
    expected = naive_light.smeared(pixels, offsets, weights)
    stencil.smear(pixels, offsets, weights)
    assert (pixels == expected).all()


@given(st.floats(0.5, 6))
def test_weights_add_up_and_have_the_spread_asked_for(sigma):
    weights = stencil.gaussian_weights(sigma).astype(int)
    assert weights[0] + 2 * weights[1:].sum() == stencil.TOTAL
    assert (weights > 0).all()
    spread = np.sqrt(2 * np.sum(weights[1:] * np.arange(1, len(weights)) ** 2) / stencil.TOTAL)
    assert spread == pytest.approx(np.hypot(sigma, 12**-0.5), rel=0.12)


@given(st.floats(2, 24), st.floats(0, 180))
def test_motion_goes_along_its_line(length, angle):
    offsets, weights = MotionBlur(length_px=length, angle_deg=angle)._line()
    assert weights[0] + 2 * weights[1:].sum() == stencil.TOTAL
    assert (weights > 0).all()
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    along, across = offsets @ direction, offsets @ np.array([-direction[1], direction[0]])
    variance = 2 * np.sum(weights * along**2) / stencil.TOTAL
    assert variance == pytest.approx(length**2 / 12, rel=0.35, abs=0.3)
    assert np.abs(across).max() < 1


def test_even_pictures_stay_even():
    for artifact in (Defocus(sigma_px=1.7), Sharpening(amount=2), MotionBlur(length_px=9, angle_deg=40)):
        for level in (0, 1, 128, 254, 255):
            pixels = np.full((20, 30, 3), level, dtype=np.uint8)
            assert (artifact.develop(pixels, SCALE) == level).all()


def test_sharpening_makes_a_halo_and_defocus_none():
    edge = np.full((40, 40, 3), 60, dtype=np.uint8)
    edge[:, 20:] = 180
    sharp, soft = Sharpening(amount=1).develop(edge.copy(), SCALE), Defocus(sigma_px=1.5).develop(edge.copy(), SCALE)
    assert sharp.max() > 195
    assert sharp.min() < 45
    assert soft.max() == 180
    assert soft.min() == 60
    assert np.abs(np.diff(soft[20, :, 0].astype(int))).max() < 50


def slanting(height_mm=0.0, tilt=0.3, distance=300.0):
    """The page seen from below its bottom edge through a pinhole: nearer rows are larger; its right end may be lifted."""
    mesh = Mesh.flat(PAGE_MM)
    x, y = mesh.coordinates()
    mesh = mesh.lifted(height_mm * np.clip(2.0 * (x + 0 * y) / PAGE_MM[0] - 0.7, 0.0, 1.0))
    solid = mesh.solid()
    right, down, up = solid[..., 0] - PAGE_MM[0] / 2, solid[..., 1] - PAGE_MM[1] / 2, solid[..., 2]
    depth = distance - down * np.sin(tilt) - up * np.cos(tilt)
    seen = np.stack([right, down * np.cos(tilt) - up * np.sin(tilt)], axis=-1) * (SCALE * distance / depth)[..., None]
    return Warp.through(mesh, seen + 0.5 * np.array([SIZE[1] - 1, SIZE[0] - 1]), SIZE)


def printed(pixels):
    """A sheet of such pixels, with nothing on it."""
    bare = np.zeros((0, pixels.shape[1]), dtype=np.uint8)
    return Sheet(pixels, bare, bare, SCALE, None, None)


def test_blur_grows_with_the_distance_from_the_plane_in_focus():
    """As of a thin lens: the disc's diameter is the opening times the share by which the distance differs, a quarter of it one sigma."""
    lens = DepthOfField(aperture_mm=10.0, sharp_y=0.5)
    x, y, sigma = lens.sigma_mm(slanting())
    middle = sigma[:, len(x) // 2]
    focus = int(middle.argmin())
    assert abs(y[focus] - PAGE_MM[1] / 2) <= 10.0  # as fine as the places are
    signed = np.where(np.arange(len(y)) < focus, -middle, middle)
    slope = np.polyfit(y, signed, 1)[0]
    assert slope == pytest.approx(0.25 * 10.0 * np.sin(0.3) / 300.0, rel=0.1)
    _, _, lifted = replace(lens, sharp_x=0.1).sigma_mm(slanting(height_mm=12.0))
    assert lifted[focus, -2] - lifted[focus, 1] == pytest.approx(0.25 * 10.0 * 12.0 * np.cos(0.3) / 300.0, rel=0.35)
    _, _, level = lens.sigma_mm(FULL)
    np.testing.assert_allclose(level, 0.0, atol=1e-6)


def test_print_is_blurred_as_much_as_its_place_is_out_of_focus():
    """In every band and column the spread of a dark line agrees with the blur that was worked out for its place."""
    pixels = blank()
    pixels[30::40] = 35
    sheet, warp, lens = printed(pixels), slanting(), DepthOfField(aperture_mm=12.0, field_mm=0.25, sharp_x=0.1, sharp_y=0.9)
    focused = lens.focus(sheet, warp)
    assert sheet.pixels is pixels
    assert (pixels[30::40] == 35).all()  # what was given is nobody's to write into
    x, y, sigma = lens.sigma_mm(warp)
    across, spreads, wanted = np.arange(-9, 10), [], []
    for row in (70, 150, 230, 310):
        for column in (60, 240, 420):
            dark = 235.0 - focused.pixels[row - 9 : row + 10, column, 0].astype(float)
            spreads.append(np.sqrt((dark * across**2).sum() / dark.sum()))
            place = np.array([[(row + 0.5) / SCALE, (column + 0.5) / SCALE]])
            wanted.append(SCALE * float(interpn((y, x), sigma, place, bounds_error=False, fill_value=None)[0]))
    np.testing.assert_allclose(spreads, wanted, atol=0.35)
    assert np.corrcoef(spreads, wanted)[0, 1] > 0.95
    assert np.ptp(spreads) > 0.8
    assert DepthOfField(aperture_mm=0.0).focus(sheet, warp) is sheet


def test_black_and_white_of_a_tone_curve_cost_no_pass():
    curve_ = ToneCurve(black=40, white=220)
    pixels = blank()
    assert curve_.develop(pixels, SCALE) is pixels
    assert picture(blank(0), FULL, curve_)[100, 100].tolist() == [40] * 3
    assert picture(blank(255), FULL, curve_)[100, 100].tolist() == pytest.approx([220] * 3, abs=1)


@given(st.floats(-0.6, 1), st.floats(0.4, 2.5))
def test_tone_curves_rise(contrast, gamma):
    table = ToneCurve(contrast=contrast, gamma=gamma).table().astype(int)
    assert (np.diff(table) >= 0).all()
    assert table[0] == 0
    assert table[255] == 255


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 5))
def test_look_up_is_indexing(seed, height, width):
    rng = np.random.default_rng(seed)
    pixels, table = rng.integers(0, 256, (height, width, 3), dtype=np.uint8), rng.integers(0, 256, 256, dtype=np.uint8)
    expected = table[pixels]
    curve.apply_lut(pixels, table)
    assert (pixels == expected).all()


@pytest.mark.parametrize("shape", [(1, 1), (4, 9), (31, 47)])
def test_levels_are_those_of_a_count_of_brightness(shape):
    pixels = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    light = (pixels.astype(int) @ (77, 150, 29)) >> 8
    np.testing.assert_array_equal(curve.thinned(pixels, 3), pixels[::3, ::3])
    assert grey.brightness_counts(pixels[:, ::-1]).tolist() == np.bincount(light.ravel(), minlength=256).tolist()


def test_artifacts_in_a_row_that_change_levels_are_the_same_as_one_after_the_other():
    pixels = np.random.default_rng(5).integers(20, 220, (90, 133, 3), dtype=np.uint8)
    artifacts = [ToneCurve(contrast=0.4), AutoLevels(), Sharpening(amount=0.5), AutoLevels(strength=1), ToneCurve(gamma=1.2), ToneCurve()]
    one_by_one = pixels.copy()
    for artifact in artifacts:
        one_by_one = artifact.develop(one_by_one, SCALE)
    np.testing.assert_array_equal(developed(artifacts, pixels.copy(), SCALE), one_by_one)
    np.testing.assert_array_equal(developed([], pixels.copy(), SCALE), pixels)


def test_jpeg_leaves_blocks_where_asked():
    noisy = np.random.default_rng(0).integers(100, 160, (160, 160, 3), dtype=np.uint8)
    noisy[:] = noisy[..., :1]
    for shift in (0, 3):
        out = Jpeg(quality=8, block_x=shift).develop(noisy.copy(), SCALE).astype(int)[..., 0]
        steps = np.abs(np.diff(out, axis=1)).mean(axis=0)
        assert np.argmax([steps[k::8].mean() for k in range(8)]) == (7 - shift) % 8


# --- scanner -----------------------------------------------------------------------------------------------------


def test_borders_lie_on_the_edges_named():
    gain = ScanBorder(left=0.5, bottom=-0.2, reach_mm=3).shade(Light.even(FULL)).gain[..., 0] ** (1 / GAMMA)
    middle = gain.shape[0] // 2, gain.shape[1] // 2
    assert gain[middle] == pytest.approx(1, abs=1e-3)
    assert gain[middle[0], 1] == pytest.approx(0.5, abs=0.01)
    assert gain[1, middle[1]] == pytest.approx(1, abs=1e-3)
    assert gain[-2, middle[1]] > 1.1


@pytest.mark.parametrize("along", ["x", "y"])
def test_streaks_run_along_the_scan(along):
    changed = (picture(blank(), FULL, ScanStreaks(count=5, strength=0.5, along=along)) != blank()).any(axis=2)
    lines = changed.all(axis=1 if along == "x" else 0)
    assert 3 <= lines.sum() <= 10
    assert changed.sum() == lines.sum() * changed.shape[1 if along == "x" else 0]


def test_dust_is_small_and_scattered():
    changed = (Dust(specks=200, hairs=3, seed=2).develop(blank(), SCALE) != blank()).any(axis=2)
    assert 0.001 < changed.mean() < 0.05
    quarters = [part.mean() for half in np.array_split(changed, 2) for part in np.array_split(half, 2, axis=1)]
    assert min(quarters) > 0.2 * max(quarters)
    assert not (Dust(specks=0, hairs=0).develop(blank(), SCALE) != blank()).any()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_bits_limit_the_levels(bits):
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (4, 1, 3))
    out = BitDepth(bits=bits).develop(ramp.copy(), SCALE)
    assert len(np.unique(out)) == 2**bits
    assert np.abs(out.astype(int) - ramp).max() <= 255 / (2**bits - 1) / 2 + 1


def test_an_empty_page_scanned_in_black_and_white_stays_empty():
    page = np.full((300, 400, 3), 245, dtype=np.uint8)
    page += np.random.default_rng(2).integers(0, 8, (300, 400, 1), dtype=np.uint8)
    out = Bilevel(threshold=0.5, specks=0, least=0.2).develop(page.copy(), SCALE)
    assert (out < 128).mean() < 0.002


def test_a_wandering_level_is_told_by_place_alone():
    """Known at every 16th pixel or every 32nd, it is the same; it is even on the whole, and as uneven along the page as down."""
    fine, coarse = (grey.smooth_noise((1600, 2200), step, 300.0, 5) for step in (16, 32))
    np.testing.assert_allclose(fine[:101:2, :137:2], coarse[:51, :69], atol=1e-5)
    drawn = np.array([grey.smooth_noise((1600, 2200), 32, 300.0, seed) for seed in range(40)])
    assert abs(drawn.mean()) < 0.1
    assert 0.55 < drawn.std() < 0.8
    assert np.abs(drawn).max() < 2.5
    down, along = (np.mean(np.diff(drawn, axis=axis) ** 2) for axis in (1, 2))
    assert down == pytest.approx(along, rel=0.2)


def test_grey_is_the_naive_twin():
    pixels = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)
    out = BitDepth(grey=True).develop(pixels.copy(), SCALE)
    assert (out == naive_light.grey(pixels)[..., None]).all()


def test_threshold_is_its_naive_twin():
    rng = np.random.default_rng(0)
    pixels, level = rng.integers(0, 256, (21, 38, 3), dtype=np.uint8), rng.uniform(60, 200, (5, 6)).astype(np.float32)
    expected = naive_light.thresholded(pixels, level, 8, 20.0)
    plane = grey.to_grey(pixels)
    assert (plane == naive_light.grey(pixels)).all()
    grey.threshold(plane, level, 8, 20.0, 0.0, 1)
    assert np.abs(plane - expected).max() <= 1.01


def test_black_and_white_has_two_levels_and_keeps_ink():
    page = blank()
    page[:, 100:104] = 60
    out = Bilevel(threshold=0.6, specks=0.001, seed=1).develop(page, SCALE)
    assert set(np.unique(out)) == {0, 255}
    assert (out[:, 100:104] == 0).mean() > 0.99
    assert (out[:, 200:] == 255).mean() > 0.99
    assert (out[:, 200:] == 0).any()


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0])
def test_tiles_are_read_bilinearly(angle):
    rng = np.random.default_rng(0)
    tile, ramp = rng.integers(0, 256, (16, 16), dtype=np.uint8), rng.integers(0, 256, (256, 3), dtype=np.uint8)
    ramp[:] = np.arange(256, dtype=np.uint8)[:, None]
    shown = rng.random((6, 7)) < 0.7
    along, down, out = 1.1 * np.cos(angle), 1.1 * np.sin(angle), np.zeros((27, 35, 3), dtype=np.uint8)
    tiles.paint_cells(out, shown, 8, tiles.with_neighbours(tile), ramp, 3.3, 5.7, along, down)
    expected = naive_light.painted((27, 35), shown, 8, tile, ramp, (3.3, 5.7), along, down)
    assert np.abs(out.astype(int) - expected).max() <= 3
    assert ((out.sum(axis=2) > 0) <= np.repeat(np.repeat(shown[1:, 1:], 8, axis=0), 8, axis=1)[:27, :35]).all()


@pytest.mark.parametrize("pitch", [5.0, 17.0, -9.0])
def test_a_leaf_on_the_table_is_its_naive_twin(pitch):
    rng = np.random.default_rng(0)
    before, shown = rng.integers(60, 200, (43, 61, 3), dtype=np.uint8), rng.random((8, 10)) < 0.8
    frame, shadow = np.array([33.0, 20.0, np.cos(0.3), np.sin(0.3), 19.0, 12.0]), np.array([1.5, 2.0, 7.0, 0.4])
    lines, words = np.array([pitch, 2.0, 0.4, 3.0]), rng.integers(0, 256, (15, 29), dtype=np.uint8)
    out, colour = before.copy(), np.array([240.0, 235.0, 230.0])
    leaves.lay_leaf(out, shown, 8, frame, colour, shadow, lines, words)
    assert np.abs(out.astype(int) - naive_light.leaf_laid(before, shown, 8, frame, colour, shadow, lines, words)).max() <= 1
    assert (out != before).any(axis=2).mean() > 0.4


def test_sheets_beside_the_page_carry_words():
    """The lines are as long as the print is wide or shorter, no two of a letter's are equal, and letters have several heights."""
    words, lines = _letter.letter_print(0), _letter._lines()
    assert len(lines) == _letter.LINES
    assert words.shape == (_letter.LINES * 32, _letter.LINE_LENGTH * 32)
    assert not words[:, -8:].any(), "a line is cut off"
    assert words[:, int(0.9 * words.shape[1]) :].any(), "the print is narrower than its sheet"
    assert len(set(lines)) > 0.8 * sum(map(bool, lines))
    assert all((words[32 * k : 32 * k + 32] > 128).any() == bool(line) for k, line in enumerate(lines))
    columns = words[:32] > 128
    heights = {int(np.ptp(np.flatnonzero(column))) for column in columns.T if column.any()}
    assert len(heights) > 6
    assert _letter.letter_print(2).shape == (_letter.LINES * 8, _letter.LINE_LENGTH * 8)
    assert [_letter.halvings_for(px) for px in (64.0, 32.0, 31.0, 16.0, 9.0)] == [0, 0, 1, 1, 2]


def test_the_grid_of_another_page_ends_at_its_edges_and_has_lines_1_mm_apart():
    picture_of, shown = np.zeros((300, 400, 3), dtype=np.uint8), np.ones((40, 52), dtype=bool)
    frame, colour = np.array([200.0, 150.0, 1.0, 0.0, 150.0, 100.0]), np.full(3, 240.0)
    leaves.lay_leaf(picture_of, shown, 8, frame, colour, np.zeros(4), np.array([-50.0, 20.0, 0.3, 0.0]), np.zeros((1, 1), dtype=np.uint8))
    row = picture_of[75, 50:350, 0].astype(int)  # between two of the lines that run along it
    dark = np.flatnonzero(row < 236)
    assert {int(k) // 10 for k in dark + 2} >= set(range(1, 30))  # a line every millimetre
    column = picture_of[50:250, 100, 0]
    assert column.max() < 215, "the line runs from edge to edge"


@pytest.mark.parametrize("things", ["leaf", "leaves", "edge"])
def test_things_lie_below_the_page_and_beside_it(things):
    """Some part of the table is another colour; what the page shows is as it was."""
    seen = np.zeros(SIZE)
    lids = (picture(blank(), BESIDE, Desk(surface=surface)) for surface in ("dark_lid", "white_lid"))
    on_page = (next(lids) == next(lids)).all(axis=2)
    for seed in range(12):
        bare, laid = (picture(blank(), BESIDE, Desk(things=kind, seed=seed)) for kind in ("none", things))
        seen += (bare != laid).any(axis=2)
    assert (seen[~on_page] > 0).mean() > (0.02 if things == "edge" else 0.2)
    assert (seen[on_page] > 0).mean() < 0.03  # but for its very edge


def test_values_out_of_range_are_refused():
    for kind, wrong in ((Lamp, {"falloff": 0}), (Bilevel, {"threshold": 2}), (Desk, {"surface": "lava"}), (BitDepth, {"bits": 9})):
        with pytest.raises(RecipeError, match=kind.__name__):
            kind(**wrong)


@pytest.mark.parametrize("seed", [0, 4, 7])
def test_a_window_is_painted_as_its_parts_one_over_the_other(seed):
    """Seen aslant, from the wall to the page; a cell that is not shown stays black."""
    viewer = Viewer(theme="grey", left_mm=12 + 6 * seed, top_mm=24, right_mm=20, bottom_mm=20, bezel_mm=9, seed=seed)
    plane = np.array([[0.6, 0.12, -40.0], [-0.1, 0.6, -45.0], [4e-4, 2e-4, 1.0]])
    shown = np.ones((SIZE[0] // CELL + 2, SIZE[1] // CELL + 2), dtype=bool)
    shown[5, 7] = False
    found, window = np.zeros((*SIZE, 3), dtype=np.uint8), viewer._window((200.0, 150.0))
    paint_window(found, shown, CELL, plane, *window)
    x, y, deep = np.moveaxis(np.stack([*np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0])), np.ones(SIZE)], axis=-1) @ plane.T, -1, 0)
    expected = naive_light.window(x / deep, y / deep, *window)
    expected[4 * CELL : 5 * CELL, 6 * CELL : 7 * CELL] = 0
    assert (found != expected).any(axis=2).sum() <= 3  # places right on an edge
    assert len(np.unique(found.reshape(-1, 3), axis=0)) > 20


def test_a_viewer_lies_in_the_plane_of_the_page():
    """What the window shows lies at its place on the display, however that is turned; the page itself is as it was."""
    ground = (240, 240, 240)
    backdrop = Viewer(left_mm=3, top_mm=18, right_mm=3, bottom_mm=12).shade(Light.even(BESIDE)).backdrop
    assert backdrop.shape == (*SIZE, 3)
    turn, middle = np.radians(8), 0.5 * np.array(PAGE_MM)
    for place, colour in (((40.0, -1.5), ground), ((40.0, -20.5), None), ((-1.5, 40.0), ground)):
        right, down = (np.array(place) - middle) * SCALE * 0.8
        x = right * np.cos(turn) - down * np.sin(turn) + 0.5 * (SIZE[1] - 1)
        y = right * np.sin(turn) + down * np.cos(turn) + 0.5 * (SIZE[0] - 1)
        seen = tuple(int(level) for level in backdrop[int(np.clip(round(y), 0, SIZE[0] - 1)), int(np.clip(round(x), 0, SIZE[1] - 1))])
        assert (seen == colour) == (colour is not None)
    assert (picture(blank(), FULL, Viewer()) == picture(blank(), FULL)).all()


def test_a_viewer_has_tools_with_signs_and_programs_of_several_colours():
    viewer = Viewer(theme="light", left_mm=20, top_mm=30, right_mm=20, bottom_mm=20, seed=4)
    seen, y = np.zeros((2000, 2400, 3), dtype=np.uint8), np.broadcast_to(np.arange(-30, 170, 0.1)[:, None], (2000, 2400))
    plane = np.array([[0.1, 0.0, -20.0], [0.0, 0.1, -30.0], [0.0, 0.0, 1.0]])
    paint_window(seen, np.ones((252, 302), dtype=bool), CELL, plane, *viewer._window((200.0, 150.0)))
    seen = seen.astype(int)
    tools = seen[(y > -22.5) & (y < -14.5)]
    signs = (np.abs(tools - (110, 118, 128)).max(axis=1) < 2).mean()
    assert 0.01 < signs < 0.2  # strokes, not squares, which would be a third
    row = seen[np.abs(y[:, 0] - 167.2).argmin()]  # just above the lower ends of the tiles
    colours = {tuple(level) for level in row if np.abs(level - (32, 42, 58)).max() > 20}
    assert len(colours) >= 3


@pytest.mark.parametrize("seed", range(30))
def test_no_tool_and_no_program_of_a_viewer_occurs_twice(seed):
    window, tools, programs, *_ = Viewer(left_mm=12, right_mm=14 + seed, seed=seed)._window((250.0, 170.0))
    for signs in (tools[tools >= 0], programs[programs >= 0]):
        assert len(signs) > 2
        assert len(set(signs)) == len(signs)
    groups = 1 + (np.diff(np.flatnonzero(tools >= 0)) > 1).sum()
    assert 2 <= groups <= 4
    assert 0.6 <= window.thumb <= 0.95, "the whole page is in view"
    narrow = Viewer(left_mm=3, right_mm=3, seed=seed)._window((20.0, 30.0))[1]
    assert not (narrow[int(26 / 7) - 1 :] >= 0).any(), "a tool is cut off"


@pytest.mark.parametrize("along", ["y", "x"])
def test_a_scan_head_parts_the_colours_along_its_way(along):
    """Red moves by a tenth of a pixel one way, blue the other; a head that goes to the right does what one that goes down does, turned."""
    pixels = np.random.default_rng(2).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    head = ScanHead(red_px=0.1, blue_px=-0.15, line_levels=2.0, along=along, seed=4)
    found = head.develop(pixels.copy(), 4.0)
    turned = pixels if along == "y" else np.ascontiguousarray(pixels.transpose(1, 0, 2))
    lines = np.rint(np.random.default_rng(4).normal(0, 512.0, len(turned))) / 256
    padded = np.pad(turned.astype(float), ((1, 1), (0, 0), (0, 0)), mode="edge")
    shares = round(25.6) / 256, round(38.4) / 256
    expected = turned.astype(float)
    expected[..., 0] += shares[0] * (padded[:-2, :, 0] - padded[1:-1, :, 0])
    expected[..., 2] += shares[1] * (padded[2:, :, 2] - padded[1:-1, :, 2])
    expected = np.clip(expected + lines[:, None, None], 0, 255)
    seen = found if along == "y" else found.transpose(1, 0, 2)
    np.testing.assert_allclose(seen, expected, atol=0.51)
