"""Records as hospitals and other tools keep them, in and out; every file is made here."""

from __future__ import annotations

import sys
from contextlib import suppress

import numpy as np
import pytest
from hospitals import AECG, LEAD, MUSE, dicom_file, muse_text, scp_file
from scipy.io import loadmat

import fastecg
from fastecg.errors import FastecgError, RecordError, not_installed
from fastecg.readers import find_records, read_record
from fastecg.record import LEADS
from fastecg.writers.exchange import write_exchange


@pytest.fixture(scope="module")
def gapped() -> fastecg.Record:
    """A record as it is read from a page of 3x4+1: every lead has its own seconds, and there are holes."""
    record = fastecg.simulate("sinus", seed=2)
    signal = np.full(record.signal.shape, np.nan, np.float32)
    for k in range(12):
        signal[k, 1250 * (k // 3) : 1250 * (k // 3 + 1)] = record.signal[k, 1250 * (k // 3) : 1250 * (k // 3 + 1)]
    signal[1] = record.signal[1]
    signal[1, 700:730] = np.nan
    return fastecg.Record(signal, 500.0, LEADS, "page")


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".edf", ".aecg.xml"])
def test_what_is_written_is_read_again(tmp_path, gapped, suffix):
    if suffix == ".edf":
        pytest.importorskip("edfio")
    write_exchange(tmp_path / f"page{suffix}", gapped)
    found = read_record(tmp_path / f"page{suffix}")
    assert (found.leads, found.fs) == (gapped.leads, gapped.fs)
    np.testing.assert_allclose(found.signal, gapped.signal, atol=6e-4)  # NaN where it was
    again = tmp_path / f"again{suffix}"
    write_exchange(again, found)
    assert again.read_bytes() == (tmp_path / f"page{suffix}").read_bytes()


def test_mat_files_hold_the_record_and_no_date(tmp_path, gapped):
    write_exchange(tmp_path / "page.mat", gapped)
    found = loadmat(tmp_path / "page.mat")
    np.testing.assert_array_equal(found["signal"], gapped.signal)
    assert found["fs"].item() == 500
    assert [name.item() for name in found["leads"].ravel()] == list(LEADS)
    assert found["__header__"] == b"MATLAB 5.0 MAT-file, written by fastecg"


def test_edf_of_large_values_and_odd_frequencies(tmp_path):
    pytest.importorskip("edfio")
    rng = np.random.default_rng(0)
    record = fastecg.Record(rng.normal(0, 20, (2, 777)), 257.0, ("I", "V1"))
    write_exchange(tmp_path / "a.edf", record)
    found = read_record(tmp_path / "a.edf")
    assert (found.fs, found.samples) == (257.0, 4 * 257)
    np.testing.assert_allclose(found.signal[:, :777], record.signal, atol=0.003)
    assert np.isnan(found.signal[:, 777:]).all()  # EDF holds whole seconds
    write_exchange(tmp_path / "b.edf", fastecg.Record(record.signal, 62.5, ("I", "V1")))
    assert read_record(tmp_path / "b.edf").fs == 62.5
    with pytest.raises(FastecgError, match=r"EDF cannot hold 99\.9991 Hz"):
        write_exchange(tmp_path / "c.edf", fastecg.Record(record.signal, 99.9991, ("I", "V1")))


def test_edf_of_others(tmp_path):
    edfio = pytest.importorskip("edfio")
    t = np.arange(1000) / 250
    wave = np.sin(2 * np.pi * t)
    patient = edfio.Patient(name="Jane_Doe", code="42")
    signals = [
        edfio.EdfSignal(1000 * wave, 250, label="ECG I", physical_dimension="uV"),
        edfio.EdfSignal(2 * wave, 250, label="ECG II", physical_dimension="mV"),
        edfio.EdfSignal(wave[:100], 25, label="Resp", physical_dimension="mV"),
    ]
    edfio.Edf(signals, patient=patient).write(tmp_path / "a.edf")
    found = read_record(tmp_path / "a.edf")
    assert found.leads == ("I", "II")
    np.testing.assert_allclose(found.signal, [wave, 2 * wave], atol=1e-3)
    assert "Doe" not in repr(found)
    signals[1] = edfio.EdfSignal(wave[:500], 125, label="ECG II", physical_dimension="mV")
    edfio.Edf(signals).write(tmp_path / "b.edf")
    with pytest.raises(RecordError, match="sampled at 125, 250 Hz"):
        read_record(tmp_path / "b.edf")


def test_dicom(tmp_path):
    pytest.importorskip("pydicom")
    record = fastecg.simulate("sinus", seed=3)
    dicom_file(tmp_path / "a.dcm", record.signal, [f"Lead {lead} (Einthoven)" if lead == "I" else f"Lead {lead}" for lead in LEADS])
    found = read_record(tmp_path / "a.dcm")
    assert (found.leads, found.fs, found.name) == (LEADS, 500.0, "a")
    np.testing.assert_allclose(found.signal, record.signal, atol=2e-3)


@pytest.mark.parametrize("coding", ["plain", "huffman"])
def test_scp(tmp_path, coding):
    """Eight leads are stored; the other four follow from them."""
    pytest.importorskip("ecgdatakit")
    record = fastecg.simulate("sinus", seed=5, noise=0.0)
    scp_file(tmp_path / "a.scp", record, coding)
    found = read_record(tmp_path / "a.scp")
    assert (found.leads, found.fs, found.name) == (LEADS, 500.0, "a")
    stored = [lead for lead in LEADS if lead not in ("III", "aVR", "aVL", "aVF")]
    np.testing.assert_allclose([found.lead(lead) for lead in stored], [record.lead(lead) for lead in stored], atol=1.3e-3)
    np.testing.assert_allclose(found.lead("III"), found.lead("II") - found.lead("I"), atol=1e-5)
    assert "Doe" not in repr(found)


def test_muse(tmp_path):
    """Eight leads are stored; the other four follow from them."""
    record = fastecg.simulate("sinus", seed=4, noise=0.0)
    stored = [lead for lead in LEADS if lead not in ("III", "aVR", "aVL", "aVF")]
    (tmp_path / "a.xml").write_text(muse_text(record, stored))
    found = read_record(tmp_path / "a.xml")
    assert (found.leads, found.fs) == (LEADS, 500.0)
    np.testing.assert_allclose([found.lead(lead) for lead in stored], [record.lead(lead) for lead in stored], atol=3e-3)
    one, two = found.lead("I"), found.lead("II")
    np.testing.assert_allclose(found.lead("aVR"), -(one + two) / 2, atol=1e-5)
    np.testing.assert_allclose(found.lead("aVL") + found.lead("aVR") + found.lead("aVF"), 0, atol=1e-5)


def test_the_most_complete_rhythm_of_a_muse_file_is_read(tmp_path):
    """Of two as complete the first; a median beat only if there is no rhythm, however many leads it has."""
    record = fastecg.simulate("sinus", seed=4, noise=0.0)
    named = {"whole": ["I", "II", "V1"], "other": ["I", "II", "V2"], "part": ["V5"]}
    waves = {name: muse_text(record, leads).partition("</Waveform>")[2].removesuffix("</RestingECG>") for name, leads in named.items()}
    start = MUSE.partition("<Waveform>")[0]
    median = waves["other"].replace("Rhythm", "Median")
    for order, lead in (
        (("whole", "part"), "V1"), (("part", "whole"), "V1"), (("whole", "other"), "V1"), (("other", "whole"), "V2"), (("part",), "V5"),
    ):  # fmt: skip
        (tmp_path / "a.xml").write_text(start + median + "".join(waves[name] for name in order) + "</RestingECG>")
        assert read_record(tmp_path / "a.xml").leads[-1] == lead, order
    (tmp_path / "a.xml").write_text(start + median + "</RestingECG>")
    assert read_record(tmp_path / "a.xml").leads[-1] == "V2"


def test_aecg_of_others(tmp_path):
    (tmp_path / "a.xml").write_text(AECG)
    found = read_record(tmp_path / "a.xml")
    assert (found.leads, found.fs) == (("I", "aVR"), 500.0)
    np.testing.assert_allclose(found.signal, [[0.05, 0.1, 0.15, 0.2], [0.005, 0.01, 0.015, -0.02]], atol=1e-6)


@pytest.mark.parametrize("step", ['value="0.002" unit="s"', 'value="2000" unit="us"', 'value="0.002"'])
def test_steps_of_an_aecg_in_any_unit(tmp_path, step):
    """A time without a unit is in seconds."""
    assert 'value="2" unit="ms"' in AECG
    (tmp_path / "a.xml").write_text(AECG.replace('value="2" unit="ms"', step))
    assert read_record(tmp_path / "a.xml").fs == 500.0


def test_an_aecg_begins_where_its_first_set_does(tmp_path):
    (tmp_path / "a.xml").write_text(
        AECG.replace("TIME_ABSOLUTE", "TIME_RELATIVE").replace('value="20021122091000.000"', 'value="3" unit="s"')
    )
    assert read_record(tmp_path / "a.xml").samples == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<RestingECG>", "damaged"),
        ("<html/>", "its root is 'html'"),
        ('<!DOCTYPE a [<!ENTITY b "bb">]><RestingECG>&b;</RestingECG>', "it defines entities"),
        (AECG.replace('unit="ms"', 'unit="h"'), "a time is in 'h'"),
        (AECG.replace('<scale value="5" unit="uV"/>', '<scale value="5" unit="mmHg"/>'), "the scale of a lead is in 'mmHg'"),
        (AECG.replace("1 2 3 -4", "1 2 x"), "damaged"),
        (AECG.replace("1 2 3 -4", "1 2 3"), ""),
        (MUSE.format(leads=LEAD.format(name="I", data="%%%")), "no base64"),
        (MUSE.format(leads=""), "none of its 0 signals"),
        ("<RestingECG/>", "no waveform"),
    ],
)
def test_damaged_xml_is_refused_with_a_sentence(tmp_path, text, told):
    (tmp_path / "a.xml").write_text(text)
    if not told:
        assert np.isnan(read_record(tmp_path / "a.xml").lead("aVR")[-1])
        return
    with pytest.raises(RecordError, match=told):
        read_record(tmp_path / "a.xml")


def test_xml_of_many_elements_is_refused_before_its_tree_fills_the_memory(tmp_path, monkeypatch):
    path = tmp_path / "a.xml"
    inside = AECG.index("<component>")
    path.write_text(AECG[:inside] + '<a b="" c=""/>' * 100 + AECG[inside:])
    assert read_record(path).samples == 4
    for most, refused in ((299, True), (400, False)):
        monkeypatch.setattr("fastecg.readers.extras._MOST_NODES", most)
        if refused:
            with pytest.raises(RecordError, match="more than 299 elements and attributes"):
                read_record(path)
        else:
            assert read_record(path).samples == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("what", ['<!ENTITY b "bb">', '<!ENTITY b SYSTEM "other">', '<!ENTITY % b SYSTEM "other"> %b;'])
def test_entities_are_refused_in_every_encoding(tmp_path, encoding, what):
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE RestingECG [{what}]><RestingECG/>'
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    with pytest.raises(RecordError, match="it defines entities"):
        read_record(tmp_path / "a.xml")


@pytest.mark.parametrize("suffix", [".dcm", ".scp"])
def test_large_files_are_read_by_a_process_of_their_own_as_others_are(tmp_path, monkeypatch, suffix):
    pytest.importorskip("pydicom" if suffix == ".dcm" else "ecgdatakit")
    record = fastecg.simulate("sinus", seed=3)
    good, bad = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    dicom_file(good, record.signal, [f"Lead {lead}" for lead in LEADS]) if suffix == ".dcm" else scp_file(good, record)
    bad.write_bytes(good.read_bytes()[:700])
    at_once = read_record(good)
    with pytest.raises(RecordError) as fault:
        read_record(bad)
    monkeypatch.setattr("fastecg.readers.extras.LARGEST_IN_PROCESS", 0)
    apart = read_record(good)
    assert (apart.leads, apart.fs, apart.name) == (at_once.leads, at_once.fs, at_once.name)
    np.testing.assert_array_equal(apart.signal, at_once.signal)
    with pytest.raises(RecordError) as same_fault:
        read_record(bad)
    assert str(same_fault.value) == str(fault.value)
    monkeypatch.setattr("fastecg.readers.apart._SECONDS", 1e-3)
    with pytest.raises(RecordError, match="reading it takes more than 0 s"):
        read_record(good)


@pytest.mark.parametrize(
    ("suffix", "extra", "module"),
    [(".edf", "edf", "edfio"), (".dcm", "dicom", "pydicom"), (".scp", "scp", "ecgdatakit")],
)
def test_what_is_not_installed_is_named(tmp_path, monkeypatch, suffix, extra, module):
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / f"a{suffix}").write_bytes(b"0" * 300)
    with pytest.raises(RecordError, match=rf"needs {module}.*pip install 'fastecg\[{extra}\]'"):
        read_record(tmp_path / f"a{suffix}")


def test_a_missing_package_is_named_as_pip_knows_it():
    assert not_installed(ModuleNotFoundError("No module named 'PIL'", name="PIL.Image")).startswith("pillow is not installed")
    assert not_installed(ImportError("fastecg: needs edfio")) == "fastecg: needs edfio"
    assert not_installed(ModuleNotFoundError("said by itself")) == "said by itself"


@pytest.mark.parametrize(("suffix", "module"), [(".edf", "edfio"), (".dcm", "pydicom"), (".scp", "ecgdatakit")])
def test_damaged_files_are_refused(tmp_path, suffix, module):
    pytest.importorskip(module)
    whole = tmp_path / f"whole{suffix}"
    record = fastecg.simulate("sinus", seed=3, fs=100)
    match suffix:
        case ".edf":
            write_exchange(whole, record)
        case ".dcm":
            dicom_file(whole, record.signal, [f"Lead {lead}" for lead in LEADS])
        case ".scp":
            scp_file(whole, record)
    data, rng = whole.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data[: rng.integers(len(data))] if rng.random() < 0.3 else data)
        for at in rng.integers(0, max(1, min(len(broken), 3000)), 8):
            broken[at : at + 1] = bytes([rng.integers(256)])
        (tmp_path / f"a{suffix}").write_bytes(broken)
        with suppress(RecordError):
            read_record(tmp_path / f"a{suffix}")


def test_folders_without_headers_are_searched_for_them(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.xml").write_text(AECG)
    assert [source.key for source in find_records(tmp_path)] == ["sub/a"]


def test_unknown_formats_are_refused(tmp_path, gapped):
    with pytest.raises(FastecgError, match=r"expected \.csv, \.npz, \.mat, \.edf or \.xml"):
        write_exchange(tmp_path / "a.mfer", gapped)
