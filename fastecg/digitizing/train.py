"""Train `LayerNet` on pictures that are drawn during the training. No picture is stored, and none is used twice."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from fastecg.digitizing.layernet import LayerNet, layer_loss, read_checkpoint, read_layernet
from fastecg.digitizing.targets import Window, windows
from fastecg.errors import FastecgError, RecordError
from fastecg.layouts import fitting_layouts
from fastecg.photo import Photo
from fastecg.recipes.distributions import rng_for
from fastecg.record import Record
from fastecg.simulation import CONDUCTIONS, RHYTHMS, simulate
from fastecg.styles import STYLES
from fastecg.system.files import lines_of
from fastecg.system.interrupts import check_interrupt

if TYPE_CHECKING:
    from fastecg.recipe import Recipe

#: Recipes of the pages and their shares. All recipes but those of the Kaggle competition occur, from clean pages to the most degraded ones.
SHARES = {
    "clean": 0.10, "scan": 0.16, "photo": 0.24, "copy": 0.08, "screen": 0.07, "aged": 0.08, "damaged": 0.09, "kit": 0.05, "digital": 0.05,
    "mix": 0.08,
}  # fmt: skip

#: Recipes and their shares for pages that are redrawn as by other programs (`other_hands`).
OTHERS = {"clean": 0.22, "scan": 0.24, "photo": 0.22, "copy": 0.14, "aged": 0.03, "damaged": 0.03, "kit": 0.08, "digital": 0.04}

_PER_PICTURE = 20  # Number of windows that are cut from a picture.
_POOL = 20  # The windows of a batch are chosen at random from those of about this number of pictures.
_EVERY_S = 120.0  # Time between checkpoints, s.
_EMA_DECAY = 0.998  # Decay per step of the exponential moving average of the weights.

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained.

    Attributes
    ----------
    hours : float
        Duration of the training, including runs before it was resumed. At its end the learning rate is nearly 0.
    width : int
        Number of channels at the finest level.
    batch, size : int
        Number of windows in a step, and their side in px.
    rate : float
        Largest learning rate.
    simulated : float
        Share of pages drawn from simulated records.
    others : float
        Share of pages that are redrawn as by other programs and machines.
    seed : int
    start : Path, optional
        ONNX file of a network that is trained further. Its own width replaces `width`, and it has no normalisation layers.
    """

    hours: float = 2.0
    width: int = 16
    batch: int = 16
    size: int = 256
    rate: float = 2e-3
    simulated: float = 0.3
    others: float = 0.5
    seed: int = 0
    start: Path | None = None


@dataclass
class Pages(IterableDataset):
    """An endless stream of batches of windows of newly drawn pages. Pages are numbered, and `start` is the number of the first.

    `origins` are the files of records. Of n worker processes, each draws every n-th page.
    """

    origins: list[Path]
    config: TrainConfig
    start: int = 0
    _pool: list[Window] = field(default_factory=list)

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        first, step = (self.start + worker.id, worker.num_workers) if worker else (self.start, 1)
        rng = rng_for(self.config.seed, f"batches {first}", "order")
        chosen: list[Window] = []
        for found in self._windows(first, step):
            self._pool.append(found)
            if len(self._pool) > _PER_PICTURE * _POOL:
                chosen.append(self._pool.pop(int(rng.integers(len(self._pool)))))
            if len(chosen) == self.config.batch:
                yield _batch(chosen)
                chosen = []

    def _windows(self, first: int, step: int) -> Iterator[Window]:
        """Windows of page `first` and of every `step`-th page after it."""
        number = first
        while True:
            try:
                photo = draw_page(self.origins, self.config, number)
                yield from windows(photo, rng_for(self.config.seed, f"page {number}", "windows"), _PER_PICTURE, self.config.size)
            except FastecgError:  # A page that cannot be drawn is skipped.
                pass
            number += step


def draw_page(origins: list[Path], config: TrainConfig, number: int) -> Photo:
    """Draw page `number` of a training: a page of a real or simulated record with a random recipe, layout, style and resolution."""
    from fastecg.recipe import Recipe
    from fastecg.rendering import render

    rng = rng_for(config.seed, f"page {number}", "look")
    record = _record(origins, rng, config.simulated)
    other = rng.random() < config.others
    shares = OTHERS if other else SHARES
    recipe = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
    layout = str(rng.choice(fitting_layouts(record.leads))) if rng.random() < 0.4 else "auto"
    style = str(rng.choice(sorted(STYLES))) if recipe != "kit" and rng.random() < 0.3 else "auto"
    dpi = float(np.exp(rng.uniform(np.log(120), np.log(300))))
    page = int(rng.integers(len(list(record.page_starts()))))
    if other:
        return draw_other(record, Recipe.load(recipe), layout, dpi, page, config.seed, number, rng)
    return render(record, recipe=recipe, layout=layout, style=style, dpi=dpi, seed=config.seed, page=page, variant=number)


def draw_other(
    record: Record, recipe: Recipe, layout: str, dpi: float, page: int, seed: int, number: int, rng: np.random.Generator
) -> Photo:
    """Draw page `page` of a record as if by another program, with the artifacts of a recipe. `number` is that of the training page."""
    from fastecg.digitizing.other_hands import coarser, other_hand

    record = coarser(record, rng)
    fixed: dict[str, Any] = {} if layout == "auto" else {"layout": layout}
    shot = recipe.sample(record, dpi=dpi, seed=seed, page=page, variant=number, **fixed)
    return shot.picture(record, *other_hand(*shot.placed(record), rng))


def _record(origins: list[Path], rng: np.random.Generator, simulated: float) -> Record:
    """A random record of `origins`, or a simulated one with probability `simulated`, and always if `origins` is empty."""
    from fastecg.readers import read_record

    if origins and rng.random() >= simulated:
        return read_record(origins[rng.integers(len(origins))])
    rhythm, conduction = (str(rng.choice([row.name for row in table])) for table in (RHYTHMS, CONDUCTIONS))
    fs = float(rng.choice((250.0, 500.0, 1000.0)))
    return simulate(rhythm, conduction=conduction, fs=fs, seed=int(rng.integers(2**31)), noise=float(rng.choice((0.0, 1.0, 1.0, 3.0))))


def _batch(chosen: list[Window]) -> Batch:
    """Stack windows: pictures (n, 3, height, width), maps (n, 6, height, width) and marker maps (n, height / 4, width / 4)."""
    image = np.stack([window.image for window in chosen]).transpose(0, 3, 1, 2)
    maps = np.stack([window.maps for window in chosen])
    return torch.from_numpy(np.ascontiguousarray(image)), torch.from_numpy(maps), torch.from_numpy(np.stack([w.markers for w in chosen]))


class Trainer:
    """A network in training, with its optimiser and its progress. All three are read from the checkpoint in `folder`, if there is one."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self.config, self.folder = config, folder
        torch.manual_seed(config.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # Whether networks run in half precision (bfloat16). Processors without AVX-512 emulate it, which takes nine times as long as full
        # precision.
        self.half = self.device.type == "cuda" or torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "AVX2")
        begun = LayerNet(config.width) if config.start is None else read_layernet(config.start)
        self.net = begun.to(self.device, memory_format=torch.channels_last)
        self.average = deepcopy(self.net).eval()
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=config.rate, weight_decay=1e-3)
        self.steps, self.seconds = 0, 0.0
        if self.checkpoint.exists():
            self._resume()

    @property
    def checkpoint(self) -> Path:
        """Path of the file with the state of the training."""
        return self.folder / "layernet.pt"

    @property
    def progress(self) -> float:
        """Share of the training that is done, 0 to 1."""
        return min(self.seconds / (3600.0 * self.config.hours), 1.0)

    def step(self, batch: Batch) -> dict[str, float]:
        """Do one training step with a batch. Returns the parts of the loss by name."""
        # The learning rate rises over the first 100 steps, and falls as half a cosine to nearly 0 at the end of the training.
        rise = min(1.0, (self.steps + 1) / 100)
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * rise * (0.5 + 0.5 * math.cos(math.pi * self.progress)) + 1e-6
        parts = self._loss(self.net, batch)
        self.optimiser.zero_grad()
        sum(parts.values()).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.steps += 1
        self._update_ema()
        return {name: float(part.detach()) for name, part in parts.items()}

    def validate(self, batches: list[Batch]) -> dict[str, float]:
        """Mean parts of the loss, by name, of the averaged network on validation batches."""
        with torch.no_grad():
            found = [self._loss(self.average, batch) for batch in batches]
        return {name: float(np.mean([float(parts[name]) for parts in found])) for name in found[0]}

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        part = self.checkpoint.with_suffix(".part")
        state = {
            "width": self.net.width, "folded": self.net.folded, "net": self.net.state_dict(), "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(), "steps": self.steps, "seconds": self.seconds,
        }  # fmt: skip
        torch.save(state, part)
        part.replace(self.checkpoint)

    def _resume(self) -> None:
        """Read the checkpoint; `FastecgError` if its network differs from this one."""
        saved = read_checkpoint(self.checkpoint, self.device)
        if saved["width"] != self.net.width:
            raise FastecgError(f"{self.checkpoint}: a network {saved['width']} wide, expected {self.net.width}: another folder, or --width")
        if saved.get("folded", False) != self.net.folded:
            raise FastecgError(f"{self.checkpoint}: a network that began otherwise, expected another folder, or --start as it was")
        self.net.load_state_dict(saved["net"])
        self.average.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.steps, self.seconds = saved["steps"], saved["seconds"]

    def _loss(self, net: LayerNet, batch: Batch) -> dict[str, torch.Tensor]:
        """The parts of the loss of a network on a batch."""
        picture, true_maps, true_markers = (part.to(self.device) for part in batch)
        picture = (picture.float() / 255.0).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            maps, markers = net(picture)
        return layer_loss(maps.float(), markers.float(), true_maps.float() / 255.0, true_markers.long())

    def _update_ema(self) -> None:
        """Update the exponential moving average of the weights."""
        # The share of the average that is kept is smaller at first, so that the initial weights are soon forgotten.
        keep = min(_EMA_DECAY, self.steps / (self.steps + 10))
        with torch.no_grad():
            for averaged, current in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
                if averaged.dtype.is_floating_point:
                    averaged.lerp_(current, 1.0 - keep)
                else:
                    averaged.copy_(current)


def train(inputs: list[Path], folder: Path, config: TrainConfig = TrainConfig(), *, workers: int = 1) -> Iterator[dict[str, Any]]:
    """Train a network, or resume its training. Yields the row of the log of every checkpoint.

    Parameters
    ----------
    inputs : list of Path
        Records, or folders of records. The first of every sixteen is used for validation alone. If no others are left, all records of the
        training are simulated.
    folder : Path
        Folder of ``layernet.pt`` (the state of the training) and ``log.jsonl`` (a row for each checkpoint). If it has a state, that
        training is resumed.
    config : TrainConfig
    workers : int
        Number of processes that draw pages; 0 for drawing in this one.

    Yields
    ------
    dict of str to Any
        The hours, steps and windows so far, and the mean parts of the loss in training and in validation.

    Raises
    ------
    RecordError
        If there are inputs, but no record among them.
    FastecgError
        If `folder` has the state of another network.
    """
    from fastecg.readers import find_records

    origins = [source.path for source in find_records(inputs)] if inputs else []
    if inputs and not origins:
        raise RecordError(f"{inputs[0]}: no record there, expected WFDB headers (.hea), CSV or NumPy files")
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, folder)
    held_out, learned = origins[::16], [origin for k, origin in enumerate(origins) if k % 16]
    # Six batches that stay the same throughout, from pages that are drawn with another seed.
    validation = _first(Pages(held_out, TrainConfig(**{**vars(config), "seed": config.seed + 1})), 6)
    # A training that is resumed begins at another page, so that no page is drawn again.
    pages = Pages(learned, config, start=1_000_003 * (trainer.steps + 1) % 2**40)
    loader = DataLoader(pages, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)
    yield from _steps(trainer, loader, validation)


def _steps(trainer: Trainer, loader: Any, validation: list[Batch]) -> Iterator[dict[str, Any]]:
    """Train until the time of the configuration is over. Yields the rows of the log."""
    began, reported, losses = time.monotonic(), time.monotonic(), []
    earlier_s = trainer.seconds
    for batch in loader:
        check_interrupt()
        losses.append(trainer.step(batch))
        now = time.monotonic()
        trainer.seconds = earlier_s + now - began
        if now - reported > _EVERY_S or trainer.progress >= 1.0:
            reported = now
            yield _report(trainer, losses, validation)
            losses = []
        if trainer.progress >= 1.0:
            return


def _report(trainer: Trainer, losses: list[dict[str, float]], validation: list[Batch]) -> dict[str, Any]:
    """Save the network, validate it, and add a row to the log. `losses` are the parts of the loss of every step since the last row."""
    trainer.save()
    training = {name: float(np.mean([row[name] for row in losses])) for name in losses[0]}
    row = {
        "hours": trainer.seconds / 3600, "steps": trainer.steps, "windows": trainer.steps * trainer.config.batch,
        "train": training, "validation": trainer.validate(validation),
    }  # fmt: skip
    with (trainer.folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")
    return row


def _first(pages: Pages, count: int) -> list[Batch]:
    """The first `count` batches of a stream."""
    return [batch for _, batch in zip(range(count), pages, strict=False)]


def curves(folder: Path) -> Path | None:
    """Plot the log in a folder as ``curves.png``, and return its path; None if matplotlib is not installed or the log is empty.

    Raises
    ------
    FastecgError
        If the log cannot be read.
    """
    try:
        import matplotlib
    except ImportError:
        return None
    log = folder / "log.jsonl"
    try:
        rows = [json.loads(line) for line in lines_of(log)]
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else fault
        raise FastecgError(f"{log}: cannot be read ({why}), expected the log of `fastecg train`") from None
    if not rows:
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    windows_seen = [row["windows"] / 1000 for row in rows]
    for k, name in enumerate(rows[0]["validation"]):
        axes.plot(windows_seen, [row["validation"][name] for row in rows], color=f"C{k}", label=name)
        axes.plot(windows_seen, [row["train"][name] for row in rows], color=f"C{k}", linewidth=0.6, linestyle=":")
    axes.set(yscale="log", xlabel="windows seen, thousands", ylabel="weighted loss (dotted: while learning)")
    axes.legend(ncols=2)
    figure.tight_layout()
    target = folder / "curves.png"
    figure.savefig(target, dpi=100)
    pyplot.close(figure)
    return target
