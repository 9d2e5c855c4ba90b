"""Files as hospitals' devices write them, made here."""

from __future__ import annotations

import base64
import binascii
import copy
import struct
from pathlib import Path

import numpy as np

import fastecg

MUSE = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE RestingECG SYSTEM "restecg.dtd">
<RestingECG><PatientDemographics><PatientLastName>Doe</PatientLastName></PatientDemographics>
<Waveform><WaveformType>Median</WaveformType><SampleBase>500</SampleBase></Waveform>
<Waveform><WaveformType>Rhythm</WaveformType><SampleBase>500</SampleBase><SampleExponent>0</SampleExponent>{leads}</Waveform></RestingECG>"""
LEAD = (
    "<LeadData><LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>"
    "<LeadID>{name}</LeadID><WaveFormData>\n{data}\n</WaveFormData></LeadData>"
)
AECG = """<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><series>
<component><sequenceSet><component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20021122091000.000"/>
<increment value="2" unit="ms"/></value></sequence></component>
<component><sequence><code code="MDC_ECG_LEAD_AVR"/><value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="5" unit="uV"/>
<digits>1 2 3 -4</digits></value></sequence></component>
<component><sequence><code code="MDC_ECG_LEAD_I"/><value xsi:type="SLIST_PQ"><origin value="0" unit="mV"/><scale value="0.005" unit="mV"/>
<digits>10 20 30 40</digits></value></sequence></component></sequenceSet></component></series></component></AnnotatedECG>"""


def muse_text(record: fastecg.Record, leads: list[str]) -> str:
    """A GE MUSE document of some leads, 4.88 µV a count."""
    counts = {lead: np.rint(record.lead(lead) / 4.88e-3).astype("<i2").tobytes() for lead in leads}
    return MUSE.format(leads="".join(LEAD.format(name=lead, data=base64.encodebytes(data).decode()) for lead, data in counts.items()))


def dicom_file(path: Path, signal: np.ndarray, names: list[str]) -> None:
    """A 12-lead ECG object: a median beat and, behind it, the rhythm, 2.5 µV a count."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.9.1.1", generate_uid()
    data.PatientName, data.Modality = "Doe^Jane", "ECG"
    group = Dataset()
    group.WaveformOriginality, group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = "ORIGINAL", *signal.shape
    group.SamplingFrequency = 500
    channels = []
    for name in names:
        source, unit, channel = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "2:1", "MDC", name
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
        channel.ChannelSourceSequence, channel.ChannelSensitivityUnitsSequence = [source], [unit]
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = 2.5, 1, 0
        channel.WaveformBitsStored = 16
        channels.append(channel)
    group.ChannelDefinitionSequence = channels
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = np.rint(signal * 400).astype("<i2").T.tobytes()
    median = copy.deepcopy(group)
    median.NumberOfWaveformSamples, median.WaveformData = 50, group.WaveformData[: 100 * len(signal)]
    data.WaveformSequence = [median, group]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta = meta
    pydicom.dcmwrite(path, data, enforce_file_format=True)


def scp_file(path: Path, record: fastecg.Record, coding: str = "plain") -> None:
    """An SCP-ECG file of the eight leads that devices store, 2.5 µV a count: plain, or second differences in the standard's own code."""
    codes = {"I": 1, "II": 2, **{f"V{k}": k + 2 for k in range(1, 7)}}
    leads = [lead for lead in record.leads if lead in codes]
    counts = np.rint(np.stack([record.lead(lead) for lead in leads]) * 400).astype(int)
    ranges = b"".join(struct.pack("<IIB", 1, record.samples, codes[lead]) for lead in leads)
    if coding == "huffman":
        stored = [scp_code([*row[:2], *np.diff(row, 2)]) for row in counts]
    else:
        stored = [row.astype("<i2").tobytes() for row in counts]
    head = struct.pack("<HHBB", 2500, round(1e6 / record.fs), 2 if coding == "huffman" else 0, 0)
    patient = struct.pack("<BH", 2, 4) + b"Doe\0" + struct.pack("<BH", 255, 0)
    bodies = {1: patient, 3: bytes([len(leads), 4 + 8 * len(leads)]) + ranges}
    bodies[6] = head + b"".join(struct.pack("<H", len(data)) for data in stored) + b"".join(stored)
    if coding == "huffman":
        bodies[2] = struct.pack("<H", 19999)  # the standard's own table
    parts, pointers, at = [], [(0, 16 + 10 * 12, 7)], 6 + 16 + 10 * 12
    for number in sorted(bodies):
        parts.append(scp_section(number, bodies[number]))
        pointers.append((number, len(parts[-1]), at + 1))
        at += len(parts[-1])
    pointers += [(number, 0, 0) for number in range(12) if number and number not in bodies]
    first = scp_section(0, b"".join(struct.pack("<HII", *pointer) for pointer in pointers), b"SCPECG")
    whole = struct.pack("<I", at) + first + b"".join(parts)
    path.write_bytes(struct.pack("<H", binascii.crc_hqx(whole, 0xFFFF)) + whole)


def scp_section(number: int, body: bytes, mark: bytes = bytes(6)) -> bytes:
    body += bytes(len(body) % 2)
    rest = struct.pack("<HIBB", number, len(body) + 16, 20, 20) + mark + body
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def scp_code(values: list[int]) -> bytes:
    """Numbers in the standard's own Huffman code: up to 8 in as many ones and a sign, larger ones in 8 or 16 bits."""
    bits = ""
    for value in values:
        if abs(value) <= 8:
            bits += "0" if value == 0 else "1" * abs(value) + "0" + ("1" if value < 0 else "0")
        else:
            size = 8 if -128 <= value < 128 else 16
            bits += ("1111111110" if size == 8 else "1111111111") + format(value % (1 << size), f"0{size}b")
    bits += "0" * (-len(bits) % 16)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")
