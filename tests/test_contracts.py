"""What every artifact and every view promises, over the whole registry: with its usual values, and with any that are allowed."""

import importlib
import json
import pkgutil
from dataclasses import fields, replace

import numpy as np
import pytest
from compositions import RECORD, anywhere

import fastecg.artifacts
import fastecg.views
from fastecg.artifact import Artifact, Light
from fastecg.artifacts import ARTIFACTS
from fastecg.recipe import Recipe
from fastecg.sheet import Sheet, print_page
from fastecg.shot import Shot, with_artifacts
from fastecg.views import VIEWS, Phone, View

SHOT = replace(Recipe.load("clean").sample(RECORD, style="muse", layout="3x4+1", dpi=60.0), view=Phone(tilt_deg=12, roll_deg=3, fill=0.9))
DRAWS = range(3)  # 0 is for the usual values

every = pytest.mark.parametrize("kind", ARTIFACTS, ids=lambda kind: kind.__name__)
draws = pytest.mark.parametrize("seed", DRAWS)


def made(kind, seed):
    """The artifact with its usual values, or with any."""
    return kind() if seed == 0 else anywhere(kind, seed)


@pytest.fixture(scope="module")
def clean():
    return SHOT.take(RECORD)


@pytest.fixture(scope="module")
def sheet(clean):
    """A print that nobody may write into."""
    printed = print_page(clean.page, clean.style, clean.warp.scale)
    for plane in (printed.pixels, printed.ink, printed.text):
        plane.flags.writeable = False
    return printed


# --- the registries --------------------------------------------------------------------------------------------------------------


def defined(package, base):
    """Every class on top of `base` that a module of a package defines and that can be used as it is."""
    modules = [importlib.import_module(f"{package.__name__}.{item.name}") for item in pkgutil.iter_modules(package.__path__)]
    found = {item for module in modules for item in vars(module).values() if isinstance(item, type) and issubclass(item, base)}
    return {kind for kind in found if kind.__module__.startswith(package.__name__) and not kind.__subclasses__()}


@pytest.mark.parametrize(("package", "base", "registry"), [(fastecg.artifacts, Artifact, ARTIFACTS), (fastecg.views, View, VIEWS)])
def test_registry_holds_every_kind_once(package, base, registry):
    assert defined(package, base) == set(registry)
    assert len(set(registry)) == len(registry)
    assert len({kind.__name__ for kind in registry}) == len(registry)


# --- values ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*ARTIFACTS, *VIEWS], ids=lambda kind: kind.__name__)
def test_values_go_through_json(kind):
    for seed in range(8):
        thing = made(kind, seed)
        plain = json.loads(json.dumps(thing.to_dict()))
        assert plain.pop("kind") == kind.__name__
        assert kind.from_dict(plain) == thing
        assert hash(kind.from_dict(plain)) == hash(thing)


@every
def test_every_stage_it_defines_has_a_line_of_help(kind):
    assert (kind.__doc__ or "").strip().endswith(".")
    stages = [name for name in ("stain", "bend", "focus", "shade", "resolve", "develop", "level_table", "hide") if name in vars(kind)]
    assert stages
    assert kind.geometric == ("bend" in stages)


# --- stages ----------------------------------------------------------------------------------------------------------------------


def same_sheet(one, other):
    planes = [(getattr(one, item.name), getattr(other, item.name)) for item in fields(Sheet) if item.name not in ("page", "style", "boxes")]
    boxes = [(a.kind, a.words, a.corners_mm.tobytes()) for a in one.boxes] == [
        (b.kind, b.words, b.corners_mm.tobytes()) for b in other.boxes
    ]
    return boxes and all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in planes)


@every
@draws
def test_stain_keeps_the_sheet_a_sheet(kind, seed, sheet):
    """The sheet it is given stays as it is; size and type stay; the same values leave the same bytes; boxes lie on the page."""
    artifact = made(kind, seed)
    stained = artifact.stain(sheet)
    assert stained.page is sheet.page
    assert stained.scale == sheet.scale
    assert stained.pixels.shape == sheet.pixels.shape
    for plane in (stained.ink, stained.text, stained.over, stained.gone, stained.marks):
        assert plane is None or (plane.dtype == np.uint8 and plane.shape == sheet.ink.shape)
    assert stained.pixels.dtype == np.uint8
    assert same_sheet(stained, artifact.stain(sheet))
    for box in stained.boxes:
        middle = box.corners_mm.mean(axis=0)
        assert (middle > -5).all()
        assert (middle < np.array(sheet.page.size_mm) + 5).all()


@every
@draws
def test_shade_keeps_the_light_a_light(kind, seed, clean):
    artifact, even = made(kind, seed), Light.even(clean.warp)
    lit, again = artifact.shade(even), artifact.shade(even)
    assert lit.warp is clean.warp
    for name in ("gain", "relief", "veil"):
        before, after = getattr(even, name), getattr(lit, name)
        assert after.shape == before.shape
        assert after.dtype == before.dtype
        assert np.isfinite(after).all()
        assert (after >= 0).all()
        np.testing.assert_array_equal(after, getattr(again, name))
    assert lit.backdrop.dtype == np.uint8
    assert lit.backdrop.shape in ((3,), (*clean.warp.size, 3))
    np.testing.assert_array_equal(lit.backdrop, again.backdrop)
    assert not Light.even(clean.warp).veil.any()


@every
@draws
def test_a_picture_stays_a_picture(kind, seed, clean):
    """What happens after the exposure keeps size and type, is the same twice, and tells where it lies over the page."""
    artifact, per_mm = made(kind, seed), SHOT.dpi / 25.4
    seen = [artifact.develop(artifact.resolve(clean.image.copy(), Light.even(clean.warp)), per_mm) for _ in range(2)]
    assert seen[0].shape == clean.image.shape
    assert seen[0].dtype == np.uint8
    np.testing.assert_array_equal(*seen)
    hidden = artifact.hide(clean.warp.size, per_mm)
    assert hidden is None or (hidden.dtype == bool and hidden.shape == clean.warp.size)


@every
@draws
def test_only_what_says_so_moves_the_page(kind, seed, clean):
    artifact = made(kind, seed)
    nodes = with_artifacts(SHOT, artifact).warp(clean.page.size_mm).nodes_mm
    if not kind.geometric:
        assert nodes.tobytes() == clean.warp.nodes_mm.tobytes()
    elif seed == 0:
        assert nodes.tobytes() != clean.warp.nodes_mm.tobytes()


@pytest.mark.parametrize("kind", [kind for kind in ARTIFACTS if kind.geometric], ids=lambda kind: kind.__name__)
def test_geometry_and_its_inverse_agree(kind):
    """There and back within 1e-3 px, with every set of values that folds nothing over."""
    points = np.random.default_rng(1).uniform((0, 0), (279.4, 215.9), (500, 2))
    tried = 0
    for seed in range(8):
        warp = with_artifacts(replace(SHOT, dpi=150.0), made(kind, seed)).warp((279.4, 215.9))
        if not warp.is_fold_free():
            continue
        pixels = warp.forward(points)
        height, width = warp.size
        seen = (pixels > 0).all(axis=1) & (pixels[:, 0] < width - 1) & (pixels[:, 1] < height - 1)
        off = warp.forward(warp.inverse(pixels[seen])) - pixels[seen]
        millimetres = warp.inverse(pixels[seen]) - points[seen]
        assert seen.sum() > 100
        assert np.abs(off).max() <= 1e-3
        assert np.abs(millimetres).max() * warp.scale <= 2e-3
        tried += 1
    assert tried >= 3


@every
def test_a_whole_shot_replays_bit_for_bit(kind):
    shot = with_artifacts(SHOT, made(kind, 1))
    again = Shot.from_dict(json.loads(json.dumps(shot.to_dict())))
    assert again == shot
    if type(shot.artifacts[0]).geometric and not shot.warp((279.4, 215.9)).is_fold_free():
        shot = again = with_artifacts(SHOT, kind())
    photo, replayed = shot.take(RECORD), again.take(RECORD)
    assert photo.image.tobytes() == replayed.image.tobytes()
    assert photo.image.shape == (*photo.warp.size, 3)


# --- views -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.__name__)
def test_views_agree_with_their_inverse(kind):
    tried = 0
    for seed in range(12):
        view = made(kind, seed)
        if hasattr(view, "width_px"):
            view = replace(view, width_px=0, aspect=0.0)  # the size of the picture alone
        height, width = view.size((279.4, 215.9), 60.0)
        warp = replace(SHOT, view=view).warp((279.4, 215.9))
        assert warp.size == (height, width)
        pixels = np.random.default_rng(seed).uniform((0, 0), (width - 1, height - 1), (400, 2))
        page = warp.inverse(pixels)
        on_page = np.isfinite(page).all(axis=1) & (page > 0).all(axis=1) & (page < (279.4, 215.9)).all(axis=1)
        if warp.is_fold_free() and on_page.sum() > 50:
            assert np.abs(warp.forward(page[on_page]) - pixels[on_page]).max() <= 1e-3
            tried += 1
    assert tried >= (1 if kind.__name__ == "Straight" else 3)
