"""`fastecg digitize` as it ships: the network, the command, its files and its refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest
from oracle import drawn_samples
from PIL import Image
from snr import raw_snrs
from typer.testing import CliRunner

import fastecg
from fastecg.cli import app
from fastecg.digitizing.pictures import find_pictures, read_picture
from fastecg.layouts import Layout, MachineSettings
from fastecg.layouts.place import place
from fastecg.sheet import print_page

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def photo():
    record = fastecg.simulate("sinus", seed=9, heart_rate=66)
    return fastecg.render(record, recipe="scan", layout="3x4+1", style="muse", severity=0.2, seed=9)


def snr(photo, found):
    record = photo.record
    wanted = fastecg.Record(np.where(drawn_samples(photo), record.signal, np.nan), record.fs, record.leads, record.name)
    return np.mean(raw_snrs(wanted, found))


def test_the_command_writes_a_record_and_a_report(photo, tmp_path):
    (tmp_path / "in" / "ward").mkdir(parents=True)
    photo.save(tmp_path / "in" / "ward" / "page one.jpg")
    ran = CliRunner().invoke(app, ["digitize", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--overlay", "--timeout", "3600"])
    assert ran.exit_code == 0, ran.output
    assert "3x4+1, 25 mm/s, 10 mm/mV" in ran.output
    found = fastecg.read_record(tmp_path / "out" / "ward" / "page_one")
    assert found.leads == fastecg.LEADS
    assert found.fs == 500.0
    assert snr(photo, found) > 10
    report = json.loads((tmp_path / "out" / "ward" / "page_one.json").read_text())
    assert report["layout"] == "3x4+1"
    assert set(report["leads"]) == set(fastecg.LEADS)
    with Image.open(tmp_path / "out" / "ward" / "page_one-overlay.jpg") as drawn:
        assert drawn.size == photo.image.shape[1::-1]


def test_upside_down_and_by_hand(photo):
    reading = fastecg.digitize(np.ascontiguousarray(photo.image[::-1, ::-1]))
    assert reading.analysis.turns == 2
    assert reading.layout == "3x4+1"
    assert snr(photo, reading.digitized.record) > 10


def test_what_is_no_ecg_is_refused(tmp_path):
    Image.fromarray(np.full((300, 400, 3), 255, dtype=np.uint8)).save(tmp_path / "blank.png")
    Image.fromarray(np.zeros((60, 60, 3), dtype=np.uint8)).save(tmp_path / "tiny.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 nothing")
    ran = CliRunner().invoke(app, ["digitize", str(tmp_path), "-o", str(tmp_path / "out"), "--timeout", "3600"])
    assert ran.exit_code == 1
    for name in ("blank.png", "tiny.png", "broken.jpg"):
        assert f"{name}: not read" in ran.output
    assert "3 of 3 pictures were not read" in ran.output
    assert not list(tmp_path.glob("out/**/*.dat"))


def test_usage_errors(tmp_path):
    def refused(*arguments):
        ran = CliRunner().invoke(app, ["digitize", *map(str, arguments), "-o", str(tmp_path / "out")])
        assert ran.exit_code == 2
        return ran.output

    assert "no such file" in refused(tmp_path / "nothing.png")
    Image.new("RGB", (300, 300)).save(tmp_path / "a.png")
    assert "unknown mode" in refused(tmp_path / "a.png", "--mode", "guess")
    assert "unknown layout" in refused(tmp_path / "a.png", "--layout", "5y5")
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path / 'empty'}: no picture found" in " ".join(refused(tmp_path / "empty").split())


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_pictures_of_every_kind(tmp_path, mode):
    grey = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    if mode == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(grey).convert("RGBA" if mode in ("LA", "RGBA") else mode if mode in ("1", "L") else "RGB")
        picture = picture.convert(mode)
    path = tmp_path / "picture.tif"
    picture.save(path)
    found = read_picture(path)
    assert found.shape == (48, 64, 3)
    assert found[:, -8:].mean() > found[:, :8].mean() + 100


def test_folders_are_searched_to_the_bottom(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/b/x.PNG", "a/y.jpeg", "a/z.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [(str(source.folder), source.path.name) for source in find_pictures([tmp_path])] == [("a/b", "x.PNG"), ("a", "y.jpeg")]


def test_a_pdf_page(photo, tmp_path):
    pytest.importorskip("pypdfium2")
    Image.fromarray(photo.image).save(tmp_path / "page.pdf", resolution=200.0)
    found = read_picture(tmp_path / "page.pdf")
    assert abs(found.shape[1] - photo.image.shape[1]) <= 2
    assert np.abs(found.astype(int).mean() - photo.image.astype(int).mean()) < 3


def nameless(page, photo):
    """A page as it is printed without the names of its leads."""
    bare = replace(page, texts=tuple(text for text in page.texts if text.kind != "lead"))
    return print_page(bare, photo.style, photo.warp.scale).pixels


def test_pages_without_names_are_read_by_the_layout_that_is_told():
    photo = fastecg.render(fastecg.simulate(seed=1), layout="3x4+1", style="muse", dpi=120)
    found = fastecg.digitize(nameless(photo.page, photo), layout="3x4+1")
    assert found.layout == "3x4+1"
    assert [segment.lead for segment in found.segments[:4]] == ["I", "aVR", "V1", "V4"]
    assert snr(photo, found.record) > 10
    assert any("the layout is as told" in flag for flag in found.flags)


def test_a_strip_of_one_lead_is_as_long_as_it_is():
    record = fastecg.simulate(seed=2, seconds=30).choose(["II"])
    photo = fastecg.render(record, layout="1x1", style="muse", dpi=120)
    strip = place(Layout("1x1", "a strip", (("II",),), seconds=30.0), record, photo.style, MachineSettings(paper="roll-63"))
    found = fastecg.digitize(nameless(strip, photo), layout="1x1")
    assert found.record.duration_s == pytest.approx(30, abs=0.1)
    assert np.mean(raw_snrs(record, found.record)) > 10


def test_light_on_dark(photo):
    found = fastecg.digitize(255 - photo.image)
    assert any("negative" in flag for flag in found.flags)
    assert snr(photo, found.record) > 10
