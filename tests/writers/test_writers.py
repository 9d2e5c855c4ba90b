"""Files out: PNG and other pictures, the truth file, the WFDB copy, and files that appear whole or not at all."""

from __future__ import annotations

import io
import os
import unicodedata
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import imageio.v3 as iio
import numpy as np
import orjson
import pytest
import wfdb
from hypothesis import given
from hypothesis.extra import numpy as hnp
from PIL import Image
from written import unpacked

import fastecg
from fastecg.artifacts import Bilevel, Crease, Dent, Handwriting, SensorNoise, WhiteBalance
from fastecg.errors import ImageError, RecordError
from fastecg.readers import read_record
from fastecg.record import LEADS, Record
from fastecg.shot import with_artifacts
from fastecg.views import Phone
from fastecg.writers import TRUTHS, image_bytes, png_bytes, save_photo, truth_bytes, truth_json, write_atomic, write_image, write_record
from fastecg.writers import wfdb as wfdb_writer
from fastecg.writers.imageio_plugin import FastPngPlugin
from fastecg.writers.truth_json import read_truth
from fastecg.writers.wfdb import ascii_name, safe_name

KIT_KEYS = (
    "sampling_frequency width height resolution pad_inches x_grid y_grid dc_pulse bw gridlines printed_text number_of_columns_in_image "
    "full_mode_lead grid_line_color_major grid_line_color_minor ecg_plot_color handwritten_text num_words x_offset_for_handwritten_text "
    "y_offset_for_handwritten_text wrinkles crease_angle number_of_creases_horizontally number_of_creases_vertically augment crop "
    "temperature rotate noise leads"
)
OWN_KEYS = (
    "version schema record page variant seed recipe layout style speed_mm_s gain_mm_mv px_per_mm shot visible boxes grid homography notes"
)


def gapped_record(seconds: float = 10.0) -> Record:
    record = fastecg.simulate(seconds=seconds, fs=250, seed=3, name="gapped")
    signal = record.signal.copy()
    signal[1, 100:150] = np.nan
    return Record(signal, record.fs, record.leads, record.name)


@pytest.fixture(scope="module")
def photo():
    return fastecg.render(gapped_record(), layout="3x4+1", seed=1, dpi=100)


def test_the_truth_tells_whether_there_is_a_calibration_pulse(photo):
    pulse = next(stroke for stroke in photo.page.strokes if stroke.kind == "pulse")
    separator = replace(pulse, kind="separator")
    told = [
        orjson.loads(truth_bytes(replace(photo, page=replace(photo.page, strokes=strokes))))["dc_pulse"]
        for strokes in ((pulse,), (separator, pulse), (separator,), ())
    ]
    assert told == [True, True, False, False]


# --- PNG


@given(st.data())
def test_png_reads_back_equal(data):
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16]))
    channels = data.draw(st.sampled_from([(), (3,), (4,)] if dtype == np.uint8 else [()]))
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9))) + channels
    image = data.draw(hnp.arrays(dtype, shape))
    with Image.open(io.BytesIO(png_bytes(image))) as read:
        np.testing.assert_array_equal(np.asarray(read), image)


def test_png_of_print_and_of_noise_read_back_equal(photo):
    noise = np.random.default_rng(0).normal(128, 5, photo.image.shape).astype(np.uint8)
    for image in (photo.image, noise, photo.image[:, ::-1], photo.image[::2]):
        np.testing.assert_array_equal(iio.imread(png_bytes(image), extension=".png"), image)


def test_png_filters_noise_but_not_print(photo):
    smooth = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint8)
    noise = (smooth + np.random.default_rng(0).normal(0, 3, (300, 300))).astype(np.uint8)
    plain = image_bytes(photo.image, ".png", dpi=100)
    assert len(plain) < 0.2 * photo.image.size
    assert len(png_bytes(noise)) < 0.75 * noise.size  # without a filter it does not shrink below 0.9


@pytest.mark.parametrize("dpi", [72, 100, 150, 200, 300, 600])
def test_png_keeps_the_resolution(dpi):
    with Image.open(io.BytesIO(png_bytes(np.zeros((4, 4, 3), np.uint8), dpi=dpi))) as read:
        assert read.info["dpi"] == pytest.approx((dpi, dpi), abs=0.02)  # pHYs counts whole pixels a metre


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4)), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)])
def test_png_refuses_what_is_no_image(bad):
    with pytest.raises(ImageError, match="expected uint8 or uint16"):
        png_bytes(bad)


def test_png_is_an_imageio_plugin(tmp_path):
    image = np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    iio.imwrite(tmp_path / "named.png", image, plugin="fastecg", dpi=200)
    iio.imwrite(tmp_path / "class.png", image, plugin=FastPngPlugin)
    assert (tmp_path / "named.png").read_bytes() == png_bytes(image, dpi=200)
    np.testing.assert_array_equal(iio.imread(tmp_path / "class.png"), image)
    assert iio.imwrite("<bytes>", image, plugin="fastecg", extension=".png") == png_bytes(image)
    with pytest.raises(OSError, match=r"fastecg|can not handle"):
        iio.imread(tmp_path / "named.png", plugin="fastecg")


# --- other pictures


@pytest.mark.parametrize(("suffix", "error"), [(".png", 0), (".tiff", 0), (".tif", 0), (".jpg", 7), (".jpeg", 7), (".webp", 8)])
def test_formats_read_back(tmp_path, photo, suffix, error):
    path = tmp_path / f"page{suffix}"
    size = write_image(path, photo.image, dpi=150)
    assert size == path.stat().st_size
    read = iio.imread(path).astype(int)
    assert read.shape == photo.image.shape
    assert np.sqrt(np.mean((read - photo.image) ** 2)) <= error


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jpg"])
def test_resolution_is_stored(photo, suffix):
    with Image.open(io.BytesIO(image_bytes(photo.image, suffix, dpi=150))) as read:
        assert read.info["dpi"] == pytest.approx((150, 150), abs=0.02)


def test_resolution_is_stored_in_webp(photo):
    with Image.open(io.BytesIO(image_bytes(photo.image, ".webp", dpi=150))) as read:
        exif = read.getexif()
        assert (exif[282], exif[283], exif[296]) == (150, 150, 2)


def test_tiff_has_no_byte_of_chance():
    """The directory begins at an even offset; the byte before it is not written by libtiff, and holds what the memory held."""
    from fastecg.writers.image import _padded_with_zeros

    rng = np.random.default_rng(0)
    files = (tiff_of(rng.integers(0, 4, (9, 15, 3), dtype=np.uint8)) for _ in range(50))
    body, end = next((body, end) for body, gap, end in files if gap == 1)
    for chance in (0, 0xBF, 0xFF):
        assert _padded_with_zeros(body[:end] + bytes([chance]) + body[end + 1 :]) == body
    assert body[end] == 0


def tiff_of(image):
    """A TIFF file, and how many bytes lie between its pixels and its directory, and where."""
    body = image_bytes(image, ".tiff", dpi=150)
    with Image.open(io.BytesIO(body)) as read:
        end = read.tag_v2[273][-1] + read.tag_v2[279][-1]
    return body, int.from_bytes(body[4:8], "little") - end, end


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jpg", ".webp"])
def test_pictures_name_no_software_and_no_time(photo, suffix):
    body = image_bytes(photo.image, suffix, dpi=150)
    assert unpacked(body) == unpacked(image_bytes(photo.image, suffix, dpi=150))
    with Image.open(io.BytesIO(body)) as read:
        assert not {271, 272, 305, 306, 315, 36867} & set(read.getexif())  # maker, model, software, time, artist, original time
        assert not {"comment", "Software", "date"} & set(read.info)


def test_jpeg_of_grey_and_of_sizes_that_it_cannot_hold(photo):
    grey = photo.image[..., 1]
    with Image.open(io.BytesIO(image_bytes(grey, ".jpg", dpi=150))) as read:
        assert read.mode == "L"
        assert np.abs(np.asarray(read).astype(int) - grey).mean() < 4
    for size in ((1, 65_501), (0, 4)):
        with pytest.raises(ImageError, match="expected 1 to 65,500 px a side"):
            image_bytes(np.zeros((*size, 3), dtype=np.uint8), ".jpg", dpi=150)


def test_quality_matters_and_is_checked(photo):
    low, high = (image_bytes(photo.image, ".jpg", dpi=100, quality=quality) for quality in (30, 95))
    assert len(low) < len(high)
    with pytest.raises(ImageError, match="expected 1 to 100"):
        image_bytes(photo.image, ".jpg", dpi=100, quality=0)


def test_unknown_suffix_is_named(tmp_path, photo):
    with pytest.raises(ImageError, match=r"page.bmp: cannot write .bmp, expected one of .png"):
        write_image(tmp_path / "page.bmp", photo.image, dpi=100)
    assert os.listdir(tmp_path) == []


# --- whole or not at all


def test_atomic_write_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["b.txt"]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "b.txt"
    write_atomic(path, b"one")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["b.txt"]


def test_photo_whose_truth_fails_leaves_no_image(tmp_path, photo, monkeypatch):
    def broken(_):
        raise ValueError("no truth")

    monkeypatch.setitem(TRUTHS, "mask", (".mask.png", broken))
    with pytest.raises(ValueError, match="no truth"):
        save_photo(photo, tmp_path / "x-0.png", truth=("json", "mask"))
    assert not (tmp_path / "x-0.png").exists()


def test_all_truth_files(tmp_path, photo):
    save_photo(photo, tmp_path / "x-0.png", truth=tuple(TRUTHS))
    assert sorted(os.listdir(tmp_path)) == ["x-0.json", "x-0.layers.png", "x-0.mask.png", "x-0.png", "x-0.warp.npy"]
    np.testing.assert_array_equal(iio.imread(tmp_path / "x-0.mask.png"), photo.truth.mask())
    layers = iio.imread(tmp_path / "x-0.layers.png")
    assert layers.dtype == np.uint16
    np.testing.assert_array_equal(layers, photo.truth.layers())
    warp = np.load(tmp_path / "x-0.warp.npy")
    assert warp.shape == (*photo.image.shape[:2], 2)
    trace = photo.truth.traces[0]
    x, y = np.rint(trace.points[7]).astype(int)
    assert np.abs(warp[y, x] - trace.trace.points_mm[7]).max() <= 0.51 * 25.4 / 100  # half a pixel


def test_unknown_truth_is_named(tmp_path, photo):
    with pytest.raises(ImageError, match="unknown truth 'boxes', expected one of json, mask, layers, warp"):
        save_photo(photo, tmp_path / "x-0.png", truth=("boxes",))


# --- the truth file


def test_truth_has_every_key(photo):
    content = read_truth(truth_bytes(photo))
    assert set(KIT_KEYS.split()) <= set(content)
    assert set(OWN_KEYS.split()) <= set(content["fastecg"])


def test_truth_points_are_row_column_to_a_thousandth(photo):
    content = orjson.loads(truth_bytes(photo))
    assert len(content["leads"]) == len(photo.truth.traces) == 13
    for entry, trace in zip(content["leads"], photo.truth.traces, strict=True):
        points = np.array(entry["plotted_pixels"], dtype=float)
        assert entry["lead_name"] == trace.lead
        assert len(points) == entry["end_sample"] - entry["start_sample"] == trace.stop - trace.start
        np.testing.assert_allclose(points[:, ::-1], trace.points, atol=0.000501)


def test_truth_of_gaps_is_null(photo):
    assert b"NaN" not in truth_bytes(photo)
    content = read_truth(truth_bytes(photo))
    second = next(index for index, entry in enumerate(content["leads"]) if entry["lead_name"] == "II")
    assert content["leads"][second]["plotted_pixels"][120][0] is None
    visible = content["fastecg"]["visible"]
    assert visible[0] == [True] * len(content["leads"][0]["plotted_pixels"])
    assert visible[second][99:151] == [True] + [False] * 50 + [True]


def test_truth_boxes_are_clockwise_from_top_left_round_their_trace(photo):
    for entry in read_truth(truth_bytes(photo))["leads"]:
        for key in ("lead_bounding_box", "text_bounding_box"):
            box = np.array([entry[key][corner] for corner in "0123"])
            (top, left), (_, right), (bottom, _) = box[0], box[1], box[2]
            np.testing.assert_allclose(box, [[top, left], [top, right], [bottom, right], [bottom, left]], atol=0.01)
            assert top < bottom
            assert left < right
        rows, columns = np.array(entry["plotted_pixels"], dtype=float).T
        (top, left), (bottom, right) = entry["lead_bounding_box"]["0"], entry["lead_bounding_box"]["2"]
        assert top <= np.nanmin(rows) <= np.nanmax(rows) <= bottom
        assert left <= np.nanmin(columns) <= np.nanmax(columns) <= right


def test_rhythm_strip_is_a_second_entry(photo):
    content = read_truth(truth_bytes(photo))
    entries = [entry for entry in content["leads"] if entry["lead_name"] == "II"]
    assert content["full_mode_lead"] == "II"
    assert [entry["end_sample"] - entry["start_sample"] for entry in entries] == [625, 2500]
    assert [trace["rhythm"] for trace in content["fastecg"]["traces"]] == [False] * 12 + [True]


def test_truth_scale_and_lattice(photo):
    content = read_truth(truth_bytes(photo))
    assert content["x_grid"] == content["y_grid"] == pytest.approx(5 * 100 / 25.4, abs=5e-4)
    assert (content["height"], content["width"]) == photo.image.shape[:2]
    page, px = (np.array(content["fastecg"]["grid"][key]) for key in ("page_mm", "px"))
    homography = np.array(content["fastecg"]["homography"])
    projected = np.hstack([page, np.ones((len(page), 1))]) @ homography.T
    np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], px, atol=0.002)


def test_the_grid_in_the_kits_keys_is_that_before_it_was_seen():
    shot = replace(fastecg.Recipe.load("clean").sample(gapped_record(), dpi=40, layout="3x4"), view=Phone(tilt_deg=30, distance_mm=250))
    photo = shot.take(gapped_record())
    assert abs(photo.warp.scale - 40 / 25.4) > 0.01
    assert read_truth(truth_bytes(photo))["x_grid"] == pytest.approx(5 * 40 / 25.4, abs=5e-4)


def test_truth_replays_the_picture(photo):
    shot = fastecg.Shot.from_dict(read_truth(truth_bytes(photo))["fastecg"]["shot"])
    again = shot.take(photo.record)
    np.testing.assert_array_equal(again.image, photo.image)
    assert truth_bytes(again) == truth_bytes(photo)


def told_of(*artifacts, keys=("wrinkles", "augment", "bw", "handwritten_text", "num_words", "pad_inches", "rotate", "crop")):
    shot = fastecg.Recipe.load("clean").sample(gapped_record(), dpi=60, layout="3x4", style="muse")
    content = read_truth(truth_bytes(with_artifacts(shot, *artifacts).take(gapped_record())))
    return {key: content[key] for key in keys}


@pytest.mark.parametrize(
    ("artifacts", "told"),
    [
        ((), {}),
        ((SensorNoise(),), {"augment": True}),
        ((Dent(),), {"augment": True, "wrinkles": True}),
        ((Bilevel(),), {"augment": True, "bw": True}),
        ((Handwriting(notes=1, own="two words"),), {"augment": True, "handwritten_text": True, "num_words": 2}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_of_the_kits_words_is_of_what_it_says(artifacts, told):
    usual = {"wrinkles": False, "augment": False, "bw": False, "handwritten_text": False, "num_words": 0}
    usual |= {"pad_inches": 0, "rotate": 0, "crop": 0}  # or a reader would move points that are where they belong
    assert told_of(*artifacts) == usual | told


def test_names_of_leads_alone_are_no_printed_text(photo):
    bare = replace(photo.page, texts=tuple(text for text in photo.page.texts if text.kind == "lead"))
    assert bare.texts
    told = [read_truth(truth_bytes(replace(photo, page=page)))["printed_text"] for page in (photo.page, bare)]
    assert told == [True, False]


def test_marks_by_hand_are_a_layer_of_their_own():
    shot = fastecg.Recipe.load("clean").sample(gapped_record(), dpi=60, layout="3x4", style="muse")
    plain, written = (
        with_artifacts(shot, *added).take(gapped_record()).truth.layers() for added in ((), (Handwriting(notes=1, own="two words"),))
    )
    assert not (plain >> 13 & 1).any()
    assert (written >> 13 & 1).any()
    assert ((written >> 14 & 1) == (plain >> 14 & 1)).mean() > 0.99


def test_truth_tells_what_happened_in_the_kits_words():
    artifacts = (Crease(angle_deg=10), Crease(angle_deg=-80), WhiteBalance(kelvin=3000), SensorNoise(read_levels=3, shot_levels=4))
    shot = fastecg.Recipe.load("clean").sample(gapped_record(), dpi=40, layout="3x4")
    content = read_truth(truth_bytes(with_artifacts(shot, *artifacts).take(gapped_record())))
    told = [content[key] for key in ("wrinkles", "augment", "crease_angle", "temperature", "noise", "rotate", "crop")]
    assert told == [True, True, 10, 3000, 7, 0, 0]
    assert (content["number_of_creases_horizontally"], content["number_of_creases_vertically"]) == (1, 1)


@pytest.mark.parametrize(("angle", "level"), [(0, 0), (44.9, 0), (45, 1), (90, 1), (134.9, 1), (135, 0), (225, 1), (-45, 0)])
def test_creases_are_level_from_45_degrees_up_to_135(angle, level):
    told = truth_json._kit_artifacts([{"kind": "Crease", "angle_deg": angle}])
    assert (told["number_of_creases_horizontally"], told["number_of_creases_vertically"]) == (level, 1 - level)


def test_truth_outside_the_picture_keeps_its_place_and_is_not_visible():
    record = gapped_record()
    shot = fastecg.Recipe.load("photo").sample(record, seed=2, dpi=60, layout="3x4+1")
    photo = replace(shot, view=replace(shot.view, fill=1.6)).take(record)
    content = read_truth(truth_bytes(photo))
    outside = 0
    for entry, visible in zip(content["leads"], content["fastecg"]["visible"], strict=True):
        rows, columns = np.array(entry["plotted_pixels"], dtype=float).T
        seen = np.array(visible)
        inside = (rows > -0.5) & (columns > -0.5) & (rows < content["height"] - 0.5) & (columns < content["width"] - 0.5)
        assert not (seen & ~inside).any()
        outside += int((~inside & np.isfinite(rows)).sum())
    assert outside > 0


@pytest.mark.parametrize("data", [b"", b"[1]", b'{"leads": []}', b"\x00"])
def test_read_truth_names_the_file(data):
    with pytest.raises(ImageError, match=r"x-0.json: "):
        read_truth(data, "x-0.json")


# --- the WFDB copy


def copied(path: Path, record: Record, **options) -> wfdb.Record:
    write_record(path, record, **options)
    return wfdb.rdrecord(str(path))


def test_copy_reads_back_to_half_a_microvolt(tmp_path):
    record = gapped_record()
    read = copied(tmp_path / "copy", record)
    assert (read.fs, read.sig_name, read.units, read.sig_len) == (250, list(LEADS), ["mV"] * 12, record.samples)
    np.testing.assert_allclose(read.p_signal.T, record.signal, atol=0.000501)
    assert read.comments == []
    assert (read.base_date, read.base_time) == (None, None)


@pytest.mark.parametrize(
    ("scale", "offset", "tolerance"),
    [(30, 0, 5.01e-4), (1, 50, 5.01e-4), (1, -31.9, 5.01e-4), (60, 0, 1.1e-3), (1e4, 7e3, 0.2)],
)
def test_copy_of_large_values_keeps_what_fits(tmp_path, scale, offset, tolerance):
    values = np.clip(np.random.default_rng(0).normal(size=(2, 500)), -1, 1) * scale + offset
    record = Record(values, 100, ("I", "II"))
    np.testing.assert_allclose(copied(tmp_path / "large", record).p_signal.T, record.signal, atol=tolerance)


@given(
    values=hnp.arrays(np.float32, (2, 20), elements=st.floats(-40, 40, width=32) | st.just(np.float32(np.nan))),
    fs=st.sampled_from([100, 257, 360.5, 999.999]),
)
def test_copy_reads_back_whatever_it_holds(tmp_path_factory, values, fs):
    path = tmp_path_factory.mktemp("copy") / "any"
    read = copied(path, Record(values, fs, ("V1", "V2")))
    assert read.fs == fs
    np.testing.assert_allclose(read.p_signal.T, values, atol=0.0007)
    digital = wfdb.rdrecord(str(path), physical=False)
    assert [c % 65536 for c in digital.checksum] == [c % 65536 for c in digital.calc_checksum()]
    assert digital.init_value == digital.d_signal[0].tolist()


def test_copy_without_what_was_not_drawn(tmp_path):
    record = gapped_record()
    drawn = np.zeros(record.signal.shape, bool)
    drawn[:, :625] = True
    read = copied(tmp_path / "masked", record, drawn=drawn).p_signal.T
    assert np.isnan(read[:, 625:]).all()
    np.testing.assert_array_equal(np.isnan(read[:, :625]), np.isnan(record.signal[:, :625]))
    with pytest.raises(RecordError, match="expected"):
        write_record(tmp_path / "masked", record, drawn=drawn[:3])


@pytest.mark.parametrize("name", ["a b", "a.b", ".."])
def test_copy_refuses_names_that_wfdb_cannot_hold(tmp_path, name):
    with pytest.raises(RecordError, match="expected letters"):
        write_record(tmp_path / name, gapped_record())
    assert os.listdir(tmp_path) == []


def test_pixels_of_a_flat_page_give_back_the_millivolts_from_the_file_alone():
    record = fastecg.simulate("sinus", seed=3)
    shot = fastecg.Recipe.load("clean").sample(record, layout="6x2-cabrera", style="schiller", dpi=100)
    photo = replace(shot, setup=replace(shot.setup, chest_gain_mm_mv=5.0)).take(record)
    content = read_truth(truth_bytes(photo))
    for entry, trace in zip(content["leads"], content["fastecg"]["traces"], strict=True):
        y_mm = (np.array(entry["plotted_pixels"])[:, 0] + 0.5) * 25.4 / 100
        millivolts = (trace["baseline_mm"] - y_mm) / trace["gain_mm_mv"] + trace["offset_mv"]
        drawn = record.lead(entry["lead_name"])[entry["start_sample"] : entry["end_sample"]]
        np.testing.assert_allclose(millivolts, drawn, atol=1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_copy_of_a_long_record_is_made_in_spans_with_the_same_bytes(tmp_path, monkeypatch, masked):
    record = gapped_record()
    drawn = np.random.default_rng(0).random(record.signal.shape) < 0.7 if masked else None
    for name, span in (("whole", 1 << 18), ("spans", 97)):
        (tmp_path / name).mkdir()
        monkeypatch.setattr("fastecg.writers.wfdb._SPAN", span)
        write_record(tmp_path / name / "r", record, drawn=drawn)
    for suffix in (".hea", ".dat"):
        assert (tmp_path / "spans" / f"r{suffix}").read_bytes() == (tmp_path / "whole" / f"r{suffix}").read_bytes()


def test_truth_tells_how_a_lead_was_moved_onto_the_page():
    record = fastecg.simulate("sinus", seed=3)
    far = Record(record.signal + np.float32(20), record.fs, record.leads)
    photo = fastecg.Recipe.load("clean").sample(far, layout="3x4", style="muse", dpi=100).take(far)
    content = read_truth(truth_bytes(photo))
    assert min(abs(trace["offset_mv"]) for trace in content["fastecg"]["traces"]) > 10
    for entry, trace in zip(content["leads"], content["fastecg"]["traces"], strict=True):
        y_mm = (np.array(entry["plotted_pixels"])[:, 0] + 0.5) * 25.4 / 100
        millivolts = (trace["baseline_mm"] - y_mm) / trace["gain_mm_mv"] + trace["offset_mv"]
        np.testing.assert_allclose(millivolts, far.lead(entry["lead_name"])[entry["start_sample"] : entry["end_sample"]], atol=2e-4)


def test_names_are_kept_as_far_as_files_may_have_them():
    assert safe_name("page-1") == "page-1"
    assert safe_name("Ärzte 2") == "Ärzte_2"
    long = safe_name("a" * 300)
    assert len(long) < 100
    assert long != safe_name("a" * 301)


@pytest.mark.parametrize("name", ["हिंदी", "ธรรมดา", "na\u0308me"])
def test_names_keep_the_marks_of_their_letters(tmp_path, name):
    assert safe_name(name) == unicodedata.normalize("NFC", name)
    write_record(tmp_path / safe_name(name), fastecg.simulate(seconds=1, fs=100))
    assert read_record(tmp_path / safe_name(name)).samples == 100


#: Letters whose names are longer in Punycode than in UTF-8.
FAR_APART = "".join([chr(code) for code in range(0x800, 0xD7A4) if chr(code).isalnum()][::800])


@pytest.mark.parametrize("letters", ["a", "é", "中", FAR_APART, "abcé"])
def test_names_are_short_in_every_spelling(letters):
    """A header spells a name in ASCII, in which letters of other scripts are longer or shorter than in UTF-8."""
    for count in range(1, 200):
        name = (letters * 200)[:count]
        safe = safe_name(name)
        assert max(len(safe.encode()), len(ascii_name(safe))) <= 150
        assert safe == name or max(len(name.encode()), len(name.encode("punycode"))) > 150


def test_a_record_needs_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecordError, match="no name for a WFDB record"):
        write_record(Path("."), fastecg.simulate(seconds=1, fs=100))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("low", "high"), [(-40.0, 10.0), (-10.0, 40.0), (-32.0, 32.0), (5.0, 70.0)])
def test_a_microvolt_is_kept_wherever_65_mv_lie(low, high):
    _, gains, _ = wfdb_writer._digitised(np.array([[low, high]], np.float32), None)
    assert gains.tolist() == [1000.0]


def test_the_widest_signals_lose_no_sample():
    """The count below the least is the format's own for a sample that is missing."""
    for off in np.arange(0.0, 1.0, 0.05):
        low = 1e-3 * off
        signal = np.array([[low, low + 65.534]])
        counts, gains, baselines = wfdb_writer._digitised(signal, None)
        assert counts.min() > -32768
        np.testing.assert_allclose((counts[:, 0] - baselines[0]) / gains[0], signal[0], atol=0.6e-3)
