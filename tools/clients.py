"""Run other people's tools on the files that fastecg writes, and make the table of the results for docs/data-sets.md.

python tools/clients.py              prints the table
python tools/clients.py --write      also writes it into docs/data-sets.md

The row of a tool that is not installed says so. All files are made anew in a temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sections import rewrite

import fastecg
from fastecg.export import export
from fastecg.writers import write_record

DOCS = Path(__file__).parent.parent / "docs" / "data-sets.md"
_WINDOW, _STAGES = 128, 5  # Side in px of the windows that nnU-Net is trained on here, and number of stages of its network.


class Bench:
    """A folder with four records, eight rendered photos of them, and exports of these."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for seed in range(4):
            write_record(folder / "records" / f"r{seed}", fastecg.simulate(seed=seed, name=f"r{seed}"))
        fastecg.render_dataset(folder / "records", folder / "out", recipe="photo", dpi=100, per_record=2, workers=1, truth=("json", "mask"))

    def export(self, to: str) -> Path:
        """Export the photos to a format. Returns the folder of the export."""
        target = self.folder / "Dataset500_ECG" if to == "nnunet" else self.folder / to
        if not target.exists():
            export(self.folder / "out", target, to=to, val=0.25)
        return target

    def run(self, *command: str) -> str:
        """Run a command of this Python installation, and return its output. If it fails, the error has the end of the output."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=os.environ | {"PATH": path})
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr)[-1000:]}")
        return done.stdout


def coco(bench: Bench) -> str:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    path = bench.export("coco") / "annotations" / "train.json"
    data = COCO(str(path))
    found = data.loadRes([{**entry, "score": 1.0} for entry in data.loadAnns(data.getAnnIds())])
    scores = COCOeval(data, found, "bbox")
    scores.evaluate()
    scores.accumulate()
    scores.summarize()
    assert scores.stats[0] > 0.99
    return f"`COCO`, `COCOeval` of the truth with itself: AP {scores.stats[0]:.2f}"


def supervision(bench: Bench) -> str:
    import supervision as sv

    folder = bench.export("yolo")
    data = sv.DetectionDataset.from_yolo(str(folder / "images/train"), str(folder / "labels/train"), str(folder / "data.yaml"))
    boxes = sum(len(found) for _, _, found in data)
    assert boxes > 100
    return f"`DetectionDataset.from_yolo`: {len(data)} pictures, {boxes} boxes"


def ultralytics(bench: Bench) -> str:
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    found = check_det_dataset(str(bench.export("yolo") / "data.yaml"))
    data = YOLODataset(img_path=found["train"], data=found, imgsz=320, augment=False)
    boxes = sum(len(label["cls"]) for label in data.labels)
    assert boxes > 100
    for task, model in (("detect", "yolo11n"), ("segment", "yolo11n-seg")):
        folder = bench.export("yolo" if task == "detect" else "yolo-segment")
        options = [f"data={folder / 'data.yaml'}", f"model={model}.yaml", "epochs=1", "imgsz=320", "batch=2", "device=cpu", "workers=0"]
        bench.run("yolo", task, "train", *options, f"project={bench.folder / 'runs'}", f"name={task}", "exist_ok=True")
        assert (bench.folder / "runs" / task / "weights" / "last.pt").is_file()
    return (
        f"`check_det_dataset`, `YOLODataset`: {len(data)} pictures, {boxes} boxes, no label refused; `yolo detect train … epochs=1` and "
        "`yolo segment train … epochs=1` (CPU, 320 px): one epoch each, validated"
    )


def nnunet(bench: Bench) -> str:
    from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity

    raw = bench.export("nnunet")
    verify_dataset_integrity(str(raw), num_processes=1)
    os.environ |= {f"nnUNet_{name}": str(bench.folder / name) for name in ("raw", "preprocessed", "results")} | {"nnUNet_n_proc_DA": "1"}
    (bench.folder / "raw").mkdir()
    raw.rename(bench.folder / "raw" / raw.name)
    bench.run("nnUNetv2_plan_and_preprocess", "-d", "500", "-c", "2d", "-np", "1", "-npfp", "1")
    ready = bench.folder / "preprocessed" / raw.name
    shutil.copy(bench.folder / "raw" / raw.name / "splits_final.json", ready)
    plans = json.loads((ready / "nnUNetPlans.json").read_text())
    plan = plans["configurations"]["2d"]
    plan |= {"patch_size": [_WINDOW, _WINDOW], "batch_size": 2}  # A size for which a CPU takes minutes.
    net = plan["architecture"]["arch_kwargs"]
    net |= {name: values[:_STAGES] for name, values in net.items() if isinstance(values, list)} | {"n_stages": _STAGES}
    net["n_conv_per_stage_decoder"] = net["n_conv_per_stage_decoder"][: _STAGES - 1]
    (ready / "nnUNetPlans.json").write_text(json.dumps(plans))
    bench.run("nnUNetv2_train", "500", "2d", "0", "-tr", "nnUNetTrainer_1epoch", "-device", "cpu")
    found = bench.folder / "results" / raw.name / "nnUNetTrainer_1epoch__nnUNetPlans__2d" / "fold_0"
    assert (found / "checkpoint_final.pth").is_file()
    cases = len(list((found / "validation").glob("*.png")))
    assert cases == 2
    return (
        "`verify_dataset_integrity`: no fault; `nnUNetv2_plan_and_preprocess -d 500 -c 2d`, `nnUNetv2_train 500 2d 0 -tr "
        f"nnUNetTrainer_1epoch` (CPU, the plan cut to {_WINDOW} px and {_STAGES} stages): one epoch of 250 steps, the fold's "
        f"{cases} pictures predicted"
    )


def webdataset(bench: Bench) -> str:
    import webdataset as wds

    shards = sorted(map(str, bench.export("webdataset").glob("*.tar")))
    samples = list(wds.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert len(samples) == 8
    return f"`WebDataset(…).decode('rgb8')`: {len(samples)} samples with image, mask and truth"


def datasets(bench: Bench) -> str:
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    data = load_dataset(str(bench.export("huggingface")), cache_dir=str(bench.folder / "cache"))
    assert sum(map(len, data.values())) == 8
    return f"`load_dataset(folder)`: {', '.join(f'{name} {len(part)}' for name, part in data.items())}, with masks and objects"


def torch(bench: Bench) -> str:
    from torch.utils.data import DataLoader

    from fastecg.torch import EcgPhotos, collate

    photos = EcgPhotos(bench.folder / "records", recipe="scan", crop=64, crops=4, dpi=50, truth=("mask", "signal"))
    counts = {}
    for way in ("fork", "spawn"):
        loader = DataLoader(photos.stream(), batch_size=4, num_workers=2, collate_fn=collate, multiprocessing_context=way)
        counts[way] = sum(len(batch["image"]) for batch in loader)
    assert set(counts.values()) == {16}
    return "`DataLoader(EcgPhotos(…).stream())`, 2 workers, forked and spawned: 16 windows each"


def albumentations(bench: Bench) -> str:
    import albumentations as A

    turn = A.Compose([A.Rotate(limit=5, p=1.0), A.RandomBrightnessContrast(p=1.0)])

    def transform(example: dict) -> dict:
        done = turn(image=example["image"], mask=example["mask"])
        return example | {"image": done["image"], "mask": done["mask"]}

    count = sum(1 for _ in fastecg.photos(bench.folder / "records", recipe="scan", dpi=50, transform=transform))
    assert count == 4
    return f"`Compose` as `transform=`: {count} pictures with their masks"


def wfdb(bench: Bench) -> str:
    import wfdb as package

    record = package.rdrecord(str(bench.folder / "out" / "r0"))
    np.testing.assert_allclose(record.p_signal.T, fastecg.read_record(bench.folder / "records" / "r0").signal, atol=6e-4)
    write_record(bench.folder / "中国", fastecg.simulate(seed=1))
    package.rdrecord(str(bench.folder / "中国"))
    return "`rdrecord` of copies, of one with a Chinese name too: to within half a µV"


def neurokit2(bench: Bench) -> str:
    import neurokit2 as nk

    record = fastecg.read_record(bench.folder / "out" / "r0")
    _, found = nk.ecg_peaks(record.lead("II").astype(float), sampling_rate=int(record.fs))
    assert len(found["ECG_R_Peaks"]) > 5
    return f"`ecg_peaks`: {len(found['ECG_R_Peaks'])} beats"


def edfio(bench: Bench) -> str:
    import edfio as package

    from fastecg.writers.exchange import write_exchange

    write_exchange(bench.folder / "a.edf", fastecg.simulate(seed=1))
    assert len(package.read_edf(bench.folder / "a.edf").signals) == 12
    assert fastecg.read_record(bench.folder / "a.edf").leads == fastecg.LEADS
    return "`read_edf` of what `--also edf` writes, and back"


def pydicom(bench: Bench) -> str:
    importlib.import_module("pydicom")
    return "reads DICOM ECGs for us: a file made by it, `tests/writers/test_exchange.py`"


def ecgdatakit(bench: Bench) -> str:
    importlib.import_module("ecgdatakit.parsing.parsers.scp_ecg")
    return "reads SCP-ECG for us: plain and compressed files, `tests/writers/test_exchange.py`"


def pillow_heif(bench: Bench) -> str:
    import pillow_heif as package
    from PIL import Image

    from fastecg.digitizing.pictures import read_picture

    with Image.open(next((bench.folder / "out").glob("*.png"))) as picture:
        package.from_pillow(picture.convert("RGB")).save(bench.folder / "a.heic", quality=90)
        assert read_picture(bench.folder / "a.heic").shape[1::-1] == picture.size
    return "reads photos of iPhones for us: one written by it"


def challenge(bench: Bench) -> str:
    """Compare the scores of the organisers' code, in the folder that `FASTECG_EVALUATION_2024` names, with ours."""
    folder = os.environ.get("FASTECG_EVALUATION_2024")
    if not folder:
        raise ImportError("evaluation-2024")
    from fastecg.archive import Wish, digitize_archive
    from fastecg.digitizing.settings import Settings

    source, ref, est = bench.folder / "records", bench.folder / "ref", bench.folder / "est"
    fastecg.render_dataset(source, ref, recipe="scan", layout="3x4+1", workers=1, mask_unplotted=True)
    digitize_archive([ref], est, Wish(Settings()))
    command = [sys.executable, "evaluate_model.py", "-d", str(ref), "-o", str(est)]
    output = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    theirs = float(output.split("SNR:")[1].split()[0])
    names = sorted(path.stem for path in source.glob("*.hea"))
    pairs = [fastecg.score(fastecg.read_record(ref / name), fastecg.read_record(est / name)) for name in names]
    ours = np.mean([lead["snr_db"] for pair in pairs for lead in pair.rows()])
    assert abs(theirs - ours) < 0.01
    return (
        f"`evaluate_model.py -d ref -o est` after `fastecg digitize ref -o est`, {len(names)} records: SNR {theirs:.2f} dB, ours {ours:.2f}"
    )


#: By name of the client: the distribution whose version is listed, and the function that runs the client and returns what came of it.
CLIENTS: dict[str, tuple[str, Callable[[Bench], str]]] = {
    "pycocotools": ("pycocotools", coco),
    "supervision": ("supervision", supervision),
    "Ultralytics": ("ultralytics", ultralytics),
    "nnU-Net": ("nnunetv2", nnunet),
    "webdataset": ("webdataset", webdataset),
    "Hugging Face datasets": ("datasets", datasets),
    "PyTorch": ("torch", torch),
    "albumentations": ("albumentations", albumentations),
    "wfdb": ("wfdb", wfdb),
    "NeuroKit2": ("neurokit2", neurokit2),
    "edfio": ("edfio", edfio),
    "pydicom": ("pydicom", pydicom),
    "ECGDataKit": ("ecgdatakit", ecgdatakit),
    "pillow-heif": ("pillow-heif", pillow_heif),
    "PhysioNet's evaluation-2024": ("", challenge),
}


def rows(bench: Bench) -> list[str]:
    """Run all clients. Prints and returns one row of the table for each; a client that fails has the error in its row."""
    lines = []
    for name, (distribution, run) in CLIENTS.items():
        version = "–"
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = run(bench)
            if distribution:
                version = importlib.metadata.version(distribution)
        except ImportError:
            result = "not installed where this table was made"
        except Exception as fault:
            result = f"**fails**: {type(fault).__name__}: {' '.join(str(fault).split())[:120]}"
        lines.append(f"| {name} | {version} | {result} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Print the table, and write it into the docs if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="clients-"))
    try:
        table = "\n".join(["| client | version | what was run, and what came of it |", "|---|---|---|", *rows(Bench(folder))])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.write:
        rewrite(DOCS, "clients", table)


if __name__ == "__main__":
    main()
