"""The promise: in every picture the ink is where the truth says it is. Measured on the pixels alone.

The ink's centroid is taken along the normal of the trace. Where a trace bends within the width of that window the centroid of its
ink is not on the trace (the inside of a bend has more ink than its outside), so only stretches that are straight within a few
pixels count: baselines, flanks of QRS complexes, slopes of T waves, near creases and page edges as anywhere.
"""

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest
from compositions import RECORD, composed
from scipy.ndimage import map_coordinates, maximum_filter
from scipy.spatial import cKDTree

import fastecg
from fastecg.artifacts import ARTIFACTS, BookBend, Crease, Curl, Dent, DogEar, FeedJitter, Folds, Wave, Wrinkle
from fastecg.layouts import MachineSettings, layout_for
from fastecg.layouts.place import place
from fastecg.layouts.report_fields import sample_report_fields
from fastecg.page import Stroke
from fastecg.photo import Truth, _outlines
from fastecg.recipes.distributions import rng_for
from fastecg.shot import Shot
from fastecg.styles import STYLES
from fastecg.styles.style import GridInk, on_raster
from fastecg.views import Flatbed, Phone, Screen, Straight
from fastecg.writers.truth_json import truth_bytes

WHITE = (255, 255, 255)
NO_GRID = GridInk("line", WHITE, 0.0, WHITE, 0.0)
STYLE = replace(STYLES["muse"], paper=WHITE, margin=WHITE, grid=NO_GRID, ink=(0, 0, 0), pen_mm=0.3)
#: Its pen as wide here and there as it is, but nowhere pale.
EVEN = replace(STYLE, pen=replace(STYLE.pen, pale=0.0, mottle=0.0))
LONG = bool(os.environ.get("FASTECG_LONG"))
MANY = 200 if LONG else 24

SEVERITIES = {
    "crease": [(Crease(at_x=0.4, angle_deg=25, fold_deg=f, reach_mm=60),) for f in (5, 14, -35)],
    "folds": [(Folds(pattern=p, fold_deg=f),) for p, f in (("half", 5), ("z", -14), ("pocket", 20))],
    "facets": [(Wrinkle(strength=s, seed=7),) for s in (0.15, 0.4, 0.75)],
    "folding": [(Wrinkle(style="folding", strength=s, seed=9),) for s in (0.15, 0.5, 1.0)],
    "dent": [(Dent(at_x=0.4, at_y=0.4, angle_deg=-10, lift_mm=h),) for h in (0.6, 2.0, 6.0)],
    "curl": [(Curl(angle_deg=-150, lift_mm=h, start=0.1),) for h in (2, 10, 40)],
    "wave": [(Wave(angle_deg=15, lift_mm=h, length_mm=90),) for h in (0.5, 2, 8)],
    "cockles": [(Wave(lift_mm=0.5, cockle_mm=h),) for h in (0.1, 0.35, 1.0)],
    "book_bend": [(BookBend(edge=e, lift_mm=h, length_mm=25),) for e, h in (("left", 3), ("top", 10), ("right", 30))],
    "feed_jitter": [(FeedJitter(strain=s, seed=3),) for s in (0.002, 0.008, 0.03)],
}
VIEWS_SEEN = {
    "straight": Straight(),
    "flatbed": Flatbed(skew_deg=-2.3, stretch_x=1.012, border_mm=5, offset_x_mm=1.7),
    "phone": Phone(tilt_deg=14, azimuth_deg=70, roll_deg=5, lens_k1=-0.02, fill=0.9),
    "turned": Phone(tilt_deg=22, azimuth_deg=-120, turns=3, distance_mm=280, fill=1.1, offset_x=0.03),
    "screen": Screen(tilt_deg=8, roll_deg=-1.5, lens_k1=0.015),
}


@dataclass(frozen=True)
class Print:
    """Bare traces, photographed: darkness (height, width) 0..1 and the truth."""

    darkness: np.ndarray
    truth: Truth


def plain_page(layout="3x4+1"):
    page = place(layout_for(layout, RECORD.leads), RECORD, STYLE, MachineSettings(), None)
    return replace(page, strokes=(), texts=())


def photographed(artifacts, view, dpi=150.0, page=None, style=STYLE):
    """A page of nothing but traces, unworn, through a whole shot."""
    page = plain_page() if page is None else page
    image, truth = pictured(tuple(map(unworn, artifacts)), view, dpi, page, style)
    paper = truth._in_picture(np.full(tuple(round(n * truth.warp.scale) for n in page.size_mm[::-1]), 255, dtype=np.uint8)) == 255
    return Print(np.where(paper, 1.0 - image[..., 0] / 255.0, 0.0), truth)


def pictured(artifacts, view, dpi, page, style):
    """The picture of a page in a style with all that happens to it, and its truth."""
    facts = sample_report_fields(rng_for(0, "test", "facts"), RECORD)
    shot = Shot("3x4+1", style.name, MachineSettings(), facts, dpi, view, artifacts)
    warp = shot.warp(page.size_mm)
    assert warp.is_fold_free()
    image, covered, _, _ = shot._expose(shot._print(page, style, warp.scale), warp)
    for artifact in artifacts:
        image = artifact.develop(image, dpi / 25.4)
        hidden = artifact.hide(warp.size, dpi / 25.4)
        covered = hidden if covered is None else covered if hidden is None else covered | hidden
    return image, Truth(page, style, warp, covered)


def unworn(artifact):
    """The artifact without what it does to the ink: broken ink has another centroid than the trace."""
    names = {key for key, item in artifact.to_dict().items() if key in ("loss", "dirt", "edge", "wear") and isinstance(item, float)}
    return replace(artifact, **dict.fromkeys(names, 0.0))


def centroid_errors(seen):
    """Distance of the ink from the truth along the normal, px, at every visible sample on a straight stretch, alone with its ink."""
    errors = errors_of_samples(seen)
    return errors[np.isfinite(errors)]


def errors_of_samples(seen):
    """The same for all samples of all traces, (n,): NaN where a sample is not counted."""
    pen = STYLE.pen_mm * seen.truth.warp.scale
    reach = 0.75 * pen + 2.5
    offsets = np.arange(-reach, reach + 1e-9, 0.125)
    points = np.concatenate([trace.points for trace in seen.truth.traces])
    visible = np.concatenate([trace.visible for trace in seen.truth.traces])
    found = [_straight(trace.points, 0.75 * pen + 2.0) for trace in seen.truth.traces]
    straight, normal = (np.concatenate(parts) for parts in zip(*found, strict=True))
    lengths = np.concatenate([_length_along(trace.points) + 1e6 * k for k, trace in enumerate(seen.truth.traces)])
    use = np.flatnonzero(straight & visible & _inside(points, seen.darkness.shape, reach + 2))
    use = use[~_beside_others(seen.truth.traces, points[use], lengths[use], normal[use], reach, pen)]
    at = points[use, None, :] + offsets[None, :, None] * normal[use, None, :]
    ink = map_coordinates(seen.darkness, [at[..., 1], at[..., 0]], order=1, mode="constant")
    there = ink.max(axis=1) > 0.3
    errors = np.full(len(points), np.nan)
    errors[use[there]] = (ink[there] @ offsets) / ink[there].sum(axis=1)
    return errors


def _beside_others(traces, points, lengths, normal, reach, pen):
    """Whether another stretch, of the same trace or not, lies across from a point, so near that its ink would be counted."""
    own = [length + 1e6 * k for k, length in enumerate(map(_length_along, (trace.points for trace in traces)))]
    fine = [np.arange(length[0], length[-1], 0.75) for length in own]
    line = [np.stack([np.interp(t, length, v) for v in trace.points.T], 1) for t, length, trace in zip(fine, own, traces, strict=True)]
    everywhere, at = np.concatenate(line), np.concatenate(fine)
    near = cKDTree(everywhere).query_ball_point(points, reach + pen)
    here, there = np.repeat(np.arange(len(points)), list(map(len, near))), np.concatenate([*near, []]).astype(int)
    away = everywhere[there] - points[here]
    along = np.abs(away[:, 0] * normal[here, 1] - away[:, 1] * normal[here, 0])
    others = (along < pen + 1.0) & (np.abs(at[there] - lengths[here]) > 1.5 * reach)
    return np.bincount(here[others], minlength=len(points)) > 0


def _length_along(points):
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])


def _straight(points, reach, bend=0.06):
    """Whether a trace within `reach` px of each of its points is no farther than `bend` px from a line; the line's unit normals."""
    length = _length_along(points)
    shares = np.linspace(-1.0, 1.0, 17) * reach
    near = np.stack([np.interp(length[:, None] + shares, length, values) for values in points.T], axis=-1)
    along = near[:, -1] - near[:, 0]
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    off = np.abs(np.einsum("nkc,nc->nk", near - points[:, None], normal)).max(axis=1)
    ends = (length < reach) | (length > length[-1] - reach)
    return (off < bend) & ~ends, normal


def _inside(points, shape, reach):
    x, y = points.T
    return (x > reach) & (y > reach) & (x < shape[1] - 1 - reach) & (y < shape[0] - 1 - reach)


def assert_truth_on_ink(seen, least=1500):
    errors = centroid_errors(seen)
    assert len(errors) >= least
    assert np.sqrt(np.mean(errors**2)) <= 0.1
    assert np.quantile(np.abs(errors), 0.999) <= 0.5


def seen_how(name):
    """Severities and views: all pairs in long runs, else each of both at least once, in other pairs for every artifact."""
    first = list(SEVERITIES).index(name)
    return [(k, view) for at, view in enumerate(VIEWS_SEEN) for k in range(3) if LONG or k == (first + at) % 3]


@pytest.mark.parametrize(("name", "severity", "view"), [(name, *how) for name in SEVERITIES for how in seen_how(name)])
def test_ink_is_where_the_truth_says(name, severity, view):
    assert_truth_on_ink(photographed(SEVERITIES[name][severity], VIEWS_SEEN[view]))


@pytest.mark.parametrize("finer", [0.8, 1.0, 1.27, 2.0])
@pytest.mark.parametrize("raster", ["grey", "one_bit"])
def test_ink_of_bitmaps_is_where_the_truth_says(raster, finer):
    """Where their pixels have greys as in any picture, whatever they were made smaller or larger by since; in one bit to half a pixel."""
    page, dpi, view = plain_page(), 130.0, Flatbed(border_mm=-2)
    facts = sample_report_fields(rng_for(0, "test", "facts"), RECORD)
    shot = Shot("3x4+1", STYLE.name, MachineSettings(raster=raster, raster_scale=finer), facts, dpi, view)
    warp, style = shot.warp(page.size_mm), on_raster(STYLE, finer * dpi / 25.4, raster == "one_bit")
    image, _, _, _ = shot._expose(shot._print(page, style, finer * warp.scale), warp)
    errors = centroid_errors(Print(1.0 - image[..., 0] / 255.0, Truth(page, style, warp)))
    assert len(errors) >= 1000
    assert abs(errors.mean()) <= 0.05
    assert rms(errors) <= (0.1 if raster == "grey" else 0.35 / finer)


def test_every_geometric_artifact_is_looked_at():
    looked_at = {type(artifact) for cases in SEVERITIES.values() for case in cases for artifact in case}
    assert looked_at == {kind for kind in ARTIFACTS if kind.geometric}


@pytest.mark.parametrize("number", range(MANY))
def test_ink_is_where_the_truth_says_in_any_composition(number):
    shot = composed(number)
    seen = photographed(shot.artifacts, shot.view)
    assert_truth_on_ink(seen, least=400)


def dotted(shot):
    """A page of dots at the crossings of the 5 mm lines, photographed: darkness and truth."""
    page = plain_page()
    crossings = Truth(page, STYLE, shot.warp(page.size_mm)).lattice()[0].reshape(-1, 2)
    dots = tuple(Stroke("dot", point[None], 0.6) for point in crossings)
    return photographed(shot.artifacts, shot.view, page=replace(page, traces=(), strokes=dots))


@pytest.mark.parametrize("number", range(0, MANY, 4))
def test_lattice_is_on_the_dots(number):
    seen = dotted(composed(number))
    points = seen.truth.lattice()[1].reshape(-1, 2)
    radius = int(np.ceil(0.5 * seen.truth.warp.scale)) + 2
    whole = seen.truth.is_visible(points) & _inside(points, seen.darkness.shape, radius + 4)
    whole &= cKDTree(points).query(points, 2)[0][:, 1] > 2 * radius + 2
    errors = []
    for point in points[whole]:
        column, row = np.rint(point).astype(int)
        patch = seen.darkness[row - radius : row + radius + 1, column - radius : column + radius + 1]
        if patch.max() < 0.3 or max(patch[[0, -1]].max(), patch[:, [0, -1]].max()) > 0.02:
            continue  # cut by the page's edge or by what lies over it
        grid = np.arange(-radius, radius + 1)
        errors.append(np.array([(patch.sum(0) @ grid), (patch.sum(1) @ grid)]) / patch.sum() - (point - (column, row)))
    distance = np.hypot(*np.array(errors).T)
    assert len(distance) > 300
    assert np.sqrt(np.mean(distance**2)) < 0.05
    assert np.quantile(distance, 0.99) < 0.1


@pytest.mark.parametrize("number", range(1, MANY, 8))
def test_masks_are_the_ink(number):
    shot = composed(number)
    seen = photographed(shot.artifacts, shot.view, style=EVEN)  # a mask holds ink as far as the pen reaches, however pale
    mask = seen.truth.mask() > 0
    shown = seen.darkness > seen.truth._threshold / 255.0
    covered = np.zeros_like(mask) if seen.truth.covered is None else seen.truth.covered
    differ = (mask != shown) & ~covered
    assert mask.sum() > 5000
    assert differ.sum() < 0.001 * mask.sum()  # where two traces each cover less than half of a pixel, or rounding decides
    pale = photographed(shot.artifacts, shot.view)
    np.testing.assert_array_equal(pale.truth.mask() > 0, mask)
    assert ((pale.darkness > pale.truth._threshold / 255.0) & ~mask & ~covered).sum() < 0.001 * mask.sum()


@pytest.mark.parametrize("number", range(2, MANY, 8))
def test_boxes_hold_the_ink_of_their_lead(number):
    shot = composed(number)
    truth = photographed(shot.artifacts, shot.view).truth
    boxes = {box.trace: box for box in truth.boxes if box.kind == "lead"}
    checked = 0
    for index, trace in enumerate(truth.page.traces):
        alone = replace(truth.page, traces=(trace,))
        rows, columns = np.nonzero(Truth(alone, truth.style, truth.warp, truth.covered).mask())
        if len(rows):
            corners = boxes[index].corners
            turn = np.roll(corners, -1, axis=0) - corners
            away = np.stack([columns, rows], axis=1)[:, None] - corners
            inside = turn[:, 0] * away[..., 1] - turn[:, 1] * away[..., 0]
            assert (inside / np.hypot(*turn.T)).min() > -0.75
            checked += 1
    assert checked >= 6


@pytest.mark.parametrize("number", range(5, MANY, 8))
def test_boxes_hold_all_of_their_outline(number):
    shot = composed(number)
    truth = photographed(shot.artifacts, shot.view).truth
    corners = np.stack([box.corners_mm for box in truth.page.boxes])
    outlines = truth.to_image(_outlines(corners, 500))
    for box, outline in zip(truth.boxes, outlines, strict=True):
        along = (np.roll(box.corners, -1, axis=0) - box.corners)[:, None]
        off = outline[None] - box.corners[:, None]
        inside = (along[..., 0] * off[..., 1] - along[..., 1] * off[..., 0]) / np.hypot(along[..., 0], along[..., 1])
        assert inside.min() > -0.5, box.words


@pytest.mark.parametrize(("seconds", "longest"), [(10.0, 300.0), (1.2, 40.0)])
def test_pages_whose_boxes_are_all_long_or_all_short(seconds, longest):
    record = fastecg.simulate(seconds=10.0, seed=1)
    record = fastecg.Record(record.signal[:, : round(seconds * record.fs)], record.fs, record.leads)
    photo = fastecg.render(record, layout="12x1", style="bar", dpi=50, recipe="photo", seed=1)
    sides = [np.ptp(box.corners_mm, axis=0).max() for box in photo.page.boxes]
    assert max(sides) < longest
    assert len(photo.truth.boxes) == len(sides)
    bare = replace(photo.page, boxes=())
    assert Truth(bare, photo.style, photo.warp).boxes == ()
    truth_bytes(replace(photo, page=bare))


def test_what_a_flap_hides_is_not_visible():
    seen = photographed((DogEar(corner="top_right", width_mm=80, height_mm=70),), Phone(tilt_deg=10, fill=0.9))
    whole = photographed((), Phone(tilt_deg=10, fill=0.9))
    hidden = [now.points[before.visible & ~now.visible] for now, before in zip(seen.truth.traces, whole.truth.traces, strict=True)]
    hidden = np.rint(np.concatenate(hidden)).astype(int)
    assert len(hidden) > 300
    assert np.median(seen.darkness[hidden[:, 1], hidden[:, 0]]) < 0.3 < np.median(whole.darkness[hidden[:, 1], hidden[:, 0]])


def test_photometric_artifacts_leave_the_warp_alone():
    plain = composed(1)
    before = plain.warp((280.0, 216.0)).nodes_mm.copy()
    others = tuple(kind() for kind in ARTIFACTS if not kind.geometric)
    assert len(others) > 5
    after = replace(plain, artifacts=(*plain.artifacts, *others)).warp((280.0, 216.0)).nodes_mm
    np.testing.assert_array_equal(before, after)


# --- everything at once --------------------------------------------------------------------------------------------------------------

#: What makes an artifact mild, beside its usual values.
MILD = {
    "AutoLevels": {"strength": 0.1}, "ImageSignal": {"sharpen": 0.2, "core": 0}, "ScanHead": {"line_levels": 0.2},
    "BleedThrough": {"strength": 0.03}, "Bilevel": {"threshold": 0.5, "softness": 0.3, "unevenness": 0, "grain": 0.01, "specks": 0},
    "BitDepth": {"bits": 7}, "BookBend": {"lift_mm": 3}, "Burn": {"hole_mm": 2}, "Crease": {"fold_deg": 4, "loss": 0},
    "Curl": {"lift_mm": 4}, "Defocus": {"sigma_px": 0.4}, "Dent": {"lift_mm": 0.5}, "Display": {"pitch_mm": 0.1},
    "Dither": {"levels": 32}, "DogEar": {"width_mm": 10, "height_mm": 8}, "DotMatrix": {"contrast": 0.1, "bands": 0.02, "ribbon": 0},
    "Dust": {"specks": 8, "hairs": 0}, "Fax": {"lines": "fine", "lost": 0}, "FeedJitter": {"strain": 0.002},
    "FingerPrint": {"strength": 0.15}, "Folds": {"fold_deg": 3, "loss": 0, "dirt": 0, "edge": 0}, "Glare": {"strength": 0.1},
    "Jpeg": {"quality": 92}, "LaserPrint": {"softness": 2.0, "gain": 0}, "MotionBlur": {"length_px": 1.2}, "Mould": {"spots": 30},
    "Photocopy": {
        "threshold": 0.5, "softness": 0.8, "growth": 0.02, "loss": 0, "unevenness": 0, "grain": 0.01, "specks": 0,
    },
    "PrintHead": {"spread": 0.02, "weak_rows": 2, "dead_rows": 0, "fray": 0}, "RingStain": {"strength": 0.2},
    "ScanStreaks": {"strength": 0.04}, "Scratches": {"count": 3}, "SensorNoise": {"read_levels": 0.5, "shot_levels": 0.8},
    "Sharpening": {"amount": 0.2}, "Stylus": {"loss": 0.1}, "Tape": {"age": 0.1}, "Tear": {"length_mm": 15},
    "ThermalFade": {"loss": 0.1}, "ToneCurve": {"black": 4}, "WaterStain": {"strength": 0.2, "bleed": 0.05}, "Wave": {"lift_mm": 1},
    "Wrinkle": {"strength": 0.05, "wear": 0}, "Yellowing": {"age": 0.2},
}  # fmt: skip
#: They leave black and white alone, so that the edge of every stroke is rounded to a pixel or a line.
TWO_TONES = ("Bilevel", "Photocopy", "Fax")


#: What is different in every copy of one page.
NOISES = ("SensorNoise", "Photocopy", "Bilevel")


def errors_with_everything(kinds, dpi, take=0):
    """Distance of the ink from the truth, by sample, on a page to which all of `kinds` happened mildly.

    The ink is what differs from the same page printed in white: what was written, spilled and shaded is on both. Beside what is dark
    on both, a trace's own ink cannot be told. Another `take` is another picture of the same page, a pixel and a fraction further
    down on the sensor, with noise of its own.
    """
    drawn = (kind(**MILD.get(kind.__name__, {})) for kind in kinds)
    artifacts = tuple(replace(item, seed=take) if take and type(item).__name__ in NOISES else item for item in drawn)
    height = plain_page().size_mm[1] * dpi / 25.4
    view, invisible = Phone(tilt_deg=9, roll_deg=2, fill=0.95, offset_y=1.125 * take / height), replace(STYLE, ink=WHITE, text_ink=WHITE)
    seen, truth = pictured(artifacts, view, dpi, plain_page(), STYLE)
    blank, _ = pictured(artifacts, view, dpi, plain_page(), invisible)
    darkness = np.clip(1.0 - seen[..., 1] / np.maximum(blank[..., 1], 1.0), 0.0, 1.0)
    beside = maximum_filter(blank[..., 1] < 100, size=11)
    truth = replace(truth, covered=beside if truth.covered is None else beside | truth.covered)
    return errors_of_samples(Print(darkness, truth))


def rms(errors):
    return np.sqrt(np.nanmean(errors**2))


def test_ink_is_where_the_truth_says_with_every_artifact_at_once():
    errors = errors_with_everything([kind for kind in ARTIFACTS if kind.__name__ not in TWO_TONES], 150.0)
    errors = errors[np.isfinite(errors)]
    assert len(errors) > 4000
    assert rms(errors) <= 0.1
    assert np.quantile(np.abs(errors), 0.999) <= 0.5


def test_two_tones_round_the_ink_and_do_not_move_it():
    """Where ink begins at whole pixels and lines, its centre is known to a fraction of one: the truth is its mean.

    That is the mean over 5 mm of one picture, and, in long runs, of one sample over pictures that fall differently on the raster.
    """
    takes = np.array([errors_with_everything(ARTIFACTS, 200.0, take) for take in range(8 if LONG else 1)])
    one = takes[0][np.isfinite(takes[0])]
    over_5_mm = one[: len(one) // 100 * 100].reshape(-1, 100).mean(axis=1)
    assert rms(one) <= 0.3
    assert rms(over_5_mm) <= 0.1
    assert len(one) > 4000
    if LONG:
        in_most = np.isfinite(takes).sum(axis=0) >= 7
        bias = np.nanmean(takes[:, in_most], axis=0)
        print(f"one picture {rms(one):.3f} px rms, mean of 8 {rms(bias):.3f}, mean of 5 mm {rms(over_5_mm):.3f}")
        assert in_most.sum() > 4000
        assert rms(bias) <= 0.1
