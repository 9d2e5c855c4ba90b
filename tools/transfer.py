"""Train one small network on pages by different generators, and compare how well it finds traces on pages by others.

The pages are ECG-Image-Kit's flat pages of the bench `kit`, as many pages by fastecg, and pages by fastecg without limit. Network, loss,
number of windows and their augmentation are the same. To test a network, its map of traces is decoded by a soft maximum of every column,
where the full digitiser found the leads. Thus only the map of traces differs between the rows of the table.

``python tools/transfer.py train NAME FOLDER`` trains the network NAME (`kit`, `fastecg30` or `fastecg`) and resumes if it was interrupted;
``python tools/transfer.py test FOLDER`` reads the test pages with all of them, and ``--write`` puts the table into docs/transfer.md. The
benches are below the folder that FASTECG_DATA names.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from benches import analysed
from PIL import Image
from sections import rewrite
from torch.nn import functional

import fastecg
from fastecg.digitizing.decode import decode
from fastecg.digitizing.follow import assign_ink, own_planes, page_strip
from fastecg.digitizing.judge import LaidOutPage
from fastecg.digitizing.layernet import LayerNet, export_layernet
from fastecg.digitizing.layout import PageSegments
from fastecg.digitizing.pictures import read_picture
from fastecg.digitizing.reading import _follow_tracks, as_colour, ink_area, lay_out
from fastecg.digitizing.segmenter import LayerSegmenter
from fastecg.digitizing.settings import READ
from fastecg.digitizing.targets import MAPS, SCALE, THIN_MM, whole_window
from fastecg.digitizing.train import TrainConfig, draw_page
from fastecg.digitizing.upright import analyse_upright
from fastecg.kernels.capsule import stroke_polyline
from fastecg.readers import find_records

FLAT = ("clean", "colour", "nopulse", "nogrid", "padded")  # Starts of the names of the pages of the bench `kit` that are flat.
FEW = 30  # Number of pages of the network `fastecg30`: about as many as the flat pages of the kit.
NAMES = ("kit", "fastecg30", "fastecg")
TITLES = {
    "kit": "ECG-Image-Kit's 29 flat pages",
    "fastecg30": "30 pages by fastecg",
    "fastecg": "pages by fastecg, each for 40 windows",
    "full": "for comparison: the network that ships, in the same decoder",
}
#: Test pages, of which no kind was trained on: names of benches and patterns of files.
TESTS = {
    "real prints, flatbed": ("real-truth/scan", "*.png"),
    "matplotlib": ("other-hands/drawn", "*_flat.png"),
    "matplotlib, camera": ("other-hands/drawn", "*_photo.jpg"),
    "pmecg": ("other-hands/pmecg", "*.png"),
    "kit, turned or wrinkled": ("other-hands/kit", "*.jpg"),
}
WIDTH, BATCH, SIDE = 8, 8, 256
STEPS = 1500  # Number of training steps, each of BATCH windows of SIDE x SIDE px.
PER_PAGE = 40  # For the network `fastecg`, one of its `FEW` pages is replaced after this number of windows, cut from any of these pages.
# A page of the kit is trained on if the digitiser has its geometry right: if neither the median lag of its leads (ms, of either sign) nor
# the mean of their absolute offsets (mV) is larger than these numbers.
MOST_LAG_MS, MOST_OFFSET_MV = 2.0, 0.02
DECODER = "softargmax"
DOCS = Path(__file__).parents[1] / "docs" / "transfer.md"


@dataclass(frozen=True, eq=False)
class TaughtPage:
    """A picture (height, width, 3) at `SCALE`, and the true map of its traces (height, width), both uint8."""

    image: np.ndarray
    trace: np.ndarray

    @cached_property
    def inked(self) -> np.ndarray:
        """Indices of the pixels with ink, in the flattened map."""
        return np.flatnonzero(self.trace)


def laid_out(path: Path) -> LaidOutPage:
    """A picture's page, and where the full digitiser finds its leads."""
    return lay_out(analyse_upright(as_colour(read_picture(path)), READ), READ)


def kit_pages(data: Path) -> list[TaughtPage]:
    """The flat pages of the kit. Their traces are drawn from the true signals, in the geometry that the digitiser has found."""
    pages = []
    for path in sorted(data.glob("other-hands/kit/*.png")):
        if not path.stem.startswith(FLAT):
            continue
        page, truth = laid_out(path), fastecg.read_record(path.parent / "truth" / path.stem)
        read = analysed(truth, found_by(page, None))
        if abs(read.lag) > MOST_LAG_MS or read.off > MOST_OFFSET_MV:
            print(f"{path.name}: left out, its geometry is not sure")
            continue
        picture = page.analysis.layers.picture
        assert picture is not None
        pages.append(TaughtPage(picture, _true_trace(page, truth, picture.shape[:2])))
    return pages


def _true_trace(page: LaidOutPage, truth: fastecg.Record, shape: tuple[int, ...]) -> np.ndarray:
    """The map of the true traces of a page, each on the 0 mV line and with the offset that the digitiser has found for its segment."""
    plane = np.zeros(shape, dtype=np.uint8)
    rows = page.rows
    for segment in rows.segments:
        signal = truth.lead(segment.lead)[segment.start : segment.stop]
        x = segment.x_mm + np.arange(len(signal)) * (rows.speed_mm_s / rows.fs)
        y = segment.baseline_mm - (signal - segment.offset_mv) * segment.gain_mm_mv
        points = page.analysis.warp.forward(np.column_stack([x, y]))
        stroke_polyline(np.where(np.isfinite(y)[:, None], points, np.nan), THIN_MM * SCALE, plane)
    return plane


def own_pages(records: Path) -> Iterator[TaughtPage]:
    """An endless stream of pages by fastecg, drawn as `fastecg train` draws them."""
    origins, config, number = [source.path for source in find_records([records])], TrainConfig(seed=5), 0
    while True:
        try:
            window = whole_window(draw_page(origins, config, number))
            yield TaughtPage(window.image, window.maps[MAPS.index("trace")])
        except fastecg.FastecgError:  # This record cannot be drawn in this way.
            pass
        number += 1


def pages_for(name: str, folder: Path, data: Path, steps: int) -> Iterator[list[TaughtPage]]:
    """For every training step of the network `name`, the pages from which windows are cut."""
    if name == "kit":
        kept = folder / "kit.pages"
        if not kept.exists():
            kept.write_bytes(pickle.dumps(kit_pages(data)))
        fixed = pickle.loads(kept.read_bytes())
    else:
        stream = own_pages(data / "records" / "train")
        fixed = [next(stream) for _ in range(FEW)]
    print(f"{name}: {len(fixed)} pages", flush=True)
    for step in range(steps):
        if name == "fastecg" and step * BATCH % PER_PAGE < BATCH:
            fixed[step * BATCH // PER_PAGE % FEW] = next(stream)
        yield fixed


def batch_of(pages: list[TaughtPage], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random windows: pictures (BATCH, 3, SIDE, SIDE) and maps of traces (BATCH, SIDE, SIDE), 0 to 1. Scales, colours and noise vary."""
    images, traces = [], []
    for _ in range(BATCH):
        page = pages[rng.integers(len(pages))]
        side = SIDE * np.exp(rng.uniform(-0.12, 0.12))
        middle = np.array(page.trace.shape)[::-1] * rng.random(2)
        if len(page.inked) and rng.random() < 0.7:
            middle = (
                np.array(np.unravel_index(page.inked[rng.integers(len(page.inked))], page.trace.shape))[::-1]
                + rng.uniform(-0.5, 0.5, 2) * side
            )
        box = (*(middle - side / 2), *(middle + side / 2))
        image, trace = (
            np.asarray(Image.fromarray(plane).transform((SIDE, SIDE), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))
            for plane in (page.image, page.trace)
        )
        gain, offset = rng.uniform(0.8, 1.2, 3), rng.uniform(-20, 20, 3)
        images.append(np.clip(image * gain + offset + rng.normal(0, rng.uniform(0, 6), image.shape), 0, 255) / 255)
        traces.append(trace / 255)
    return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).astype(np.float32)), torch.from_numpy(
        np.stack(traces).astype(np.float32)
    )


def train(name: str, folder: Path, data: Path, steps: int) -> None:
    """Train the network `name`, or resume its training, and export it."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, state, begun = LayerNet(WIDTH), folder / f"{name}.pt", 0
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    if state.exists():
        saved = torch.load(state, weights_only=True)
        net.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        begun = saved["steps"]
    losses: list[float] = []
    for step, pages in enumerate(pages_for(name, folder, data, steps)):
        if step < begun:
            continue
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-6
        images, traces = batch_of(pages, np.random.default_rng((step, len(name))))
        maps, _ = net(images)
        loss = functional.binary_cross_entropy_with_logits(maps[:, MAPS.index("trace")], traces)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0 or step == steps - 1:
            part = state.with_suffix(".part")
            torch.save({"width": WIDTH, "average": net.state_dict(), "optimiser": optimiser.state_dict(), "steps": step + 1}, part)
            part.replace(state)
            print(f"{time.strftime('%H:%M:%S')} {name} {step + 1} {np.mean(losses[-100:]):.5f}", flush=True)
    export_layernet(state, folder / f"{name}.onnx")


def found_by(page: LaidOutPage, segmenter: LayerSegmenter | None) -> fastecg.Record:
    """The signals of a page from the map of traces by `segmenter` (None: by the network that ships), with leads where `page` has them."""
    analysis = page.analysis
    layers = analysis.layers
    if segmenter is not None:
        assert layers.picture is not None
        layers = replace(layers, maps=layers.maps.copy())
        layers.maps[MAPS.index("trace")] = segmenter.separate(layers.picture, 1.0)["trace"]
    strip = page_strip(layers["trace"], analysis.warp, ink_area(analysis))
    followed = _follow_tracks(analysis.tracks, strip)
    planes = own_planes(layers["trace"], analysis.warp, strip, assign_ink(strip, followed), len(followed))
    tracks = [page.match.tracks[segment.row] for segment in page.rows.segments]
    traced = np.stack([planes[track] for track in tracks if track is not None])
    rows = PageSegments(page.rows.segments, page.rows.speed_mm_s, page.rows.fs, THIN_MM)
    return decode({"trace": traced}, rows, mode=DECODER, warp=analysis.warp).record


def tested(folder: Path, data: Path, names: list[str]) -> dict[tuple[str, str, str], dict[str, float]]:
    """Read the test pages with networks. Returns SNR and share that was not read, by bench, file and network; resumes if interrupted."""
    log = folder / "tested.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    found = {(line["bench"], line["file"], line["net"]): line for line in lines}
    segmenters = {name: None if name == "full" else LayerSegmenter(folder / f"{name}.onnx", threads=1) for name in names}
    for bench, (place, pattern) in TESTS.items():
        for path in sorted((data / place).glob(pattern)):
            missing = [name for name in names if (bench, path.name, name) not in found]
            if not missing:
                continue
            try:
                page = cached_page(path, folder)
            except fastecg.FastecgError as error:
                print(f"{path.name}: {error}")
                continue
            truth = fastecg.read_record(path.parent / "truth" / path.stem)
            for name in missing:
                try:
                    item = analysed(truth, found_by(page, segmenters[name]))
                except fastecg.ImageError:  # There is no ink in the map.
                    item = analysed(truth, None)
                line = {"bench": bench, "file": path.name, "net": name, "raw": item.raw, "both": item.both, "missing": item.missing}
                found[bench, path.name, name] = line
                with log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(f"{bench} {path.name} {name}: raw {item.raw:.1f}, moved {item.both:.1f}, missing {item.missing:.3f}", flush=True)
    return found


def cached_page(path: Path, folder: Path) -> LaidOutPage:
    """`laid_out`, kept in a file of the folder."""
    kept = folder / f"{path.stem}.page"
    if not kept.exists():
        kept.write_bytes(pickle.dumps(laid_out(path)))
    return pickle.loads(kept.read_bytes())


def table(found: dict[tuple[str, str, str], dict[str, float]], names: list[str]) -> str:
    """The table for docs/transfer.md."""
    by_net: dict[tuple[str, str], list[dict[str, float]]] = {(name, bench): [] for name in names for bench in TESTS}
    for (bench, _, net), line in found.items():
        if net in names:
            by_net[net, bench].append(line)
    heads = [f"{bench}, {len(by_net[names[0], bench])}" for bench in TESTS]
    lines = [f"| trained on | {' | '.join(heads)} |", "|---" * (len(TESTS) + 1) + "|"]
    for name in names:
        cells = []
        for bench in TESTS:
            both, raw, missing = (np.mean([line[key] for line in by_net[name, bench]]) for key in ("both", "raw", "missing"))
            cells.append(f"**{both:.1f}** ({raw:.1f}); {100 * missing:.1f} %")
        lines.append(f"| {TITLES[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Train or test."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("train", "test"))
    parser.add_argument("rest", nargs="+", help="NAME FOLDER to train, FOLDER to test")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps")
    parser.add_argument("--write", action="store_true", help=f"write the table into {DOCS.name}")
    options = parser.parse_args()
    data, folder = Path(os.environ["FASTECG_DATA"]), Path(options.rest[-1])
    folder.mkdir(parents=True, exist_ok=True)
    if options.what == "train":
        train(options.rest[0], folder, data, options.steps)
        return
    names = [name for name in (*NAMES, "full") if name == "full" or (folder / f"{name}.onnx").exists()]
    written = table(tested(folder, data, names), names)
    print(written)
    if options.write:
        rewrite(DOCS, "transfer", written)


if __name__ == "__main__":
    main()
