"""Recipes, shots and words of one's own that ask for too much: refused with a sentence, at once."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace

import pytest

import fastecg
from fastecg.artifacts import Handwriting
from fastecg.cli.flags import _lines_of
from fastecg.errors import FastecgError, LayoutError, RecipeError, RecordError
from fastecg.handwriting import read_notes
from fastecg.recipe import RECIPES, Recipe
from fastecg.recipes import limits
from fastecg.shot import loads_shot


@pytest.fixture(scope="module")
def shot():
    return Recipe.load("clean").sample(fastecg.simulate(seed=1), seed=1).to_dict()


def refused(message: str, call, *args, seconds: float = 2.0, **kwargs) -> None:
    """The call ends soon, in a `RecipeError` of a sentence."""
    began = time.process_time()
    with pytest.raises(RecipeError, match=message) as caught:
        call(*args, **kwargs)
    assert time.process_time() - began < seconds
    assert len(str(caught.value)) <= 2000


SLOT = '[slots.{}]\nkind = "Jpeg"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("".join(SLOT.format(f"s{k}") for k in range(201)), "201 slots, expected at most 200"),
        ("".join(SLOT.format(f"s{k}") for k in range(9000)), "more than 20000 values"),
        ("[" + ".".join("a" * 120_000) + "]\n", "a name has more than 16 parts"),
        (".".join("a" * 120_000) + " = 1\n", "a name has more than 16 parts"),
        ("a = {" + " . ".join(["b", '"c"', "'d'"] * 40_000) + " = 1}\n", "a name has more than 16 parts"),
        ("".join(f"[{'.'.join(f'a{k}' for _ in range(30))}]\n" for k in range(2000)), "a name has more than 16 parts"),
        ("a = " + "[" * 120_000 + "]" * 120_000, "not valid TOML"),
        ("a = " + "{a = " * 100_000, "not valid TOML"),
        ("a = " + "[" * 40 + "]" * 40, "deeper than 16"),
        (f"title = 'x'\nseverity = {'9' * 5000}\n", "not valid TOML: Exceeds the limit"),
        (f"title = 'x'\nseverity = {'9' * 400}\n", "more than 64 bits"),
        (f"[view]\nkind = 'Phone'\ntilt_deg = {{choice = {{{'9' * 400} = 1.0}}}}\n", "tilt_deg"),
        (f"title = '{'a' * 900_000}'\n[page]\nlayout = ['{'b' * 90_000}', 2]\n", "expected two numbers"),
        ("a" * 900_000, "not valid TOML"),
    ],
    ids=lambda value: value[:24],
)
def test_recipes_that_ask_for_too_much(text, message, tmp_path):
    refused(message, Recipe.from_toml, text, "x")
    path = tmp_path / "x.toml"
    path.write_text(text)
    refused(f"x.toml: .*{message}", Recipe.load, path)


def test_a_recipe_file_has_a_size_a_pipe_has_none(tmp_path):
    (tmp_path / "large.toml").write_text("# comment\n" * 200_000)
    refused("longer than 1 MiB", Recipe.load, tmp_path / "large.toml")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.toml")
        refused("pipe or a device", Recipe.load, tmp_path / "pipe.toml")


@pytest.mark.parametrize("name", RECIPES)
def test_own_recipes_are_far_from_the_limits(name):
    recipe = Recipe.load(name)
    assert Recipe.from_toml(recipe.to_toml(), name) == recipe
    assert len(recipe.slots) <= limits.MOST_ARTIFACTS // 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"artifacts": [{"kind": "Jpeg"}] * 201}, "201 artifacts, expected at most 200"),
        ({"artifacts": [{"kind": "Jpeg"}] * 30_000}, "more than 20000 values"),
        ({"artifacts": [{"kind": "Handwriting", "own": "a" * 201}]}, "one of the notes has 201 characters, expected at most 200"),
        ({"artifacts": [{"kind": "Handwriting", "own": "a" * 9_000_000}]}, "a text has 9000000 characters"),
        ({"artifacts": [{"kind": "Handwriting", "own": "a\n" * 10_001}]}, "10001 notes, expected at most 10000"),
        ({"seed": 10**400}, "more than 64 bits"),
        ({"facts": {"header_text": ["a"] * 41}}, "41 header lines, expected at most 40"),
        ({"facts": {"header_text": ["a"] * 20_000}}, "more than 20000 values"),
        ({"facts": {"header_text": ["a" * 201]}}, "header lines has 201 characters"),
        ({"facts": {"statements": ["a"] * 41}}, "41 statements"),
        ({"facts": {"device": "a" * 201}}, "words of the header has 201 characters"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_shots_that_ask_for_too_much(shot, change, message):
    changed = shot | change | ({"facts": shot["facts"] | change["facts"]} if "facts" in change else {})
    refused(message, loads_shot, json.dumps(changed))


def test_words_of_ones_own_have_limits(tmp_path):
    record = fastecg.simulate(seed=1)
    for lines, message in ((["a"] * 41, "41 header lines"), (["a" * 201], "201 characters"), (["a" * 200_000], "200000 characters")):
        refused(message, fastecg.render, record, header_text=lines)
        refused(message, fastecg.render_dataset, record, tmp_path / "out", header_text=lines)
        path = tmp_path / "header.txt"
        path.write_text("\n".join(lines))
        refused(message, _lines_of, path)
    for notes, message in ((["b"] * 10_001, "10001 notes"), (["b" * 200_000], "200000 characters")):
        refused(message, fastecg.render_dataset, record, tmp_path / "out", notes=notes)
        path = tmp_path / "notes.txt"
        path.write_text("\n".join(notes))
        refused(f"notes.txt: .*{message}", read_notes, path)
    assert not (tmp_path / "out").exists()
    (tmp_path / "large.txt").write_text("a\n" * 600_000)
    refused("longer than 1 MiB", read_notes, tmp_path / "large.txt")
    with pytest.raises(FastecgError, match="longer than 1 MiB"):
        _lines_of(tmp_path / "large.txt")


def test_the_longest_words_that_may_be_are_drawn():
    record = fastecg.simulate(seed=1)
    words = "all of this is somebody's own and long " * 5
    began = time.process_time()
    fastecg.render(record, recipe="photo", dpi=60, header_text=[words[:200]] * 40, notes=[words[:200]] * 10_000)
    photo = Recipe.load("clean").sample(record)
    replace(photo, artifacts=(Handwriting(notes=12, own=words[:200]),)).take(record)
    assert time.process_time() - began < 60


def test_errors_are_no_longer_than_a_sentence():
    text = str(RecordError("begin " + "x" * 10**6 + " end"))
    assert len(text) < 2000
    assert text.startswith("begin x")
    assert text.endswith("x end")
    assert str(RecordError("short")) == "short"


def test_a_picture_that_would_take_gigabytes_says_so():
    record = fastecg.simulate(seed=1)
    told = r"at 1200 dpi the picture has \d+ x \d+ px and takes \d\.\d to \d\.\d GB of memory, expected at most 175 million px: a lower dpi"
    began = time.process_time()
    for recipe in ("clean", "photo"):
        with pytest.raises(LayoutError, match=told):
            fastecg.render(record, recipe=recipe, dpi=1200, layout="12x1", speed_mm_s=100, paper="roll-210")
    assert time.process_time() - began < 10
