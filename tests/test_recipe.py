import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fastecg
from fastecg import LayoutError, RecipeError
from fastecg.artifact import Params
from fastecg.artifacts import ARTIFACTS, Finger, Handwriting, Lamp, PenMarks, Shadow
from fastecg.recipe import RECIPES, Recipe
from fastecg.recipes.distributions import rng_for
from fastecg.shot import Shot, loads_shot, with_artifacts
from fastecg.views import VIEWS, Straight

SAMPLES = Path(fastecg.__file__).parent / "data" / "samples"
SMALL = 60.0  # dots an inch, so that pictures are made quickly


@pytest.fixture(scope="module")
def record():
    return fastecg.read_record(SAMPLES / "12448_hr")


def drawn(name, record, seed, **fixed):
    return Recipe.load(name).sample(record, seed=seed, **fixed)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_draw(name, record):
    recipe = Recipe.load(name)
    assert recipe.title
    shots = [recipe.sample(record, seed=seed) for seed in range(25)]
    assert shots[:5] == [recipe.sample(record, seed=seed) for seed in range(5)]
    assert len({json.dumps(shot.to_dict()) for shot in shots}) > 12


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_go_through_toml(name):
    import tomli_w

    recipe = Recipe.load(name)
    assert Recipe.from_toml(recipe.to_toml(), name) == recipe
    assert Recipe.from_toml(tomli_w.dumps(recipe.to_dict()), name) == recipe


def test_a_built_in_recipe_keeps_its_comments_and_a_changed_one_is_written_anew():
    recipe = Recipe.load("photo")
    assert "# --- the light" in recipe.to_toml()
    changed = replace(recipe, title="Mine")
    assert "#" not in changed.to_toml()
    assert Recipe.from_toml(changed.to_toml(), "photo") == changed


@pytest.mark.parametrize("name", RECIPES)
def test_every_slot_happens_sometimes_and_not_always_alike(name):
    for slot, vary in Recipe.load(name).slots:
        drawn = [vary.sample(rng_for(seed, name, slot), seed % 3 / 2) for seed in range(450)]
        assert any(item is not None for item in drawn), slot
        if any(distribution.form != "fixed" for _, distribution in vary.values):
            assert len({item for item in drawn if item is not None}) > 1, slot


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("seed", range(4))
def test_a_shot_replays_bit_for_bit_from_json(name, seed, record):
    shot = drawn(name, record, seed, dpi=SMALL, severity=0.25 * seed)
    again = loads_shot(json.dumps(shot.to_dict()))
    assert again == shot
    photo, replayed = shot.take(record), again.take(record)
    assert photo.image.tobytes() == replayed.image.tobytes()
    assert photo.warp.nodes_mm.tobytes() == replayed.warp.nodes_mm.tobytes()


def test_a_shot_is_found_in_a_truth_file(record):
    shot = drawn("photo", record, 3)
    assert loads_shot(json.dumps({"leads": [], "fastecg": {"shot": shot.to_dict()}})) == shot


@pytest.mark.parametrize("name", RECIPES)
def test_pictures_are_finite_and_hold_the_page(name, record):
    for seed in range(3):
        photo = drawn(name, record, seed, dpi=SMALL).take(record)
        height, width = photo.warp.size
        assert photo.image.shape == (height, width, 3)
        assert photo.image.dtype == np.uint8
        visible = np.concatenate([trace.visible for trace in photo.truth.traces])
        assert visible.mean() > 0.5
        assert photo.image.std() > 5


def test_severity_is_one_dial():
    """What a mild page hardly shows, a severe one does: in number and in strength."""
    record = fastecg.read_record(SAMPLES / "12450_hr")
    mild, severe = ([drawn("photo", record, seed, severity=s) for seed in range(60)] for s in (0.05, 0.95))
    assert np.mean([len(shot.artifacts) for shot in severe]) > 1.2 * np.mean([len(shot.artifacts) for shot in mild])

    def depth(shots):
        return np.mean([item.depth for shot in shots for item in shot.artifacts if isinstance(item, Shadow)])

    assert depth(severe) > 3 * depth(mild)


def test_most_pages_are_mild(record):
    severities = [drawn("clean", record, seed).severity for seed in range(300)]
    assert 0.25 < np.median(severities) < 0.38
    assert np.mean(np.array(severities) > 0.75) < 0.1


def test_a_new_slot_changes_no_other(record):
    recipe = Recipe.load("photo")
    table = recipe.to_dict()
    lamp = {"kind": "Lamp", "direction_deg": [0, 360]}
    for slots in ({"new": lamp, **table["slots"]}, {**table["slots"], "new": lamp}):
        longer = Recipe.from_dict({**table, "slots": slots}, "photo")
        for seed in range(20):
            before, after = recipe.sample(record, seed=seed), longer.sample(record, seed=seed)
            kept = tuple(item for item, place in zip(after.artifacts, _names(longer, after), strict=True) if place != "new")
            assert len(kept) == len(after.artifacts) - 1
            assert replace(after, artifacts=kept) == before


def _names(recipe, shot):
    """The slot of each of a shot's artifacts: "new" for the one whose slot is called so."""
    order = [slot for slot, _ in recipe.slots]
    place = 0 if order[0] == "new" else len(shot.artifacts) - 1
    return ["new" if k == place else "" for k in range(len(shot.artifacts))]


def test_seed_variant_and_name_give_other_pictures(record):
    recipe = Recipe.load("photo")
    other = replace(record, name="another")
    shots = [
        recipe.sample(record, seed=1),
        recipe.sample(record, seed=2),
        recipe.sample(record, seed=1, variant=1),
        recipe.sample(other, seed=1),
    ]
    assert len({json.dumps(shot.to_dict()["artifacts"]) for shot in shots}) == len(shots)


def test_fixed_values_stay(record):
    for seed in range(5):
        shot = drawn("photo", record, seed, layout="6x2", style="mortara", dpi=123, speed_mm_s=50, severity=0.4)
        assert (shot.layout, shot.style, shot.dpi, shot.setup.speed_mm_s, shot.severity) == ("6x2", "mortara", 123, 50, 0.4)


@pytest.mark.parametrize("name", ["photo", "mix"])
def test_own_notes_are_what_is_written(name, record):
    own = ("tall T", "K+ 6.8!", "rpt in 20 min")
    plain, noted = ([drawn(name, record, seed, notes=notes) for seed in range(40)] for notes in ((), own))
    written = 0
    for before, after in zip(plain, noted, strict=True):
        hands = [item for item in after.artifacts if isinstance(item, Handwriting)]
        assert [type(item) for item in before.artifacts] == [type(item) for item in after.artifacts]
        assert all(item.own == "\n".join(own) for item in hands)
        assert not any(item.own for item in before.artifacts if isinstance(item, Handwriting))
        if hands and not written:
            alone = with_artifacts(after, *hands)  # marks have words of their own
            photo = loads_shot(json.dumps(alone.to_dict())).take(record)
            boxes = [box.words for box in photo.truth.boxes if box.kind == "handwriting"]
            written = sum(line in own for words in boxes for line in words.splitlines())
            assert all(line in own for words in boxes for line in words.splitlines())
    assert written


@pytest.mark.parametrize("name", ["photo", "scan"])
def test_crops_end_at_the_first_and_the_last_row(name, record):
    """Headers and footers are cut off, rows of traces are not; among many pages some are cropped as tight as that."""
    tight = 0
    for seed in range(40):
        shot = Recipe.load(name).sample(record, seed=seed, dpi=60)
        if shot.view.crop_top + shot.view.crop_bottom == 0:
            continue
        page, _ = shot.placed(record)
        rows = sorted({trace.baseline_mm for trace in page.traces})
        places = shot.warp(page.size_mm).forward(np.array([[0.5 * page.size_mm[0], y] for y in rows]))[:, 1]
        tall = shot.warp(page.size_mm).size[0]
        pitch = (places[-1] - places[0]) / (len(rows) - 1)
        # Paper that rises, and a view that is turned a little, move rows by a part of their distance.
        assert places[0] > -0.25 * pitch
        assert places[-1] < tall - 1 + 0.25 * pitch
        tight += places[0] < 0.8 * pitch and places[-1] > tall - 0.8 * pitch
    assert tight >= 5


@pytest.mark.parametrize("name", ["photo", "scan", "digital"])
def test_crops_at_the_sides_keep_the_traces(name, record):
    """Pictures are cut at the pulse or through it, and where the traces end, each at a distance of its own; hardly any trace is lost."""
    recipe, beside = Recipe.load(name), []
    for seed in range(60):
        shot = recipe.sample(record, seed=seed, dpi=60)
        zoomed = shot.view.fill > 1.1 if name == "photo" else shot.view.border_mm < -8
        if min(shot.view.crop_left, shot.view.crop_right) == 0 or zoomed:
            continue
        page, _ = shot.placed(record)
        points = np.concatenate([trace.points_mm[[0, -1]] for trace in page.traces])
        x, wide = shot.warp(page.size_mm).forward(points)[:, 0], shot.warp(page.size_mm).size[1]
        beside.append((x.min() / wide, 1 - x.max() / wide))
    left, right = np.array(beside).T
    assert len(left) >= 10
    assert min(left.min(), right.min()) > -0.04
    assert np.median(left) < 0.07
    assert np.median(right) < 0.05
    assert np.ptp(left) > 0.015


def test_fingers_reach_the_page(record):
    """Where the page begins beyond the picture's edge, a finger reaches as much farther; where it cannot, there is none."""
    recipe = Recipe.load("photo")
    slots = tuple((name, replace(slot, chance=(1.0, 1.0)) if name == "finger" else slot) for name, slot in recipe.slots)
    always, farther = replace(recipe, slots=slots), 0
    for seed in range(40):
        shot = always.sample(record, seed=seed, dpi=60)
        page, _ = shot.placed(record)
        warp = shot.warp(page.size_mm)
        for finger in (item for item in shot.artifacts if isinstance(item, Finger)):
            hidden = finger.hide(warp.size, shot.dpi / 25.4)
            y, x = np.nonzero(hidden)
            on_page = warp.inverse(np.stack([x, y], axis=-1).astype(float))
            inside = ((on_page > 0) & (on_page < page.size_mm)).all(axis=1)
            assert inside.any()
            farther += not inside.all()
    assert farther >= 3


def test_whoever_writes_on_a_page_knows_what_it_shows():
    record = fastecg.simulate("atrial_fibrillation", seed=2, heart_rate=88)
    for seed in range(12):
        shot = Recipe.load("damaged").sample(record, seed=seed)
        for item in shot.artifacts:
            if isinstance(item, Handwriting | PenMarks):
                assert {"af", "nop", f"rate={shot.facts.rate}"} <= set(item.shows.split())


def test_with_artifacts_replaces_them(record):
    shot = with_artifacts(drawn("photo", record, 0), Lamp())
    assert shot.artifacts == (Lamp(),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "not valid TOML"),
        ("[page]\nspeed_mm_s = {choice = {25 = .9}}", "numbers begin with a digit, 0.9 and not .9"),
        ("[page]\nspeed_mm_s = {choice = {25 = .9, 12.5 = .1}}", '0.9 and not .9; a key with a point is quoted, "12.5" = share'),
        ("[page]\nspeed_mm_s = {choice = {25 = 0.9, 12.5 = 0.1}}", 'expected it quoted: "12.5" = share'),
        ("slot = 3", "recipe has the unknown key 'slot', expected one of title, severity, page, view, slots"),
        ("[page]\nspeed = 25", "page has the unknown key 'speed', expected one of layout, style, dpi, speed_mm_s"),
        ("page = 3", "page is 3, expected a table"),
        ('[view]\nkind = "Telescope"', "view.kind is 'Telescope', expected one of Straight"),
        ('[view]\nkind = "Phone"\ntilt_deg = 80', "view: Phone.tilt_deg is 80, expected 0 to "),
        ('[slots.light]\nkind = "Lamp"\nfalloff = [1, 9]', "slots.light: Lamp.falloff is 9, expected 1 to 5"),
        ('[slots.light]\nkind = "Lamp"\nwatts = 60', "slots.light has the unknown key 'watts', expected kind, chance or one"),
        ('[slots.light]\nkind = "Torch"', "slots.light.kind is 'Torch', expected one of"),
        ("[slots]\nlight = 3", "slots.light is 3, expected a table with a kind"),
        ('[slots.light]\nkind = "Lamp"\nrelief = { uniform = [0, 1] }', "slots.light.relief is {'uniform': [0, 1]}, expected a value"),
    ],
)
def test_errors_in_recipes_say_where_and_what_is_allowed(text, message, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        Recipe.load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith("mine.toml: ")


def test_unknown_recipes_and_files_are_named(tmp_path):
    with pytest.raises(RecipeError, match=r"no recipe 'poto', expected one of .*photo.*, or a .toml file"):
        Recipe.load("poto")
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        Recipe.load(tmp_path / "none.toml")


def test_unknown_styles_and_layouts_are_named():
    with pytest.raises(LayoutError, match="unknown style 'fancy', expected one of auto, muse"):
        Recipe.from_toml('[page]\nstyle = "fancy"', "mine")
    with pytest.raises(LayoutError, match="unknown layout '7x7', expected one of auto, 3x4"):
        Recipe.from_toml("[page]\nlayout = { choice = { 7x7 = 1, 3x4 = 1 } }", "mine")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"view": {"kind": "Telescope"}}, "unknown kind 'Telescope'"),
        ({"artifacts": [{"kind": "Lamp", "watts": 60}]}, "Lamp has no value 'watts', expected one of direction_deg"),
        ({"artifacts": [{"kind": "Lamp", "falloff": 0}]}, "Lamp.falloff is 0, expected 1 to 5"),
        ({"camera": 1}, "not a shot: "),
        ({"setup": None}, "not a shot: "),
    ],
)
def test_shots_that_cannot_be_are_refused(change, message, record):
    with pytest.raises(RecipeError) as caught:
        Shot.from_dict({**drawn("photo", record, 0).to_dict(), **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [*ARTIFACTS, *VIEWS], ids=lambda kind: kind.__name__)
def test_every_number_has_limits_and_every_value_a_line_of_help(kind: type[Params]):
    from dataclasses import fields

    for item in fields(kind):
        assert item.metadata["help"], item.name
        if isinstance(item.default, int | float) and not isinstance(item.default, bool):
            assert item.metadata["low"] is not None
            assert item.metadata["high"] is not None
            assert item.metadata["low"] <= item.default <= item.metadata["high"]


def test_a_flat_page_in_even_light_is_the_sheet_itself(record):
    """Stains alone need no resampling, and get none: not a pixel beside the stain differs from the clean page."""
    shot = Recipe.load("clean").sample(record, seed=3, layout="3x4+1", style="muse", dpi=80)
    clean = shot.take(record).image
    noted = with_artifacts(shot, Handwriting(seed=5)).take(record)
    changed = np.any(noted.image != clean, axis=2)
    assert 0 < changed.mean() < 0.05


def test_what_is_stuck_and_stamped_on_a_page_says_what_the_page_says():
    """Whose page it is and when it was recorded, on labels and stamps as in the header."""
    record, found = fastecg.simulate(seed=2), {}
    for seed in range(400):
        shot = Recipe.load("scan").sample(record, seed=seed)
        for item in shot.artifacts:
            if type(item).__name__ == "Sticker":
                assert item.who.splitlines() == [
                    shot.facts.initials, shot.facts.sex, str(shot.facts.age), shot.facts.number, shot.facts.date,
                ]  # fmt: skip
                found.setdefault(item.what, shot)
            if type(item).__name__ == "Stamp":
                assert item.date == shot.facts.date
    words = {
        what: " ".join(box.words for box in replace(shot, view=Straight(), dpi=60).take(record).truth.boxes if box.kind == "sticker")
        for what, shot in found.items()
    }
    assert found["label"].facts.number in words["label"]
    assert found["label"].facts.date in words["label"]
    assert words["barcode"] == found["barcode"].facts.number[:10]


def test_the_earlier_name_of_sample_still_works(record):
    recipe = Recipe.load("scan")
    with pytest.warns(DeprecationWarning, match=r"Recipe\.sample"):
        assert recipe.draw(record, seed=3, dpi=60) == recipe.sample(record, seed=3, dpi=60)
