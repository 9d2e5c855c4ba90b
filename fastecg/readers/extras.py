"""Formats of hospitals: EDF, DICOM and SCP-ECG through the libraries of their fields, GE MUSE and HL7 aECG from XML.

Names, dates and everything else about the patient are dropped.
"""

from __future__ import annotations

import base64
import binascii
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from fastecg.errors import RecordError
from fastecg.leads import LIMB_SHARES
from fastecg.readers.apart import LARGEST_AT_ONCE, Signals, signals_apart
from fastecg.readers.checked import checked_record
from fastecg.readers.header import FS_RANGE, file_size
from fastecg.readers.leads import choose_leads, millivolts_per
from fastecg.record import Record

#: Suffix -> extra that reading it needs, "" for none.
SUFFIXES = {".edf": "edf", ".bdf": "edf", ".dcm": "dicom", ".scp": "scp", ".xml": ""}

#: Text in the transducer field of our EDF files, which says that the digital minimum is a missing sample: the format has none.
MISSING = "minimum is missing"

_MOST_BYTES = 256 << 20  # Largest EDF, DICOM or SCP file.
_MOST_XML = 64 << 20  # Largest XML file.
_MOST_NODES = 1 << 20  # Largest number of elements and attributes of an XML file: each takes some 300 bytes of memory.
_MOST_SAMPLES = 1 << 26  # Largest number of samples of all leads together.
_HL7 = "{urn:hl7-org:v3}"
_MUSE = "RestingECG"  # Root of GE MUSE's documents.
_AECG = f"{_HL7}AnnotatedECG"  # Root of HL7's.


def read_extra(path: Path) -> Record:
    """Read a record of one of `SUFFIXES`; `RecordError` if it is damaged, holds no ECG, or its extra is not installed."""
    suffix = path.suffix.lower()
    _check_size(path, _MOST_XML if suffix == ".xml" else _MOST_BYTES)
    try:
        if suffix in (".dcm", ".scp"):
            return _made(path, *(read_signals if path.stat().st_size <= LARGEST_AT_ONCE else signals_apart)(path))
        return _xml(path) if suffix == ".xml" else _edf(path)
    except ImportError as missing:
        extra = SUFFIXES[suffix]
        raise RecordError(f"{path}: {suffix} needs {missing.name}, expected `pip install 'fastecg[{extra}]'` to have been run") from None
    except (RecordError, MemoryError):
        raise
    except Exception as fault:  # the libraries raise whatever they run into in a damaged file
        raise damaged(path, fault) from None


def read_signals(path: Path) -> Signals:
    """The signals of a DICOM or SCP-ECG file, by a library that may take any time and memory."""
    return _scp(path) if path.suffix.lower() == ".scp" else _dicom(path)


def damaged(path: Path, fault: Exception) -> RecordError:
    """The error that says that a library failed with a file."""
    return RecordError(f"{path}: it is damaged ({type(fault).__name__}), expected a record in {path.suffix[1:].upper()}")


def _check_size(path: Path, most: int) -> None:
    size = file_size(path)
    if size is None or size > most:
        raise RecordError(f"{path}: is no file of at most {most >> 20} MiB, expected a record")


def _made(path: Path, names: Sequence[str], units: Sequence[str], signals: Sequence[np.ndarray], fs: float) -> Record:
    """A record from signals of one length with their units."""
    if not FS_RANGE[0] <= fs <= FS_RANGE[1]:
        raise RecordError(f"{path}: the sampling frequency is {fs:g} Hz, expected {FS_RANGE[0]:g} to {FS_RANGE[1]:g} Hz")
    leads = choose_leads(names, units, path)
    if len({len(signals[lead.channel]) for lead in leads}) > 1:
        raise RecordError(f"{path}: its leads are of different lengths, expected as many samples of each")
    rows = [signals[lead.channel] * (lead.sign * (millivolts_per(units[lead.channel]) or 1.0)) for lead in leads]
    return checked_record(path, np.stack(rows), fs, [lead.name for lead in leads])


# --- EDF -----------------------------------------------------------------------------------------------------------------------


def _edf(path: Path) -> Record:
    import edfio

    file = edfio.read_bdf(path) if path.suffix.lower() == ".bdf" else edfio.read_edf(path)
    names = [str(signal.label)[:64] for signal in file.signals]
    units = [str(signal.physical_dimension) or "mV" for signal in file.signals]
    chosen = [lead.channel for lead in choose_leads(names, units, path)]
    rates = {float(file.signals[index].sampling_frequency) for index in chosen}
    if len(rates) > 1:
        told = ", ".join(f"{rate:g}" for rate in sorted(rates))
        raise RecordError(f"{path}: its leads are sampled at {told} Hz, expected one frequency for all")
    signals = [_edf_values(signal) if index in chosen else np.empty(0) for index, signal in enumerate(file.signals)]
    return _made(path, names, units, signals, rates.pop())


def _edf_values(signal: Any) -> np.ndarray:
    values = np.array(signal.data, dtype=np.float64)
    if MISSING in str(signal.transducer_type):
        values[np.asarray(signal.digital) == signal.digital_min] = np.nan
    return values


# --- DICOM ---------------------------------------------------------------------------------------------------------------------


def _dicom(path: Path) -> Signals:
    import pydicom

    data = pydicom.dcmread(path)
    groups = data.get("WaveformSequence")
    if not groups:
        raise RecordError(f"{path}: it has no waveforms, expected a DICOM ECG")
    # The longest of the groups that have the most leads is the rhythm; others may be the median beat.
    best = max(range(len(groups)), key=lambda k: (groups[k].NumberOfWaveformChannels, groups[k].NumberOfWaveformSamples))
    group = groups[best]
    if int(group.NumberOfWaveformSamples) * int(group.NumberOfWaveformChannels) > _MOST_SAMPLES:
        raise RecordError(f"{path}: it promises {group.NumberOfWaveformSamples} samples, expected at most {_MOST_SAMPLES}")
    raw = np.asarray(data.waveform_array(best), dtype=np.float64).T
    channels = group.ChannelDefinitionSequence
    names = [_channel_name(channel) for channel in channels]
    units = [_channel_unit(channel) for channel in channels]
    return names, units, list(raw), float(group.SamplingFrequency)


def _channel_name(channel: Any) -> str:
    """The name without its description: "Lead I" of "Lead I (Einthoven)"."""
    source = channel.get("ChannelSourceSequence")
    meaning = str(source[0].get("CodeMeaning", "")) if source else str(channel.get("ChannelLabel", ""))
    return meaning[:64].partition("(")[0].strip()


def _channel_unit(channel: Any) -> str:
    unit = channel.get("ChannelSensitivityUnitsSequence")
    return str(unit[0].get("CodeValue", "mV")) if unit else "mV"


# --- SCP-ECG -------------------------------------------------------------------------------------------------------------------


def _scp(path: Path) -> Signals:
    from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # checksums: many devices write none
        try:
            leads = SCPECGParser().parse(path).leads
        except MemoryError:
            raise RecordError(f"{path}: it promises more samples than there is memory, expected a record in SCP-ECG") from None
    rates = {float(lead.sampling_rate) for lead in leads}
    if len(rates) != 1 or not all(lead.resolution_unit for lead in leads):
        raise RecordError(f"{path}: its leads have no scale or none in common, expected microvolts at one frequency")
    signals = [lead.samples * lead.resolution + lead.offset for lead in leads]
    names, units = [lead.label[:64] for lead in leads], [lead.resolution_unit for lead in leads]
    return *_with_limb_leads(names, units, signals), rates.pop()


# --- XML -----------------------------------------------------------------------------------------------------------------------


def _xml(path: Path) -> Record:
    root = _tree(path, path.read_bytes())
    return _muse(path, root) if root.tag == _MUSE else _aecg(path, root)


def _tree(path: Path, text: bytes) -> ElementTree.Element:
    """The document in an XML file, in any encoding; refused as soon as its root is another, it has too many elements, or defines entities.

    `ElementTree.fromstring` tells none of these before the whole tree is there, with up to 3 GB.
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

    def entity(*_: object) -> None:  # the only way in which XML refers to something else, or grows without end
        raise RecordError(f"{path}: it defines entities, expected plain XML")

    parser.StartElementHandler, parser.CharacterDataHandler = start, builder.data
    parser.EndElementHandler = lambda name: builder.end(_qualified(name))
    parser.EntityDeclHandler = parser.SkippedEntityHandler = entity
    parser.Parse(text, True)
    return builder.close()


def _qualified(name: str) -> str:
    """A name as ElementTree has it, with its namespace in braces."""
    return "{" + name if "}" in name else name


def _muse(path: Path, root: ElementTree.Element) -> Record:
    """GE MUSE: base64 of 16 bit integers for every lead. The four limb leads that follow from I and II are computed."""
    waves = {wave.findtext("WaveformType", "").strip().lower(): wave for wave in root.findall("Waveform")}
    wave = waves.get("rhythm", next(iter(waves.values()), None))
    if wave is None:
        raise RecordError(f"{path}: it has no waveform, expected one of type Rhythm")
    fs = float(wave.findtext("SampleBase", "")) * 10.0 ** float(wave.findtext("SampleExponent", "0"))
    names, units, signals = [], [], []
    for lead in wave.findall("LeadData"):
        try:
            stored = base64.b64decode("".join(lead.findtext("WaveFormData", "").split()), validate=True)
        except binascii.Error:
            raise RecordError(f"{path}: the data of a lead are no base64, expected those of MUSE") from None
        names.append(lead.findtext("LeadID", "").strip()[:64])
        units.append(lead.findtext("LeadAmplitudeUnits", "MICROVOLTS").strip())
        signals.append(np.frombuffer(stored, dtype="<i2") * float(lead.findtext("LeadAmplitudeUnitsPerBit", "")))
    return _made(path, *_with_limb_leads(names, units, signals), fs)


def _with_limb_leads(names: list[str], units: list[str], signals: list[np.ndarray]) -> tuple[list[str], list[str], list[np.ndarray]]:
    """The leads of a file, with the four limb leads that follow from I and II added if they are missing."""
    if {"I", "II"} <= set(names) and "III" not in names and units[names.index("I")] == units[names.index("II")]:
        one, two, unit = signals[names.index("I")], signals[names.index("II")], units[names.index("I")]
        for name, signal in ((name, a * one + b * two) for name, (a, b) in LIMB_SHARES.items()):
            if name.lower() not in (other.lower() for other in names):
                names, units, signals = [*names, name], [*units, unit], [*signals, signal]
    return names, units, signals


def _aecg(path: Path, root: ElementTree.Element) -> Record:
    """HL7 aECG: the sets of sequences of the first series, each at its own time. Samples that no set has are missing."""
    series = root.find(f"{_HL7}component/{_HL7}series")
    parts = [] if series is None else [_aecg_set(path, one) for one in series.findall(f"{_HL7}component/{_HL7}sequenceSet")]
    if not parts:
        raise RecordError(f"{path}: it has no sequences, expected a series with a sequence a lead")
    steps = {part[1] for part in parts}
    if len(steps) > 1:
        raise RecordError(f"{path}: its sets of sequences have different increments, expected one")
    fs = 1.0 / steps.pop()
    starts = [round((part[0] - min(part[0] for part in parts)) * fs) for part in parts]
    size = max(start + len(signal) for start, part in zip(starts, parts, strict=True) for _, signal in part[2])
    if size > _MOST_SAMPLES:
        raise RecordError(f"{path}: its sets lie {size / fs:g} s apart, expected one recording")
    signals: dict[str, np.ndarray] = {}
    for start, (_, _, leads) in zip(starts, parts, strict=True):
        for name, signal in leads:
            row = signals.setdefault(name, np.full(size, np.nan))
            row[start : start + len(signal)] = signal
    return _made(path, list(signals), ["mV"] * len(signals), list(signals.values()), float(f"{fs:.9g}"))


def _aecg_set(path: Path, found: ElementTree.Element) -> tuple[float, float, list[tuple[str, np.ndarray]]]:
    """The start of a set and its time step, s, and its leads in mV."""
    head, step, leads = 0.0, 0.0, []
    for sequence in found.findall(f"{_HL7}component/{_HL7}sequence"):
        code, value = sequence.find(f"{_HL7}code"), sequence.find(f"{_HL7}value")
        if code is None or value is None:
            continue
        name = code.get("code", "")[:64]
        if name.startswith("TIME"):
            step = _seconds(path, value.find(f"{_HL7}increment"))
            first = value.find(f"{_HL7}head")
            head = _seconds(path, first) if name == "TIME_RELATIVE" and first is not None else 0.0
        else:
            digits = np.array((value.findtext(f"{_HL7}digits") or "").split(), dtype=np.float64)
            leads.append((name, _physical(path, value, "origin") + digits * _physical(path, value, "scale")))
    if not step > 0 or not leads:
        raise RecordError(f"{path}: a set of sequences has no time or no leads, expected both")
    return head, step, leads


def _seconds(path: Path, element: ElementTree.Element | None) -> float:
    units = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
    unit = "" if element is None else element.get("unit", "s")
    if element is None or unit not in units:
        raise RecordError(f"{path}: a time is in {unit[:20]!r}, expected s, ms or us")
    return float(element.get("value", "")) * units[unit]


def _physical(path: Path, value: ElementTree.Element, name: str) -> float:
    """An origin or a scale, mV."""
    element = value.find(f"{_HL7}{name}")
    unit = "" if element is None else element.get("unit", "")
    factor = millivolts_per(unit)
    if element is None or factor is None:
        raise RecordError(f"{path}: the {name} of a lead is in {unit[:20]!r}, expected uV, mV or V")
    return float(element.get("value", "")) * factor


def found_in(folder: Path) -> list[Path]:
    """Files of these kinds in a folder and below, sorted."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and os.path.isfile(path)]
