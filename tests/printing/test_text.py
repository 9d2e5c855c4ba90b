"""Printed words: their place, their measures, their ink."""

from __future__ import annotations

import threading
from dataclasses import replace

import naive_text
import numpy as np
import pytest

import fastecg
from fastecg.errors import LayoutError
from fastecg.kernels.glyphs import blit_glyph
from fastecg.page import Text
from fastecg.printing.text import FACES, draw_texts, measure, printable, width_mm

WORDS = Text("header", "QT/QTc 392", 4.0, 6.0, 2.8, "sans")


def printed(text: Text, scale: float, size_mm: tuple[float, float] = (40.0, 12.0)) -> np.ndarray:
    plane = np.zeros((round(size_mm[1] * scale), round(size_mm[0] * scale)), np.uint8)
    draw_texts(plane, [text], scale)
    return plane


def ink_centre_mm(plane: np.ndarray, scale: float) -> np.ndarray:
    weight = plane.astype(float)
    y, x = np.mgrid[: plane.shape[0], : plane.shape[1]]
    return np.array([(weight * (x + 0.5)).sum(), (weight * (y + 0.5)).sum()]) / weight.sum() / scale


@pytest.mark.parametrize("step", [0.37, 1.0, 2.6, 8.3])
def test_the_kernel_equals_its_naive_twin(step: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        mask = rng.integers(0, 256, (9, 13)).astype(np.uint8)
        sums = np.zeros((10, 14), np.int32)
        sums[1:, 1:] = mask.astype(np.int32).cumsum(0).cumsum(1)
        left, top = rng.uniform(-6, 20, 2)
        got = rng.integers(0, 60, (24, 28)).astype(np.uint8)
        want = got.copy()
        blit_glyph(got, sums, left, top, step)
        naive_text.blit_glyph(want, mask, left, top, step)
        assert np.abs(got.astype(int) - want).max() <= 1


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("dpi", [72, 100, 150, 200, 300, 600])
def test_ink_lies_where_the_page_says_at_every_dpi(face: str, dpi: int) -> None:
    text = replace(WORDS, face=face)
    want = ink_centre_mm(printed(text, 60.0), 60.0)
    for shift in (0.0, 0.011, 0.037, 0.083):
        moved = replace(text, x_mm=text.x_mm + shift, y_mm=text.y_mm + 0.7 * shift)
        got = ink_centre_mm(printed(moved, dpi / 25.4), dpi / 25.4)
        assert np.abs(got - want - [shift, 0.7 * shift]).max() * dpi / 25.4 < 0.05


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("bold", "italic", "angle"), [(False, False, 0), (True, False, 0), (False, True, 0), (True, True, 0), (False, False, 90)]
)
def test_the_measured_box_is_that_of_the_ink(face: str, bold: bool, italic: bool, angle: float) -> None:
    text = replace(WORDS, face=face, bold=bold, italic=italic, angle_deg=angle, x_mm=12.0, y_mm=22.0)
    scale = 30.0
    plane = printed(text, scale, (40.0, 40.0))
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    seen = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / scale
    assert np.abs(seen - measure(text)).max() < 1.5 / scale


def test_bold_has_more_ink_and_italic_leans() -> None:
    for face in FACES:
        plain, bold, italic = (printed(replace(WORDS, face=face, words="I", bold=b, italic=i), 20.0) for b, i in ((0, 0), (1, 0), (0, 1)))
        assert bold.sum() > 1.15 * plain.sum()
        upper, lower = (np.flatnonzero(part.any(0)).mean() for part in np.array_split(italic[np.flatnonzero(italic.any(1))], 2))
        assert upper > lower + 1


def test_words_are_as_wide_at_every_size() -> None:
    one, two = width_mm("Vent. rate", 2.0, "serif"), width_mm("Vent. rate", 4.0, "serif")
    assert two == pytest.approx(2 * one)
    assert 2.0 < one / 2.0 < 5.0


def test_thermal_letters_are_made_of_whole_dots() -> None:
    plane = printed(Text("lead", "aVR", 2.0, 6.0, 3.0, "bitmap"), 8.0)  # one pixel a dot
    assert set(np.unique(plane)) == {0, 255}


def test_old_ink_stays_and_empty_words_print_nothing() -> None:
    plane = np.full((60, 200), 77, np.uint8)
    draw_texts(plane, [replace(WORDS, words=""), replace(WORDS, words="   ")], 8.0)
    assert (plane == 77).all()
    draw_texts(plane, [WORDS], 8.0)
    assert plane.min() == 77
    assert plane.max() == 255


def test_words_outside_the_plane_are_cut_off() -> None:
    whole = printed(WORDS, 8.0)
    part = np.zeros((60, 60), np.uint8)
    draw_texts(part, [WORDS], 8.0)
    assert (part == whole[:60, :60]).all()
    nothing = np.zeros((50, 50), np.uint8)
    draw_texts(nothing, [replace(WORDS, x_mm=-90.0), replace(WORDS, y_mm=400.0)], 8.0)
    assert not nothing.any()


def test_an_unknown_face_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"comic.*sans, serif, mono, bitmap"):
        measure(replace(WORDS, face="comic"))


def test_a_font_file_is_a_face() -> None:
    from fastecg.printing.text import font_file

    file = font_file("DejaVuSerif.ttf")
    if file is None:
        pytest.skip("matplotlib is not there")
    assert printed(replace(WORDS, face=str(file)), 8.0).any()


def test_threads_print_the_same_bytes() -> None:
    texts = [replace(WORDS, words=chr(33 + k) * 3, face=FACES[k % 4], y_mm=4.0 + k % 7) for k in range(90)]
    planes = [np.zeros((100, 400), np.uint8) for _ in range(6)]
    workers = [threading.Thread(target=draw_texts, args=(plane, texts, 8.0 + 0.01)) for plane in planes]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all((plane == planes[0]).all() for plane in planes)
    assert planes[0].any()


@pytest.mark.parametrize("face", FACES)
def test_what_a_face_lacks_is_drawn_from_another(face: str) -> None:
    planes = [printed(Text("lead", words, 4.0, 8.0, 4.0, face), 10.0) for words in ("Ⅱ", "Ω", "Ж")]
    assert all(plane.sum() > 255 * 20 for plane in planes)
    assert not np.array_equal(planes[0], planes[1])
    notes: list[str] = []
    assert printable(Text("lead", "Ⅱ", 0.0, 0.0, 4.0, face), notes).words == "Ⅱ"
    assert not notes


@pytest.mark.parametrize("face", FACES)
def test_what_no_face_has_is_reported_and_takes_no_room(face: str) -> None:
    notes: list[str] = []
    text = Text("lead", "I导联 b", 4.0, 8.0, 4.0, face)
    assert printable(text, notes).words == "I b"
    assert notes == ["no face has the characters '导联': 'I导联 b' is printed without them"]
    np.testing.assert_array_equal(printed(text, 10.0), printed(replace(text, words="I b"), 10.0))
    assert width_mm("导联", 4.0, face) == 0


def test_words_of_the_truth_are_those_that_are_printed() -> None:
    record = fastecg.Record(np.sin(np.arange(2000) / 9.0) * [[1.0], [1.0]], 200, ["导联甲", "Ⅱ"])
    photo = fastecg.render(record, layout="2x1", style="muse", header_text=["心电图", "ECG 心 b"])
    words = [box.words for box in photo.truth.boxes if box.kind in ("lead_name", "text")]
    assert "II" in words
    assert "ECG  b" in words
    assert all(word.isascii() for word in words)
    assert min(np.ptp(box.corners, axis=0).min() for box in photo.truth.boxes) > 0
    told = " ".join(photo.page.notes)
    assert "'心电图' is not printed" in told
    assert "'导联甲' is not printed" in told


@pytest.mark.parametrize(("grey", "levels"), [(False, {0, 255}), (True, None)])
def test_letters_of_dots_are_the_same_wherever_they_stand(grey: bool, levels: set[int] | None) -> None:
    """On a raster as fine as theirs, dots are pixels: a word that is moved by part of one is drawn the same, a pixel on at most."""
    dots = 4.3
    text = replace(WORDS, face="serif", dots_per_mm=dots, grey=grey)
    plain = printed(text, dots, (60.0, 12.0))
    assert levels is None or set(np.unique(plain)) == levels
    for shift in (0.02, 0.09, 0.2):
        moved = printed(replace(text, x_mm=text.x_mm + shift), dots, (60.0, 12.0))
        assert any(np.array_equal(np.roll(plain, k, axis=1), moved) for k in (0, 1))
    x0, _, x1, _ = measure(text)
    inked = np.flatnonzero(plain.any(axis=0))
    assert inked[0] == pytest.approx(x0 * dots, abs=0.51)
    assert inked[-1] + 1 == pytest.approx(x1 * dots, abs=0.51)


def test_thermal_letters_are_dots_at_any_scale() -> None:
    text = replace(WORDS, face="serif", dots_per_mm=8.0)
    coarse, fine = printed(text, 4.0), printed(text, 16.0)
    blocks = fine.reshape(fine.shape[0] // 2, 2, -1, 2)
    assert (blocks.max(axis=(1, 3)) == blocks.min(axis=(1, 3))).all()
    mean = fine.reshape(fine.shape[0] // 4, 4, -1, 4).mean(axis=(1, 3))
    assert np.abs(coarse - mean).max() <= 1
