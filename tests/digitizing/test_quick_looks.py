"""What of a picture is looked at before its grid is followed."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fastecg.digitizing import ruled, upright
from fastecg.digitizing.analysis import PageAnalysis, _has_wide_pieces, has_ink, reframed
from fastecg.digitizing.gridless import gridless_warp
from fastecg.digitizing.phase import Lattice
from fastecg.digitizing.segmenter import Layers
from fastecg.digitizing.settings import READ, Settings
from fastecg.digitizing.targets import MAPS, SCALE
from fastecg.digitizing.upright import _has_rows, _may_be_turned, _orientations, _scales_of_pages
from fastecg.digitizing.warp_fit import fit_warp
from fastecg.errors import ImageError


def test_no_grid_is_followed_where_nothing_runs_across():
    maps = np.zeros((6, 400, 1200), dtype=np.float32)
    maps[MAPS.index("trace"), ::40, ::40] = 1.0  # specks
    layers = Layers(maps, np.zeros((14, 100, 300), dtype=np.float32), 1.0)
    assert has_ink(layers)
    assert not _has_wide_pieces(layers)
    maps[MAPS.index("trace"), 200, 100:800] = 1.0
    assert _has_wide_pieces(layers)


def test_pages_larger_than_a3_are_believed_of_the_clearest_scale_alone():
    picture = np.empty((1700, 2200, 3), dtype=np.uint8)
    assert _scales_of_pages(picture, [7.9, 3.8, 6.0], 0.3e6) == [7.9, 6.0]
    assert _scales_of_pages(picture, [3.8, 7.9], 0.3e6) == [3.8, 7.9]


@pytest.mark.parametrize(
    ("nodes", "fives", "found"), [(4, False, False), (190, False, False), (210, False, True), (4, True, False), (60, True, True)]
)
def test_a_grid_of_a_handful_of_lines_is_none(nodes, fives, found, monkeypatch):
    """Any map goes through few places exactly; that of a page is followed over much of it."""
    points = np.random.default_rng(0).uniform(0, 800, (nodes, 2))
    lattice = Lattice(points, points / SCALE, np.ones(nodes), 0, spacing_px=24 if fives else 12)
    monkeypatch.setattr(ruled, "find_grid", lambda *planes: (fit_warp(points, points / SCALE, (800, 1200)), lattice))
    layers = Layers(np.zeros((6, 800, 1200), dtype=np.float32), np.zeros((14, 200, 300), dtype=np.float32), 1.0)
    assert (ruled.picture_grid(layers) is not None) == found


def test_rows_tell_how_a_page_cannot_lie():
    """Upside down it has the rows it has upright, on its side none; one or two may be anything."""
    for rows, turns in (
        ({0: 4}, {2}),
        ({0: 0}, {1, 3}),
        ({0: 1}, {1, 2, 3}),
        ({0: 2, 2: 2}, {1, 3}),
        ({0: 0, 1: 0}, set()),
        ({0: 1, 2: 5}, set()),
    ):
        assert {turned for turned in (1, 2, 3) if turned not in rows and _may_be_turned(turned, rows)} == turns, rows
    assert _may_be_turned(0, {})


def test_the_likeliest_scale_is_looked_at_from_every_side():
    assert _orientations([8.0, 4.0]) == [(8.0, 0), (4.0, 0), (8.0, 2), (8.0, 1), (8.0, 3)]


def look(monkeypatch, analyse_layers, settings=READ, **stubs):
    """Let a picture be turned upright where the network sees nothing, and layers are analysed as told."""
    layers = Layers(np.ones((6, 400, 400), dtype=np.float32), np.zeros((14, 100, 100), dtype=np.float32), 1.0)
    given = {
        "load_segmenter": lambda weights: SimpleNamespace(separate=lambda picture, zoom: replace(layers, zoom=zoom)),
        "_is_mirrored": lambda *given: False,
        "tracks_beat": lambda tracks: True,
        "analyse_layers": analyse_layers,
        **stubs,
    }
    for name, stub in given.items():
        monkeypatch.setattr(upright, name, stub)
    picture = np.random.default_rng(0).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    return upright.analyse_upright(picture, settings)


def unread(layers, gridless):
    """An analysis of layers in which there are rows, but no names."""
    return SimpleNamespace(layers=layers, tracks=(1, 2, 3, 4), names=(), match=None, share_of_names=0.0, gridless=gridless)


@pytest.mark.parametrize(("scales", "turned"), [([8.0], {0, 2}), ([], {0, 1, 2, 3})])
def test_rows_rule_out_turns_of_pages_with_a_grid_alone(scales, turned, monkeypatch):
    """A copy in black and white that lies on its side may seem to have rows of traces: of letters, and of what is left of its grid."""
    looked = set()

    def analyse_layers(layers, layout, turns, **told):
        looked.add(turns)
        return unread(layers, gridless=False)

    look(monkeypatch, analyse_layers, find_scales=lambda *given: scales, _shows_traces=lambda *given: True)
    assert looked == turned


@pytest.mark.parametrize(("beat", "names", "told", "turned"), [
    (False, 2, None, {0}), (True, 2, None, {0, 2}), (False, 5, None, {0, 2}), (False, 2, "3x4", {0, 2}),
])  # fmt: skip
def test_rows_on_a_grid_that_do_not_beat_are_not_turned(beat, names, told, turned, monkeypatch):
    """Prices of shares are no ECG either way up; leads that beat may be upside down, and a layout that is told is believed."""
    looked = set()

    def analyse_layers(layers, layout, turns, **ruled):
        looked.add(turns)
        analysis = unread(layers, gridless=False)
        analysis.match = SimpleNamespace(found=names, score=-1.0, layout=SimpleNamespace(seconds=10.0))
        return analysis

    stubs = {"find_scales": lambda *given: [8.0], "_shows_traces": lambda *given: True, "_at_least_names": lambda *given: True}
    look(monkeypatch, analyse_layers, settings=Settings(layout=told), tracks_beat=lambda tracks: beat, **stubs)
    assert looked == turned


@pytest.mark.parametrize(("told", "refused"), [(None, True), ("12x1", False)])
def test_many_rows_that_do_not_beat_are_refused_at_once_whatever_their_names(told, refused, monkeypatch):
    """Twelve prices of shares that are named after leads are no ECG at another scale either."""
    looked = []

    def analyse_layers(layers, layout, turns, **ruled):
        looked.append((round(SCALE / layers.zoom), turns))
        analysis = unread(layers, gridless=False)
        analysis.tracks = tuple(range(12))
        analysis.match = SimpleNamespace(found=12, score=-1.0, layout=SimpleNamespace(seconds=10.0))
        return analysis

    stubs = {
        "find_scales": lambda *given: [8.0, 5.0], "_shows_traces": lambda *given: True, "_at_least_names": lambda *given: True,
        "_is_plausible": lambda *given: False, "never_beat": lambda tracks: True, "tracks_beat": lambda tracks: False,
    }  # fmt: skip
    with pytest.raises(ImageError, match="do not beat together") if refused else nullcontext():
        look(monkeypatch, analyse_layers, settings=Settings(layout=told), **stubs)
    assert looked[:3] == ([(8, 0)] if refused else [(8, 0), (5, 0), (8, 2)])


@pytest.mark.parametrize(("beat", "looks"), [(False, [(2, 0), (1, 0)]), (True, [(2, 0), (1, 0), (2, 2), (3, 0), (4, 0)])])
def test_a_better_guess_without_the_grid_does_not_make_them_beat(beat, looks, monkeypatch):
    """At another scale names may be found by chance in prices of shares, and no grid."""
    seen = []

    def analyse_layers(layers, layout, turns=0, *, ruled, speed_mm_s):
        scale = round(SCALE / layers.zoom)
        seen.append((scale, turns))
        analysis = unread(layers, gridless=scale != 2)
        analysis.match = SimpleNamespace(found=scale % 2, score=float(scale == 1), layout=SimpleNamespace(seconds=10.0))
        return analysis

    stubs = {
        "find_scales": lambda *given: [20.0, 10.0], "_shows_traces": lambda *given: True, "_at_least_names": lambda *given: True,
        "_scales_of_pages": lambda picture, scales, most: [2.0, 1.0], "_gridless_scales": lambda picture: [3.0, 4.0],
        "_has_rows": lambda *given, **named: True, "_area_mm2": lambda *given: 1.0, "_may_be_negative": lambda picture: False,
        "tracks_beat": lambda tracks: beat,
    }  # fmt: skip
    look(monkeypatch, analyse_layers, **stubs)
    assert seen == looks


@pytest.mark.parametrize(("beat", "looks"), [(False, 2), (True, 3)])
def test_rows_without_a_grid_that_do_not_beat_are_looked_at_once(beat, looks, monkeypatch):
    zooms = []

    def analyse_layers(layers, layout, turns=0, *, ruled, speed_mm_s):
        zooms.append(layers.zoom)
        return unread(layers, gridless=True)

    stubs = {"find_scales": lambda *given: [27.0], "_orientations": lambda scales: [(scales[0], 0)], "tracks_beat": lambda tracks: beat}
    look(monkeypatch, analyse_layers, _TINY_MM2=0.0, **stubs)
    assert len(set(zooms)) == looks


@pytest.mark.parametrize(("beat", "told"), [(False, None), (True, None), (False, "3x4")])
def test_a_page_larger_than_a3_has_to_beat(beat, told, monkeypatch):
    """To read its rows takes gigabytes."""
    stubs = {
        "find_scales": lambda *given: [2.0], "_shows_traces": lambda *given: True, "_has_rows": lambda *given, **named: True,
        "_orientations": lambda scales: [(scales[0], 0)], "tracks_beat": lambda tracks: beat, "enough_names": lambda analysis: True,
    }  # fmt: skip
    refused = not beat and told is None
    with pytest.raises(ImageError, match="do not beat together") if refused else nullcontext():
        look(monkeypatch, lambda layers, *given, **ruled: unread(layers, gridless=False), settings=Settings(layout=told), **stubs)


@pytest.mark.parametrize(("gridless", "tiny_mm2", "looks"), [(False, 0.0, 1), (True, 0.0, 3), (False, 8e3, 5), (True, 8e3, 5)])
def test_a_page_whose_grid_was_none_is_looked_at_as_one_without(gridless, tiny_mm2, looks, monkeypatch):
    """Letters side by side have a period too, and a scale that it tells is a wrong one."""
    zooms = []

    def analyse_layers(layers, layout, turns=0, *, ruled, speed_mm_s):
        zooms.append(layers.zoom)
        return unread(layers, gridless)

    stubs = {"find_scales": lambda *given: [27.0], "_orientations": lambda scales: [(scales[0], 0)]}
    look(monkeypatch, analyse_layers, _TINY_MM2=tiny_mm2, **stubs)
    assert len(set(zooms)) == looks


@pytest.mark.parametrize(
    ("found", "beat", "never", "named", "seen"),
    [
        (1, False, False, True, False),
        (1, True, False, True, True),
        (3, False, False, True, True),
        (3, False, True, True, False),
        (1, False, True, False, True),
    ],
)
def test_rows_of_a_large_picture_beat_or_have_names(found, beat, never, named, seen, monkeypatch):
    """Music has rows too. A page that is tilted seems not to beat before its grid is known, but has names, the right way up.

    Many rows that beat at no tilt are no ECG, whatever their names.
    """
    turned = []

    def analyse_layers(layers, layout, turns, **told):
        turned.append(turns)
        rows = [1, 2, 3] if turns % 2 == 0 else []
        return SimpleNamespace(tracks=rows, match=SimpleNamespace(found=found if turns == 2 else 0))

    monkeypatch.setattr(upright, "analyse_layers", analyse_layers)
    monkeypatch.setattr(upright, "tracks_beat", lambda tracks: beat)
    monkeypatch.setattr(upright, "never_beat", lambda tracks: never)
    network = SimpleNamespace(separate=lambda picture, zoom: None)
    assert _has_rows(np.zeros((900, 900, 3), dtype=np.uint8), network, named=named) == seen
    assert turned == ([0] if beat or not named else [0, 1, 2]), "on its side it has no rows, so that upside down is not looked at"


def test_a_plausible_scale_is_taken_although_another_has_a_better_score(monkeypatch):
    stubs = {
        "find_scales": lambda *given: [8.0, 5.0], "_shows_traces": lambda *given: True,
        "_rank": lambda analysis: (analysis.layers.zoom < 1.0,), "_is_plausible": lambda analysis, settings: analysis.layers.zoom > 1.0,
    }  # fmt: skip
    found = look(monkeypatch, lambda layers, *given, **ruled: unread(layers, gridless=False), **stubs)
    assert found.layers.zoom == pytest.approx(SCALE / 5.0)


@pytest.mark.parametrize("negative", [False, True])
def test_a_negative_stays_one_at_another_scale(monkeypatch, negative):
    maps = np.zeros((len(MAPS), 300, 400), dtype=np.float32)
    warp = gridless_warp((300, 400), SCALE)
    again = reframed(PageAnalysis(Layers(maps, maps, 1.0), warp, (), (), (), 0, gridless=True, negative=negative), 1.05, 0.01, None)
    assert again.negative == negative
    assert again.warp.scale == pytest.approx(1.05 * SCALE, rel=1e-3)
    assert again.tilt == pytest.approx(0.01)
