"""Read formats of hospitals: EDF, DICOM and SCP-ECG with the usual library for each, GE MUSE and HL7 aECG from XML.

Nothing about the patient is kept: neither names nor dates nor anything else. Names of leads are cut to 64 characters, and known ones are
shorter.
"""

from __future__ import annotations

import base64
import binascii
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from fastecg.errors import RecordError
from fastecg.leads import LIMB_SHARES
from fastecg.readers.apart import LARGEST_IN_PROCESS, Signals, signals_apart
from fastecg.readers.checked import checked_record
from fastecg.readers.header import FS_RANGE, file_size
from fastecg.readers.leads import choose_leads, millivolts_per
from fastecg.record import Record

#: Suffix of a file -> the optional dependency ("extra") of fastecg with which it is read, "" for none.
SUFFIXES = {".edf": "edf", ".bdf": "edf", ".dcm": "dicom", ".scp": "scp", ".xml": ""}

#: Text in the transducer field of EDF files that fastecg writes. It says that the digital minimum is a missing sample, for which EDF has no
#: value of its own.
MISSING = "minimum is missing"

_MOST_BYTES = 256 << 20  # Largest EDF, DICOM or SCP file, bytes.
_MOST_XML = 64 << 20  # Largest XML file, bytes.
_MOST_NODES = 1 << 20  # Largest number of elements and attributes of an XML file: each takes some 300 bytes of memory.
_MOST_SAMPLES = 1 << 26  # Largest number of samples of all signals of a DICOM file together, or of one lead of an aECG file.
_HL7 = "{urn:hl7-org:v3}"  # Namespace of the elements of HL7 aECG, as ElementTree writes it.
_MUSE = "RestingECG"  # Root element of GE MUSE files.
_AECG = f"{_HL7}AnnotatedECG"  # Root element of HL7 aECG files.


def read_extra(path: Path) -> Record:
    """Read the record in a file with one of `SUFFIXES`.

    Raises
    ------
    RecordError
        If the file is damaged or holds no ECG, or if its extra is not installed.
    """
    suffix = path.suffix.lower()
    _check_size(path, _MOST_XML if suffix == ".xml" else _MOST_BYTES)
    try:
        if suffix in (".dcm", ".scp"):
            return _record_of(path, *(read_signals if path.stat().st_size <= LARGEST_IN_PROCESS else signals_apart)(path))
        return _xml(path) if suffix == ".xml" else _edf(path)
    except ImportError as missing:
        extra = SUFFIXES[suffix]
        raise RecordError(f"{path}: {suffix} needs {missing.name}, expected `pip install 'fastecg[{extra}]'` to have been run") from None
    except (RecordError, MemoryError):
        raise
    except Exception as fault:  # the libraries may raise anything if a file is damaged
        raise damaged(path, fault) from None


def read_signals(path: Path) -> Signals:
    """Read the signals of a DICOM or SCP-ECG file by its library, which may take any amount of time and memory."""
    return _scp(path) if path.suffix.lower() == ".scp" else _dicom(path)


def damaged(path: Path, fault: Exception) -> RecordError:
    """The error for a file that a library could not read; `fault` is what the library raised."""
    return RecordError(f"{path}: it is damaged ({type(fault).__name__}), expected a record in {path.suffix[1:].upper()}")


def _check_size(path: Path, most: int) -> None:
    """Raise `RecordError` unless `path` is a file of at most `most` bytes."""
    size = file_size(path)
    if size is None or size > most:
        raise RecordError(f"{path}: it is not a file of at most {most >> 20} MiB, expected a record")


def _record_of(path: Path, names: Sequence[str], units: Sequence[str], signals: Sequence[np.ndarray], fs: float) -> Record:
    """The record of the ECG leads among the signals of a file, each in its own unit; `RecordError` if they do not fit together."""
    if not FS_RANGE[0] <= fs <= FS_RANGE[1]:
        raise RecordError(f"{path}: the sampling frequency is {fs:g} Hz, expected {FS_RANGE[0]:g} to {FS_RANGE[1]:g} Hz")
    leads = choose_leads(names, units, path)
    if len({len(signals[lead.channel]) for lead in leads}) > 1:
        raise RecordError(f"{path}: its leads are of different lengths, expected as many samples of each")
    rows = [signals[lead.channel] * (lead.sign * (millivolts_per(units[lead.channel]) or 1.0)) for lead in leads]
    return checked_record(path, np.stack(rows), fs, [lead.name for lead in leads])


# --- EDF -----------------------------------------------------------------------------------------------------------------------


def _edf(path: Path) -> Record:
    """The record in an EDF or BDF file."""
    import edfio

    file = edfio.read_bdf(path) if path.suffix.lower() == ".bdf" else edfio.read_edf(path)
    names = [str(signal.label)[:64] for signal in file.signals]
    units = [str(signal.physical_dimension) or "mV" for signal in file.signals]
    chosen = [lead.channel for lead in choose_leads(names, units, path)]
    rates = {float(file.signals[index].sampling_frequency) for index in chosen}
    if len(rates) > 1:
        listed = ", ".join(f"{rate:g}" for rate in sorted(rates))
        raise RecordError(f"{path}: its leads are sampled at {listed} Hz, expected one frequency for all")
    # Signals that are not leads are not read.
    signals = [_edf_values(signal) if index in chosen else np.empty(0) for index, signal in enumerate(file.signals)]
    return _record_of(path, names, units, signals, rates.pop())


def _edf_values(signal: Any) -> np.ndarray:
    """The samples of a signal of edfio in its unit, NaN where they are marked as missing."""
    values = np.array(signal.data, dtype=np.float64)
    if MISSING in str(signal.transducer_type):
        values[np.asarray(signal.digital) == signal.digital_min] = np.nan
    return values


# --- DICOM ---------------------------------------------------------------------------------------------------------------------


def _dicom(path: Path) -> Signals:
    """The signals of the main recording in a DICOM file."""
    import pydicom

    data = pydicom.dcmread(path)
    groups = data.get("WaveformSequence")
    if not groups:
        raise RecordError(f"{path}: it has no waveforms, expected a DICOM ECG")
    # Of the groups with the most leads, the longest is the recording; others may be an average beat.
    best = max(range(len(groups)), key=lambda k: (groups[k].NumberOfWaveformChannels, groups[k].NumberOfWaveformSamples))
    group = groups[best]
    if int(group.NumberOfWaveformSamples) * int(group.NumberOfWaveformChannels) > _MOST_SAMPLES:
        shape = f"{group.NumberOfWaveformChannels} signals of {group.NumberOfWaveformSamples} samples"
        raise RecordError(f"{path}: it claims to have {shape}, expected at most {_MOST_SAMPLES} samples in all")
    raw = np.asarray(data.waveform_array(best), dtype=np.float64).T
    channels = group.ChannelDefinitionSequence
    names = [_channel_name(channel) for channel in channels]
    units = [_channel_unit(channel) for channel in channels]
    return names, units, list(raw), float(group.SamplingFrequency)


def _channel_name(channel: Any) -> str:
    """The name of a channel without the explanation behind it: "Lead I" of "Lead I (Einthoven)"."""
    source = channel.get("ChannelSourceSequence")
    meaning = str(source[0].get("CodeMeaning", "")) if source else str(channel.get("ChannelLabel", ""))
    return meaning[:64].partition("(")[0].strip()


def _channel_unit(channel: Any) -> str:
    """The unit of a channel, mV if none is stated."""
    unit = channel.get("ChannelSensitivityUnitsSequence")
    return str(unit[0].get("CodeValue", "mV")) if unit else "mV"


# --- SCP-ECG -------------------------------------------------------------------------------------------------------------------


def _scp(path: Path) -> Signals:
    """The signals of an SCP-ECG file, and missing limb leads computed from I and II."""
    from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser warns of missing checksums, which many devices do not write
        try:
            leads = SCPECGParser().parse(path).leads
        except MemoryError:
            raise RecordError(f"{path}: it claims to have more samples than fit into memory, expected a record in SCP-ECG") from None
    rates = {float(lead.sampling_rate) for lead in leads}
    if len(rates) != 1 or not all(lead.resolution_unit for lead in leads):
        raise RecordError(f"{path}: its leads have no unit, or differ in sampling frequency, expected microvolts at one frequency")
    signals = [lead.samples * lead.resolution + lead.offset for lead in leads]
    names, units = [lead.label[:64] for lead in leads], [lead.resolution_unit for lead in leads]
    return *_with_limb_leads(names, units, signals), rates.pop()


# --- XML -----------------------------------------------------------------------------------------------------------------------


def _xml(path: Path) -> Record:
    """The record in an XML file of GE MUSE or HL7 aECG."""
    root = _tree(path, path.read_bytes())
    return _muse(path, root) if root.tag == _MUSE else _aecg(path, root)


def _tree(path: Path, text: bytes) -> ElementTree.Element:
    """Parse an XML file in any encoding, and return its root element.

    The file is refused as soon as its root element is of another format, it has too many elements, or it defines entities. With
    `ElementTree.fromstring`, these checks would have to wait until the whole tree is in memory, where it may take 3 GB.
    """
    builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    nodes = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal nodes
        tag = _qualified(name)
        if nodes == 0 and tag not in (_MUSE, _AECG):
            raise RecordError(f"{path}: its root is {tag[:40]!r}, expected RestingECG (GE MUSE) or AnnotatedECG (HL7)")
        nodes += 1 + len(attributes)
        if nodes > _MOST_NODES:
            raise RecordError(f"{path}: it has more than {_MOST_NODES} elements and attributes, expected an ECG")
        builder.start(tag, {_qualified(key): value for key, value in attributes.items()})

    def entity(*_: object) -> None:  # entities could refer to other files, or grow without end
        raise RecordError(f"{path}: it defines entities, expected plain XML")

    parser.StartElementHandler, parser.CharacterDataHandler = start, builder.data
    parser.EndElementHandler = lambda name: builder.end(_qualified(name))
    parser.EntityDeclHandler = parser.SkippedEntityHandler = entity
    parser.Parse(text, True)
    return builder.close()


def _qualified(name: str) -> str:
    """A name from expat, "namespace}name", as ElementTree writes it, "{namespace}name"."""
    return "{" + name if "}" in name else name


def _muse(path: Path, root: ElementTree.Element) -> Record:
    """The record in a GE MUSE file, which has 16-bit integers in base64 for every lead.

    III, aVR, aVL and aVF may be missing. Of the waveforms of type Rhythm (of all if there is none), the one with the most leads is read; of
    several with as many, the longest, or else the first.
    """
    waves = root.findall("Waveform")
    waves = [wave for wave in waves if wave.findtext("WaveformType", "").strip().lower() == "rhythm"] or waves
    if not waves:
        raise RecordError(f"{path}: it has no waveform, expected one of type Rhythm")
    stored_in = [[lead.findtext("WaveFormData", "") for lead in wave.findall("LeadData")] for wave in waves]
    wave = waves[max(range(len(waves)), key=lambda k: (len(stored_in[k]), sum(map(len, stored_in[k]))))]
    fs = float(wave.findtext("SampleBase", "")) * 10.0 ** float(wave.findtext("SampleExponent", "0"))
    names, units, signals = [], [], []
    for lead in wave.findall("LeadData"):
        try:
            stored = base64.b64decode("".join(lead.findtext("WaveFormData", "").split()), validate=True)
        except binascii.Error:
            raise RecordError(f"{path}: the data of a lead are no base64, expected 16-bit integers in base64") from None
        names.append(lead.findtext("LeadID", "").strip()[:64])
        units.append(lead.findtext("LeadAmplitudeUnits", "MICROVOLTS").strip())
        signals.append(np.frombuffer(stored, dtype="<i2") * float(lead.findtext("LeadAmplitudeUnitsPerBit", "")))
    return _record_of(path, *_with_limb_leads(names, units, signals), fs)


def _with_limb_leads(names: list[str], units: list[str], signals: list[np.ndarray]) -> tuple[list[str], list[str], list[np.ndarray]]:
    """Add missing ones of III, aVR, aVL and aVF to a file's names, units and signals, if it has I and II in one unit, but not III."""
    if {"I", "II"} <= set(names) and "III" not in names and units[names.index("I")] == units[names.index("II")]:
        one, two, unit = signals[names.index("I")], signals[names.index("II")], units[names.index("I")]
        for name, signal in ((name, a * one + b * two) for name, (a, b) in LIMB_SHARES.items()):
            if name.lower() not in (other.lower() for other in names):
                names, units, signals = [*names, name], [*units, unit], [*signals, signal]
    return names, units, signals


def _aecg(path: Path, root: ElementTree.Element) -> Record:
    """The record in an HL7 aECG file: the sequence sets of its first series, each at its own time, NaN where no set has a sample."""
    series = root.find(f"{_HL7}component/{_HL7}series")
    sets = [] if series is None else [_sequence_set(path, element) for element in series.findall(f"{_HL7}component/{_HL7}sequenceSet")]
    if not sets:
        raise RecordError(f"{path}: it has no sequence sets, expected a series with one sequence for each lead")
    steps = {each.step_s for each in sets}
    if len(steps) > 1:
        raise RecordError(f"{path}: its sequence sets have different time steps, expected the same for all")
    fs = 1.0 / steps.pop()
    # Numbers of samples from the start of the earliest set: `starts` to the start of each set, `size` to the end of the one that ends last.
    starts = [round((each.start_s - min(other.start_s for other in sets)) * fs) for each in sets]
    size = max(start + len(signal) for start, each in zip(starts, sets, strict=True) for _, signal in each.leads)
    if size > _MOST_SAMPLES:
        raise RecordError(f"{path}: its sequence sets are spread over {size / fs:g} s, expected one recording")
    signals: dict[str, np.ndarray] = {}
    for start, each in zip(starts, sets, strict=True):
        for name, signal in each.leads:
            row = signals.setdefault(name, np.full(size, np.nan))
            row[start : start + len(signal)] = signal
    # The frequency is rounded, because time steps are written with few digits.
    return _record_of(path, list(signals), ["mV"] * len(signals), list(signals.values()), float(f"{fs:.9g}"))


class _SequenceSet(NamedTuple):
    """The leads of one sequence set of an aECG, by name, in mV, with the time of their first sample and their time step in s."""

    start_s: float
    step_s: float
    leads: list[tuple[str, np.ndarray]]


def _sequence_set(path: Path, element: ElementTree.Element) -> _SequenceSet:
    """Parse a sequence set. Its start is 0 s if no relative time is given, because dates are not read."""
    start_s, step_s, leads = 0.0, 0.0, []
    for sequence in element.findall(f"{_HL7}component/{_HL7}sequence"):
        code, value = sequence.find(f"{_HL7}code"), sequence.find(f"{_HL7}value")
        if code is None or value is None:
            continue
        name = code.get("code", "")[:64]
        if name.startswith("TIME"):
            step_s = _seconds(path, value.find(f"{_HL7}increment"))
            head = value.find(f"{_HL7}head")
            start_s = _seconds(path, head) if name == "TIME_RELATIVE" and head is not None else 0.0
        else:
            digits = np.array((value.findtext(f"{_HL7}digits") or "").split(), dtype=np.float64)
            leads.append((name, _physical(path, value, "origin") + digits * _physical(path, value, "scale")))
    if not step_s > 0 or not leads:
        raise RecordError(f"{path}: a sequence set has no times or no leads, expected both")
    return _SequenceSet(start_s, step_s, leads)


def _seconds(path: Path, element: ElementTree.Element | None) -> float:
    """The value of an element with a unit of time, in seconds."""
    units = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
    unit = "" if element is None else element.get("unit", "s")
    if element is None or unit not in units:
        raise RecordError(f"{path}: a time is in {unit[:20]!r}, expected s, ms or us")
    return float(element.get("value", "")) * units[unit]


def _physical(path: Path, value: ElementTree.Element, name: str) -> float:
    """The value in mV of the element `name` of a lead, its "origin" or its "scale"."""
    element = value.find(f"{_HL7}{name}")
    unit = "" if element is None else element.get("unit", "")
    factor = millivolts_per(unit)
    if element is None or factor is None:
        raise RecordError(f"{path}: the {name} of a lead is in {unit[:20]!r}, expected uV, mV or V")
    return float(element.get("value", "")) * factor


def found_in(folder: Path) -> list[Path]:
    """The files with one of `SUFFIXES` in a folder and the folders below it, sorted."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and os.path.isfile(path)]
