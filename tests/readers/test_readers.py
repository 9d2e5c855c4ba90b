"""Readers give what wfdb gives, under standard names in mV, and answer every damaged input with one clear error."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import naive_readers
import numpy as np
import pytest
import wfdb
from events import HANGS_S
from hypothesis import given
from hypothesis import strategies as st

import fastecg
from fastecg.errors import RecordError
from fastecg.readers import find_records, read_record, sample_records, tables
from fastecg.readers.header import has_no_signals, parse_header
from fastecg.readers.leads import choose_leads, millivolts_per, standard_name
from fastecg.readers.wfdb import told_length, unpack_212
from fastecg.record import EXTRA_LEADS, LEADS, Record
from fastecg.writers import write_record

DATA = Path(os.environ["FASTECG_DATA"]) / "records" if os.environ.get("FASTECG_DATA") else None

#: Records of the extra data that must be refused, and a word of the reason.
BAD = {
    "formats/flac_3_constant": "constant",
    "formats/multi-segment/s25047/3234460_layout": "format 0",
    "formats/multi-segment/s25047/s25047-2704-05-04-10-44n": "frequency",
    "poor/cinc2011/2082473": "constant",
}


# --- helpers -------------------------------------------------------------------------------------------------------------------


def ramp(samples: int = 20, signals: int = 1) -> np.ndarray:
    """Values that vary, (samples, signals)."""
    return (np.arange(samples * signals, dtype=np.int16) * 37 % 501 - 250).reshape(samples, signals)


def write(folder: Path, header: str | bytes, data: bytes | np.ndarray | None = None, name: str = "r", suffix: str = ".dat") -> Path:
    """A record named `name`: its header as it stands, and bytes or int16 samples beside it. Returns the path of the header."""
    path = folder / f"{name}.hea"
    path.write_bytes(header if isinstance(header, bytes) else header.encode())
    if data is not None:
        (folder / f"{name}{suffix}").write_bytes(data if isinstance(data, bytes) else data.astype("<i2").tobytes())
    return path


def refused(path: Path | str, *words: str, **options) -> str:
    """The one-line message with which `path` is refused; it must tell the file, each of `words`, and what was expected."""
    with pytest.raises(RecordError) as caught:
        read_record(path, **options)
    message = str(caught.value)
    for word in (str(Path(path).parent), "expected", *words):
        assert word in message
    assert "\n" not in message
    return message


def assert_same_as_wfdb(path: Path) -> None:
    """Every lead equals wfdb's signal in all its samples, bit for bit in float32."""
    record = read_record(path)
    assert told_length(path) == (record.samples, record.fs)
    theirs = wfdb.rdrecord(str(path.with_suffix("")), smooth_frames=False)
    leads = choose_leads(theirs.sig_name, theirs.units, path)
    assert record.leads == tuple(lead.name for lead in leads)
    per_frame = {theirs.samps_per_frame[lead.channel] for lead in leads}
    if len(per_frame) > 1:
        assert_frames_as_wfdb(path)
        return
    assert record.fs == theirs.fs * per_frame.pop()
    for row, lead in zip(record.signal, leads, strict=True):
        expected = theirs.e_p_signal[lead.channel] * (lead.sign * millivolts_per(theirs.units[lead.channel]))
        np.testing.assert_array_equal(row, expected.astype(np.float32), err_msg=lead.name)


def assert_frames_as_wfdb(path: Path) -> None:
    """Leads of unlike rates come down to frames. wfdb cuts a frame's mean down to a whole digital unit, which we do not."""
    record = read_record(path)
    assert told_length(path) == (record.samples, record.fs)
    theirs = wfdb.rdrecord(str(path.with_suffix("")))
    assert record.fs == theirs.fs
    np.testing.assert_allclose(record.signal.T, theirs.p_signal, atol=1.0 / min(theirs.adc_gain))


# --- the same values as wfdb ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", sample_records(), ids=lambda source: source.key)
def test_samples_equal_wfdb(source):
    assert_same_as_wfdb(source.path)
    record = read_record(source.path)
    assert (record.leads, record.fs, record.samples, record.name) == (LEADS, 500.0, 5000, source.key)


def headers_of_data() -> list:
    paths = sorted(DATA.rglob("*.hea")) if DATA else []
    return [pytest.param(path, id=path.relative_to(DATA).with_suffix("").as_posix()) for path in paths]


@pytest.mark.skipif(DATA is None, reason="FASTECG_DATA is not set")
@pytest.mark.parametrize("path", headers_of_data())
def test_data_equal_wfdb(path, tmp_path):
    if path.stem == "E00001":  # wfdb does not know the name in its record line, E00001.mat
        for suffix in (".hea", ".mat"):
            data = path.with_suffix(suffix).read_bytes().replace(b"E00001.mat 12", b"E00001 12")
            (tmp_path / path.name).with_suffix(suffix).write_bytes(data)
        assert_same_as_wfdb(tmp_path / path.name)
        np.testing.assert_array_equal(read_record(path).signal, read_record(tmp_path / path.name).signal)
        return
    fault = BAD.get(path.relative_to(DATA).with_suffix("").as_posix())
    if fault:
        refused(path, fault)
    else:
        assert_same_as_wfdb(path)


FORMATS = {"16": 16, "80": 8, "212": 12, "24": 24, "32": 32, "516": 16}


@given(
    coding=st.sampled_from(sorted(FORMATS)),
    signals=st.integers(1, 8),
    samples=st.integers(2, 40),
    gain=st.floats(0.1, 1e5).map(lambda g: float(f"{g:.6g}")),
    baseline=st.integers(-5000, 5000),
    unit=st.sampled_from(["mV", "uV", "V"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_written_records_equal_wfdb(coding, signals, samples, gain, baseline, unit, seed):
    half = 1 << (FORMATS[coding] - 1)
    digital = np.random.default_rng(seed).integers(-half, half, (samples, signals))  # -half: "nothing recorded"
    digital[0], digital[1] = 1, 2  # so that something moves
    with tempfile.TemporaryDirectory() as folder:
        wfdb.wrsamp(
            "r", 250, [unit] * signals, [f"s{k}" for k in range(signals)], d_signal=digital, fmt=[coding] * signals,
            adc_gain=[gain] * signals, baseline=[baseline] * signals, write_dir=folder,
        )  # fmt: skip
        assert_same_as_wfdb(Path(folder) / "r.hea")


BYTES = {"8": 60, "16": 120, "24": 180, "32": 240, "61": 120, "80": 60, "160": 120, "212": 90, "310": 80, "311": 80}


@pytest.mark.parametrize("coding", sorted(BYTES))
@given(signals=st.sampled_from([1, 2, 3, 4, 5]), skew=st.sampled_from(["", ":3"]), seed=st.integers(0, 2**32 - 1))
def test_any_bytes_in_any_format_equal_wfdb(coding, signals, skew, seed):
    if (coding, skew) in (("61", ":3"), ("8", ":3")):
        return  # wfdb cannot give these as integers
    with tempfile.TemporaryDirectory() as folder:
        lines = f"r.dat {coding}{skew} 200(3)/mV 12 0 -7 0 0 s1\n" + "".join(
            f"r.dat {coding} 13.7 12 0 5 0 0 s{k}\n" for k in range(2, signals + 1)
        )
        data = np.random.default_rng(seed).bytes(BYTES[coding])
        assert_same_as_wfdb(write(Path(folder), f"r {signals} 500 {60 // signals}\n{lines}", data))


@pytest.mark.parametrize("coding", ["80", "212", "310", "311"])
def test_what_was_not_recorded_is_missing_in_small_formats(tmp_path, coding):
    """Of so many samples of any value several are the one that stands for none."""
    data = np.random.default_rng(0).bytes(400 * BYTES[coding])
    path = write(tmp_path, f"r 1 500 24000\nr.dat {coding} 200/mV 12 0 -7 0 0 II\n", data)
    assert_same_as_wfdb(path)
    assert 3 < np.isnan(read_record(path).signal).sum() < 200


@given(st.lists(st.integers(-2048, 2047), max_size=50))
def test_format_212_bit_by_bit(values):
    packed = naive_readers.pack_212(values)
    assert naive_readers.unpack_212(packed, len(values)) == values
    assert unpack_212(np.frombuffer(packed, np.uint8), len(values)).tolist() == values


@given(
    digital=st.lists(st.integers(-32768, 32767), min_size=2, max_size=30).filter(lambda d: len(set(d) - {-32768}) > 1),
    gain=st.floats(0.01, 1e6).map(lambda g: float(f"{g:.5g}")),
    baseline=st.integers(-(10**9), 10**9),
    unit=st.sampled_from(["mV", "uV", "V", "nV"]),
)
def test_conversion_equals_the_formula(digital, gain, baseline, unit):
    expected = naive_readers.millivolts(np.array(digital), -32768, gain, baseline, millivolts_per(unit))
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), f"r 1 100 {len(digital)}\nr.dat 16 {gain}({baseline})/{unit} 16 0 0 0 0 II\n", np.array(digital))
        if np.nanmin(expected) == np.nanmax(expected):  # a baseline so far off that float32 sees no difference
            refused(path, "constant")
        else:
            np.testing.assert_array_equal(read_record(path).signal[0], expected)


def test_a_division_in_float32_is_a_division_in_float64_rounded():
    digital = np.arange(-32768, 32768)
    for gain in (1000.0, 200.0, 4880.0, 7.0, 10520.0, 0.5):
        with_half = digital.astype(np.float32) / np.float32(gain)
        np.testing.assert_array_equal(with_half, (digital / gain).astype(np.float32))


# --- header syntax -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "fs"),
    [("", 250), (" 500", 500), (" 360.5", 360.5), (" 62.4725/999.56", 62.4725), (" 360/72(10.5)", 360), (" 1e3", 1000), (" .5e3", 500)],
)
def test_frequency(tmp_path, fields, fs):
    assert read_record(write(tmp_path, f"r 1{fields}\nr.dat 16\n", ramp())).fs == fs


def test_length_comes_from_the_file_if_the_header_does_not_tell(tmp_path):
    lines = "".join(f"r.dat 16+10 100 16 0 0 0 0 V{k}\n" for k in (1, 2, 3))
    assert read_record(write(tmp_path, "r 3 500\n" + lines, bytes(10) + ramp(7, 3).tobytes())).samples == 7


@pytest.mark.parametrize("written", ["", " 0", " 0/mV", " 200", " 200.0/mV", " 2e2/mV", " +200(0)"])
def test_gain_of_nothing_is_200(tmp_path, written):
    record = read_record(write(tmp_path, f"r 1 500\nr.dat 16{written}\n", ramp()))
    np.testing.assert_array_equal(record.signal[0], (ramp()[:, 0] / 200).astype(np.float32))


@pytest.mark.parametrize(
    ("written", "baseline"), [("200/mV 12 1024", 1024), ("200(7)/mV 12 1024", 7), ("200(0)/mV 12 1024", 0), ("200", 0)]
)
def test_baseline_is_the_adc_zero_unless_told(tmp_path, written, baseline):
    record = read_record(write(tmp_path, f"r 1 500\nr.dat 16 {written}\n", ramp()))
    np.testing.assert_array_equal(record.signal[0], ((ramp()[:, 0].astype(int) - baseline) / 200).astype(np.float32))


def test_invalid_samples_are_gaps(tmp_path):
    values = ramp()
    values[3:5] = -32768
    assert np.flatnonzero(np.isnan(read_record(write(tmp_path, "r 1 500 20\nr.dat 16 200 16 0\n", values)).signal[0])).tolist() == [3, 4]


def test_line_ends_comments_and_blank_lines(tmp_path):
    header = b"# caf\xe9, before\r\n\r\nr 2 500 20 10:00:00 01/02/1999\r\n"
    header += b"  r.dat\t16 200 16 0 0 0 0 I \r\n#between\r\nr.dat 16 200 16 0 0 0 0 II"
    assert read_record(write(tmp_path, header, ramp(20, 2))).leads == ("I", "II")


def test_date_may_have_any_form(tmp_path):
    assert read_record(write(tmp_path, "r 1 500 20 05-May-2020 14:50:55\nr.dat 16\n", ramp())).samples == 20


@pytest.mark.parametrize("name", ["µV", "μV"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_micro_in_any_encoding(tmp_path, name, encoding):
    if (name, encoding) == ("μV", "latin-1"):
        pytest.skip("Latin-1 has no Greek mu")
    header = f"r 1 500 20\nr.dat 16 1/{name} 16 0 0 0 0 II\n".encode(encoding)
    np.testing.assert_allclose(read_record(write(tmp_path, header, ramp())).signal[0], ramp()[:, 0] / 1000, rtol=1e-6)


def test_signals_of_several_files_and_offsets(tmp_path):
    (tmp_path / "a.dat").write_bytes(ramp(20, 2).tobytes())
    (tmp_path / "b.mat").write_bytes(bytes(24) + (ramp() + 9).tobytes())
    path = write(tmp_path, "r 3 500 20\na.dat 16 1 16 0 0 0 0 V1\na.dat 16 1 16 0 0 0 0 V2\nb.mat 16+24 1 16 0 0 0 0 I\n")
    assert_same_as_wfdb(path)
    assert read_record(path).leads == ("I", "V1", "V2")
    assert read_record(path).lead("I").tolist() == (ramp()[:, 0] + 9).tolist()


@pytest.mark.parametrize("coding", ["16x4", "212x2", "80x3"])
def test_leads_with_several_samples_a_frame_keep_them_all(tmp_path, coding):
    per_frame = int(coding[-1])
    size = 12 * (per_frame + 1)
    raw = {"16": ramp(size).tobytes(), "80": ramp(size).astype(np.uint8).tobytes()}.get(coding[:-2])
    raw = raw or naive_readers.pack_212([int(v) for v in ramp(size)[:, 0]])
    path = write(tmp_path, f"r 2 125 12\nr.dat {coding} 10 12 0 0 0 0 II\nr.dat {coding[:-2]} 1/mmHg 12 0 0 0 0 ABP\n", raw)
    assert_same_as_wfdb(path)
    assert (read_record(path).fs, read_record(path).samples) == (125 * per_frame, 12 * per_frame)


def test_frames_are_averaged_over_what_was_recorded(tmp_path):
    values = np.array([[0, 10, 20], [1, 10, -32768], [2, -32768, -32768]])
    path = write(tmp_path, "r 2 100 3\nr.dat 16 1 16 0 0 0 0 I\nr.dat 16x2 1 16 0 0 0 0 II\n", values)
    np.testing.assert_array_equal(read_record(path).signal, [[0, 1, 2], [15, 10, np.nan]])


# --- leads and units -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        *[(spelled, name) for name in LEADS + EXTRA_LEADS for spelled in (name, name.upper(), name.lower())],
        *[(f"{prefix}{name}", name) for name in LEADS for prefix in ("ECG ", "ECG lead ", "Lead_", "EKG-", "ECG:", "MDC_ECG_LEAD_")],
        *[(f"{c}{k}", f"V{k}") for c in "cC" for k in range(1, 10)],
        *[("ML" + limb, limb) for limb in ("I", "II", "III")],
        *[("D" + limb, limb) for limb in ("I", "II", "III")],
        ("aVr", "aVR"), ("VR", "aVR"), ("VL", "aVL"), ("vf", "aVF"), ("c4r", "V4R"), ("lead 1", "I"), ("Lead 3", "III"), (" V1 ", "V1"),
        ("В1", "V1"), ("V-1", "V1"), ("V 1", "V1"), ("V_1", "V1"), ("V1-ECG", "V1"), ("Ⅱ", "II"), ("V1 # noisy", "V1"), ("I导联", "I"),
        ("导联V1", "V1"), ("аВЛ", "aVL"), ("a V R", "aVR"), ("aV-F", "aVF"), ("V4-R", "V4R"), ("ECG V-6", "V6"), ("Ｖ１", "V1"),
    ],
)  # fmt: skip
def test_known_spellings(raw, name):
    assert standard_name(raw) == (name, 1)


@pytest.mark.parametrize(
    "raw",
    ["V", "ECG", "ECG 1", "ECG1", "MCL1", "1", "", "V10", "IIII", "I-II", "V1-V2", "V 10", "#", "V1#2", "lead", "ECG lead 4", "V1 V2",
     "x" * 10_000],
)  # fmt: skip
def test_unknown_names_stay_unknown(raw):
    assert standard_name(raw) is None


@pytest.mark.parametrize(("raw", "name"), [("-aVR", "aVR"), ("ECG -aVR", "aVR"), ("\u2212avr", "aVR"), ("-II", "II")])
def test_a_minus_turns_the_lead_over(tmp_path, raw, name):
    assert standard_name(raw) == (name, -1)
    record = read_record(write(tmp_path, f"r 1 500 20\nr.dat 16 1 16 0 0 0 0 {raw}\n", ramp()))
    assert record.leads == (name,)
    assert record.signal[0].tolist() == (-ramp()[:, 0]).tolist()


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("mV", 1), ("mv", 1), ("MV", 1), ("millivolts", 1), ("uV", 1e-3), ("UV", 1e-3), ("µV", 1e-3), ("μv", 1e-3), ("microvolts", 1e-3),
     ("V", 1e3), ("v", 1e3), ("Volt", 1e3), ("nV", 1e-6)],
)  # fmt: skip
def test_voltages(tmp_path, unit, factor):
    assert millivolts_per(unit) == factor
    record = read_record(write(tmp_path, f"r 1 500 20\nr.dat 16 10/{unit} 16 0 0 0 0 II\n", ramp()))
    np.testing.assert_allclose(record.signal[0], ramp()[:, 0] / 10 * factor, rtol=1e-6)


@pytest.mark.parametrize("unit", ["mmHg", "NU", "bpm", "%", "Ohm", "", "mVs2", "adu"])
def test_other_units_are_no_voltage(unit):
    assert millivolts_per(unit) is None


def named(*names: str, units: list[str] | None = None) -> list[str]:
    return [lead.name for lead in choose_leads(names, units or ["mV"] * len(names), "x")]


def test_order_is_standard_then_extra_then_that_of_the_file():
    assert named("zeta", "vz", "V1", "alpha", "V4R", "ii", "I") == ["I", "II", "V1", "V4R", "vz", "ECG1", "ECG2"]


@pytest.mark.parametrize("other", ["ABP", "RESP", "Pleth", "PLETHr", "SpO2", "EEG (C4-A1)", "EOG", "PAP", "Airflow", "CO2"])
def test_what_is_no_ecg_is_left_out_even_in_mv(other):
    assert named("II", other) == ["II"]
    with pytest.raises(RecordError, match="ECG"):
        named(other)


def test_a_lead_in_no_voltage_is_left_out():
    assert named("I", "II", units=["mV", "NU"]) == ["I"]


def test_the_exact_spelling_wins_a_name_and_the_variant_keeps_its_own():
    assert named("MLII", "II") == ["II", "MLII"]
    assert named("ECG V1", "c1") == ["V1", "c1"]
    assert named("-aVR", "AVR") == ["aVR", "-aVR"]


def test_names_that_only_a_remark_tells_apart_stay_two_leads():
    assert named("V1", "V1 # noisy") == named("V1 # noisy", "v1") == named("V1 # a", "V1 # b") == ["V1", "ECG1"]
    assert named("MLII # a", "mlii # b", "II", "other") == ["II", "MLII", "ECG1", "ECG2"]


def test_twins_are_refused():
    for names in (("V1", "v1"), ("ECG II", "ecg ii"), ("II", "MLII", "mlii")):
        with pytest.raises(RecordError, match=r"named.*expected each lead once"):
            named(*names)


def test_twenty_four_leads_and_no_more():
    assert len(named(*LEADS, "vx", "vy", "vz")) == 15
    assert len(named(*LEADS, *EXTRA_LEADS)) == 22
    assert named(*(f"s{k}" for k in range(18))) == [f"ECG{k}" for k in range(1, 19)]
    assert named(*LEADS, *(f"other {k}" for k in range(13))) == list(LEADS)
    with pytest.raises(RecordError, match="expected 1 to 24"):
        named(*(f"s{k}" for k in range(25)))


# --- multi-segment records -----------------------------------------------------------------------------------------------------


def segments(folder: Path, master: str, layout: str | None = None) -> Path:
    """Two segments of 20 samples at 100 Hz, `s1` with I and II, `s2` with II alone, in counts a mV."""
    write(folder, "s1 2 100 20\ns1.dat 16 1 16 0 0 0 0 I\ns1.dat 16 1 16 0 0 0 0 II\n", ramp(20, 2), "s1")
    write(folder, "s2 1 100 20\ns2.dat 16 1/uV 16 0 0 0 0 II\n", ramp(20, 1), "s2")
    if layout:
        write(folder, layout, name="lay")
    return write(folder, master)


LAYOUT = "lay 2 100 0\n~ 0 1 16 0 0 0 0 I\n~ 0 1 16 0 0 0 0 II\n"


def test_variable_layout_with_a_gap(tmp_path):
    record = read_record(segments(tmp_path, "r/4 2 100 50\nlay 0\ns1 20\n~ 10\ns2 20\n", LAYOUT))
    assert record.leads == ("I", "II")
    expected = np.full((2, 50), np.nan)
    expected[:, :20] = ramp(20, 2).T
    expected[1, 30:] = ramp(20, 1)[:, 0] / 1000  # this segment is in uV
    np.testing.assert_allclose(record.signal, expected, rtol=1e-6)


def test_fixed_layout(tmp_path):
    path = segments(tmp_path, "r/2 2 100 40\ns1 20\ns1 20\n")
    assert_same_as_wfdb(path)
    assert read_record(path).samples == 40


def test_segments_of_several_samples_a_frame_follow_one_another(tmp_path):
    write(tmp_path, "s 1 100 20\ns.dat 16x2 1 16 0 0 0 0 I\n", ramp(40), "s")
    record = read_record(write(tmp_path, "r/3 1 100 50\ns 20\n~ 10\ns 20\n"))
    assert (record.fs, record.samples) == (200, 100)
    np.testing.assert_array_equal(record.signal[0], np.concatenate([ramp(40)[:, 0], np.full(20, np.nan), ramp(40)[:, 0]]))


@pytest.mark.parametrize(
    ("master", "fault"),
    [
        ("r/2 2 100 40\ns1 20\ns2 20\n", "differ"),
        ("r/2 2 100 41\ns1 20\ns1 20\n", "41"),
        ("r/2 2 100 50\ns1 20\ns1 30\n", "has 20 samples"),
        ("r/3 2 100 40\ns1 20\ns1 20\n", "states 3 segments, but 2"),
        ("r/1 2 100 40\ns1 20\ns1 20\n", "states 1 segments, but 2"),
        ("r/0 2 100 40\n", "0 segments"),
        ("r/2 2 100 40\ns1 20\nno 20\n", "no such header"),
        ("r/2 2 50 40\ns1 20\ns1 20\n", "frequency"),
        ("r/2 2 100 40\ns1 20\n../s1 20\n", "folder of the header"),
        ("r/2 2 100 40\ns1 20\n/etc/s1 20\n", "folder of the header"),
        ("r/2 2 100 40\ns1 20\ns1\n", "segment line 2"),
        ("r/1 2 100 20\nr 20\n", "segments itself"),
        ("r/1 2 100 20\n~ 20\n", "none of its segments"),
        ("r/3 2 100 1000000000040\ns1 20\n~ 1000000000000\ns1 20\n", "expected at most"),
    ],
)
def test_damaged_masters(tmp_path, master, fault):
    refused(segments(tmp_path, master), fault)


# --- bad input -----------------------------------------------------------------------------------------------------------------


def test_missing_header(tmp_path):
    for name in ("r", "r.hea", "folder/r", "r.csv"):
        refused(tmp_path / name, "no such file")


def test_missing_signal_file(tmp_path):
    refused(write(tmp_path, "r 1 500 20\nr.dat 16\n"), "r.dat", "missing")


@pytest.mark.parametrize(
    ("coding", "size"), [("16", 39), ("212", 29), ("80", 19), ("24", 59), ("32", 79), ("310", 26), ("311", 26), ("61", 0), ("16+24", 60)]
)
def test_truncated_signal_file(tmp_path, coding, size):
    refused(write(tmp_path, f"r 1 500 20\nr.dat {coding}\n", bytes(range(size))), "r.dat", "expected the 20")


def test_truncated_flac(tmp_path):
    wfdb.wrsamp("r", 250, ["mV"], ["II"], d_signal=ramp(20000), fmt=["516"], adc_gain=[200.0], baseline=[0], write_dir=str(tmp_path))
    whole = (tmp_path / "r.dat").read_bytes()
    (tmp_path / "r.dat").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "r")
    (tmp_path / "r.dat").write_bytes(b"fLaC no")
    refused(tmp_path / "r", "FLAC")


@pytest.mark.parametrize("promised", [19, 21, 10**12])
@pytest.mark.parametrize("coding", ["16", "24", "516"])
def test_a_length_that_is_not_that_of_the_file(tmp_path, promised, coding):
    wfdb.wrsamp("r", 250, ["mV"], ["II"], d_signal=ramp(20), fmt=[coding], adc_gain=[200.0], baseline=[0], write_dir=str(tmp_path))
    header = (tmp_path / "r.hea").read_text()
    (tmp_path / "r.hea").write_text(header.replace("250 20", f"250 {promised}", 1))
    refused(tmp_path / "r", f"expected the {promised} of the header")


@pytest.mark.parametrize(
    ("coding", "samples", "padded", "fits"),
    [("212", 19, 30, True), ("212", 19, 32, False), ("16", 20, 41, True), ("16", 20, 42, False), ("16 200 16 0 0 0 512", 20, 512, True)],
)
def test_padding_of_the_last_group_or_block_is_no_fault(tmp_path, coding, samples, padded, fits):
    path = write(tmp_path, f"r 1 500 {samples}\nr.dat {coding}\n", bytes(range(1, 31)).ljust(padded, b"\0"))
    if fits:
        assert read_record(path).samples == samples
    else:
        refused(path, f"expected the {samples} of the header")


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_signal_lines_that_are_not_as_many_as_promised(tmp_path, lines):
    refused(write(tmp_path, "r 2 500 20\n" + "r.dat 16\n" * lines, ramp(20, 2)), "states 2 signals")


def test_fewer_leads_than_the_file_has(tmp_path):
    refused(write(tmp_path, "r 1 500 20\nr.dat 16\n", ramp(20, 2)), "holds 40 samples")


@pytest.mark.parametrize(("samples", "data"), [(" 0", b""), ("", b"")])
def test_zero_length(tmp_path, samples, data):
    refused(write(tmp_path, f"r 1 500{samples}\nr.dat 16\n", data), "samples")


def test_zero_samples_are_those_of_the_file(tmp_path):
    """Of header(5): 0 is a number that is not told."""
    record = read_record(write(tmp_path, "r 1 500 0\nr.dat 16\n", ramp()))
    assert record.samples == 20
    assert told_length(tmp_path / "r.hea") == (20, 500)


@pytest.mark.parametrize("name", ["r.mat", "r.hea", "dir/r", "a/b/r.mat", "other"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_names_in_record_lines(tmp_path, name, mark):
    """As Challenge and other records have them; nothing is read by them. A byte-order mark is none of a name."""
    text = f"{mark}{name} 1 500 20\nr.dat 16 1/mV 16 0 0 0 0 II\n"
    np.testing.assert_array_equal(read_record(write(tmp_path, text, ramp())).signal[0], ramp()[:, 0])


@pytest.mark.parametrize(("scale", "factor"), [("200/adu", 200), ("1/adu", 200), ("0/adu", 200), ("1000(5)/ADU", 1000), ("1/counts", 200)])
def test_counts_of_a_converter(tmp_path, scale, factor):
    """Standard leads in "adu" are ECGs: calibrated by their gain, or by WFDB's default of 200 a mV where they have none."""
    text = f"r 2 500 20\nr.dat 16 {scale} 16 0 0 0 0 V1\nr.dat 16 {scale} 16 0 0 0 0 sensor\n"
    record = read_record(write(tmp_path, text, ramp(20, 2)))
    assert record.leads == ("V1",)
    zero = 5 if "(5)" in scale else 0
    np.testing.assert_allclose(record.signal[0], (ramp(20, 2)[:, 0] - zero) / factor, rtol=1e-6)


def test_a_missing_signal_file_is_named(tmp_path):
    refused(write(tmp_path, "r 1 500 20\nR.DAT 16\n"), "its signal file R.DAT is missing")
    assert "secret" not in refused(write(tmp_path, "r 1 500 20\nsecret.dat 16\n"), "a signal file of it is missing")


@pytest.mark.parametrize("count", [16, 18])
def test_records_of_more_than_fifteen_leads_are_drawn(tmp_path, count):
    names = [*LEADS, *EXTRA_LEADS][:count]
    lines = "".join(f"r.dat 16 200/mV 16 0 0 0 0 {name}\n" for name in names)
    write(tmp_path, f"r {count} 100 1000\n{lines}", ramp(1000, count))
    assert len(fastecg.render(tmp_path / "r", dpi=50).truth.traces) == count


def test_nothing_recorded(tmp_path):
    refused(write(tmp_path, "r 1 500 20\nr.dat 16\n", np.full((20, 1), -32768)), "NaN")


def test_constant_leads(tmp_path):
    refused(write(tmp_path, "r 2 500 20\nr.dat 16 1 16 0 0 0 0 I\nr.dat 16 1 16 0 0 0 0 II\n", np.full((20, 2), 5)), "constant")


def test_one_flat_lead_is_a_finding(tmp_path):
    values = np.column_stack([ramp()[:, 0], np.full(20, 5)])
    record = read_record(write(tmp_path, "r 2 500 20\nr.dat 16 1 16 0 0 0 0 I\nr.dat 16 1 16 0 0 0 0 II\n", values))
    assert record.lead("II").tolist() == [5] * 20


def test_duplicate_leads(tmp_path):
    header = "r 3 500 20\n" + "".join(f"r.dat 16 1 16 0 0 0 0 {name}\n" for name in ("V1", "II", "ii"))
    refused(write(tmp_path, header, ramp(20, 3)), "two leads are named alike (signals 2 and 3)")


def test_unknown_names_may_be_there_twice(tmp_path):
    """As both signals of a Holter record are often called ECG: they are numbered anyway."""
    header = "r 4 500 20\n" + "".join(f"r.dat 16 1 16 0 0 0 0 {name}\n" for name in ("ECG", "II", "ECG", "ecg"))
    record = read_record(write(tmp_path, header, ramp(20, 4)))
    assert record.leads == ("II", "ECG1", "ECG2", "ECG3")
    np.testing.assert_array_equal(record.signal, ramp(20, 4).T[[1, 0, 2, 3]])


@pytest.mark.parametrize(("gain", "taken"), [("1e-12", True), ("1e12", True), ("0.9e-12", False), ("1.1e12", False)])
def test_gains_have_a_range(tmp_path, gain, taken):
    path = write(tmp_path, f"r 1 500 20\nr.dat 16 {gain}/uV 16 0 0 0 0 II\n", ramp())
    if taken:
        assert parse_header(path.read_bytes(), path).signals[0].gain == float(gain)
    else:
        refused(path, "expected 1e-12 to 1e+12 digital units per physical unit")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_a_table_end_as_any_system_ends_them(tmp_path, end):
    (tmp_path / "t.csv").write_bytes(end.join(["I,II", "1,2", "3,4", "5,6"]).encode())
    assert read_record(tmp_path / "t.csv", fs=100).signal.tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]


def test_no_ecg(tmp_path):
    refused(write(tmp_path, "r 1 500 20\nr.dat 16 1/mmHg 16 0 0 0 0 ABP\n", ramp()), "ECG")


@pytest.mark.parametrize("fs", ["0", "-500", "nan", "inf", "1e9", "0.001", "1e999", "fast", "0x10", "500Hz", "5" * 5000])
def test_frequency_that_cannot_be(tmp_path, fs):
    refused(write(tmp_path, f"r 1 {fs} 20\nr.dat 16\n", ramp()), "frequency")


@pytest.mark.parametrize(
    "file", ["../x.dat", "..", ".", "-", "/etc/passwd", "sub/x.dat", "..\\x.dat", "C:x.dat", "\\\\host\\x.dat", "s3://b/x.dat", "é.dat"]
)
def test_path_that_leaves_the_folder(tmp_path, file):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "x.dat").write_bytes(ramp().tobytes())
    refused(write(inner, f"r 1 500 20\n{file} 16\n"), "in the folder of the header")
    refused(write(inner, f"r 1 500 20\n{file} 310\n"), "in the folder of the header")


@pytest.mark.parametrize(
    "line",
    [
        "r",
        "r 1 500 20 10:00:00 01/01/2000 more",
        "r..mat 1 500 20",
        "r 1x 500 20",
        "r 1 500 -5",
        "r 1 500 2e1",
        "r 0 500 20",
        "/3 1 500 20",
        "../r 1 500 20",
        "r -1 500 20",
        "r 1 500 " + "9" * 5000,
        "r/../x 1 500 20",
        "r/ 1 500 20",
    ],
)
def test_record_lines_that_are_wrong(tmp_path, line):
    refused(write(tmp_path, f"{line}\nr.dat 16\n", ramp()), "record")


@pytest.mark.parametrize(
    "line",
    [
        "r.dat",
        "r.dat x",
        "r.dat 16 abc",
        "r.dat 16x0",
        "r.dat 16 1e999",
        "r.dat 16 1e-300",
        "r.dat 16 200(1.5)/mV",
        "r.dat 16 nan",
        "r.dat 16 1(99999999999999999999)",
        "r.dat 16:-1 200",
        "r.dat 16+99999999999999999999",
    ],
)
def test_signal_lines_that_are_wrong(tmp_path, line):
    refused(write(tmp_path, f"r 1 500 20\n{line}\n", ramp()), "signal line 1")


@pytest.mark.parametrize("coding", ["0", "17", "213", "9999"])
def test_unknown_format(tmp_path, coding):
    refused(write(tmp_path, f"r 1 500 20\nr.dat {coding}\n", ramp()), "unknown format", coding)


def test_formats_that_differ_in_one_file(tmp_path):
    refused(write(tmp_path, "r 2 500 20\nr.dat 16\nr.dat 212\n", ramp(20, 2)), "differ in format")


@pytest.mark.parametrize("skew", [20, 21, 999999999])
def test_a_skew_of_the_whole_record_or_more(tmp_path, skew):
    refused(write(tmp_path, f"r 1 500 20\nr.dat 16:{skew}\n", ramp()), f"skewed by {skew} of 20 samples")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\n\n# only a comment\n", b"\x00\x01\x02", bytes(range(256)), "r 1 500 20\nr.dat 16\n".encode("utf-16"),
        b"r 1 500 20\n# a\x0cr.dat 16\nr.dat 16\n", b"\x89PNG\r\n\x1a\n",
    ],
)  # fmt: skip
def test_headers_that_are_no_text(tmp_path, raw):
    refused(write(tmp_path, raw, ramp()), "header")


def test_a_header_of_thousands_of_signals(tmp_path):
    refused(write(tmp_path, "r 5000 500 20\n" + "r.dat 16\n" * 5000, ramp()), "5000", "expected at most")
    refused(write(tmp_path, b"r 1 500 20\n" + b"#" * (5 << 20)), "longer than")


def test_digits_without_end_take_no_time(tmp_path):
    refused(write(tmp_path, "r 1 500 20\nr.dat 16 " + "1" * 1_000_000 + "x\n", ramp()), "signal line 1")
    refused(write(tmp_path, "r 1 " + "1" * 1_000_000 + "x 20\nr.dat 16\n", ramp()), "frequency")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_record_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "p.hea")
    refused(tmp_path / "p")
    os.mkfifo(tmp_path / "r.dat")
    refused(write(tmp_path, "r 1 500 20\nr.dat 16\n"), "missing")


def test_what_wfdb_stumbles_over_is_an_error_of_ours(tmp_path):
    # A time that is none is nothing to us; wfdb parses it where it reads the signals.
    refused(write(tmp_path, "r 1 500 20 25:61:61\nr.dat 24\n", bytes(range(60))), "wfdb")


@pytest.mark.parametrize("damage", ["r 9 500 20\n", "r 1 0 20\n", "r 1 500 99\n", "r 1 500 20 1 2 3 4\n"])
def test_no_comment_in_a_message_and_none_in_a_record(tmp_path, damage):
    secret = "# Jane Doe 12/03/1950\n"
    message = refused(write(tmp_path, f"{secret}{damage}{secret}r.dat 16\n{secret}", ramp()))
    assert "Jane" not in message
    assert "1950" not in message
    record = read_record(write(tmp_path, f"{secret}r 1 500 20 10:00:00 12/03/1950\n{secret}r.dat 16\n{secret}", ramp()))
    assert "Jane" not in repr(vars(record))
    assert "1950" not in repr(vars(record))


# --- fuzz: only RecordError may come out ---------------------------------------------------------------------------------------


@given(st.one_of(st.binary(max_size=300), st.text(alphabet="r .0123456789/()x:+-~#\n\tmVeIé", max_size=200).map(str.encode)))
def test_any_bytes_are_a_header_or_an_error(raw):
    with contextlib.suppress(RecordError):
        parse_header(raw, Path("r.hea"))


SEEDS = [
    b"r 2 500 20 10:00:00 01/01/2000\nr.dat 16 200.5(-3)/uV 12 1024 0 77 0 lead II\nr.dat 16 1e3 16 0 0 0 0 V1\n# note\n",
    b"r 1 500 20\nr.dat 24x1:2+20 200/mV 16 0 0 0 0 II\n",
    b"r 2 360 26\nr.dat 212 200 11 1024 995 -22131 0 MLII\nr.dat 212 200 11 1024 1011 20052 0 V5\n",
    b"r 1 125 60\nr.dat 310 200 10 0 0 0 0 II\n",
    b"r 1 125 80\nr.dat 8 200 10 0 -5 0 0 II\n",
    b"r/3 2 100 50\ns1 20\n~ 10\ns1 20\n",
]


@given(st.sampled_from(SEEDS), st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_damaged_headers_with_their_files(seed, chance, wounds):
    rng = random.Random(chance)
    raw = bytearray(seed)
    for _ in range(wounds):
        at = rng.randrange(len(raw))
        match rng.randrange(4):
            case 0:
                raw[at] = rng.choice(b"0123456789 ./-+:x()~\n\tRV\xff\x00")
            case 1:
                del raw[at : at + rng.randrange(1, 4)]
            case 2:
                raw[at:at] = rng.choice([b"9" * 12, b" ", b"\n", b"../", b"-", b"0", b"x9", b":3", b"+7"])
            case 3:
                raw[at:at] = raw[at : at + 30]
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name), bytes(raw), ramp(40).tobytes())
        write(Path(name), "s1 1 100 20\ns1.dat 16 1 16 0 0 0 0 I\n", ramp(), "s1")
        try:
            record = read_record(path)
        except RecordError:
            return
        assert record.samples > 0


# --- tables --------------------------------------------------------------------------------------------------------------------


def test_csv_with_times_units_and_gaps(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("time (ms),V1,II (uV),-aVR,RESP\n0,1,1000,1,5\n4,,2000,2,5\n8,nan,3000,3,5\n")
    record = read_record(path)
    assert (record.fs, record.leads, record.name) == (250.0, ("II", "aVR", "V1"), "t")
    np.testing.assert_array_equal(record.signal, np.array([[1, 2, 3], [-1, -2, -3], [1, np.nan, np.nan]], np.float32))


PLAIN = np.array([[0.1, 0.2, np.nan, -0.4], [1.5, 1.25, 1.0, 0.5]], np.float32)


@pytest.mark.parametrize(
    "text",
    [
        "I;II\n0.1;1.5\n0.2;1.25\n;1.0\n-0.4;0.5\n",
        "I;II\n0,1;1,5\n0,2;1,25\n;1,0\n-0,4;0,5\n",
        "I\tII\n0.1\t1.5\n0.2\t1.25\n\t1.0\n-0.4\t0.5\n",
        "I\tII\r\n0,1\t1,5\r\n0,2\t1,25\r\nNaN\t1\r\n-0,4\t0,5",
        "# made by\n\n#hand\nI,II\n0.1,1.5\n# here, it, stopped\n0.2,1.25\n,1.0\n-0.4,0.5\n#end",
        "I,II\nmV,mV\n0.1,1.5\n0.2,1.25\nNA,1.0\n-0.4,0.5\n",
        "I,II\nuV,mV\n100,1.5\n200,1.25\n#N/A,1.0\n-400,0.5\n",
        "I,II\nµV,mV\n100,1.5\n200,1.25\n-,1.0\n-400,0.5\n",
        "I,II\n0.1,1.5\n0.2,1.25\nN/A,1.0\n-0.4,0.5\n",
        "I,II\n0.1,1.5\n0.2,1.25\n null ,1.0\n-0.4,0.5\n",
        ",I,II\n0,0.1,1.5\n1,0.2,1.25\n2,,1.0\n3,-0.4,0.5\n",
        "sample,I,II\n0,0.1,1.5\n1,0.2,1.25\n2,None,1.0\n3,-0.4,0.5\n",
        "Unnamed: 0;I;II\n0;0,1;1,5\n1;0,2;1,25\n2;NA;1,0\n3;-0,4;0,5\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_tables_as_people_have_them(tmp_path, text, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    record = read_record(path, fs=250)
    assert record.leads == ("I", "II")
    np.testing.assert_allclose(record.signal, PLAIN, rtol=1e-6)


@pytest.mark.parametrize(
    "stamps",
    [
        ["2020-01-31 23:59:59.996", "2020-02-01 00:00:00.000", "2020-02-01 00:00:00.004", "2020-02-01 00:00:00.008"],
        ["2020-01-31T12:00:00.000Z", "2020-01-31T12:00:00.004Z", "2020-01-31T12:00:00.008Z", "2020-01-31T12:00:00.012Z"],
        ["31.01.2020 12:59:59.998 PM", "31.01.2020 01:00:00.002 PM", "31.01.2020 01:00:00.006 PM", "31.01.2020 01:00:00.010 PM"],
        ["9:00:00.000", "9:00:00.004", "9:00:00.008", "9:00:00.012"],
        ["1580472000.000", "1580472000.004", "1580472000.008", "1580472000.012"],
        ["1580472000000", "1580472000004", "1580472000008", "1580472000012"],
        ["0", "4000", "8000", "12000"],
    ],
)
@pytest.mark.parametrize("mark", [",", ";"])
def test_time_stamps_tell_the_frequency(tmp_path, stamps, mark):
    rows = [f"{stamp}{mark}{cell}" for stamp, cell in zip(stamps, ["0.1", "0.2", "", "-0.4"], strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([f"Timestamp{mark}I", *rows]))
    record = read_record(tmp_path / "t.csv")
    assert record.fs == pytest.approx(250, rel=1e-4)
    np.testing.assert_allclose(record.signal, PLAIN[:1], rtol=1e-6)


def test_columns_may_be_named_by_the_caller(tmp_path):
    (tmp_path / "none.csv").write_text("0.1,1.5\n0.2,1.25\nNA,1.0\n-0.4,0.5\n")
    (tmp_path / "other.csv").write_text("time,a,b\n0,100,1500\n0.004,200,1250\n0.008,,1000\n0.012,-400,500\n")
    np.testing.assert_allclose(read_record(tmp_path / "none.csv", 250, ["I", "II"]).signal, PLAIN, rtol=1e-6)
    other = read_record(tmp_path / "other.csv", leads=["I", "II"], unit="uV")
    assert (other.leads, other.fs) == (("I", "II"), 250)
    np.testing.assert_allclose(other.signal, PLAIN, rtol=1e-6)
    refused(tmp_path / "none.csv", "row 1 holds numbers", "--leads", fs=250)
    refused(tmp_path / "other.csv", "2 columns of leads, but 3 names by leads= or --leads", leads=["I", "II", "III"])
    np.savetxt(tmp_path / "twelve.csv", np.random.default_rng(0).normal(size=(30, 12)), delimiter=",")
    assert read_record(tmp_path / "twelve.csv", fs=100).leads == LEADS


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I;II\n0,1;0,2\n0,1;zero\n", "cell 2 of row 3 is not a number"),
        ("# a\nI,II\n1,2\n\n# b\n1,2,3\n", "row 6 has 3 cells, expected 2"),
        ("I,II\n0,1,0,2\n", "row 2 has 4 cells, expected 2 as in the first row; decimal commas need cells separated by ; or tabs"),
        ("I,II\n1,2\n \n3,x\n", "cell 2 of row 4 is not a number"),
        ("Timestamp,I\nmonday,1\n", "row 2 has no time of day in its first cell, expected one such as 12:30:00.004"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_by_row(tmp_path, text, fault):
    (tmp_path / "t.csv").write_text(text)
    refused(tmp_path / "t.csv", fault, fs=None if "Time" in text else 250)


@pytest.mark.parametrize("blank", ["", " ", "  ", "\t", " \t "])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_lines_of_blanks_are_empty_lines(tmp_path, blank, mark):
    """A tab in a table whose cells tabs separate is two empty cells."""
    rows = [f"I{mark}II", f"1{mark}2", blank, f"3{mark}4", blank]
    (tmp_path / "t.csv").write_text("\n".join([*rows, ""]))
    signal = read_record(tmp_path / "t.csv", fs=100).signal
    expected = [[1, 3], [2, 4]] if "\t" not in blank or mark != "\t" else [[1, np.nan, 3, np.nan], [2, np.nan, 4, np.nan]]
    np.testing.assert_array_equal(signal, expected)


def test_lines_of_blanks_in_one_column_are_empty_lines(tmp_path):
    (tmp_path / "t.csv").write_text("I\n1\n \n3\n  \n")
    np.testing.assert_array_equal(read_record(tmp_path / "t.csv", fs=100).signal, [[1, 3]])


def test_arrays_of_many_records(tmp_path):
    """(3, 12, 40) is three records, by hand and in a data set; an npz file need not call its only array signal."""
    values = np.random.default_rng(0).normal(size=(3, 12, 400)).astype(np.float32)
    np.save(tmp_path / "many.npy", values)
    np.savez(tmp_path / "one.npz", ecg=values[0], fs=100, labels=np.arange(5))
    np.savez(tmp_path / "two.npz", a=values[0], b=values[1])
    np.testing.assert_array_equal(read_record(tmp_path / "one.npz").signal, values[0])
    refused(tmp_path / "two.npz", "2 of its arrays may be the signal", fs=100)
    refused(tmp_path / "many.npy", "it holds 3 records, expected the number of one after its name, as in many.npy#0", fs=100)
    np.testing.assert_array_equal(read_record(tmp_path / "many.npy#2", fs=100).signal, values[2])
    refused(tmp_path / "many.npy#3", "no record 3, expected 0 to 2", fs=100)
    np.save(tmp_path / "only.npy", values[:1])
    for name in ("only.npy", "only.npy#0"):
        np.testing.assert_array_equal(read_record(tmp_path / name, fs=100).signal, values[0])
    refused(
        tmp_path / "one.npz#0",
        "no record 0, because its array has the shape (12, 400), expected (records, leads, samples), or one.npz without #0",
    )
    for name, shape in (("plain", (12, 40)), ("row", (40,)), ("number", ())):
        np.save(tmp_path / f"{name}.npy", np.ones(shape))
        refused(tmp_path / f"{name}.npy#7", f"{name}.npy", "no record 7", fs=100)
    assert keys(tmp_path / "many.npy") == ["many_0", "many_1", "many_2"]
    np.save(tmp_path / "volts.npy", values / 1000)
    np.testing.assert_allclose(read_record(tmp_path / "volts.npy#1", 100, unit="V").signal, values[1], rtol=1e-5)
    summary = fastecg.render_dataset(tmp_path / "many.npy", tmp_path / "out", fs=100, choose=["II", "CM5=V5"], dpi=50, workers=1)
    assert (summary.records, summary.failures) == (3, [])
    assert read_record(tmp_path / "out/many_1").leads == ("II", "ECG1")
    np.testing.assert_allclose(read_record(tmp_path / "out/many_1").lead("II"), values[1, 1], atol=0.0006)


def test_csv_needs_a_frequency(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("I,II\n1,2\n3,4\n")
    refused(path, "fs=")
    assert read_record(path, fs=100).fs == 100


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "no samples"), ("I\n", "no samples"), ("I,II\n1,2\n3\n", "row 3"), ("I\nx\n", "cell 1 of row 2"), ("time,I\n0,1\n0,2\n", "times"),
        ("time,I\n0,1\n1,2\n3,0\n", "times"),
     ("I\n1\n1\n", "constant"), ("I\nnan\nnan\n", "NaN"), ("I\n1\ninf\n", "infinite"), ("I,i\n1,2\n2,1\n", "two leads"), ("I\n\x00\n", "")],
)  # fmt: skip
def test_bad_csv(tmp_path, text, fault):
    path = tmp_path / "t.csv"
    path.write_text(text)
    refused(path, fault, fs=None if "time" in text else 100)


def test_numpy_files(tmp_path):
    values = np.random.default_rng(0).normal(size=(12, 50))
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", values.T)
    np.savez(tmp_path / "c.npz", signal=values[:2], fs=250, leads=["V2", "V1"])
    for name in "ab":
        record = read_record(tmp_path / f"{name}.npy", fs=500)
        assert record.leads == LEADS
        np.testing.assert_array_equal(record.signal, values.astype(np.float32))
    record = read_record(tmp_path / "c.npz")
    assert (record.leads, record.fs) == (("V1", "V2"), 250)
    np.testing.assert_array_equal(record.lead("V2"), values[0].astype(np.float32))


def test_bad_numpy_files(tmp_path):
    for name, values in {"flat": np.zeros(5), "words": np.array([["a", "b"]]), "odd": np.ones((3, 9))}.items():
        np.save(tmp_path / f"{name}.npy", values)
        refused(tmp_path / f"{name}.npy", fs=500)
    np.save(tmp_path / "inf.npy", np.array([[1, np.inf, 2]]))
    refused(tmp_path / "inf.npy", "infinite", fs=500, leads=["I"])
    np.save(tmp_path / "fs.npy", np.array([[1.0, 2.0, 3.0]]))
    refused(tmp_path / "fs.npy", "fs=", leads=["I"])
    refused(tmp_path / "fs.npy", "frequency", fs=0, leads=["I"])
    np.save(tmp_path / "things.npy", np.array([[{}, 1]], dtype=object), allow_pickle=True)
    refused(tmp_path / "things.npy", "no array", fs=500)
    (tmp_path / "no.npz").write_bytes(b"PK\x03\x04 not a zip")
    refused(tmp_path / "no.npz", "no array")
    lying = (tmp_path / "fs.npy").read_bytes().replace(b"(1, 3)", b"(9999999999, 9)")
    (tmp_path / "lying.npy").write_bytes(lying)
    refused(tmp_path / "lying.npy", "no array", fs=500)


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_no_pickle_is_run(tmp_path):
    """NumPy takes a file that does not begin as one of its own for a pickle, which may do anything."""
    for name, load in (("raw.npy", pickle.dumps), ("raw.npz", pickle.dumps)):
        (tmp_path / name).write_bytes(load(Bomb(tmp_path / "made")))
        refused(tmp_path / name, "no array", fs=500)
    np.savez(tmp_path / "inside.npz", signal=np.array([[Bomb(tmp_path / "made"), 1]], dtype=object), fs=500)
    refused(tmp_path / "inside.npz")
    assert not (tmp_path / "made").exists()


def test_tables_of_more_bytes_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("I\n" + "1\n2\n" * 100)
    for most, taken in ((402, True), (401, False)):
        monkeypatch.setattr("fastecg.readers.tables._MOST_BYTES", most)
        assert read_record(path, fs=100).samples == 200 if taken else refused(path, "table of that size", fs=100)


def test_a_row_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    """Joining what was read of it to every further piece would take a time that grows with the square of its length."""
    monkeypatch.setattr(tables, "_PIECE", 64)
    monkeypatch.setattr(tables, "_LONGEST_ROW", 200)
    path = tmp_path / "t.csv"
    path.write_bytes(b"1\n" * 10 + b"1" * 5000)
    with open(path, "rb") as file:
        with pytest.raises(RecordError, match="longer than 200 bytes"):
            list(tables._pieces(path, file, tables._Columns(",", "lead", 1.0, ["I"], ["mV"], 0)))
        assert file.tell() < 500


def test_headers_without_signals_are_told_from_what_is_no_header(tmp_path):
    for name, text, told in (("none.hea", "none 0 500 0\n", True), ("one.hea", "one 1 500 2\n", False), ("t.csv", "t 0 500 0\n", False)):
        (tmp_path / name).write_text(text)
        assert has_no_signals(tmp_path / name) == told
    assert not has_no_signals(tmp_path / "gone.hea")


# --- finding records -----------------------------------------------------------------------------------------------------------


def keys(*inputs) -> list[str]:
    return [source.key for source in find_records(inputs)]


def test_a_record_is_found_by_any_of_its_names(tmp_path):
    path = write(tmp_path, "r 1 500 20\nr.dat 16\n", ramp())
    for given_ in (path, str(path), path.with_suffix(""), path.with_suffix(".dat")):
        (source,) = find_records([given_])
        assert (source.path, source.relative, source.key) == (path, Path("r"), "r")
        assert read_record(given_).name == "r"


def test_a_folder_is_searched_in_order_and_segments_are_not_records(tmp_path):
    for name in ("b/z", "b/a", "a/r"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / Path(name).parent, f"{Path(name).name} 1 500 20\n", name=Path(name).name)
    (tmp_path / "m").mkdir()
    segments(tmp_path / "m", "# comment\nr/3 2 100 40\nlay 0\ns1 20\ns2 20\n", LAYOUT)
    (tmp_path / "m" / "broken.hea").write_bytes(b"\x00")
    (tmp_path / "m" / "empty.hea").write_bytes(b"# nothing but this\n")
    assert keys(tmp_path) == ["a/r", "b/a", "b/z", "m/broken", "m/empty", "m/r"]
    assert find_records(tmp_path)[0].relative == Path("a/r")


def test_a_list_names_records_and_folders(tmp_path):
    (tmp_path / "p").mkdir()
    for name in ("one", "two"):
        write(tmp_path / "p", f"{name} 1 500 20\n", name=name)
    write(tmp_path, "top 1 500 20\n", name="top")
    (tmp_path / "RECORDS").write_text("top\n\np/two\n")
    (tmp_path / "RECORDS-all").write_text("p/\n")
    assert keys(tmp_path / "RECORDS") == ["top", "p/two"]
    assert keys(tmp_path / "RECORDS-all") == ["p/one", "p/two"]


@pytest.mark.parametrize("entry", ["../r", "/etc/r", "p/../../r", "..\\r"])
def test_a_list_that_leads_astray(tmp_path, entry):
    inner = tmp_path / "in"
    inner.mkdir()
    write(tmp_path, "r 1 500 20\n")
    (inner / "RECORDS").write_text(f"r\n{entry}\n")
    with pytest.raises(RecordError, match=r"in/RECORDS: it lists .*, expected records below the folder of the list"):
        find_records(inner / "RECORDS")


def test_what_a_list_names_and_is_not_there_fails_when_read(tmp_path):
    write_record(tmp_path / "r", Record(np.arange(20)[None] / 20, 500, ("I",)))
    (tmp_path / "empty").mkdir()
    (tmp_path / "RECORDS").write_text("nowhere\nr\nempty\n")
    missing, found, empty = find_records(tmp_path / "RECORDS")
    assert [source.key for source in (missing, found, empty)] == ["nowhere", "r", "empty"]
    read_record(found.path)
    for source in (missing, empty):
        with pytest.raises(RecordError, match=r"no such file"):
            read_record(source.path)


def test_inputs_that_are_missing_or_empty_or_alike(tmp_path):
    with pytest.raises(RecordError, match="nothing_here"):
        find_records([tmp_path / "nothing_here"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordError, match=r"empty.*no record"):
        find_records([tmp_path / "empty"])
    (tmp_path / "a").mkdir()
    write(tmp_path / "a", "r 1 500 20\n")
    assert keys(tmp_path / "a", tmp_path / "a" / "r") == ["r"]
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert keys(tmp_path / "a", tmp_path / "link") == ["r"], "two ways to one file"
    (tmp_path / "a" / "r.csv").write_text("I\n1\n")
    with pytest.raises(RecordError, match="'r'"):
        find_records([tmp_path / "a" / "r.hea", tmp_path / "a" / "r.csv"])


def test_inputs_with_a_record_of_one_name_are_told_apart(tmp_path, monkeypatch):
    for folder in ("one/ecg", "two/ecg", "three"):
        (tmp_path / folder / "sub").mkdir(parents=True)
        write(tmp_path / folder / "sub", "r 1 500 20\n", name="s")
        write(tmp_path / folder, "r 1 500 20\n")
    one, two, three = (tmp_path / folder for folder in ("one/ecg", "two/ecg", "three"))
    (three / "r.hea").rename(three / "q.hea")
    (three / "sub" / "s.hea").unlink()
    assert keys(one, two) == ["one/ecg/r", "one/ecg/sub/s", "two/ecg/r", "two/ecg/sub/s"]
    assert keys(two, three, one) == ["two/ecg/r", "two/ecg/sub/s", "q", "one/ecg/r", "one/ecg/sub/s"]  # three has a name of its own
    assert keys(one / "r", two / "r.hea") == ["one/ecg/r", "two/ecg/r"]
    assert keys(one, one / "r", tmp_path / "one") == ["r", "sub/s", "ecg/r", "ecg/sub/s"]  # two places of one file are no clash
    monkeypatch.chdir(two)
    assert keys(".", "../../one/ecg") == ["two/ecg/r", "two/ecg/sub/s", "one/ecg/r", "one/ecg/sub/s"]
    assert all(source.path.is_file() for source in find_records([".", "../../one/ecg"]))


# --- links ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def farm(tmp_path):
    """A record whose files are links into a store, as git-annex has it."""
    (tmp_path / "store").mkdir()
    (tmp_path / "farm").mkdir()
    path = write(tmp_path / "store", "r 1 500 20\nr.dat 16 200/mV 16 0 0 0 0 II\n", ramp())
    path.rename(tmp_path / "store" / "MD5-1.hea")
    (tmp_path / "store" / "r.dat").rename(tmp_path / "store" / "MD5-2.dat")
    try:
        (tmp_path / "farm" / "r.hea").symlink_to("../store/MD5-1.hea")
        (tmp_path / "farm" / "r.dat").symlink_to("../store/MD5-2.dat")
    except OSError:
        pytest.skip("links need a privilege here")
    return tmp_path / "farm"


def test_links_are_followed_from_where_they_are(farm):
    """A header may not name a file elsewhere; who made the link may."""
    assert keys(farm) == ["r"]
    assert read_record(farm / "r").leads == ("II",)
    with pytest.raises(RecordError, match="missing"):
        read_record(farm.parent / "store" / "MD5-1.hea")


def test_links_that_lead_nowhere_are_named(farm):
    (farm.parent / "store" / "MD5-2.dat").unlink()
    refused(farm / "r.hea", "missing")
    (farm.parent / "store" / "MD5-1.hea").unlink()
    assert keys(farm) == ["r"]  # found, so that a run names it among its failures
    refused(farm / "r.hea", "no such")


def test_links_in_a_circle_end(farm):
    (farm / "again").symlink_to(".")
    (farm / "loop.hea").symlink_to("loop.hea")
    assert keys(farm) == ["loop", "r"]
    refused(farm / "loop.hea", "no such")


@pytest.mark.skipif(DATA is None, reason="FASTECG_DATA is not set")
def test_the_segments_in_the_data_are_found_out():
    found = set(keys(DATA / "formats" / "multi-segment"))
    assert found == {"041s/041s", "fixed1/v102s", "s25047/s25047-2704-05-04-10-44", "s25047/s25047-2704-05-04-10-44n"}


def test_samples_are_few_and_small_and_carry_no_comment():
    sources = sample_records()
    folder = sources[0].path.parent
    assert len(sources) >= 4
    assert (folder / "ATTRIBUTION.md").is_file()
    assert sum(file.stat().st_size for file in folder.iterdir()) < 500_000
    assert not any("#" in source.path.read_text() for source in sources)


def test_reading_common_formats_needs_neither_wfdb_nor_numba():
    script = "import sys, fastecg.readers as r; r.read_record(r.sample_records()[0].path); print(*sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert not {"wfdb", "numba", "pandas", "soundfile"} & set(done.stdout.split())


# --- what is long, and what waits for ever ---------------------------------------------------------------------------------------


def within(seconds: float, call, *args, **kwargs):
    """What a call returns, or the error that it raises; fails when it takes longer than `seconds`."""
    began = time.process_time()
    try:
        return call(*args, **kwargs)
    except RecordError as fault:
        return fault
    finally:
        assert time.process_time() - began < seconds


@pytest.mark.parametrize(
    "name", ["ecg", "lead ", "ecg_", "ecg" * 5 + "_" * 9, "lead-", "_", " ", "(", "[(", "((mV)", "V1 ", "\u2212", "mdc..:: "]
)
def test_no_name_takes_long(tmp_path, name):
    long = name * (1 << 20)
    assert within(1.0, standard_name, long + "!") is None
    path = tmp_path / "t.csv"
    for cell in (long[: 1 << 19], name * 1000):
        path.write_text(f"I,{cell}\n0,1\n1,2\n")
        found = within(1.0, read_record, path, fs=100)
        assert isinstance(found, RecordError) or max(map(len, found.leads)) <= 64
        path.write_text(f"{cell},I\n0,1\n1,2\n")
        within(1.0, read_record, path, fs=100)
    signals = within(1.0, parse_header, f"r 1 500 2\nr.dat 16 200/mV 16 0 0 0 0 {long}"[: 4 << 20].encode(), "r.hea").signals
    assert [len(lead.name) <= 64 for lead in within(1.0, choose_leads, [line.name for line in signals], ["mV"], "r")] == [True]


def test_names_are_told_apart_by_their_first_letters():
    longest = "V1" + " " * 60 + "# "
    with pytest.raises(RecordError, match="two leads are named alike"):
        choose_leads([longest + "b", longest + "c"], ["mV", "mV"], "r")
    assert [lead.name for lead in choose_leads(["x" * 70, "V1" + " " * 99], ["mV", "mV"], "r")] == ["V1", "ECG1"]


def test_a_table_is_read_in_pieces_as_it_is_as_a_whole(tmp_path, monkeypatch):
    values = np.random.default_rng(0).normal(0, 0.5, (997, 3)).round(4)
    values[::7, 1] = np.nan
    path = tmp_path / "t.csv"
    cells = ["" if np.isnan(value) else repr(float(value)) for value in values.T.reshape(-1)]
    rows = [f"{k / 250:.4f},{i}, {ii} ,{iii}" for k, (i, ii, iii) in enumerate(zip(*np.split(np.array(cells), 3), strict=True))]
    for end in ("\n", "\r\n"):
        path.write_text(end.join(["time,I,II,III", *rows[:500], "", *rows[500:]]), newline="")
        for piece in (1 << 23, 4096, 300):
            monkeypatch.setattr("fastecg.readers.tables._PIECE", piece)
            record = read_record(path)
            assert record.fs == 250.0
            np.testing.assert_array_equal(record.signal, values.T.astype(np.float32))


@pytest.mark.parametrize(
    ("row", "fault"),
    [("1,2", "row 902 has 2 cells, expected 3"), ("1,2,3,4", "row 902 has 4 cells"), ("1,2,x", "cell 3 of row 902 is not a number"),
     ("1,2,'3'", "cell 3 of row 902"), ("9" * (2 << 20), "longer than 1048576 bytes"), ("1,2,\xff", "cell 3 of row 902")],
)  # fmt: skip
def test_what_is_wrong_in_a_late_piece_is_told(tmp_path, monkeypatch, row, fault):
    path = tmp_path / "t.csv"
    path.write_bytes("\n".join(["I,II,III", *["1,2,3"] * 900, row]).encode("latin-1"))
    monkeypatch.setattr("fastecg.readers.tables._PIECE", 256 if len(row) < 99 else 1 << 20)
    refused(path, fault, fs=100)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_empty_cells_are_missing_wherever_they_stand(tmp_path, mark):
    """At the start of a row and at its end, several in a row, with blanks in them, beside others and alone."""
    blank = "  " if mark == "\t" else " \t "
    for rows in (
        (["1", "", "", ""], ["", "", "", "2"], ["", "5", "", ""]),
        (["1", blank, "", blank], [blank, "3", "4", "5"]),
        ([blank, "3", "4", "5"],),
    ):
        table = [["9", "9.5", "9", "9.5"], *rows, ["9", "9", "9.5", "9"]]
        for first in (table, table[::-1]):
            (tmp_path / "t.csv").write_text("\n".join(mark.join(row) for row in (["I", "II", "V1", "V2"], *first)) + "\n")
            wanted = np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in first], np.float32).T
            np.testing.assert_array_equal(read_record(tmp_path / "t.csv", fs=100).signal, wanted)


def test_a_table_of_too_many_cells_is_refused_while_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("fastecg.readers.tables._MOST_CELLS", 300)
    monkeypatch.setattr("fastecg.readers.tables._PIECE", 64)
    path = tmp_path / "t.csv"
    path.write_text("I,II,V1\n" + "1,2,3\n3,2,1\n" * 50)
    assert read_record(path, fs=100).samples == 100
    path.write_text("I,II,V1\n" + "1,2,3\n3,2,1\n" * 80 + "1,2,no number\n")
    refused(path, "more than 0 million cells", fs=100)


def test_times_of_several_pieces_are_one_clock(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    monkeypatch.setattr("fastecg.readers.tables._PIECE", 64)
    for missing in range(40, 56):  # where two pieces meet, or elsewhere
        moved = 4.0 * (np.arange(100) + (np.arange(100) >= missing))
        path.write_text("ms,I\n" + "".join(f"{at},{k % 7}\n" for k, at in enumerate(moved)))
        refused(path, "not evenly spaced")


def test_a_fast_reader_of_large_tables(tmp_path):
    path = tmp_path / "t.csv"
    rows = "\n".join(",".join(f"{v:.4f}" for v in row) for row in np.random.default_rng(0).normal(0, 0.5, (20_000, 12))) + "\n"
    path.write_text(",".join(LEADS) + "\n" + rows * 10)  # 18 MB
    assert within(5.0, read_record, path, fs=500).samples == 200_000  # 0.3 s; cell by cell it were 6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
@pytest.mark.parametrize("name", ["r.csv", "r.npy", "r.npz", "r.hea", "r.dat", "RECORDS"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    if name == "r.dat":
        (tmp_path / "r.hea").write_text("r 1 500 2\nr.dat 16\n")
    os.mkfifo(tmp_path / name)
    code = "import fastecg.readers as r, sys; from fastecg.errors import RecordError\ntry:\n r.{}\nexcept RecordError: sys.exit(7)"
    stem = tmp_path / ("r" if name == "r.dat" else name)
    for call in (f"read_record({str(stem)!r}, fs=100)", f"find_records({str(tmp_path if name == 'r.hea' else stem)!r})"):
        done = subprocess.run([sys.executable, "-c", code.format(call)], timeout=HANGS_S)
        assert done.returncode in ((0, 7) if name == "r.dat" else (7,)), (name, call)
