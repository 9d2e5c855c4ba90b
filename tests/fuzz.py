"""Damaged input for everything that reads something, and a count of what came of it.

    python tests/fuzz.py                      all of it, some 200,000 inputs; prints a Markdown table
    python tests/fuzz.py --share 0.003        a few of each
    python tests/fuzz.py --docs               writes the table into docs/robustness.md
    python tests/fuzz.py --again recipe:1234  one input once more, with its traceback

Input number k of a subject is made from (seed, subject, k) alone. What may come of it: it is taken, or it is refused by one of
fastecg's own errors. Any other exception, a warning, more than `SLOW_S` seconds of computing, a wait without end, or more than
`MUCH_MB` of memory is a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hospitals
import numpy as np
import tomllib

import fastecg
from fastecg.errors import FastecgError, UnitWarning
from fastecg.recipe import RECIPES
from fastecg.writers.exchange import write_exchange

SLOW_S = 5.0  # of computing
ENDLESS_S = 600.0  # by the clock, also of a busy machine
MUCH_MB = 400.0
ADDRESS_GB = 12  # beyond this an allocation fails: a MemoryError, not a machine that swaps

Files = dict[str, bytes]

_WORDS = (
    *("0", "-1", "1", "00", "1e308", "-1e308", "1e-308", "1e999", "nan", "inf", "-inf", "2147483647", "2147483648", "4294967296"),
    *("9223372036854775807", "99999999999999999999", "0.1", ".", "", " ", "\t", "\n", "\r\n", "\x00", "~", "#", "../", "/", "\\", "%s"),
    *("é", "\u2028", "\ufeff", "𝟙", "١", "null", "true", "[]", "{}", '"', "'", ",", "-", "x2", ":3", "+7", "(", ")", "16", "212"),
)
_DEEP = tuple(word * 5000 for word in ("[", '{"a":', "a={", "("))
_BYTES = bytes(range(9, 14)) + b"0123456789 ./-+:x()~RV,\xff\x00\x80\xfe"
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 2**31, 2**63, 10**30, 0.0, -0.0, 0.5, 1e-300, 1e300, -1e300, float("inf"), float("nan")),
    *("", "auto", "x", "1", "\x00", "é" * 50, "9" * 400, "../x", [], {}, [0], [1, 0], [0, 1], [1e300, -1e300], [[]], {"kind": "Tear"}),
    *({"choice": {}}, {"choice": {"a": 1}}, {"normal": [0, 1e300]}, {"log": [1e-300, 1e300]}, {"graded": [0, 1]}, [None, None]),
)


# --- damage --------------------------------------------------------------------------------------------------------------------


def wounded_bytes(rng: random.Random, raw: bytes) -> bytes:
    """A few bytes changed, gone, doubled or cut off."""
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                data[at : at + 1] = bytes([rng.choice(_BYTES)])
            case 1:
                del data[at : at + rng.choice((1, 2, 3, 16, 100))]
            case 2:
                data[at:at] = rng.choice(_WORDS if rng.random() < 0.99 else _DEEP).encode()
            case 3:
                data[at:at] = data[at : at + rng.choice((1, 8, 60, 400))]
            case 4:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 5:
                del data[rng.randrange(at, len(data) + 1) :]
    return bytes(data)


def wounded_text(rng: random.Random, raw: bytes) -> bytes:
    """Words replaced by other words, lines gone, doubled or elsewhere."""
    lines = raw.decode("utf-8", "surrogateescape").splitlines(keepends=True) or [""]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        match rng.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, rng.choice(lines))
            case 2:
                lines.insert(rng.randrange(len(lines)), lines.pop(at))
            case _:
                pieces = re.split(r"([\s,=/():\[\]{}+]+)", lines[at])
                pieces[rng.randrange(len(pieces))] = rng.choice((*_WORDS, *pieces))
                lines[at] = "".join(pieces)
        lines = lines or [""]
    return "".join(lines).encode("utf-8", "surrogateescape")


def wounded_tree(rng: random.Random, tree: Any) -> Any:
    """A nested value of tables and lists in which a few branches are replaced, gone, renamed or grafted elsewhere."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_branches(tree))
        if not places:
            return tree
        owner, key = rng.choice(places)
        other, place = rng.choice(places)
        match rng.randrange(6):
            case 0:
                del owner[key]
            case 1:
                owner[key] = copy.deepcopy(other[place])
            case 2 if isinstance(owner, dict):
                owner[rng.choice(("kind", "chance", "", "é", "seed", "x" * 300))] = owner.pop(key)
            case _:
                owner[key] = copy.deepcopy(rng.choice(_VALUES))
    return tree


def _branches(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a nested value: its table or list, and its key or number. Of a long list only a few."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys[:20]:
        yield tree, key
        yield from _branches(tree[key])


def _json(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def _toml(tree: Any) -> bytes:
    import tomli_w

    return tomli_w.dumps(_without_null(tree)).encode("utf-8", "surrogatepass")


def _without_null(tree: Any) -> Any:
    """TOML has no null."""
    if isinstance(tree, dict):
        return {key: _without_null(item) for key, item in tree.items()}
    return [_without_null(item) for item in tree] if isinstance(tree, list) else "null" if tree is None else tree


# --- what is read --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """Something that reads. `seeds` are whole inputs, `wound` damages one, `read` takes one from `folder`."""

    name: str
    what: str
    count: int
    seeds: list[Any]
    wound: Callable[[random.Random, Any], Files]
    read: Callable[[Files, Path, random.Random], None]

    def input(self, seed: int, number: int) -> tuple[Files, random.Random]:
        """Input `number`, and the chance that reading it needs."""
        rng = random.Random(f"{seed}/{self.name}/{number}")
        return self.wound(rng, rng.choice(self.seeds)), rng


def _any_file(rng: random.Random, files: Files) -> Files:
    """One of the files wounded: mostly one of text."""
    name = rng.choice([name for name in files if name.endswith((".hea", ".txt", "RECORDS"))] * 3 + list(files))
    wound = wounded_text if rng.random() < 0.5 else wounded_bytes
    return files | {name: wound(rng, files[name])}


def _any_part(rng: random.Random, raw: bytes) -> Files:
    return {"it": (wounded_text if rng.random() < 0.6 else wounded_bytes)(rng, raw)}


def _json_wound(rng: random.Random, raw: bytes) -> Files:
    if rng.random() < 0.2:
        return {"it": wounded_bytes(rng, raw)}
    return {"it": _json(wounded_tree(rng, json.loads(raw)))}


def _toml_wound(rng: random.Random, raw: bytes) -> Files:
    if rng.random() < 0.4:
        return _any_part(rng, raw)
    return {"it": _toml(wounded_tree(rng, tomllib.loads(raw.decode())))}


def put(files: Files, folder: Path) -> None:
    """Write the files, and nothing else, to a folder."""
    for old in os.listdir(folder):
        if old not in files:
            (folder / old).unlink()
    for name, raw in files.items():
        (folder / name).write_bytes(raw)


def _drawn(record: fastecg.Record, rng: random.Random) -> None:
    """What is read must hold what it promises, and can be drawn; one in twenty is, for that takes longer."""
    assert record.signal.dtype == np.float32
    assert record.samples > 0
    assert not np.isinf(record.signal).any()
    assert record.fs > 0
    if rng.random() < 0.05:
        fastecg.render(record, dpi=40, seed=rng.randrange(1000))


def _read_record(name: str, *told: dict[str, Any]) -> Callable[[Files, Path, random.Random], None]:
    """Reads a record, told one or another of what its file may not tell."""

    def read(files: Files, folder: Path, rng: random.Random) -> None:
        put(files, folder)
        _drawn(fastecg.read_record(folder / name, **rng.choice(told or ({},))), rng)

    return read


def _read_header(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.readers.header import parse_header

    parse_header(files["it"], Path("r.hea"))


def _read_list(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.readers import find_records

    put(files, folder)
    for source in find_records(folder / "RECORDS"):
        with contextlib.suppress(fastecg.RecordError):
            _drawn(fastecg.read_record(source.path), rng)


def _read_recipe(files: Files, folder: Path, rng: random.Random) -> None:
    put(files, folder)
    (folder / "it").rename(folder / "it.toml")
    recipe = fastecg.Recipe.load(folder / "it.toml")
    shot = recipe.sample(_sample(), seed=rng.randrange(1 << 40), severity=rng.choice((None, 0.0, 1.0)), dpi=40)
    assert fastecg.Recipe.from_toml(recipe.to_toml(), recipe.name).to_dict() == recipe.to_dict()
    if rng.random() < 0.1:
        shot.take(_sample())


def _read_shot(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.shot import loads_shot

    loads_shot(files["it"]).take(_sample())


_PAGE = json.dumps({
    "layout": "2x1", "gain_mm_mv": 10.0,
    "segments": [
        {"lead": lead, "row": row, "rhythm": False, "start_s": 0.0, "stop_s": 10.0, "line_px": [[100.0, 200.0 + 90 * row], [900.0, 201.5]]}
        for row, lead in enumerate(("I", "V2"))
    ],
}).encode()  # fmt: skip


def _read_page(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.digitizing.page_model import read_page

    (folder / "it.json").write_bytes(files["it"])
    read_page(folder / "it.json")


def _read_truth(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.writers.truth_json import read_truth

    read_truth(files["it"])


def _read_notes(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.handwriting import read_notes

    put(files, folder)
    notes = read_notes(folder / "it")
    if rng.random() < 0.05:
        fastecg.render(_sample(), recipe="photo", dpi=40, notes=notes, seed=rng.randrange(100))


def _read_options(files: Files, folder: Path, rng: random.Random) -> None:
    """A run over the folder that an earlier one left."""
    put(files, folder)
    fastecg.render_dataset(_sample(), folder, dpi=40, workers=1, overwrite=rng.random() < 0.2)


def _read_rendered(files: Files, folder: Path, rng: random.Random) -> None:
    """What exports and inspects a rendered folder."""
    from fastecg.export import export
    from fastecg.web.inspect import inspect_folder, inspect_image

    put(files, folder)
    match rng.randrange(3):
        case 0:
            inspect_image(folder / "sample-0.png", folder / "seen.png")
        case 1:
            inspect_folder(folder, folder / "inspect.html")
        case 2:
            with tempfile.TemporaryDirectory(dir=folder.parent) as dest:
                export(folder, dest, to=rng.choice(("coco", "yolo", "yolo-segment", "nnunet", "webdataset", "huggingface")))


def _read_pieces(files: Files, folder: Path, rng: random.Random) -> None:
    """A table in pieces of a few rows."""
    from fastecg.readers import tables

    put(files, folder)
    before, tables._PIECE = tables._PIECE, rng.choice((16, 40, 64, 200))
    try:
        _drawn(fastecg.read_record(folder / "it.csv", fs=rng.choice((None, 100.0))), rng)
    finally:
        tables._PIECE = before


def _read_names(files: Files, folder: Path, rng: random.Random) -> None:
    """Names of leads, each in a header and in a table."""
    from fastecg.readers.header import parse_header
    from fastecg.readers.leads import choose_leads

    name = files["it"].decode("utf-8", "replace")
    line = b"r 1 100 3\nr.dat 16 200/mV 16 0 0 0 0 " + files["it"].translate(None, bytes(range(32)) + b"\x7f")
    with contextlib.suppress(FastecgError):
        choose_leads([line.name for line in parse_header(line, "r.hea").signals], ["mV"], "r.hea")
    put({"it.csv": f"time,{name},V1\n0,0,1\n1,1,0\n".encode()}, folder)
    _drawn(fastecg.read_record(folder / "it.csv"), rng)


def _read_manifest(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.run.manifest import MANIFEST, Manifest

    put({MANIFEST: files["it"]}, folder)
    manifest = Manifest(folder, inherited=rng.choice((b"", files["it"])))
    for line in list(manifest.images.values())[:3]:
        manifest.of(line["record"])
        manifest.append([line])
    manifest.compact()
    assert Manifest(folder).images == manifest.images


def _read_picture(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.digitizing.pictures import LARGEST, read_picture

    put(files, folder)
    picture = read_picture(folder / next(iter(files)))
    assert picture.dtype == np.uint8
    assert picture.ndim == picture.shape[2] == 3
    assert picture.size <= 3.1 * LARGEST


def _read_font(files: Files, folder: Path, rng: random.Random) -> None:
    from fastecg.handwriting import read_font

    put(files, folder)
    (folder / "it").rename(folder / f"{rng.random()}.ttf")  # fonts are kept by their names
    font = read_font(next(iter(folder.iterdir())))
    if rng.random() < 0.2:
        fastecg.render(_sample(), recipe="photo", dpi=40, notes=["K+ 6.8!"], notes_font=font, seed=rng.randrange(100))


# --- whole inputs --------------------------------------------------------------------------------------------------------------


@cache
def _sample() -> fastecg.Record:
    """A short record of twelve leads."""
    return fastecg.simulate("sinus", seed=1, seconds=3.0, fs=100, name="sample")


def _signal() -> np.ndarray:
    """(60 samples, 3) integers of 8 bits, which every format can hold."""
    return (np.random.default_rng(0).normal(size=(60, 3)) * 30).round().astype(np.int64)


#: Bytes that 180 samples take in the formats of WFDB. All bytes are samples of some value.
_BYTES_OF_180 = {"8": 180, "16": 360, "24": 540, "32": 720, "61": 360, "80": 180, "160": 360, "212": 270, "310": 240, "311": 240}


def _wfdb_seeds(codings: tuple[str, ...]) -> list[Files]:
    """A record of every format."""
    body = np.random.default_rng(0).bytes(720)
    units = ("200.0/mV 12 0 0 0 0 II", "1e3(-3)/uV 12 1024 5 -22131 0 MCL1", "10/mmHg 12 0 0 0 0 ABP")
    seeds = []
    for coding in codings:
        lines = "".join(f"r.dat {coding} {unit}\n" for unit in units)
        head = f"r 3 100/1(0) 60 10:00:00 01/01/2000\n{lines}# age 50\n".encode()
        seeds.append({"r.hea": head, "r.dat": body[: _BYTES_OF_180[coding]]})
    return seeds


def _flac_seeds() -> list[Files]:
    """Records that wfdb writes."""
    import wfdb

    seeds = []
    for coding in ("508", "516", "524"):
        with tempfile.TemporaryDirectory() as folder:
            wfdb.wrsamp(
                "r", fs=100, units=["mV"] * 3, sig_name=["II", "V1", "ABP"], d_signal=_signal(), fmt=[coding] * 3,
                adc_gain=[200.0] * 3, baseline=[0, -3, 12], write_dir=folder,
            )  # fmt: skip
            seeds.append({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})
    return seeds


def _mat_seed() -> Files:
    """PhysioNet's way to keep a signal in a MATLAB file: format 16 behind 24 bytes of header."""
    import scipy.io

    file = io.BytesIO()
    scipy.io.savemat(file, {"val": _signal().T.astype(np.int16)}, format="4")
    lines = "".join(f"r.mat 16+24 1000/mV 16 0 0 0 0 {lead}\n" for lead in ("I", "II", "V1"))
    return {"r.hea": f"r 3 500 60\n{lines}#Dx: 1\n".encode(), "r.mat": file.getvalue()}


def _segment_seeds() -> list[Files]:
    raw = _signal()[:, :1].astype("<i2").tobytes()
    part = {f"s{k}.hea": f"s{k} 1 100 60\ns{k}.dat 16 200/mV 16 0 0 0 0 II\n".encode() for k in (1, 2)}
    parts = part | {"s1.dat": raw, "s2.dat": raw}
    layout = {"l.hea": b"l 2 100 0\n~ 0 200/mV 16 0 0 0 0 II\n~ 0 200/mV 16 0 0 0 0 V\n"}
    return [parts | {"r.hea": b"r/3 1 100 150\ns1 60\n~ 30\ns2 60\n"}, parts | layout | {"r.hea": b"r/3 2 100\nl 0\ns1 60\n~ 9\n"}]


_CSV_SEEDS = [
    b"time (ms),V1,II (uV),-aVR,RESP\n0,1,1000,1,5\n4,,2000,2,5\n8,nan,3000,3,5\n12,1e-3,-5,2,5\n",
    "\ufefft,II,µ\r\n".encode() + b"0,0.5,1\r\n0.01,.25,1\r\n0.02,-1e-2,1\r\n",
    b'"I","II","III"\n' + b"".join(b"%d,%d,%d\n" % (k, -k, 2 * k) for k in range(40)),
]

_NAMES = b'ecg|lead|mdc|ekg|-|_|:|.| |\t|(|[|((|)|]|mV|uV|V1|I|\xe2\x88\x92|\xc2\xb5|a|1|"|time|s|ms'


def _hospital_seeds(suffix: str) -> list[Files]:
    """Short records as devices of hospitals write them; none if the library that reads them is not installed."""
    if find_spec({".edf": "edfio", ".dcm": "pydicom", ".scp": "ecgdatakit"}.get(suffix, "xml")) is None:
        return []
    record = fastecg.simulate("sinus", seed=1, seconds=1.0, fs=100, name="r")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"it{suffix}"
        if suffix == ".xml":
            return [{"it.xml": hospitals.muse_text(record, ["I", "II", "V1"]).encode()}, {"it.xml": hospitals.AECG.encode()}]
        if suffix == ".edf":
            write_exchange(path, record)
        elif suffix == ".dcm":
            hospitals.dicom_file(path, record.signal, [f"Lead {lead}" for lead in record.leads])
        else:
            hospitals.scp_file(path, record, "huffman")
        return [{path.name: path.read_bytes()}]


def _hospital_wound(rng: random.Random, files: Files) -> Files:
    """Text wounded in its words, and numbers in their bytes."""
    ((name, raw),) = files.items()
    return {name: (wounded_text if name.endswith(".xml") and rng.random() < 0.6 else wounded_bytes)(rng, raw)}


def _csv_wound(rng: random.Random, raw: bytes) -> Files:
    return {"it.csv": _any_part(rng, raw)["it"]}


def _array_bytes(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def _numpy_wound(rng: random.Random, raw: bytes) -> Files:
    """Bytes, or the words of its head: order, shape and type."""
    if rng.random() < 0.4:
        return {"it.npy": wounded_bytes(rng, raw)}
    shape = rng.choice(((2, 30), (30, 2), (12, 10**9), (-1, 5), (0, 5), (2**62, 4), (60,), (2, 3, 10), (), (2.5, 4), ("2", 3)))
    kind = rng.choice(("<f8", "<f4", "<i2", "|u1", ">f8", "|O", "<U3", "<c16", "<M8[s]", "<f2", "|V8", "|b1", "<g16", "x"))
    head = repr({"descr": kind, "fortran_order": rng.choice((True, False, 3, None)), "shape": shape}).encode()
    body = raw[raw.index(b"\n") + 1 :]
    return {"it.npy": raw[:8] + len(head).to_bytes(2, "little") + head + body}


def _npz_seed(**parts: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **parts)
    return file.getvalue()


def _npz_wound(rng: random.Random, raw: bytes) -> Files:
    """Bytes of the archive, or members of other kinds."""
    if rng.random() < 0.5:
        return {"it.npz": wounded_bytes(rng, raw)}
    odd: tuple[Any, ...] = (
        *(np.nan, -5, "500", [1, 2], [], [[500]], 1e308, 10**15, ["II", "V1"], ["II", "II"], [1, 2], b"\xff", True, 3j),
        *(np.zeros((2, 50)), np.ones(3), np.array(["a"]), np.full((2, 9), 1e300), np.full((2, 9), np.nan), np.eye(15, 99)),
        *(
            np.zeros((12, rng.choice((5, 5, 5, 5, 5, 5, 5, 5, 5, 2_000_000))), np.float32),
            np.arange(40, dtype=np.uint64).reshape(2, 20) << 58,
        ),
    )
    parts: dict[str, Any] = {"signal": np.sin(np.arange(60.0)).reshape(2, 30), "fs": 250, "leads": ["II", "V1"]}
    for _ in range(rng.choice((1, 2))):
        key = rng.choice((*parts, "extra"))
        if rng.random() < 0.2:
            parts.pop(key, None)
        else:
            parts[key] = rng.choice(odd)
    return {"it.npz": _npz_seed(**parts)}


def _name_wound(rng: random.Random, raw: bytes) -> Files:
    """A few words, again and again."""
    words = [rng.choice(raw.split(b"|")) for _ in range(rng.choice((1, 2, 3)))]
    return {"it": b"".join(words) * rng.choice((1, 3, 17, 300, 20_000)) + rng.choice((b"", b"!", b"V1", b" (mV)"))}


def _picture_seeds() -> list[Files]:
    """Small pictures of every format, mode and way to pack them."""
    from PIL import Image

    y, x = np.mgrid[:48, :64]
    picture = Image.fromarray(np.stack([4 * x, 5 * y, (x * y) % 256], axis=2).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    ways: list[tuple[str, str, dict[str, Any]]] = [
        *((f"it{k}.png", mode, {}) for k, mode in enumerate(("RGB", "RGBA", "P", "L", "1", "I;16", "LA"))),
        *((f"it{k}.jpg", "RGB", way) for k, way in enumerate(({}, {"progressive": True}, {"exif": exif}, {"quality": 5}))),
        ("it4.jpg", "CMYK", {}), ("it.bmp", "RGB", {}), ("it1.bmp", "P", {}), ("it.webp", "RGB", {}),
        ("it1.webp", "RGBA", {"lossless": True}),
        *((f"it{k}.tif", "RGB", {"compression": way}) for k, way in enumerate((None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"))),
        ("it5.tif", "1", {"compression": "group4"}), ("it6.tif", "F", {}),
    ]  # fmt: skip
    seeds = []
    for name, mode, way in ways:
        file = io.BytesIO()
        made = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257) if mode == "I;16" else picture.convert(mode)
        made.save(file, {".jpg": "JPEG", ".tif": "TIFF"}.get(name[-4:], name.rpartition(".")[2].upper()), **way)
        seeds.append({name: file.getvalue()})
    return seeds


def _picture_wound(rng: random.Random, files: Files) -> Files:
    """Bytes, mostly of the head, where sizes and ways are told."""
    ((name, raw),) = files.items()
    if rng.random() < 0.6:
        edge = min(len(raw), rng.choice((32, 64, 200)))
        return {name: wounded_bytes(rng, raw[:edge]) + raw[edge:]}
    return {name: wounded_bytes(rng, raw)}


def _pdf_seeds() -> list[Files]:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(file, "PDF")
    strokes = b"0 0 m 50 50 l S 10 10 30 20 re f"
    plain = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    plain += b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R>>endobj\n"
    plain += f"4 0 obj<</Length {len(strokes)}>>stream\n".encode() + strokes
    plain += b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    return [{"it.pdf": file.getvalue()}, {"it.pdf": plain}]


def _pdf_wound(rng: random.Random, files: Files) -> Files:
    return {"it.pdf": _any_part(rng, files["it.pdf"])["it"]}


def _font_seed() -> bytes:
    import matplotlib

    return (Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "cmmi10.ttf").read_bytes()


def _font_wound(rng: random.Random, raw: bytes) -> Files:
    """Bytes, mostly of the tables' places at the head."""
    edge = 400 if rng.random() < 0.6 else len(raw)
    return {"it": wounded_bytes(rng, raw[:edge]) + raw[edge:]}


def _list_seeds() -> list[Files]:
    one = _wfdb_seeds(("16",))[0]
    return [one | {"RECORDS": b"r\nr.hea\n"}, one | _segment_seeds()[0] | {"RECORDS": b"r\ns1\ns2\n"}]


def _recipe_seeds() -> list[bytes]:
    own = '[page]\ndpi = [100, 200]\n[slots.a]\nkind = "Curl"\nchance = [0.2, 1]\n[slots.b]\nkind = "Handwriting"\n[view]\nkind = "Phone"\n'
    return [fastecg.Recipe.load(name).to_toml().encode() for name in RECIPES] + [own.encode()] * 5


def _shot_seeds() -> list[bytes]:
    """Shots of all recipes; small pictures."""
    names = [name for name in RECIPES for _ in range(3)]
    return [
        _json(fastecg.Recipe.load(name).sample(_sample(), seed=seed, dpi=40, severity=1.0).to_dict()) for seed, name in enumerate(names)
    ]


def _rendered_seeds() -> list[Files]:
    """A folder with a picture and all that belongs to it."""
    seeds = []
    for recipe in ("clean", "photo"):
        with tempfile.TemporaryDirectory() as folder:
            fastecg.render_dataset(_sample(), folder, recipe=recipe, dpi=40, workers=1, truth=("json", "mask"))
            seeds.append({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})
    return seeds


def _rendered_wound(rng: random.Random, files: Files) -> Files:
    """One file of a rendered folder damaged: JSON by its structure, pictures by their bytes."""
    name = rng.choice(["sample-0.json"] * 4 + ["manifest.jsonl"] * 3 + list(files))
    if name.endswith((".json", ".jsonl")) and rng.random() < 0.8:
        return files | {name: _json(wounded_tree(rng, json.loads(files[name]))) + b"\n"}
    if rng.random() < 0.05:
        return {other: raw for other, raw in files.items() if other != name}
    return files | {name: wounded_bytes(rng, files[name])}


def _digitised_seeds() -> list[Files]:
    """A folder as `fastecg digitize` leaves it, with the picture in it."""
    with tempfile.TemporaryDirectory() as folder:
        photo = fastecg.render(_sample(), recipe="clean", layout="3x4", dpi=40)
        photo.save(Path(folder) / "p.png")
        (Path(folder) / "p.json").unlink()
        fastecg.write_record(Path(folder) / "p", photo.record)
        segments = [
            {"lead": lead, "row": k % 3, "rhythm": False, "start_s": 0.0, "stop_s": 2.5, "line_px": [[9.0, 9.0], [99.0, 9.0]]}
            for k, lead in enumerate(("I", "II", "V1"))
        ]
        told = {"layout": "3x4", "order": "sure", "confidence": 0.9, "gain_mm_mv": 10.0, "speed_mm_s": 25.0, "fs": 100.0, "flags": ["one"]}
        report = told | {"px_per_mm": 1.6, "quarter_turns": 0, "checks": {"einthoven": 0.1}, "segments": segments, "leads": {}}
        line = told | {"source": "p.png", "page": 0, "record": "p", "wish": "0", "stamp": [1, 2], "bytes": {"p.hea": 5}, "read": 1.0}
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    return [files | {"p.json": _json(report), "digitized.jsonl": _json(line) + b"\n"}]


def _digitised_wound(rng: random.Random, files: Files) -> Files:
    """The report or the manifest of a digitised folder damaged by its structure, or any file by its bytes."""
    name = rng.choice(["p.json", "digitized.jsonl"] if rng.random() < 0.9 else list(files))
    if name.endswith((".json", ".jsonl")) and rng.random() < 0.8:
        return files | {name: _json(wounded_tree(rng, json.loads(files[name]))) + b"\n"}
    return files | {name: wounded_bytes(rng, files[name])}


def _read_digitised(files: Files, folder: Path, rng: random.Random) -> None:
    """What shows a digitised folder, sums it up and goes on in it."""
    from fastecg.archive.ledger import Job, Ledger
    from fastecg.archive.plan import planned
    from fastecg.archive.summary import summary
    from fastecg.web.review import review_folder

    put(files, folder)
    ledger = Ledger(folder)
    summary(ledger)
    for job in planned([folder / "p.png"], ledger):
        ledger.whole(job, "0")
    ledger.whole(Job(folder / "p.png", "p.png", "p"), "0")
    review_folder(folder, folder / "review.html")


def _options_wound(rng: random.Random, files: Files) -> Files:
    """What a run that goes on reads: its manifest and options, and the sizes of the rest."""
    name = rng.choice(["manifest.jsonl", "run.json"])
    if rng.random() < 0.7:
        return files | {name: _json(wounded_tree(rng, json.loads(files[name]))) + b"\n"}
    return files | {name: wounded_bytes(rng, files[name])}


def subjects() -> list[Subject]:
    """Everything that reads."""
    simple = ("16", "32", "80", "212", "160", "61")
    others = ("24", "8", "310", "311")
    headers = [files["r.hea"] for files in _wfdb_seeds(simple + others)] + [files["r.hea"] for files in _segment_seeds()]
    notes = b"# mine\nK+ 6.8!\nrpt in 20 min\n\xe2\x86\x91 ST V2-V4\n"
    rendered = _rendered_seeds()
    hospital = (
        ("xml", "GE MUSE and HL7 aECG documents", 20_000),
        ("edf", "EDF file", 10_000),
        ("dcm", "DICOM ECG", 8_000),
        ("scp", "SCP-ECG file", 8_000),
    )
    return [
        *(
            Subject(name, what, count, seeds, _hospital_wound, _read_record(f"it.{name}"))
            for name, what, count in hospital
            if (seeds := _hospital_seeds(f".{name}"))
        ),
        Subject("header", "WFDB header, parsed", 60_000, headers, _any_part, _read_header),
        Subject("wfdb", f"WFDB record, formats {', '.join(simple)}", 45_000, _wfdb_seeds(simple), _any_file, _read_record("r")),
        Subject("wfdb-other", f"WFDB record, formats {', '.join(others)}", 15_000, _wfdb_seeds(others), _any_file, _read_record("r")),
        Subject("flac", "WFDB record, FLAC", 4_000, _flac_seeds(), _any_file, _read_record("r")),
        Subject("mat", "WFDB record in a `.mat` file", 8_000, [_mat_seed()], _any_file, _read_record("r")),
        Subject("segments", "WFDB record of several segments", 12_000, _segment_seeds(), _any_file, _read_record("r")),
        Subject("list", "`RECORDS` list and what it names", 4_000, _list_seeds(), _any_file, _read_list),
        Subject("csv", "CSV file", 20_000, _CSV_SEEDS, _csv_wound, _read_record("it.csv", {}, {"fs": 100})),
        Subject(
            "npy", "`.npy` file", 12_000, [_array_bytes(np.sin(np.arange(60.0)).reshape(2, 30))], _numpy_wound,
            _read_record("it.npy", {"fs": 250, "leads": ["I", "V1"]}),
        ),
        Subject(
            "npz", "`.npz` file", 6_000, [_npz_seed(signal=np.sin(np.arange(60.0)).reshape(2, 30), fs=250, leads=["II", "V1"])],
            _npz_wound, _read_record("it.npz"),
        ),
        Subject("recipe", "recipe TOML, and a shot drawn from it", 8_000, _recipe_seeds(), _toml_wound, _read_recipe),
        Subject("shot", "shot JSON, and its picture", 4_000, _shot_seeds(), _json_wound, _read_shot),
        Subject("truth", "truth JSON", 2_000, [rendered[0]["sample-0.json"]], _json_wound, _read_truth),
        Subject("page", "corrected page, `digitize --page`", 4_000, [_PAGE], _json_wound, _read_page),
        Subject("notes", "notes file", 6_000, [notes], _any_part, _read_notes),
        Subject("resume", "`manifest.jsonl` and `run.json` of a run that goes on", 1_500, rendered[:1], _options_wound, _read_options),
        Subject("pieces", "CSV file, read in pieces of a few rows", 10_000, _CSV_SEEDS, _csv_wound, _read_pieces),
        Subject("names", "names of leads, up to 1 MB long", 6_000, [_NAMES], _name_wound, _read_names),
        Subject("manifest", "`manifest.jsonl`", 6_000, [rendered[0]["manifest.jsonl"]], _json_wound, _read_manifest),
        Subject("picture", "picture to be digitised: PNG, JPEG, TIFF, WebP, BMP", 12_000, _picture_seeds(), _picture_wound, _read_picture),
        Subject("pdf", "PDF to be digitised", 300, _pdf_seeds(), _pdf_wound, _read_picture),
        Subject("font", "font that notes are written in", 2_000, [_font_seed()], _font_wound, _read_font),
        Subject("rendered", "rendered folder, exported and inspected", 2_000, rendered, _rendered_wound, _read_rendered),
        Subject("digitised", "digitised folder, summed up and reviewed", 4_000, _digitised_seeds(), _digitised_wound, _read_digitised),
    ]  # fmt: skip


# --- counting ------------------------------------------------------------------------------------------------------------------


class TooSlow(BaseException):
    """An input took longer than `ENDLESS_S`. Not an Exception, so that nobody takes it for a fault of the file."""


@dataclass
class Count:
    """What came of a subject's inputs."""

    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    slowest_s: float = 0.0
    most_mb: float = 0.0


def run(subject: Subject, seed: int, count: int, folder: Path, budget_s: float = float("inf")) -> Count:
    """Read `count` damaged inputs, or as many as the time allows."""
    found = Count()
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as control:
        control.write("5")  # Linux: the peak starts again from what is in use now
    began = time.perf_counter()
    for number in range(count):
        files, rng = subject.input(seed, number)
        start, before = time.process_time(), _peak_mb()
        try:
            outcome = outcome_of(subject, files, folder, rng)
        except (Exception, TooSlow) as error:
            found.faults[number] = f"{type(error).__name__}: {str(error)[:200]}"
        else:
            found.taken += outcome is None
            found.refused.update([] if outcome is None else [outcome])
        took, grew = time.process_time() - start, _peak_mb() - before
        found.slowest_s, found.most_mb = max(found.slowest_s, took), max(found.most_mb, grew)
        if grew > MUCH_MB or took > SLOW_S:
            found.faults.setdefault(number, f"{grew:.0f} MB, {took:.1f} s")
        if time.perf_counter() - began > budget_s:
            break
    found.seconds = time.perf_counter() - began
    return found


def outcome_of(subject: Subject, files: Files, folder: Path, rng: random.Random) -> str | None:
    """None if the input is taken, the kind of fastecg's error if it is refused; whatever else is raised goes on."""
    signal.setitimer(signal.ITIMER_REAL, ENDLESS_S)
    try:
        subject.read(files, folder, rng)
    except FastecgError as error:
        return type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def strict() -> Iterator[Path]:
    """Warnings are errors, time and memory have an end, and files are in memory where there is such a place; the folder for them."""

    def stop(*_: object) -> None:
        raise TooSlow(f"more than {ENDLESS_S:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(dir=shared) as name:
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="wfdb")
        warnings.filterwarnings("ignore", category=FutureWarning, module="wfdb")
        warnings.simplefilter("ignore", UnitWarning)  # damaged values are no millivolts
        folder = Path(name) / "in"
        folder.mkdir()
        yield folder
    signal.signal(signal.SIGALRM, before)


def table(counts: dict[str, tuple[Subject, int, Count]]) -> str:
    """The counts as a Markdown table."""
    rows = ["| what is read | inputs | taken | refused | faults | slowest, ms |", "|---|---|---|---|---|---|"]
    for subject, tried, count in counts.values():
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in count.refused.most_common())
        rows.append(f"| {subject.what} | {tried:,} | {count.taken:,} | {kinds} | {len(count.faults)} | {count.slowest_s * 1e3:.0f} |")
    tried = sum(tried for _, tried, _ in counts.values())
    taken, faults = (sum(of(count) for _, _, count in counts.values()) for of in (lambda c: c.taken, lambda c: len(c.faults)))
    rows.append(f"| **together** | **{tried:,}** | {taken:,} | {tried - taken - faults:,} | **{faults}** | |")
    return "\n".join(rows) + "\n"


def _again(known: dict[str, Subject], which: str, seed: int) -> None:
    """One input once more."""
    name, _, number = which.partition(":")
    with strict() as folder:
        files, rng = known[name].input(seed, int(number))
        for file, raw in files.items():
            print(f"--- {file}: {raw[:3000]!r}")
        try:
            print("outcome:", outcome_of(known[name], files, folder, rng) or "taken")
        except (Exception, TooSlow):
            traceback.print_exc()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="of the number of inputs")
    parser.add_argument("--only", default="", help="subjects, comma separated")
    parser.add_argument("--again", help="SUBJECT:NUMBER, one input once more")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/robustness.md")
    given = parser.parse_args()
    known = {subject.name: subject for subject in subjects()}
    if given.again:
        _again(known, given.again, given.seed)
        return
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_GB << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    counts = {}
    with strict() as folder:
        for name in given.only.split(",") if given.only else known:
            tried = max(1, round(known[name].count * given.share))
            count = run(known[name], given.seed, tried, folder)
            counts[name] = (known[name], tried, count)
            print(f"{name}: {tried} in {count.seconds:.0f} s, most new memory {count.most_mb:.0f} MB", file=sys.stderr)
            for number, fault in list(count.faults.items())[:30]:
                print(f"  {name}:{number} {fault}", file=sys.stderr, flush=True)
    print(table(counts))
    if given.docs:
        root = Path(__file__).parent.parent
        sys.path.append(str(root / "tools"))
        from sections import rewrite

        rewrite(root / "docs" / "robustness.md", "fuzz", table(counts))
    sys.exit(any(count.faults for _, _, count in counts.values()))


if __name__ == "__main__":
    main()
