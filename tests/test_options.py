"""Options are declared once: functions, the command line, docs and run.json all have them from the fields."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, fields

import orjson
import pytest
from typer.testing import CliRunner

import fastecg
from fastecg.cli import app
from fastecg.cli.flags import read_flags, with_flags
from fastecg.layouts import MachineSettings
from fastecg.options import Flag, Options, PictureOptions, RunOptions, TrainingOptions, fields_of, option, takes
from fastecg.recipe import Recipe

OWN = {
    fastecg.render: (PictureOptions, {"record"}),
    fastecg.render_dataset: (RunOptions, {"inputs", "out"}),
    fastecg.photos: (TrainingOptions, {"inputs", "epoch", "epochs", "part", "shuffle", "mix"}),
}


@pytest.mark.parametrize("function", OWN, ids=lambda function: function.__name__)
def test_a_function_has_the_fields_as_parameters_and_documents_each(function):
    kind, own = OWN[function]
    named = inspect.signature(function).parameters
    assert set(named) == own | {item.name for item in fields_of(kind)}
    for item in fields_of(kind):
        assert named[item.name].default == item.default
        assert f"    {item.name} : {item.type}\n        {item.metadata['text']}" in function.__doc__
    assert "<options>" not in function.__doc__


def test_the_torch_data_set_has_them_too():
    pytest.importorskip("torch")
    from fastecg.torch import EcgPhotos

    assert set(inspect.signature(EcgPhotos).parameters) == {"inputs"} | {item.name for item in fields(TrainingOptions)}


def test_the_command_has_a_flag_for_every_option_that_is_no_object(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    told = CliRunner().invoke(app, ["render", "--help"]).output
    flags = set(re.findall(r"(--[a-z][a-z-]*)", re.sub(r"\x1b\[[0-9;]*m", "", told)))
    wanted = {f"--{item.metadata['flag'].name or item.name.replace('_', '-')}" for item in fields(RunOptions) if item.metadata["flag"]}
    assert flags == wanted | {"--out", "--dask", "--help"}
    for item in fields(RunOptions):
        if item.metadata["flag"]:
            assert item.metadata["text"].replace("`", "")[:40] in told, item.name


def test_every_text_is_a_sentence():
    for kind in (PictureOptions, RunOptions, TrainingOptions):
        for item in fields(kind):
            assert item.metadata["text"].endswith("."), item.name
            assert len(item.metadata["text"]) > 8, item.name


def test_run_files_keep_what_determines_the_pictures(tmp_path):
    record = fastecg.simulate(seed=1, name="a")
    fastecg.render_dataset(record, tmp_path, dpi=40, speed_mm_s=50, rhythm_leads="V1,II", workers=1, limit=1)
    kept = orjson.loads((tmp_path / "run.json").read_bytes())
    assert set(kept) == {item.name for item in fields(Options)} | {"version", "recipe_toml"}
    assert (kept["dpi"], kept["speed_mm_s"], kept["rhythm_leads"], kept["recipe"]) == (40, 50, ["V1", "II"], "clean")
    with pytest.raises(fastecg.FastecgError, match="speed_mm_s 50, now None"):
        fastecg.render_dataset(record, tmp_path, dpi=40, rhythm_leads="V1,II", workers=2)


def test_options_are_made_regular_and_stay_so():
    given = Options(recipe="scan", rhythm_leads="v1, ii", truth="mask", leads=["I"], derive=False, header_text=["a"])
    assert isinstance(given.recipe, Recipe)
    assert (given.rhythm_leads, given.truth, given.leads) == (("V1", "II"), ("mask",), ("I",))
    assert (given.derive, given.header_text) == (None, ("a",))
    assert Options(**{item.name: getattr(given, item.name) for item in fields(given)}) == given
    assert hash(given) == hash(Options(recipe="scan", rhythm_leads=("V1", "II"), truth=("mask",), leads=("I",), header_text=("a",)))


def test_an_unknown_option_is_named_with_the_nearest(tmp_path):
    record = fastecg.simulate(seed=1)
    for name, near in (("layot", "layout"), ("speed", "speed_mm_s"), ("gain", "gain_mm_mv")):
        with pytest.raises(TypeError, match=rf"render\(\) has no option '{name}', expected one of {near}$"):
            fastecg.render(record, **{name: 25})
    with pytest.raises(TypeError, match=r"render_dataset\(\) has no option 'worker', expected one of workers$"):
        fastecg.render_dataset(record, tmp_path, worker=1)
    with pytest.raises(TypeError, match="layot"):
        fastecg.photos(record, layot="3x4")


def test_a_value_of_the_page_reaches_the_shot_by_its_name_alone():
    """`page_values` goes through the fields, so that a new one of a recipe's page needs no further line."""
    asked = {"layout": "6x2", "style": "muse", "dpi": 50.0, "speed_mm_s": 12.5, "gain_mm_mv": 5.0, "chest_gain_mm_mv": 2.5, "paper": "a4"}
    shot = fastecg.render(fastecg.simulate(seed=1), **asked).shot
    assert (shot.layout, shot.style, shot.dpi) == ("6x2", "muse", 50.0)
    assert {name: getattr(shot.setup, name) for name in list(asked)[3:]} == dict(list(asked.items())[3:])
    assert PictureOptions(**asked).page_values() == asked | {"rhythm_leads": None}


def test_options_of_pages_are_the_parameters_of_sampling():
    """Nothing lists them again: `sample_values` goes through the fields, and what recipes vary are the fields of machine settings."""
    given = PictureOptions(severity=0.3, seed=5, notes=["a"], header_text=["b"], layout="6x2").sample_values()
    named = set(inspect.signature(Recipe.sample).parameters) - {"self", "record", "page", "variant", "fixed"}
    assert named < given.keys()
    assert given.keys() - named == {item.name for item in fields(PictureOptions)} & set(Recipe.PAGE_KEYS)
    assert {item.name for item in fields(MachineSettings)} < set(Recipe.PAGE_KEYS)
    shot = fastecg.render(fastecg.simulate(seed=1), recipe="mix", severity=0.3, seed=5, header_text=["b"], dpi=50).shot
    assert (shot.severity, shot.seed, shot.facts.header_text) == (0.3, 5, ("b",)), "through the parts of a mix too"


@dataclass(frozen=True, kw_only=True)
class More(RunOptions):
    """One option more than there are."""

    blur_mm: float | None = option(None, "Blur, mm.", flag=Flag("blur", default="none"))


def test_an_option_that_is_added_is_added_everywhere():
    asked = {}

    @takes(More)
    def draw(record, options):
        """Draw.

        Parameters
        ----------
        record : Record
        <options>
        """
        return options.blur_mm

    assert draw(None, blur_mm=0.5) == 0.5
    assert "blur_mm : float | None\n        Blur, mm. Default: none." in draw.__doc__

    import typer

    small = typer.Typer()

    @small.command()
    @with_flags(More)
    def command(**given) -> None:
        asked.update(read_flags(More, given))

    assert CliRunner().invoke(small, ["--blur", "0.25", "--shard", "2/3"]).exit_code == 0
    assert (asked["blur_mm"], asked["shard"], asked["leads"], asked["truth"]) == (0.25, (2, 3), None, ("json",))
    assert More(**asked).blur_mm == 0.25


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("per_record", 10_001, 10_000),
        ("per_record", 10**12, 10_000),
        ("per_record", 2**64 + 1, 10_000),
        ("pages", 2**64 + 1, 10**9),
        ("workers", 10**8, 1024),
    ],
)
def test_numbers_that_ask_for_too_much(tmp_path, name, value, most):
    """Variants are listed, and processes started, before the first is drawn."""
    told = f"{name.replace('_', '-')} is {value}, expected 1 to {most}"
    with pytest.raises(fastecg.FastecgError, match=told):
        fastecg.render_dataset(fastecg.simulate(seed=1), tmp_path / "out", **{name: value})
    assert not (tmp_path / "out").exists()
    result = CliRunner().invoke(app, ["render", "-o", str(tmp_path / "out"), f"--{name.replace('_', '-')}={value}"])
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())
