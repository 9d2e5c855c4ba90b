"""The gain in words."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, rotate

from fastecg.digitizing.words import written_gain
from fastecg.printing.text import font_file


class Flat:
    """A page seen straight."""

    scale = 8.0

    def forward(self, points_mm):
        return np.asarray(points_mm) * self.scale

    def inverse(self, points_px):
        return np.asarray(points_px) / self.scale


def written(words, size=24, file="DejaVuSans.ttf", blur=0.7):
    """A page with one line of words, as the network tells writing."""
    font = ImageFont.load_default(size) if file is None else ImageFont.truetype(str(font_file(file)), size)
    page = Image.new("L", (1000, 300))
    ImageDraw.Draw(page).text((60, 120), words, 255, font)
    return gaussian_filter(np.asarray(page, dtype=np.float32) / 255, blur)


@pytest.mark.parametrize("file", ["DejaVuSans.ttf", "STIXGeneral.ttf", "DejaVuSansMono.ttf", None])
@pytest.mark.parametrize("gain", ["2.5", "5", "10", "20"])
def test_gains_are_read_in_common_faces(file, gain):
    for words in (f"25 mm/s   {gain} mm/mV   0.05-150 Hz", f"{gain}mm/mV 25mm/s"):
        assert written_gain(written(words, file=file), Flat()) == float(gain)


@pytest.mark.parametrize("file", ["DejaVuSerif.ttf", "DejaVuSans-Oblique.ttf", "cmss10.ttf", "DejaVuSerif-Bold.ttf"])
@pytest.mark.parametrize("size", [16, 40])
def test_in_faces_that_are_not_known_they_are_never_misread(file, size):
    for gain in ("5", "10", "20"):
        assert written_gain(written(f"25 mm/s   {gain} mm/mV   60 Hz", size, file), Flat()) in (float(gain), None)


def test_other_words_are_no_gain():
    for words in ("25 mm/s  0.05-150 Hz", "Patient 12345  10 mm", "Sinus rhythm, within normal limits", "15 mm/mV", "25 mm/mV"):
        assert written_gain(written(words), Flat()) is None


def test_a_tilted_blurred_line_is_read():
    page = rotate(written("25 mm/s   5 mm/mV", blur=1.2), 0.5, reshape=False, order=1)
    assert written_gain(np.clip(page, 0.0, 1.0), Flat()) == 5.0


def test_an_empty_page():
    assert written_gain(np.zeros((300, 300), dtype=np.float32), Flat()) is None


def test_remains_of_the_grid_in_the_ink_do_not_hide_a_number():
    """On a low photo the ink beside a 5 has a piece of a grid line, and the 5 was as much an 8."""
    writing = written("25 mm/s   5 mm/mV   0.05-150 Hz", size=20, blur=1.0)
    ink = writing.copy()
    five = 60 + int(ImageFont.truetype(str(font_file("DejaVuSans.ttf")), 20).getlength("25 mm/s   5"))
    ink[118:146, five + 1] = 0.7
    assert written_gain(ink, Flat()) is None, "the ink alone does not tell"
    assert written_gain(writing, Flat(), ink) == 5.0


def test_what_the_ink_completes_to_no_gain_is_none():
    """The network took the 1 of a 15 for a trace: without the ink it reads 5."""
    ink = written("25 mm/s   15 mm/mV")
    writing = ink.copy()
    one = 60 + int(ImageFont.truetype(str(font_file("DejaVuSans.ttf")), 24).getlength("25 mm/s   "))
    writing[:, one : one + 14] = 0.0
    assert written_gain(writing, Flat()) == 5.0
    assert written_gain(writing, Flat(), ink) is None
