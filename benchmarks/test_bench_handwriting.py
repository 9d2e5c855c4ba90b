"""Handwriting against printing the same words with Pillow, in one process, by ratio."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from timing import cpu_medians, figure

from fastecg.handwriting.ink import ink_plane, ink_window, soak
from fastecg.handwriting.motor import write
from fastecg.handwriting.words import sample_note
from fastecg.handwriting.writer import sample_writer

SCALE, SIZE = 200 / 25.4, (1700, 2200)
MOST = 10.0  # times Pillow's time: 3 ms for six notes where Pillow takes 0.65; a network takes thousands


@pytest.fixture(scope="module")
def notes():
    rng = np.random.default_rng(3)
    return [sample_note(rng, 1) for _ in range(6)]


def written(notes, pixels, writer):
    """Six notes from words to pixels."""
    rng = np.random.default_rng(0)
    for k, words in enumerate(notes):
        ink = write(words, writer, rng).moved(20.0, 20.0 + 25.0 * k)
        window = ink_window(ink, SCALE, SIZE)
        soak(pixels, window, ink_plane(ink, SCALE, window), ink.pen)


def printed(notes, image, font):
    """The same words by Pillow."""
    draw = ImageDraw.Draw(image)
    for k, words in enumerate(notes):
        draw.text((160, 160 + 200 * k), words, font=font, fill=(20, 30, 120))


@pytest.fixture(scope="module")
def both(notes):
    pixels, image = np.full((*SIZE, 3), 250, np.uint8), Image.new("RGB", SIZE[::-1], (250, 250, 250))
    writer, font = sample_writer(np.random.default_rng(1), 0.5), ImageFont.load_default(24)
    return lambda: written(notes, pixels, writer), lambda: printed(notes, image, font)


def test_six_notes(benchmark, both):
    both[0]()
    benchmark(both[0])


def test_six_notes_by_pillow(benchmark, both):
    benchmark(both[1])


@pytest.mark.benchmark(group="guard")
def test_guard_writing_takes_at_most_ten_times_printing(benchmark, both):
    written_s, printed_s = cpu_medians(list(both), times=31)
    benchmark.extra_info["cost of six notes over Pillow's"] = figure(written_s / printed_s)
    benchmark.pedantic(both[0], rounds=3)
    assert written_s < MOST * printed_s
