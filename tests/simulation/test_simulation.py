"""`fastecg.simulate`: the laws of the leads, the rhythms' timing, the conductions' shapes."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, find_peaks, sosfiltfilt

from fastecg.errors import RecordError
from fastecg.record import EXTRA_LEADS, LEADS, Record
from fastecg.simulation import CONDUCTIONS, RHYTHMS, simulate
from fastecg.simulation.cases import Case
from fastecg.simulation.heart import TimedLobes, dipole_of

RHYTHM_NAMES = [row.name for row in RHYTHMS]
CONDUCTION_NAMES = [row.name for row in CONDUCTIONS]


def qrs_times(record: Record) -> np.ndarray:
    """Moments of steepest potential, all leads together; wide beats count as one, pacing spikes are too narrow to pass."""
    steep = sosfiltfilt(butter(2, [4, 25], "band", fs=record.fs, output="sos"), record.signal)
    power = sosfiltfilt(butter(2, 5, fs=record.fs, output="sos"), (steep**2).sum(0))
    peaks, _ = find_peaks(power, height=0.33 * np.percentile(power, 99), distance=int(0.2 * record.fs))
    return peaks / record.fs


def beats(record: Record, lead: str, before_s: float, after_s: float, times: np.ndarray | None = None) -> np.ndarray:
    """Every whole beat of one lead, aligned at its QRS (or at `times`), shape (beats, samples)."""
    fs, a, b = record.fs, int(before_s * record.fs), int(after_s * record.fs)
    at = ((qrs_times(record) if times is None else times) * fs).astype(int)
    return np.array([record.lead(lead)[k - a : k + b] for k in at if k >= a and k + b <= record.samples])


def median_beat(conduction: str, lead: str, seed: int) -> np.ndarray:
    """Half a second of one beat from 80 ms before the middle of a normal QRS, against the PR segment.

    Conduction moves no beat, so the normal record says where they are, however tall the T waves.
    """
    record = simulate(conduction=conduction, seed=seed, noise=0, heart_rate=65)
    times = qrs_times(simulate(seed=seed, noise=0, heart_rate=65))
    beat = np.median(beats(record, lead, 0.08, 0.45, times), axis=0)
    return beat - beat[:5].mean()


@pytest.mark.parametrize("noise", [0.0, 1.0, 5.0])
def test_einthoven_and_goldberger_hold_noise_included(noise):
    record = simulate(seed=3, noise=noise)
    one, two, three = (record.lead(lead).astype(float) for lead in ("I", "II", "III"))
    np.testing.assert_allclose(one + three, two, atol=1e-6)
    np.testing.assert_allclose(record.lead("aVR"), -(one + two) / 2, atol=1e-6)
    np.testing.assert_allclose(record.lead("aVL"), one - two / 2, atol=1e-6)
    np.testing.assert_allclose(record.lead("aVF"), two - one / 2, atol=1e-6)


def test_chest_leads_follow_dower():
    """V1 to V6 against Frank's leads, by the numbers of the 1980 table."""
    record = simulate(leads=("I", "II", "V1", "V6", "vx", "vy", "vz"), noise=0)
    frank = np.stack([record.lead(lead) for lead in ("vx", "vy", "vz")])
    for lead, row in {
        "I": (0.632, -0.235, 0.059),
        "II": (0.235, 1.066, -0.132),
        "V1": (-0.515, 0.157, -0.917),
        "V6": (0.831, 0.076, 0.230),
    }.items():
        np.testing.assert_allclose(record.lead(lead), row @ frank, atol=1e-5)


def test_the_ragged_sum_of_lobes_equals_the_plain_one():
    rng = np.random.default_rng(1)
    lobes = TimedLobes(rng.uniform(-1, 4, 60), rng.uniform(0.001, 0.1, 60), rng.uniform(0.001, 0.1, 60), rng.normal(size=(60, 3)))
    t = np.arange(900) / 300
    plain = np.zeros((3, 900))
    for at, rise, fall, height in zip(*lobes, strict=True):
        plain += height[:, None] * np.exp(-0.5 * ((t - at) / np.where(t < at, rise, fall)) ** 2)
    np.testing.assert_allclose(dipole_of(lobes, 900, 300.0), plain, atol=1e-4)


def test_shape_name_and_defaults():
    record = simulate()
    assert (record.leads, record.signal.shape, record.fs) == (LEADS, (12, 5000), 500)
    assert record.name == "sinus-normal-0"
    assert simulate(seconds=2.5, fs=360, name="mine").signal.shape == (12, 900)
    assert simulate(leads=LEADS + EXTRA_LEADS, name="all").leads == LEADS + EXTRA_LEADS


def test_same_arguments_same_record_and_every_argument_counts():
    base = simulate("atrial_fibrillation", seed=5)
    assert np.array_equal(base.signal, simulate("atrial_fibrillation", seed=5).signal)
    for other in ({"seed": 6}, {"noise": 0.5}, {"conduction": "rbbb"}, {"heart_rate": 90}):
        assert not np.array_equal(base.signal, simulate("atrial_fibrillation", **{"seed": 5, **other}).signal)


def test_noise_is_added_and_scales():
    clean, once, twice = (simulate(seed=8, noise=noise).signal.astype(float) for noise in (0, 1, 2))
    np.testing.assert_allclose(twice - clean, 2 * (once - clean), atol=2e-6)
    assert 0.005 < (once - clean).std() < 0.3


def test_leads_do_not_depend_on_which_others_are_asked_for():
    everything = simulate(seed=2, leads=LEADS + EXTRA_LEADS)
    for some in (("V5",), ("II", "V1"), LEADS):
        record = simulate(seed=2, leads=some)
        for lead in some:
            np.testing.assert_allclose(record.lead(lead), everything.lead(lead), atol=1e-6)


def test_lead_off_shows_no_heart_and_leaves_the_others():
    record, whole = simulate(lead_off=("V3",)), simulate()
    assert not simulate(lead_off=("V3",), noise=0).lead("V3").any()
    off = record.lead("V3")
    assert 0.002 < off.std() < 0.3
    assert abs(np.corrcoef(np.diff(off), np.diff(whole.lead("V3")))[0, 1]) < 0.1
    assert np.array_equal(record.lead("V2"), whole.lead("V2"))


@pytest.mark.parametrize("rhythm", RHYTHM_NAMES)
@pytest.mark.parametrize("fs", [100.0, 250.0, 1000.0])
def test_every_fs_reads_the_same_curves(rhythm, fs):
    fine, coarse = simulate(rhythm, fs=1000, noise=0, seconds=6), simulate(rhythm, fs=fs, noise=0, seconds=6)
    np.testing.assert_allclose(coarse.signal, fine.signal[:, :: int(1000 / fs)], atol=1e-4)  # lobes end at 4e-6 of their height


@pytest.mark.parametrize("rhythm", RHYTHM_NAMES)
@pytest.mark.parametrize("conduction", CONDUCTION_NAMES)
def test_every_combination_is_finite_and_of_human_size(rhythm, conduction):
    for seed in (0, 1):
        record = simulate(rhythm, conduction=conduction, seed=seed, seconds=6)
        assert np.isfinite(record.signal).all()
        sizes = np.ptp(record.signal, axis=1)
        assert sizes.min() > 0.03
        assert 0.4 < sizes.max() < 9
        assert abs(np.median(record.signal)) < 0.3


@pytest.mark.parametrize("rhythm", RHYTHM_NAMES)
def test_heart_rate_is_the_one_asked_for(rhythm):
    row = RHYTHMS[RHYTHM_NAMES.index(rhythm)]
    for share in (0.2, 0.8):
        wanted = row.rate[0] + share * (row.rate[1] - row.rate[0])
        times = qrs_times(simulate(rhythm, heart_rate=wanted, seconds=40, noise=0.3, seed=4))
        tolerance = 0.10 if rhythm == "atrial_fibrillation" else 0.05
        assert 60 * (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(wanted, rel=tolerance)


@pytest.mark.parametrize("rhythm", RHYTHM_NAMES)
def test_drawn_heart_rate_lies_in_the_rows_range(rhythm):
    low, high = RHYTHMS[RHYTHM_NAMES.index(rhythm)].rate
    for seed in range(3):
        times = qrs_times(simulate(rhythm, seconds=30, noise=0, seed=seed))
        assert 0.88 * low < 60 * (len(times) - 1) / (times[-1] - times[0]) < 1.12 * high


def rr_spread(rhythm: str, seed: int) -> float:
    rr = np.diff(qrs_times(simulate(rhythm, heart_rate=80, seconds=60, noise=0, seed=seed)))
    return float(rr.std() / rr.mean())


def test_fibrillation_is_irregular_and_sinus_is_not():
    for seed in range(4):
        assert 0.005 < rr_spread("sinus", seed) < 0.08 < rr_spread("sinus_arrhythmia", seed)
        assert 0.14 < rr_spread("atrial_fibrillation", seed) < 0.35
        assert rr_spread("dual_chamber_paced", seed) < 0.01


def test_noise_and_fs_move_no_beat():
    reference = qrs_times(simulate("atrial_fibrillation", seed=3, noise=0))
    np.testing.assert_allclose(qrs_times(simulate("atrial_fibrillation", seed=3, noise=0.5)), reference, atol=0.012)
    np.testing.assert_allclose(qrs_times(simulate("atrial_fibrillation", seed=3, noise=0, fs=200)), reference, atol=0.012)


def p_to_qrs(rhythm: str, seed: int) -> np.ndarray:
    """Peak of P in lead II to the QRS, in s, a beat."""
    windows = beats(simulate(rhythm, noise=0, seed=seed, heart_rate=55, seconds=20), "II", 0.42, 0.1)
    p = windows[:, : int(0.36 * 500)].argmax(axis=1)
    return 0.42 - p / 500


def test_pr_interval_is_long_in_first_degree_block():
    for seed in range(5):
        assert 0.08 < np.median(p_to_qrs("sinus", seed)) < 0.19
        assert 0.22 < np.median(p_to_qrs("first_degree_av_block", seed)) < 0.34


def test_wenckebach_grows_then_drops():
    times = qrs_times(simulate("wenckebach", noise=0, seconds=40, heart_rate=60, seed=1))
    rr = np.diff(times)
    assert rr.max() > 1.4 * np.median(rr[rr < 1.2 * rr.min()])
    pr = p_to_qrs("wenckebach", 1)
    assert np.ptp(pr) > 0.06


@pytest.mark.parametrize("rhythm", ["mobitz_ii", "premature_ventricular", "bigeminy", "trigeminy", "premature_atrial"])
def test_grouped_rhythms_have_long_and_short_intervals(rhythm):
    rr = np.diff(qrs_times(simulate(rhythm, noise=0, seconds=30, heart_rate=60, seed=2)))
    assert rr.max() / rr.min() > 1.4


def test_flutter_and_fibrillation_have_their_own_atrial_frequency():
    """The spectrum of what is left between T and Q at a slow ventricular rate."""
    record = simulate("atrial_flutter", heart_rate=72.5, seconds=60, noise=0, seed=1)
    power = np.abs(np.fft.rfft(record.lead("II") * np.hanning(record.samples))) ** 2
    hertz = np.fft.rfftfreq(record.samples, 1 / 500)
    near = (hertz > 4.4) & (hertz < 5.3)
    assert hertz[near][power[near].argmax()] == pytest.approx(4 * 72.5 / 60, rel=0.02)


def test_pacing_spikes_are_narrow_and_there():
    steepest = {name: np.abs(np.diff(simulate(name, noise=0, fs=1000).signal)).max() for name in ("sinus", "ventricular_paced")}
    assert steepest["ventricular_paced"] > 0.3 > steepest["sinus"]


def qrs_width(conduction: str, seed: int) -> float:
    """Time in s between the first and the last moment the dipole moves fast, from Frank's leads."""
    record = simulate(conduction=conduction, noise=0, fs=1000, leads=("vx", "vy", "vz"), seed=seed, heart_rate=65)
    speed = np.sqrt((np.gradient(record.signal, axis=1) ** 2).sum(0))
    widths = []
    for k in (qrs_times(record) * 1000).astype(int)[1:-1]:
        near = speed[k - 120 : k + 120]
        fast = np.nonzero(near > 0.08 * near.max())[0]
        widths.append(np.ptp(fast) / 1000)
    return float(np.median(widths))


def test_qrs_is_narrow_unless_a_bundle_is_blocked():
    for seed in range(6):
        assert 0.065 < qrs_width("normal", seed) < 0.105
        for wide in ("rbbb", "lbbb"):
            assert 0.105 < qrs_width(wide, seed) < 0.17
        assert qrs_width("wpw", seed) > qrs_width("normal", seed) + 0.012


def test_r_wave_grows_from_v1_to_v4():
    for seed in range(20):
        r = [median_beat("normal", lead, seed).max() for lead in ("V1", "V2", "V4")]
        s = [-median_beat("normal", lead, seed).min() for lead in ("V1", "V2", "V6")]
        assert max(r[:2]) < r[2]
        assert min(s[:2]) > s[2]


@pytest.mark.parametrize("seed", range(5))
def test_conductions_look_like_their_names(seed):
    late = slice(int(0.09 * 500), int(0.18 * 500))  # the end of a wide QRS
    st = int((0.08 + 0.085) * 500)  # about 80 ms after J

    def beat(conduction: str, lead: str) -> np.ndarray:
        return median_beat(conduction, lead, seed)

    def t_wave(conduction: str, lead: str) -> float:
        wave = beat(conduction, lead)[int(0.28 * 500) :]
        return float(wave[np.abs(wave).argmax()])

    assert beat("rbbb", "V1")[late].max() > 0.25
    assert beat("rbbb", "I")[late].min() < -0.08
    assert t_wave("rbbb", "V1") < 0 < t_wave("normal", "V5")
    assert beat("lbbb", "V1").min() < -0.5
    assert beat("lbbb", "V6")[: int(0.13 * 500)].min() > -0.12  # neither q nor s
    assert t_wave("lbbb", "V6") < 0 < t_wave("lbbb", "V1")
    assert -beat("lafb", "II").min() > 0.25 < beat("lafb", "aVL").max()
    assert beat("lvh", "V5").max() - beat("lvh", "V1").min() > 1.4 * (beat("normal", "V5").max() - beat("normal", "V1").min())
    assert beat("low_voltage", "II").max() < 0.75
    assert beat("st_elevation_anterior", "V3")[st] > 0.15
    assert beat("st_elevation_inferior", "aVL")[st] < -0.04 < 0.1 < beat("st_elevation_inferior", "III")[st]
    assert beat("st_depression", "V5")[st] < -0.06
    assert t_wave("inverted_t", "V3") < -0.1
    assert t_wave("old_inferior_mi", "III") < 0
    assert beat("old_anterior_mi", "V2").max() < 0.4
    assert t_wave("hyperkalaemia", "V4") > 0.6


def test_long_qt_and_rate_move_the_t_wave():
    def t_peak(**how: object) -> float:
        record = simulate(noise=0, seed=1, **how)  # type: ignore[arg-type]
        windows = beats(record, "V4", 0.0, 0.6)[:, int(0.12 * 500) :]
        return float(np.median(windows.argmax(axis=1)) / 500)

    assert t_peak(conduction="long_qt", heart_rate=60) > t_peak(heart_rate=60) + 0.05
    assert t_peak(heart_rate=45) > t_peak(heart_rate=90) + 0.04


@pytest.mark.parametrize("rhythm", RHYTHM_NAMES)
def test_shortest_and_oddest_requests(rhythm):
    for seed in range(3):
        for how in ({"seconds": 0.1, "heart_rate": 20, "fs": 50}, {"seconds": 3.0, "heart_rate": 300}, {"seconds": 1.007, "fs": 333.3}):
            assert np.isfinite(simulate(rhythm, seed=seed, **how).signal).all()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"rhythm": "waltz"}, "waltz.*sinus_bradycardia"),
        ({"conduction": "copper"}, "copper.*lbbb"),
        ({"fs": 0}, "sampling frequency is 0"),
        ({"fs": float("nan")}, "sampling frequency is nan"),
        ({"seconds": -1}, "length is -1"),
        ({"seconds": float("inf")}, "length is inf"),
        ({"heart_rate": 5}, "heart rate is 5"),
        ({"noise": -0.1}, "noise is -0.1"),
        ({"muscle": -0.1}, "muscle is -0.1"),
        ({"rhythm": "any", "seed": -1}, "seed is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"leads": ("II", "V99")}, "V99"),
        ({"leads": ("II",), "lead_off": ("V1",)}, "V1"),
        ({"leads": ("II", "II")}, "more than once"),
        ({"leads": ()}, "shape"),
    ],
)
def test_errors_name_the_fault_and_what_was_expected(how, words):
    with pytest.raises(RecordError, match=words):
        simulate(**how)


def test_cases_are_those_of_the_tables_in_about_their_shares():
    found = [Case.sample(seed) for seed in range(4000)]
    assert {case.rhythm for case in found} == {row.name for row in RHYTHMS}
    assert {case.conduction for case in found} == {row.name for row in CONDUCTIONS}
    for rhythm, share in (("sinus", 0.44), ("atrial_fibrillation", 0.11), ("ventricular_paced", 0.012)):
        assert np.mean([case.rhythm == rhythm for case in found]) == pytest.approx(share, rel=0.3)
    assert np.mean([bool(case.lead_off) for case in found]) == pytest.approx(0.03, rel=0.4)
    assert 0.1 < np.mean([case.muscle > 3.9 for case in found]) < 0.25


def test_a_case_is_the_record_of_its_values():
    for seed in range(12):
        case = Case.sample(seed)
        troubles = {"drift": case.drift, "muscle": case.muscle, "mains": case.mains, "lead_off": case.lead_off}
        own = simulate(case.rhythm, conduction=case.conduction, seed=seed, **troubles)
        drawn = simulate("any", seed=seed)
        assert drawn.name == own.name
        np.testing.assert_array_equal(drawn.signal, own.signal)
    assert simulate("any", seed=3, leads=("II", "vx")).leads == ("II", "vx")


@pytest.mark.parametrize(("part", "low", "high"), [("drift", 0.02, 2.0), ("muscle", 20, 48), ("mains", 48, 62)])
def test_parts_of_the_noise_are_raised_one_by_one(part, low, high):
    quiet, loud = (simulate(seed=5, seconds=20, **{part: factor}).signal for factor in (1.0, 10.0))
    power = (np.abs(np.fft.rfft(loud - quiet)) ** 2).sum(0)
    hertz = np.fft.rfftfreq(quiet.shape[1], 1 / 500)
    # Muscle noise reaches to 150 Hz, but half of it lies low.
    assert power[(hertz >= low) & (hertz <= high)].sum() > (0.5 if part == "muscle" else 0.8) * power.sum()
    assert part == "drift" or power[hertz < 15].sum() < 0.01 * power.sum()


def between_beats(record: Record, low: float, high: float) -> float:
    """Strength of a band of frequencies from the end of T to the beginning of P, µV rms in the median lead."""
    signal = sosfiltfilt(butter(2, [low, high], "band", fs=record.fs, output="sos"), record.signal)
    times = (qrs_times(record) * record.fs).astype(int)
    quiet = np.concatenate([np.arange(k + int(0.45 * record.fs), n - int(0.26 * record.fs)) for k, n in itertools.pairwise(times)])
    return float(1e3 * np.median(np.sqrt((signal[:, quiet] ** 2).mean(1))))


@pytest.mark.parametrize(("low", "high", "least", "most"), [(2, 8, 5, 18), (8, 20, 2.5, 6.5), (20, 45, 2, 6)])
def test_baselines_are_as_restless_as_those_of_resting_patients(low, high, least, most):
    """Records of four data sets have 9, 4 and 3.4 µV in these bands in the median; a baseline without noise next to nothing."""
    ours = [between_beats(simulate(seed=seed, heart_rate=60), low, high) for seed in range(20)]
    assert least < np.median(ours) < most
    assert np.percentile(ours, 90) > 1.3 * np.percentile(ours, 10)  # no two patients are as restless


def test_no_two_beats_are_alike_without_noise_too():
    record = simulate(seed=3, noise=0, heart_rate=60, seconds=60)
    found = beats(record, "II", 0.08, 0.45)
    quick = np.ptp(found[:, :70], axis=1)
    late = found[:, 150:] - found[:, :5].mean(1, keepdims=True)
    tall = late @ late.mean(0) / (late.mean(0) @ late.mean(0))
    assert 0.02 < quick.std() / quick.mean() < 0.08
    assert 0.03 < tall.std() < 0.15


def test_rows_are_named_and_described():
    for rows in (RHYTHMS, CONDUCTIONS):
        names = [row.name for row in rows]
        assert len(set(names)) == len(names)
        assert all(name.isidentifier() and name == name.lower() for name in names)
        assert all(row.about for row in rows)


def test_docs_list_every_row():
    page = (Path(__file__).parents[2] / "docs" / "simulate.md").read_text()
    for row in (*RHYTHMS, *CONDUCTIONS):
        assert f"| `{row.name}` | {row.about} |" in page


@pytest.mark.skipif("FASTECG_DATA" not in os.environ, reason="FASTECG_DATA names no folder of records")
def test_voltages_are_those_of_real_records():
    """Median peak-to-peak of each lead over 100 seeds within 40 % of that over real resting ECGs.

    III and aVL apart: they are small where the axis is that of healthy adults, and larger in a hospital's, whose hearts lie more to
    the left; there the order of size must be right.
    """
    wfdb = pytest.importorskip("wfdb")
    headers = sorted((Path(os.environ["FASTECG_DATA"]) / "records" / "train" / "ptbxl_hr").glob("*.hea"))[:80]
    if not headers:
        pytest.skip("no records/train/ptbxl_hr in FASTECG_DATA")

    def sizes(signal: np.ndarray) -> np.ndarray:
        signal = sosfiltfilt(butter(2, 0.7, "high", fs=500, output="sos"), signal)
        return np.percentile(signal, 99.5, axis=1) - np.percentile(signal, 0.5, axis=1)

    real = np.nanmedian([sizes(np.nan_to_num(wfdb.rdrecord(str(h)[:-4]).p_signal.T)) for h in headers], axis=0)
    ours = np.median([sizes(simulate(seed=seed).signal) for seed in range(100)], axis=0)
    by_axis = np.isin(LEADS, ["III", "aVL"])
    np.testing.assert_allclose(ours[~by_axis], real[~by_axis], rtol=0.4)
    assert (0.4 * real < ours)[by_axis].all()
    assert (ours < 1.4 * real)[by_axis].all()
