"""Scores against what can be worked out by hand."""

import csv
import json

import numpy as np
import pytest
import wfdb
from typer.testing import CliRunner

import fastecg
from fastecg.cli import app
from fastecg.digitizing import metrics
from fastecg.digitizing.metrics import KAGGLE_CLIP, challenge_2024, decibels, kaggle_2025, raw_snr
from fastecg.digitizing.score import LeadScore, RecordScore, _spread
from fastecg.writers.wfdb import write_empty_header, write_record

FS = 500.0


def beats(samples=1250, seed=0):
    """Spikes at uneven places on a slow wave: a signal whose alignment is unmistakable."""
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / FS
    return 0.2 * np.sin(2 * np.pi * 0.7 * t) + sum(np.exp(-(((t - at) / 0.012) ** 2)) for at in rng.uniform(0.2, t[-1] - 0.2, 4))


def record(*signals, leads=None, name="r", fs=FS):
    return fastecg.Record(np.array(signals), fs, leads or fastecg.LEADS[: len(signals)], name)


def test_a_header_without_signals_counts_as_nothing_read(tmp_path):
    for name in ("a", "b"):
        write_record(tmp_path / "ref" / name, record(beats(), name=name))
    write_record(tmp_path / "est" / "a", record(0.9 * beats(), name="a"))
    write_empty_header(tmp_path / "est" / "b", FS)
    assert wfdb.rdheader(str(tmp_path / "est" / "b")).n_sig == 0
    told = CliRunner().invoke(app, ["score", str(tmp_path / "ref"), str(tmp_path / "est"), "--json"])
    found = {row["record"]: row["snr_db"] for row in json.loads(told.stdout)["rows"]}
    assert found["b"] == 0.0
    assert found["a"] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("gain", [0.9, 0.99, 1.001])
def test_a_gain_error_has_the_same_decibels_everywhere(gain):
    x = beats()
    wanted = -20 * np.log10(abs(1 - gain))
    assert raw_snr(x, gain * x) == pytest.approx(wanted, abs=1e-6)
    signal, noise = kaggle_2025(x - x.mean(), gain * (x - x.mean()), FS)
    assert decibels(signal, noise) == pytest.approx(wanted, abs=1e-6)


def test_added_noise_has_the_decibels_of_its_power():
    x = beats(5000)
    noise = np.random.default_rng(1).normal(0, 0.01, x.size)
    wanted = 10 * np.log10(np.sum(x**2) / np.sum(noise**2))
    assert raw_snr(x, x + noise) == pytest.approx(wanted, abs=1e-9)
    assert challenge_2024(x, x + noise, FS) == pytest.approx(wanted, abs=0.2)  # its alignment may move by a level
    assert decibels(*kaggle_2025(x, x + noise, FS)) == pytest.approx(wanted, abs=0.05)


def test_raw_snr_forgives_no_offset():
    x = beats()
    assert raw_snr(x, x + 0.1) == pytest.approx(10 * np.log10(np.mean(x**2) / 0.01))
    assert raw_snr(x, np.roll(x, 5)) < 7


@pytest.mark.parametrize(("late", "up"), [(0, 0.0), (7, 0.0), (-31, 0.2), (90, -0.4), (100, 0.0), (-100, 0.1)])
def test_the_published_metrics_forgive_offsets(late, up):
    x = np.pad(beats(1000), 200, mode="edge")
    moved = np.roll(x, late) + up
    # What is left is a step of the 256 levels, and the samples that moving loses.
    level = (max(x.max(), moved.max()) - min(x.min(), moved.min())) / 255
    share = 1 - abs(late) / len(x)
    assert challenge_2024(x, moved, FS) >= share * 10 * np.log10(np.mean(x**2) / level**2) - 1
    if abs(late) <= 0.2 * FS:
        inside = slice(max(-late, 0), len(x) - max(late, 0))
        lost = np.sum(np.delete(x, np.arange(len(x))[inside]) ** 2)
        signal, noise = kaggle_2025(x, moved, FS)
        assert signal == pytest.approx(np.sum(x**2))
        assert noise == pytest.approx(lost, rel=0.05, abs=1e-3)


def test_offsets_too_large_are_not_forgiven():
    x = np.pad(beats(1000), 400, mode="edge")
    assert challenge_2024(x, x + 1.5, FS) == pytest.approx(raw_snr(x, x + 1.5), abs=1e-6)
    assert challenge_2024(x, np.roll(x, 260), FS) == pytest.approx(raw_snr(x, np.roll(x, 260)), abs=1e-6)
    for late in (115, -115, 150):  # 0.23 s and more
        assert decibels(*kaggle_2025(x, np.roll(x, late), FS)) < 6


@pytest.mark.parametrize("early", [3, 40])
def test_the_published_code_cuts_what_begins_early(early):
    """A twin of its rule, written from its description: NaN for k samples, then no more than k of the estimate."""
    rng = np.random.default_rng(5)
    x = np.pad(beats(1000), 200, mode="edge") + rng.normal(0, 1e-3, 1400)
    found = np.roll(x, -early)
    aligned = np.concatenate([np.full(early, np.nan), found[:early]])
    aligned = np.concatenate([aligned, np.full(len(x) - len(aligned), np.nan)])
    both = np.isfinite(aligned)
    wanted = both.mean() * 10 * np.log10(np.mean(x[both] ** 2) / max(np.mean((x - aligned)[both] ** 2), 1e-30))
    official = challenge_2024(x, found + 1e-4, FS, as_published=True)
    assert official < wanted
    assert official < 0.3 * challenge_2024(x, found + 1e-4, FS)
    assert challenge_2024(x, np.roll(x, early), FS, as_published=True) == challenge_2024(x, np.roll(x, early), FS)


def test_a_short_lead_that_begins_early_has_nothing_by_the_published_code():
    """As on a page of 3x4: the lead's seconds are the third 2.5 of 10, and the first k samples are none of it."""
    x = np.full(5000, np.nan)
    x[2500:3750] = beats()
    found = np.full(5000, np.nan)
    found[2497:3747] = beats() + 0.01
    assert challenge_2024(x, found, FS) > 15
    assert challenge_2024(x, found, FS, as_published=True) == 0.0


def test_samples_not_drawn_are_left_out():
    x = beats()
    drawn = x.copy()
    drawn[600:] = np.nan
    wild = np.where(np.arange(x.size) < 600, 1.1 * x, 99.0)
    assert raw_snr(drawn, wild) == pytest.approx(20.0)
    assert kaggle_2025(drawn, wild, FS)[0] == pytest.approx(np.sum(x[:600] ** 2))
    assert challenge_2024(drawn, wild[:], FS) < 20.1


def test_samples_missing_in_the_estimate():
    x = beats()
    half = x.copy()
    half[::2] = np.nan
    assert raw_snr(x, half) == pytest.approx(10 * np.log10(np.sum(x**2) / np.sum(x[::2] ** 2)))
    noisy = half + 0.01
    both = np.isfinite(half)
    forgiven = challenge_2024(x, noisy, FS)
    assert forgiven <= 0.5 * 10 * np.log10(np.mean(x[both] ** 2) / 1e-12)
    assert challenge_2024(x, np.full_like(x, np.nan), FS) == 0.0
    assert raw_snr(x, np.full_like(x, np.nan)) == 0.0


def test_perfect_and_empty():
    x = beats()
    assert raw_snr(x, x) == np.inf
    assert np.isnan(raw_snr(0 * x, x))
    assert np.isnan(challenge_2024(np.full_like(x, np.nan), x, FS))


def test_scores_of_records():
    x = beats()
    wanted = [record(x, 2 * x, name="a"), record(x, 2 * x, name="b")]
    found = [record(0.9 * x, 1.8 * x, name="a"), record(0.99 * x, np.full_like(x, np.nan), name="b")]
    scores = fastecg.score(wanted, found)
    a, b = scores.records
    assert a.snr_db == pytest.approx(20.0, abs=1e-4)
    assert b.snr_db == pytest.approx(20.0, abs=1e-4)  # 40 and 0 dB
    assert not a.failed
    assert b.failed
    summary = scores.summary()
    assert summary["records"] == 2
    assert summary["snr_mean_db"] == pytest.approx(20.0, abs=1e-4)
    assert summary["snr_sd_db"] == pytest.approx(0.0, abs=1e-4)
    assert summary["failure_rate"] == 0.5
    assert summary["missing"] == 0.25
    assert scores.per_lead()["II"]["snr_mean_db"] == pytest.approx(10.0, abs=1e-4)
    assert [row["record"] for row in scores.rows()] == ["a", "a", "b", "b"]


def test_the_kaggle_clip_bounds_a_record():
    x = beats() - beats().mean()
    summary = fastecg.score(record(x), record(0.999 * x)).summary()
    assert summary["kaggle_2025_db"] == pytest.approx(10 * np.log10(KAGGLE_CLIP))
    assert summary["kaggle_2025_db"] == pytest.approx(25.84, abs=0.005)
    assert summary["kaggle_2025_unclipped_db"] == pytest.approx(60.0, abs=0.1)


def test_every_record_is_clipped_by_itself():
    x = beats() - beats().mean()
    good, fair = record(0.999 * x), record(0.5 * x)
    summary = fastecg.score([record(x), record(x)], [good, fair]).summary()
    assert summary["kaggle_2025_db"] == pytest.approx(10 * np.log10((KAGGLE_CLIP + 4.0) / 2), abs=0.01)


def test_a_lead_that_is_not_there_counts():
    x = beats()
    scores = fastecg.score(record(x, x), record(x * 0.9))
    assert [lead.snr_db for lead in scores.records[0].leads] == pytest.approx([20.0, 0.0], abs=1e-4)


def test_what_cannot_be_compared_is_refused():
    x = beats()
    with pytest.raises(fastecg.RecordError, match="250 Hz, expected 500 Hz"):
        fastecg.score(record(x), record(x, fs=250.0))
    with pytest.raises(fastecg.RecordError, match="2 references and 1 estimates"):
        fastecg.score([record(x), record(x)], [record(x)])
    with pytest.raises(fastecg.RecordError, match="every sample of the reference is missing"):
        fastecg.score(record(np.full_like(x, np.nan)), record(x))


@pytest.mark.parametrize(("up", "forgiven"), [(0.9, True), (1.2, False), (-0.9, True), (-1.2, False)])
def test_an_offset_of_more_than_a_millivolt_is_not_forgiven(up, forgiven):
    x = beats()
    assert (challenge_2024(x, x + up, FS) > 20) is forgiven


def test_what_the_published_code_gives_stands_apart():
    """An estimate that begins early loses all but its beginning there."""
    x = beats()
    early = np.concatenate([x[20:], np.zeros(20)]) + np.random.default_rng(0).normal(0, 0.01, len(x))
    (lead,) = fastecg.score(record(x), record(early)).records[0].leads
    assert lead.challenge_2024_db == pytest.approx(challenge_2024(x, early, FS), abs=0.01)
    assert lead.challenge_2024_official_db == pytest.approx(challenge_2024(x, early, FS, as_published=True), abs=0.01)
    assert lead.challenge_2024_db > 20 * lead.challenge_2024_official_db


@pytest.mark.parametrize(("decibels", "failed"), [(4.99, True), (5.0, False), (5.01, False)])
def test_a_record_fails_below_5_db(decibels, failed):
    leads = tuple(LeadScore(lead, snr_db, 0, 0, 1, 1, 0) for lead, snr_db in (("I", 30.0), ("II", decibels)))
    assert RecordScore("r", leads).failed is failed


def test_perfect_records_have_no_decibels_to_average():
    assert _spread(np.array([np.inf, np.nan]))["snr_mean_db"] == np.inf
    assert np.isnan(_spread(np.array([np.nan]))["snr_mean_db"])
    assert _spread(np.array([np.inf, 10.0, 20.0]))["snr_mean_db"] == 15.0


def test_tables_hold_any_name(tmp_path):
    """Names with a comma or quotes stay one cell."""
    for folder in ("ref", "est"):
        (tmp_path / folder).mkdir()
        write_record(tmp_path / folder / "a", record(beats(), name="a"))
        for suffix in (".hea", ".dat"):
            (tmp_path / folder / f"a{suffix}").rename(tmp_path / folder / f'x,"y"{suffix}')
        header = tmp_path / folder / 'x,"y".hea'
        header.write_text(header.read_text().replace("a.dat", 'x,"y".dat'))
    rows = list(csv.reader(run(tmp_path / "ref", tmp_path / "est", "--csv").stdout.splitlines()))
    assert [row[:2] for row in rows] == [["record", "lead"], ['x,"y"', "I"]]
    assert {len(row) for row in rows} == {7}


@pytest.fixture
def folders(tmp_path):
    x = beats()
    for folder, gain in (("wanted", 1.0), ("found", 0.9)):
        (tmp_path / folder).mkdir()
        write_record(tmp_path / folder / "a", record(gain * x, gain * x, name="a"))
    write_record(tmp_path / "wanted" / "b", record(x, x, name="b"))
    return tmp_path / "wanted", tmp_path / "found"


def run(*words):
    return CliRunner().invoke(app, ["score", *map(str, words)])


def test_command_on_folders(folders):
    result = run(*folders, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["summary"]["records"] == 2
    assert told["summary"]["failure_rate"] == 0.5  # b was not recovered
    assert told["summary"]["snr_mean_db"] == pytest.approx(10.0, abs=0.1)


def test_command_on_records(folders):
    wanted, found = folders
    table = run(wanted / "a", found / "a").stdout
    assert "raw SNR               20.0" in table
    lines = run(wanted / "a", found / "a", "--csv").stdout.splitlines()
    assert lines[0] == "record,lead,snr_db,challenge_2024_db,challenge_2024_official_db,kaggle_2025_db,missing"
    assert [line.split(",")[:2] for line in lines[1:]] == [["a", "I"], ["a", "II"]]


def test_command_refuses_folders_without_common_names(folders, tmp_path):
    (tmp_path / "other").mkdir()
    write_record(tmp_path / "other" / "c", record(beats(), name="c"))
    result = run(folders[0], tmp_path / "other")
    assert result.exit_code == 2
    assert "no record has the name" in result.output


def test_a_plot_of_scores(tmp_path):
    pytest.importorskip("matplotlib")
    from PIL import Image

    from fastecg.digitizing.score_plot import plot_scores

    rng = np.random.default_rng(0)
    wanted = [fastecg.simulate(seed=k, fs=100) for k in range(3)]
    found = [fastecg.Record(r.signal + rng.normal(0, 0.02, r.signal.shape), r.fs, r.leads, r.name) for r in wanted]
    plot_scores(fastecg.score(wanted, found), tmp_path / "scores.png")
    with Image.open(tmp_path / "scores.png") as drawn:
        assert drawn.width > 800
    with pytest.raises(fastecg.FastecgError, match=r"scores\.nothing"):
        plot_scores(fastecg.score(wanted, found), tmp_path / "scores.nothing")
    plot_scores(fastecg.score(wanted, found), tmp_path / "made" / "scores")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["scores.png"]


def test_a_plot_that_is_broken_off_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure").Figure
    from fastecg.digitizing.score_plot import plot_scores

    def half(self, target, **more):
        with target if hasattr(target, "write") else open(target, "wb") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    record, target = fastecg.simulate(seed=1, fs=100), tmp_path / "scores.png"
    target.write_bytes(b"whole")
    monkeypatch.setattr(figure, "savefig", half)
    with pytest.raises(KeyboardInterrupt):
        plot_scores(fastecg.score(record, record), target)
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_pictures_are_held_against_what_they_show(tmp_path):
    """Two pages and two variants of a record: each picture against its own page, and the samples that are on it."""
    whole = fastecg.simulate("sinus", seed=1, seconds=20.0, fs=100, name="x")
    write_record(tmp_path / "in" / "x", whole)
    fastecg.render_dataset(tmp_path / "in", tmp_path / "ref", layout="3x4", dpi=50, per_record=2, workers=1)
    for k in range(4):
        page = whole.signal[:, 1000 * (k % 2) : 1000 * (k % 2 + 1)]
        write_record(tmp_path / "est" / f"x-{k}", fastecg.Record(0.9 * page, whole.fs, whole.leads, f"x-{k}"))
    told = json.loads(run(tmp_path / "ref", tmp_path / "est", "--json").stdout)
    assert [row["record"] for row in told["rows"][::12]] == ["x-0", "x-1", "x-2", "x-3"]
    assert told["summary"]["snr_mean_db"] == pytest.approx(20.0, abs=0.1)
    assert told["summary"]["missing"] == 0.0
    (tmp_path / "est" / "x-3.hea").unlink()
    told = json.loads(run(tmp_path / "ref", tmp_path / "est", "--json").stdout)
    assert told["summary"]["snr_mean_db"] == pytest.approx(15.0, abs=0.1)  # what was not recovered has 0 dB
    assert told["summary"]["missing"] == 0.25


@pytest.mark.parametrize("share", [1.0, 0.75, 0.5, 0.2])
def test_the_2024_metric_counts_the_share_that_was_found(share):
    """The decibels of what is there, times the share that is there: no more for leaving out what is hard."""
    x = beats(2000)
    error = 0.02 * (-1.0) ** np.arange(2000)
    found = x + error
    found[round(2000 * share) :] = np.nan
    there = np.isfinite(found)
    alone = challenge_2024(np.where(there, x, np.nan), found, FS)
    assert 15 < alone < 30
    assert challenge_2024(x, found, FS) == pytest.approx(alone * there.mean(), rel=0.03)  # levels are a little other ones


def test_flat_signals_are_not_moved():
    estimate, later = metrics._aligned_as_pictures(np.full(1000, 0.3), np.full(1000, 0.3), FS)
    assert later == 0
    np.testing.assert_array_equal(estimate, 0.3)
