import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastecg
from fastecg import RecipeError, Shot
from fastecg.artifact import Params, param
from fastecg.recipes.distributions import Distribution, RandomSlot, rng_for
from fastecg.training import PhotoSource


@dataclass(frozen=True)
class Kite(Params):
    tail_mm: float = param(50.0, 0, 1000, "length of its tail")
    ribbons: int = param(3, 0, 12, "on the tail")
    shape: str = param("diamond", help="its outline", choices=("diamond", "box"))
    striped: bool = param(False, help="with stripes")
    line_m: float = param(80.0, 1, help="length of its line")
    drift_deg: float = param(0.0, high=90, help="to the left")
    seed: int = param(0, 0, 2**31, "of the stripes")


KINDS = {"Kite": Kite}

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda v: round(v, 6)) | st.integers(-10000, 10000)
pairs = st.lists(numbers, min_size=2, max_size=2)
above_zero = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=2)
keys = st.text("abcxyz -_/", min_size=1) | st.booleans().map(lambda b: str(b).lower()) | numbers.map(str)
choices = st.dictionaries(keys, st.floats(0, 100), min_size=1).filter(lambda shares: any(shares.values()))
written = st.one_of(
    numbers,
    st.booleans(),
    st.text(),
    pairs,
    st.fixed_dictionaries({"normal": pairs}),
    st.fixed_dictionaries({"graded": pairs}),
    st.fixed_dictionaries({"log": above_zero}),
    st.fixed_dictionaries({"choice": choices}),
)


@given(written)
def test_what_is_written_is_read_back(form):
    known = Distribution.parse(form, "here")
    assert Distribution.parse(known.written(), "here") == known
    assert Distribution.parse(json.loads(json.dumps(known.written())), "here") == known


@given(written, st.integers(0, 2**32), st.floats(0, 1))
def test_a_draw_takes_one_number_and_repeats(form, seed, severity):
    known = Distribution.parse(form, "here")
    first, again, plain = (np.random.default_rng(seed) for _ in range(3))
    assert known.sample(first, severity) == known.sample(again, severity)
    plain.random()
    assert first.random() == plain.random()


@given(pairs, st.integers(0, 1000), st.floats(0, 1))
def test_draws_stay_between_the_ends(ends, seed, severity):
    low, high = min(ends), max(ends)
    slack = 1e-9 * (1 + abs(low) + abs(high))
    for form in (ends, {"graded": ends}):
        assert low - slack <= Distribution.parse(form, "here").sample(np.random.default_rng(seed), severity) <= high + slack


@given(above_zero, st.integers(0, 1000))
def test_logarithmic_draws_stay_between_the_ends(ends, seed):
    drawn = Distribution.parse({"log": ends}, "here").sample(np.random.default_rng(seed), 0.0)
    assert min(ends) * (1 - 1e-9) <= drawn <= max(ends) * (1 + 1e-9)


def test_normal_draws_have_the_mean_and_spread_asked_for():
    rng = np.random.default_rng(0)
    drawn = np.array([Distribution.parse({"normal": [5, 2]}, "here").sample(rng, 0.0) for _ in range(20000)])
    assert drawn.mean() == pytest.approx(5, abs=0.06)
    assert drawn.std() == pytest.approx(2, rel=0.03)
    assert np.quantile(drawn, 0.975) == pytest.approx(5 + 1.96 * 2, abs=0.15)
    assert np.abs(drawn - 5).max() <= 3 * 2


def test_log_draws_are_even_on_a_logarithmic_scale():
    rng = np.random.default_rng(0)
    drawn = [Distribution.parse({"log": [0.01, 100]}, "here").sample(rng, 0.0) for _ in range(5000)]
    assert np.mean(np.array(drawn) < 1) == pytest.approx(0.5, abs=0.03)


def test_graded_draws_follow_severity():
    graded = Distribution.parse({"graded": [0, 10]}, "here")
    for severity in (0.2, 0.5, 0.8):
        rng = np.random.default_rng(0)
        assert np.mean([graded.sample(rng, severity) for _ in range(2000)]) == pytest.approx(10 * severity, abs=0.1)


def test_shares_are_met():
    rng = np.random.default_rng(0)
    choice = Distribution.parse({"choice": {"a": 1, "b": 3, "never": 0}}, "here")
    drawn = [choice.sample(rng, 0.0) for _ in range(4000)]
    assert drawn.count("b") / 4000 == pytest.approx(0.75, abs=0.03)
    assert drawn.count("never") == 0


@pytest.mark.parametrize(
    ("key", "meaning"), [("true", True), ("25", 25), ("12.5", 12.5), ("1e3", 1000.0), ("3x4+1", "3x4+1"), ("nan", "nan"), ("inf", "inf")]
)
def test_keys_of_choices_mean_what_they_look_like(key, meaning):
    (found,) = Distribution.parse({"choice": {key: 1}}, "here").numbers
    assert found == meaning
    assert type(found) is type(meaning)


@pytest.mark.parametrize(
    "wrong",
    [
        [1], [1, 2, 3], [1, "2"], [True, 2], [float("nan"), 1], {}, {"gaussian": [0, 1]}, {"normal": 3}, {"normal": [0, 1], "log": [1, 2]},
        {"log": [0, 1]}, {"log": [-2, -1]}, {"choice": {}}, {"choice": [1, 2]}, {"choice": {"a": -1}}, {"choice": {"a": 0}},
        {"choice": {"a": "often"}}, {"choice": {"a": True}}, {"choice": {"a": float("inf")}}, {"graded": [1, float("inf")]},
    ],
)  # fmt: skip
def test_what_is_no_distribution_is_refused_by_name(wrong):
    with pytest.raises(RecipeError, match=r"slots\.kite\.tail_mm .*expected"):
        Distribution.parse(wrong, "slots.kite.tail_mm")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (3, "slots.kite is 3, expected a table with a kind"),
        ({}, "slots.kite.kind is None, expected one of Kite"),
        ({"kind": "Balloon"}, "slots.kite.kind is 'Balloon', expected one of Kite"),
        ({"kind": ["Kite"]}, "slots.kite.kind is ['Kite'], expected one of Kite"),
        (
            {"kind": "Kite", "tale_mm": 3},
            "unknown key 'tale_mm', expected kind, chance or one of tail_mm, ribbons, shape, striped, line_m, drift_deg, seed",
        ),
        ({"kind": "Kite", "line_m": 0.5}, "slots.kite: Kite.line_m is 0.5, expected at least 1"),
        ({"kind": "Kite", "drift_deg": 91}, "slots.kite: Kite.drift_deg is 91, expected at most 90"),
        ({"kind": "Kite", "tail_mm": 1001}, "slots.kite: Kite.tail_mm is 1001, expected 0 to 1000"),
        ({"kind": "Kite", "tail_mm": [0, 1001]}, "slots.kite: Kite.tail_mm is 1001, expected 0 to 1000"),
        ({"kind": "Kite", "tail_mm": {"graded": [-1, 5]}}, "slots.kite: Kite.tail_mm is -1, expected 0 to 1000"),
        ({"kind": "Kite", "tail_mm": "long"}, "slots.kite: Kite.tail_mm is 'long', expected a number"),
        ({"kind": "Kite", "shape": {"choice": {"round": 1}}}, "slots.kite: Kite.shape is 'round', expected one of diamond, box"),
        ({"kind": "Kite", "striped": 1}, "slots.kite: Kite.striped is 1, expected bool"),
        ({"kind": "Kite", "chance": 1.5}, "slots.kite.chance is 1.5, expected a number from 0 to 1, or two"),
        ({"kind": "Kite", "chance": [0, 0.5, 1]}, "slots.kite.chance is [0, 0.5, 1], expected a number"),
        ({"kind": "Kite", "chance": True}, "slots.kite.chance is True, expected a number"),
    ],
)
def test_errors_name_the_key_and_what_is_allowed(table, message):
    with pytest.raises(RecipeError) as caught:
        RandomSlot.parse(KINDS, table, "slots.kite")
    assert message in str(caught.value)


slots = st.fixed_dictionaries(
    {"kind": st.just("Kite")},
    optional={
        "chance": st.floats(0, 1) | st.lists(st.floats(0, 1), min_size=2, max_size=2),
        "tail_mm": st.lists(st.floats(0, 1000), min_size=2, max_size=2) | st.fixed_dictionaries({"normal": st.just([500, 600])}),
        "ribbons": st.fixed_dictionaries({"graded": st.just([0, 12])}) | st.integers(0, 12),
        "shape": st.fixed_dictionaries({"choice": st.just({"diamond": 1, "box": 2})}),
        "striped": st.booleans() | st.fixed_dictionaries({"choice": st.just({"true": 1, "false": 2})}),
        "seed": st.integers(0, 9),
    },
)


@given(slots)
def test_a_slot_is_read_back(table):
    slot = RandomSlot.parse(KINDS, table, "slots.kite")
    assert RandomSlot.parse(KINDS, slot.written(), "slots.kite") == slot


@given(slots, st.integers(0, 2**31), st.floats(0, 1))
def test_a_slot_draws_what_its_kind_allows(table, seed, severity):
    slot = RandomSlot.parse(KINDS, table, "slots.kite")
    drawn = slot.sample(np.random.default_rng(seed), severity)
    assert drawn == slot.sample(np.random.default_rng(seed), severity)
    assume(drawn is not None)
    assert Kite.from_dict(drawn.to_dict()) == drawn
    assert type(drawn.ribbons) is int


@given(slots, st.integers(0, 2**31), st.floats(0, 1))
def test_a_change_to_one_value_changes_no_other(table, seed, severity):
    table = {**table, "chance": 1}
    changed = {**{key: table[key] for key in reversed(table)}, "tail_mm": [10, 20]}
    before, after = (RandomSlot.parse(KINDS, item, "slots.kite").sample(np.random.default_rng(seed), severity) for item in (table, changed))
    assert replace(after, tail_mm=before.tail_mm) == before


def test_chance_goes_from_its_first_to_its_second_number_with_severity():
    slot = RandomSlot.parse(KINDS, {"kind": "Kite", "chance": [0.1, 0.9]}, "slots.kite")
    for severity, share in ((0.0, 0.1), (0.5, 0.5), (1.0, 0.9)):
        rng = np.random.default_rng(0)
        happened = [slot.sample(rng, severity) is not None for _ in range(3000)]
        assert np.mean(happened) == pytest.approx(share, abs=0.03)


def test_the_seed_of_a_kind_is_drawn_unless_given():
    free = RandomSlot.parse(KINDS, {"kind": "Kite"}, "slots.kite")
    assert len({free.sample(np.random.default_rng(k), 0.0).seed for k in range(50)}) == 50
    given_seed = RandomSlot.parse(KINDS, {"kind": "Kite", "seed": 7}, "slots.kite")
    assert {given_seed.sample(np.random.default_rng(k), 0.0).seed for k in range(5)} == {7}


def test_streams_differ_by_seed_key_and_slot_and_repeat():
    names = [(seed, key, slot) for seed in (0, 1, -1, 2**63) for key in ("a/0/0", "a/0/1", "b/0/0") for slot in ("lamp", "shadow")]
    firsts = [rng_for(*name).random() for name in names]
    assert len(set(firsts)) == len(names)
    assert firsts == [rng_for(*name).random() for name in names]


@pytest.mark.parametrize("seed", [np.int64(3), np.int32(3), np.uint8(3), np.array(3), 3 + (1 << 63)])
def test_any_whole_number_is_a_seed(seed):
    record = fastecg.simulate(fs=100, seed=1)
    photo = fastecg.render(record, dpi=50, seed=seed, page=np.int64(0), variant=np.int32(1))
    assert type(photo.shot.seed) is int
    np.testing.assert_array_equal(photo.image, fastecg.render(record, dpi=50, seed=3, variant=1).image)
    assert Shot.from_dict(photo.shot.to_dict()) == photo.shot
    assert len(PhotoSource.of(record, seed=seed).origins) == 1


@pytest.mark.parametrize("seed", [1.5, "3", None, np.float64(3.0), [3]])
def test_what_is_no_whole_number_is_no_seed(seed, tmp_path):
    for call in (lambda: fastecg.render(fastecg.simulate(fs=100), seed=seed), lambda: fastecg.render_dataset([], tmp_path, seed=seed)):
        with pytest.raises(TypeError, match=f"the seed is {re.escape(repr(seed))}, expected a whole number"):
            call()
