"""The public surface: examples run, objects say what they are in a line, and results are flat."""

from __future__ import annotations

import doctest
import importlib
import importlib.resources
import inspect
import io
import json
from typing import get_args

import numpy as np
import pytest
from PIL import Image

import fastecg
from fastecg.errors import FastecgError, ImageError, LayoutError, RecordError

ENTRY_POINTS = (
    *("Photo", "Recipe", "Record", "Truth", "digitize", "photos", "read_image", "read_record", "render", "render_dataset", "score"),
    *("simulate", "write_record", "export.export"),
)


def found(name):
    return importlib.import_module("fastecg.export").export if name == "export.export" else getattr(fastecg, name)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_examples_run(name, tmp_path, monkeypatch):
    if name == "digitize":
        pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    tests = [test for test in doctest.DocTestFinder(recurse=False).find(found(name), name) if test.examples]
    assert tests, f"{name} has no example"
    said = io.StringIO()
    for test in tests:
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.write)
        assert not result.failed, said.getvalue()


def test_every_public_function_tells_its_parameters():
    for name in fastecg.__all__:
        thing = getattr(fastecg, name)
        if not callable(thing) or inspect.isclass(thing):
            continue
        text = inspect.getdoc(thing)
        parameters = inspect.signature(thing).parameters
        told = text.split("Parameters\n----------\n")[1].split("\n\nReturns")[0].split("\n\nRaises")[0]
        missing = [parameter for parameter in parameters if parameter not in told]
        assert not missing, (name, missing)


@pytest.mark.parametrize("name", [name for name in fastecg.__all__ if name[0].isupper() and not name.isupper()])
def test_methods_of_two_or_more_parameters_tell_them(name):
    for method, function in inspect.getmembers(getattr(fastecg, name), inspect.isfunction):
        parameters = [parameter for parameter in inspect.signature(function).parameters if parameter != "self"]
        if not method.startswith("_") and len(parameters) > 1 and method != "page_range":
            told = inspect.getdoc(function).split("Parameters\n----------\n")
            assert len(told) == 2, f"{name}.{method}"
            assert not [parameter for parameter in parameters if parameter not in told[1]], f"{name}.{method}"


def test_the_reference_lists_every_public_name():
    text = (importlib.resources.files("fastecg") / ".." / "docs" / "reference.md").read_text(encoding="utf-8")
    listed = {line.split("::: fastecg.")[1].strip() for line in text.splitlines() if line.startswith("::: fastecg.")}
    errors = {name for name in fastecg.__all__ if name.endswith(("Error", "Warning"))}
    assert set(fastecg.__all__) - errors <= listed
    assert "errors" in listed


def test_types_are_shipped():
    assert (importlib.resources.files("fastecg") / "py.typed").is_file()


def test_choices_in_types_are_those_at_run_time():
    from fastecg.digitizing.decode import MODES, Mode
    from fastecg.digitizing.result import Format as Also
    from fastecg.export import EXPORTS
    from fastecg.export import Format as To
    from fastecg.options import Format, TruthFile
    from fastecg.writers import FORMATS
    from fastecg.writers import TRUTHS as FILES
    from fastecg.writers.exchange import FORMATS as ALSO

    assert set(get_args(To)) == set(EXPORTS)
    assert set(get_args(TruthFile)) == set(FILES)
    assert {f".{name}" for name in get_args(Format)} <= set(FORMATS) | {f".{name}" for name in FORMATS}
    assert get_args(Mode) == MODES
    assert set(get_args(Also)) == set(ALSO)


# --- records


@pytest.fixture(scope="module")
def record():
    return fastecg.simulate("sinus", seed=1, name="me")


def test_a_lead_that_is_not_there_is_told_with_those_that_are(record):
    with pytest.raises(RecordError, match=r"me: no lead 'XX', expected one of I, II, .*V6"):
        record.lead("XX")


def test_tables(record):
    pandas = pytest.importorskip("pandas")
    table = record.to_dataframe()
    assert list(table.columns) == list(record.leads)
    assert (table.index.name, table.index[1]) == ("time_s", 0.002)
    again = fastecg.Record.from_dataframe(table, name="me")
    assert (again.fs, again.leads, again.name) == (record.fs, record.leads, record.name)
    np.testing.assert_array_equal(again.signal, record.signal)
    assert fastecg.Record.from_dataframe(table.reset_index(drop=True), fs=250).fs == 250
    odd = pandas.DataFrame({"I": [0.0, 1.0, 2.0]}, index=[0.0, 0.1, 0.3])
    for wrong in (table.reset_index(drop=True), table.iloc[:1], odd, pandas.DataFrame({"I": [1.0, 2.0]}, index=["a", "b"])):
        with pytest.raises(RecordError, match=r"its index .*, expected seconds in even steps, or the sampling frequency"):
            fastecg.Record.from_dataframe(wrong)
    with pytest.raises(RecordError, match="its columns are no numbers"):
        fastecg.Record.from_dataframe(pandas.DataFrame({"I": ["a", "b"]}), fs=500)


def test_records_are_plotted(record):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    signal = record.signal.copy()
    signal[3] = np.nan
    axes = fastecg.Record(signal, record.fs, record.leads, "me").plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(record.leads)
    first, second = (axes.lines[k].get_ydata() for k in (0, 1))
    step = -axes.get_yticks()[1]
    assert step >= 1.0
    np.testing.assert_allclose(second - first, record.lead("II") - record.lead("I") - step, atol=1e-5)
    assert fastecg.Record(np.full((1, 10), np.nan), 500, ["I"]).plot(axes) is axes
    matplotlib.pyplot.close("all")


# --- pictures


@pytest.fixture(scope="module")
def photo(record):
    return fastecg.render(record, recipe="scan", layout="3x4+1", style="muse", speed_mm_s=25, gain_mm_mv=10, dpi=150, severity=0.1, seed=3)


def test_everything_says_what_it_is_in_a_line(record, photo):
    things = [record, photo, photo.truth, photo.truth.traces[0], photo.page, photo.page.traces[0], photo.warp, photo.warp.mesh, photo.shot]
    things += [fastecg.Recipe.load("photo"), fastecg.Recipe.load("mix"), fastecg.score(record.choose(["I"]), record)]
    for thing in things:
        text = repr(thing)
        assert text.startswith(f"{type(thing).__name__}(")
        assert len(text) < 400, text
        assert "array" not in text
        assert "\n" not in text
    assert "record 'me'" in repr(photo)


def test_notebooks_show_pictures(photo):
    with Image.open(io.BytesIO(photo._repr_png_())) as shown:
        assert shown.format == "PNG"
        assert shown.width == min(photo.image.shape[1], 1600)
        assert abs(np.asarray(shown, dtype=float).mean() - photo.image.mean()) < 2


def test_truth_is_shown_over_the_picture(photo):
    shown = np.asarray(photo.show_truth(zoom=2))
    height, width = photo.image.shape[:2]
    assert shown.shape == (2 * height, 2 * width, 3)
    trace = photo.truth.traces[0]
    x, y = np.rint(2 * trace.points[len(trace.points) // 2] + 0.5).astype(int)
    assert (shown[y - 2 : y + 3, x - 2 : x + 3] == (0, 110, 220)).all(axis=-1).any()  # the colour of lead I


def test_a_record_may_be_given_by_its_path(record, tmp_path):
    fastecg.write_record(tmp_path / "me", record)
    read = fastecg.read_record(tmp_path / "me")
    options = {"layout": "3x4", "style": "muse", "dpi": 50}
    for path in (tmp_path / "me", str(tmp_path / "me.hea")):
        np.testing.assert_array_equal(fastecg.render(path, **options).image, fastecg.render(read, **options).image)
    with pytest.raises(RecordError, match="nothing"):
        fastecg.render(tmp_path / "nothing")


# --- digitising


@pytest.fixture(scope="module")
def read(photo):
    pytest.importorskip("onnxruntime")
    return fastecg.digitize(photo.image, name="page")


def test_what_was_read_is_flat(read, photo):
    assert (read.layout, read.speed_mm_s, read.gain_mm_mv, read.order) == ("3x4+1", 25.0, 10.0, "sure")
    assert read.record.name == "page"
    assert read.sd.shape == read.record.signal.shape
    assert 0.9 < read.confidence <= 1.0
    assert {segment.lead for segment in read.segments} == set(fastecg.LEADS)
    assert sum(segment.rhythm for segment in read.segments) == 1
    first, trace = read.segments[0], photo.truth.traces[0]
    assert (first.lead, first.zero) == (trace.lead, "pulse")
    line = photo.truth.to_image([(float(trace.trace.points_mm[at, 0]), trace.trace.baseline_mm) for at in (0, -1)])
    np.testing.assert_allclose(first.line_px, line, atol=3)
    assert len(repr(read)) < 200
    assert read.digitized.record is read.record  # as an earlier version had it
    assert read.view is read.analysis
    assert read.analysis.match.layout.name == "3x4+1"


@pytest.mark.parametrize("turns", [0, 1])
def test_the_grid_is_known_both_ways(photo, turns):
    pytest.importorskip("onnxruntime")
    given = np.rot90(photo.image, turns) if turns else Image.fromarray(photo.image)
    found = fastecg.digitize(given, layout="3x4+1", mode="centroid")
    assert found.record.name == "record"
    wanted = np.array([[60.0, 60.0], [160.0, 60.0], [160.0, 110.0]])  # mm
    pixels = photo.truth.to_image(wanted)
    if turns:  # a quarter turn to the left
        pixels = np.column_stack([pixels[:, 1], photo.image.shape[1] - 1 - pixels[:, 0]])
    page = found.to_page(pixels)
    np.testing.assert_allclose(page[1:] - page[0], wanted[1:] - wanted[0], atol=0.1)
    np.testing.assert_allclose(found.to_image(page), pixels, atol=0.01)


def test_a_file_is_read_as_its_pixels_are(read, photo, tmp_path):
    photo.save(tmp_path / "me too.png")
    again = fastecg.digitize(tmp_path / "me too.png")
    np.testing.assert_array_equal(again.record.signal, read.record.signal)
    assert again.record.name == "me too"
    assert again.save(tmp_path).name == "me_too"


def test_grey_pictures_are_read_and_drawn_over(photo):
    pytest.importorskip("onnxruntime")
    found = fastecg.digitize(photo.image.mean(axis=-1).astype(np.uint8), mode="centroid")
    assert found.layout == "3x4+1"
    assert found.overlay().shape == found.image.shape == photo.image.shape


def test_what_is_told_is_taken(photo):
    pytest.importorskip("onnxruntime")
    told = fastecg.digitize(photo.image, layout="3x4+1", gain_mm_mv=5, fs=250, mode="centroid")
    assert (told.gain_mm_mv, told.record.fs) == (5.0, 250.0)
    with pytest.raises(FastecgError, match="unknown mode 'guess', expected one of stroke_fit"):
        fastecg.digitize(photo.image, mode="guess")
    with pytest.raises(LayoutError, match="unknown layout"):
        fastecg.digitize(photo.image, layout="5y5")
    with pytest.raises(ImageError, match="the picture is list, expected a path, an array or a PIL image"):
        fastecg.digitize([1, 2])
    with pytest.raises(ImageError, match=r"none\.png"):
        fastecg.digitize("none.png")


def test_what_was_read_is_saved(read, tmp_path):
    target = read.save(tmp_path / "new", also=("csv",), overlay=True)
    assert target == tmp_path / "new" / "page"
    names = sorted(path.name for path in target.parent.iterdir())
    assert names == ["page-overlay.jpg", "page.csv", "page.dat", "page.hea", "page.json"]
    found = fastecg.read_record(target)
    assert found.leads == fastecg.LEADS
    np.testing.assert_allclose(found.lead("V2"), read.record.lead("V2"), atol=6e-4)
    assert json.loads((tmp_path / "new" / "page.json").read_text())["layout"] == "3x4+1"
    assert read.save(tmp_path, name="other").name == "other"
    with pytest.raises(FastecgError, match="unknown format 'pdf'"):
        read.save(tmp_path, name="third", also=("pdf",))
    assert not list(tmp_path.glob("third*"))


def test_what_was_read_is_plotted(read):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    axes = read.plot()
    assert axes.get_title().startswith("3x4+1, 25 mm/s, 10 mm/mV")
    np.testing.assert_array_equal(axes.images[0].get_array(), read.overlay())
    matplotlib.pyplot.close("all")
