"""Measure how crops of drawn pages differ from crops of real pages: by single features, and by a classifier (see ``tools/realism.py``).

Two real pictures from the same website share its sharpening and its JPEG, by which a classifier that has seen one of them recognises the
other. So the classifier is tested across sources: all pictures from one source (the same machine, kind of file, header and quantisation
tables) are held out together, and classified by what was learnt from the other sources.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

import fastecg
from fastecg.readers import read_record, sample_records

SIDE = 208  # Side of a crop in px: some 45 mm of a photo, with two or three beats.
EACH = 6  # Largest number of crops of a picture.
INK = 0.55  # A pixel is ink if it is darker than this share of the paper around it.
LETTER_MM = 279.4  # Width of the printed pages of the scans with truth.
#: Filter that is 0 on slopes and edges along x or y, and so responds to noise alone (Immerkær).
LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=float)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a page.

    Attributes
    ----------
    pixels : ndarray, shape (height, width, 3) uint8
    scale : float
        Scale in px/mm.
    kind : str
        "photo", "scan" or "kaggle-0004": the recipe whose pages it is compared with (for half of the scans, that is "digital" instead).
    source : str
        Where it came from, and for real pictures the kind of file. For drawn pages, the style.
    page : ndarray, shape (height, width) bool, optional
        True where the page is, from which crops are cut. Without this, crops are cut anywhere.
    """

    pixels: np.ndarray
    scale: float
    kind: str
    source: str
    page: np.ndarray | None = None


def real_pictures(folder: Path) -> list[Picture]:
    """The pictures of a folder that are annotated, and the scans with truth. Annotations and scans are where FASTECG_DATA says."""
    data = Path(os.environ["FASTECG_DATA"])
    known = {entry["file"]: entry for entry in json.loads((data / "real-layouts" / "shared.json").read_text())}
    found = []
    for path in sorted(folder.iterdir()):
        if path.name in known:
            entry = known[path.name]
            kind = "photo" if entry["source"] == "photo" else "scan"
            found.append(Picture(_pixels(path), entry["mm_px"], kind, f"{entry['family']} {_file_kind(path)}"))
    for path in sorted((data / "real-truth" / "scan").glob("*.png")):
        pixels = _pixels(path)
        found.append(Picture(pixels, pixels.shape[1] / LETTER_MM, "kaggle-0004", "scans with truth"))
    return found


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def _file_kind(path: Path) -> str:
    """The format of a file, its density in dpi, and the start of its first quantisation table."""
    image = Image.open(path)
    tables = getattr(image, "quantization", None) or {}
    density = float(image.info.get("dpi", (0.0,))[0])
    return f"{image.format} {density:.0f} {tables.get(0, [])[:6]}"


def drawn_pictures(like: list[Picture], each: int, seed: int = 0) -> list[Picture]:
    """Draw `each` pages for every real picture, by the recipe of its kind.

    A page is reduced to the scale of the real picture if its own is larger, and saved as JPEG if the real picture is one.
    """
    records = [read_record(source.path) for source in sample_records()]
    found = []
    for k in range(each * len(like)):
        real = like[k % len(like)]
        # Of the public pictures that are evenly lit, half are screen prints of reports.
        recipe = "digital" if real.kind == "scan" and (k + k // len(like)) % 2 else real.kind
        photo = fastecg.render(records[k % len(records)], recipe=recipe, seed=seed + k)
        scale = photo.truth.warp.scale
        image = Image.fromarray(photo.image)
        share = min(real.scale / scale, 1.0)
        size = max(round(image.width * share), 8), max(round(image.height * share), 8)
        if share < 1.0:
            image = image.resize(size, Image.Resampling.LANCZOS)
        if "JPEG" in real.source:
            held = io.BytesIO()
            image.save(held, "JPEG", quality=(92, 90, 85)[k % 3], subsampling=2 if k % 4 else 0)
            image = Image.open(held).convert("RGB")
        # Bit 15 of the layers is the page.
        page = Image.fromarray(((photo.truth.layers() >> 15) > 0).astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
        found.append(Picture(np.asarray(image), real.scale, real.kind, photo.shot.style, np.asarray(page) > 250))
    return found


def crops(picture: Picture, seed: int) -> list[np.ndarray]:
    """At most `EACH` crops (height, width, 3) at random places on the page that contain a trace."""
    rng = np.random.default_rng(seed)
    height, width = picture.pixels.shape[:2]
    side = min(SIDE, height, width)
    found = []
    for _ in range(20 * EACH):
        y, x = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
        if picture.page is not None and not picture.page[y : y + side, x : x + side].all():
            continue
        crop = picture.pixels[y : y + side, x : x + side]
        grey = crop @ np.array((0.299, 0.587, 0.114))
        # A crop contains a trace, and is not full of other things, if 0.6 to 15 % of it are ink.
        if 0.006 < (grey < INK * np.quantile(grey, 0.8)).mean() < 0.15:
            found.append(crop)
        if len(found) == EACH:
            break
    return found


def features(crop: np.ndarray) -> dict[str, float]:
    """The features of a crop by name; 0 if a feature is not defined."""
    rgb = crop.astype(float)
    grey = rgb @ np.array((0.299, 0.587, 0.114))
    cb, cr = (rgb[..., 2] - grey) * 0.564, (rgb[..., 0] - grey) * 0.713
    # The brightness of the paper: the 75 % quantile over 36 px, smoothed.
    paper = ndimage.gaussian_filter(ndimage.percentile_filter(grey[::4, ::4], 75, 9), 2)
    paper = ndimage.zoom(paper, np.array(grey.shape) / np.array(paper.shape), order=1, grid_mode=True, mode="nearest")
    ink = grey < INK * paper
    free = ~ndimage.binary_dilation(ink, iterations=3)
    flat, tint = (plane - ndimage.gaussian_filter(plane, 6) for plane in (rgb[..., 1], cr))
    # Noise by Immerkær: with this factor, the mean of the filter's absolute value is the noise's standard deviation. This estimate is
    # averaged over windows of 8 px, one every 4 px.
    residual = np.abs(ndimage.convolve(grey, LAPLACE)) * np.sqrt(np.pi / 2) / 6
    calm = ndimage.uniform_filter(residual, 8)[4:-4:4, 4:-4:4]
    chroma = np.abs(ndimage.convolve(cr, LAPLACE)) * np.sqrt(np.pi / 2) / 6
    numbers = {
        "grid contrast": float(flat[free].std()),
        "noise floor": float(np.quantile(calm, 0.05)),
        "noise, median": float(np.median(calm)),
        "noise of colour": float(np.quantile(ndimage.uniform_filter(chroma, 8)[4:-4:4, 4:-4:4], 0.1)),
        "darkest 0.3 %": float(np.quantile(grey, 0.003)),
        "ink over paper": float(np.median(grey[ink] / paper[ink])) if ink.any() else np.nan,
        **_widths(grey / paper, ink),
        **{f"periodicity of {name}": _periodicity(plane * free) for name, plane in (("grey", grey - paper), ("Cb", cb), ("Cr", cr))},
        "overshoot": _overshoot(grey, ink, paper),
        "uneven light": float(np.std(paper) / np.mean(paper)),
        **_shifts(rgb),
        "white clipped": float((grey > 252).mean()),
        "levels in use": float(len(np.unique(crop[..., 1]))),
        "blocks of 8": _blocks(grey),
        **_spectrum(grey, "grey"),
        **_spectrum(cb, "Cb"),
        "grey and colour together": float(np.corrcoef(flat[free], tint[free])[0, 1]) if tint.std() > 0.3 else 0.0,
        "tails of grain": float(np.mean(flat[free] ** 4) / max(np.mean(flat[free] ** 2) ** 2, 1e-9)),
        "skew of grain": float(np.mean(flat[free] ** 3) / max(np.mean(flat[free] ** 2) ** 1.5, 1e-9)),
    }
    return {name: number if np.isfinite(number) else 0.0 for name, number in numbers.items()}


def _widths(ratio: np.ndarray, ink: np.ndarray) -> dict[str, float]:
    """Median of the width of traces in px along their middle lines, and the interquartile range (IQR) of the width over this median."""
    labels, count = ndimage.label(ink, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    near = ndimage.binary_dilation((sizes >= 60)[labels], iterations=2)  # traces are parts of at least 60 px
    if not near.any():
        return {"width of ink": np.nan, "width, IQR over median": np.nan}
    # Traces are enlarged three times, and reach to where they are half as dark as dark ink. The width is twice the distance from the middle
    # line to the edge.
    fine = ndimage.zoom(np.where(near, ratio, 1.0), 3, order=1)
    stroke = fine < 0.5 * (1.0 + np.quantile(ratio[ink], 0.2))
    width = 2 * ndimage.distance_transform_edt(stroke)[skeletonize(stroke)] / 3
    low, middle, high = np.quantile(width, (0.25, 0.5, 0.75)) if len(width) else (np.nan,) * 3
    return {"width of ink": middle, "width, IQR over median": (high - low) / middle}


def _periodicity(plane: np.ndarray) -> float:
    """How far the power at 0.1 to 0.35 cycles per px is concentrated in peaks: 1 minus the ratio of geometric to arithmetic mean."""
    power = np.abs(np.fft.rfft2(plane - plane.mean())) ** 2
    frequency = np.hypot(np.fft.fftfreq(plane.shape[0])[:, None], np.fft.rfftfreq(plane.shape[1])[None])
    band = power[(frequency > 0.1) & (frequency < 0.35)] + 1e-6
    return float(1 - np.exp(np.mean(np.log(band))) / np.mean(band))


def _overshoot(grey: np.ndarray, ink: np.ndarray, paper: np.ndarray) -> float:
    """How much brighter paper is at 1.5 to 3.2 px from ink than at 5 to 8 px, as a share of the difference between paper and ink.

    0 if a crop has no ink or no paper at one of these distances.
    """
    off = ndimage.distance_transform_edt(~ink)
    near, far = (off > 1.5) & (off < 3.2), (off > 5) & (off < 8)
    if not (near.any() and far.any() and ink.any()):
        return 0.0
    bright = [np.quantile((grey / paper)[where], 0.9) for where in (near, far)]
    return float((bright[0] - bright[1]) / max(bright[1] - np.median((grey / paper)[ink]), 0.05))


def _shifts(rgb: np.ndarray) -> dict[str, float]:
    """Shifts in px relative to green, down and across: the larger of those of red and blue, by least squares along green's gradient."""
    found = {}
    for axis, name in enumerate(("down", "across")):
        shifts = []
        for other in (0, 2):
            slope = np.gradient(ndimage.gaussian_filter(rgb[..., 1], 0.7), axis=axis)
            moved = np.gradient(ndimage.gaussian_filter(rgb[..., other], 0.7), axis=axis)
            # The other colour is taken for `gain` times green, moved by the shift. Its difference from `gain` times green is then about the
            # shift times `gain` times the slope.
            gain = (slope * moved).sum() / max((slope**2).sum(), 1e-9)
            difference = ndimage.gaussian_filter(rgb[..., other] - gain * rgb[..., 1], 0.7)
            difference -= ndimage.gaussian_filter(difference, 4)
            shifts.append(abs((slope * difference).sum() / max(gain * (slope**2).sum(), 1e-9)))
        found[f"colours apart {name}"] = float(max(shifts))
    return found


def _blocks(grey: np.ndarray) -> float:
    """How much larger steps of brightness between neighbouring columns of pixels are at seams of JPEG blocks than elsewhere.

    The median step is found for the columns at each of the 8 positions in a block; the largest of the 8 is divided by their median.
    """
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    means = np.array([np.median(steps[k::8]) for k in range(8)])
    return float(means.max() / max(np.median(means), 0.1))


def _spectrum(plane: np.ndarray, name: str) -> dict[str, float]:
    """Log ratios of the mean power in three bands of the spectrum to that in the lowest band."""
    window = np.hanning(plane.shape[0])[:, None] * np.hanning(plane.shape[1])
    power = np.abs(np.fft.rfft2((plane - plane.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(plane.shape[0])[:, None], np.fft.rfftfreq(plane.shape[1])[None])
    bands = [power[(frequency > a) & (frequency < b)].mean() + 1e-3 for a, b in ((0.03, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.5))]
    return {f"{name}, {what} over low": float(np.log(bands[k] / bands[0])) for k, what in ((1, "middle"), (2, "high"), (3, "highest"))}


@dataclass(frozen=True)
class Separation:
    """How well real crops can be separated from drawn ones: mean AUC over sources, its 90 % interval, and the AUC of each source."""

    auc: float
    low: float
    high: float
    sources: dict[str, float]


def auc(drawn: np.ndarray, real: np.ndarray) -> float:
    """Probability that the score of a real crop is above that of a drawn one; ties count half."""
    below = np.searchsorted(np.sort(drawn), real, side="left"), np.searchsorted(np.sort(drawn), real, side="right")
    return float(np.mean(below[0] + below[1]) / (2 * len(drawn)))


def separate_across(
    real: np.ndarray, drawn: np.ndarray, real_of: np.ndarray, drawn_of: np.ndarray, sources: np.ndarray, rounds: int = 400
) -> Separation:
    """Separate crops (n, features) of each source from drawn ones by what was learnt from the other sources and other drawn pictures.

    `real_of` (n,) and `drawn_of` are the numbers of the pictures from which crops were cut, `sources` (n,) the sources of real crops. The
    AUC is the mean over sources. The weight of a source is its number of pictures, but at most 4, so that no website counts too much. The
    interval is found from `rounds` bootstrap samples of sources and pictures.
    """
    names = sorted(set(sources))
    scores_real, scores_drawn = np.zeros(len(real)), np.zeros((len(names), len(drawn)))
    for k, name in enumerate(names):
        held_out = sources == name
        part = drawn_of % 2 == k % 2  # Half of the drawn pictures are learnt from; the others are classified.
        labels = np.r_[np.ones((~held_out).sum()), np.zeros(part.sum())]
        model = _learnt(np.concatenate([real[~held_out], drawn[part]]), labels, _weights(sources[~held_out], part.sum()))
        scores_real[held_out], scores_drawn[k] = model(real[held_out]), np.where(part, np.nan, model(drawn))
    each = {name: auc(scores_drawn[k][np.isfinite(scores_drawn[k])], scores_real[sources == name]) for k, name in enumerate(names)}
    weight = {name: min(len(set(real_of[sources == name])), 4) for name in names}

    def mean(chosen: dict[str, float]) -> float:
        """The weighted mean of the AUCs of sources."""
        return sum(weight[name] * chosen[name] for name in chosen) / sum(weight[name] for name in chosen)

    rng, means = np.random.default_rng(0), []
    pictures = np.unique(drawn_of)
    for _ in range(rounds):
        resampled = np.concatenate([np.flatnonzero(drawn_of == p) for p in rng.choice(pictures, len(pictures))])
        chosen = {}
        for k in set(rng.integers(0, len(names), len(names)).tolist()):
            of_source = np.unique(real_of[sources == names[k]])
            rows = np.concatenate([np.flatnonzero(real_of == p) for p in rng.choice(of_source, len(of_source))])
            values = scores_drawn[k][resampled]
            chosen[names[k]] = auc(values[np.isfinite(values)], scores_real[rows])
        means.append(mean(chosen))
    return Separation(mean(each), *np.quantile(means, (0.05, 0.95)), each)


def _weights(sources: np.ndarray, drawn: int) -> np.ndarray:
    """Weights of real crops, then of `drawn` drawn ones; each sum is 1. The weight of a source goes as the root of its number of crops."""
    _, place, counts = np.unique(sources, return_inverse=True, return_counts=True)
    real = 1.0 / np.sqrt(counts[place])
    return np.r_[real / real.sum(), np.full(drawn, 1.0 / drawn)]


def _learnt(values: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a logistic regression with a ridge to normal scores of features and their squares. Returns the function that scores crops."""
    from scipy.optimize import minimize
    from scipy.special import ndtri

    in_order = np.sort(values, axis=0)

    def scores(given: np.ndarray) -> np.ndarray:
        """1, normal scores (the normal quantiles of ranks among `values`), and the squares of these less 1, scaled to unit variance."""
        ranks = np.stack([np.searchsorted(in_order[:, k], given[:, k]) for k in range(given.shape[1])], axis=1)
        normal = ndtri(np.clip((ranks + 0.5) / (len(in_order) + 1), 0.005, 0.995))
        return np.concatenate([np.ones((len(given), 1)), normal, (normal**2 - 1) / np.sqrt(2)], axis=1)

    x = scores(values)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        """The weighted logistic loss with the ridge, and its gradient."""
        z = x @ w
        sign = 2 * labels - 1
        p = 1 / (1 + np.exp(np.clip(sign * z, -50, 50)))
        ridge = 0.01 * np.r_[0.0, w[1:]]
        return float((weights * np.logaddexp(0, -sign * z)).sum() + 0.5 * (ridge * w).sum()), -x.T @ (weights * sign * p) + ridge

    w = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return lambda given: scores(given) @ w


def _measured(pictures: list[Picture]) -> list[tuple[int, Picture, dict[str, float]]]:
    """The number of the picture, the picture and the features of every crop."""
    return [(k, picture, features(crop)) for k, picture in enumerate(pictures) for crop in crops(picture, k)]


def report(folder: Path, each: int, seed: int = 0) -> str:
    """Tables in Markdown: the AUC of the classifier across sources and within them, and the AUC of every feature."""
    real = real_pictures(folder)
    drawn = drawn_pictures(real, each, seed)
    lines = []
    found = {"real": _measured(real), "drawn": _measured(drawn)}
    names = list(found["real"][0][2])

    def matrix(side: str, kind: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = [(k, p, numbers) for k, p, numbers in found[side] if kind in (None, p.kind)]
        values = np.array([[numbers[name] for name in names] for _, _, numbers in rows])
        return values, np.array([k for k, _, _ in rows]), np.array([p.source for _, p, _ in rows])

    lines += ["| crops told apart | real pictures | sources | AUC across sources | AUC, same sources |", "|---|---|---|---|---|"]
    for kind, title in ((None, "all"), ("photo", "photos"), ("scan", "scans")):
        (a, a_of, sources), (b, b_of, _) = matrix("real", kind), matrix("drawn", kind)
        across = separate_across(a, b, a_of, b_of, sources)
        within = separate_across(a, b, a_of, b_of, np.array([f"{k % 5}" for k in a_of]))
        counts = f"{len(set(a_of))} | {len(set(sources))}"
        lines.append(f"| {title} | {counts} | {across.auc:.2f} ({across.low:.2f} to {across.high:.2f}) | {within.auc:.2f} |")
    lines += ["", "| feature | real photos | drawn | AUC | real scans | drawn | AUC |", "|---|---|---|---|---|---|---|"]
    rows = []
    for k, name in enumerate(names):
        cells, worst = [], 0.5
        for kind in ("photo", "scan"):
            one, other = matrix("real", kind)[0][:, k], matrix("drawn", kind)[0][:, k]
            area = auc(other, one)
            worst = max(worst, area, 1 - area)
            cells += [f"{np.median(one):.3g}", f"{np.median(other):.3g}", f"{area:.2f}"]
        rows.append((worst, f"| {name} | " + " | ".join(cells) + " |"))
    lines += [row for _, row in sorted(rows, key=lambda row: -row[0])]
    return "\n".join(lines)
