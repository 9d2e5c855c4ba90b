"""`fastecg.digitize`, which reads a picture, and `Digitized`, which holds all that was read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastecg.digitizing.analysis import PageAnalysis
from fastecg.digitizing.decode import Decoded, Mode
from fastecg.digitizing.page_model import turned
from fastecg.digitizing.pictures import MOST_PAGES, page_count, pixels_of, read_picture
from fastecg.digitizing.reading import Reading, as_colour, read_signals
from fastecg.digitizing.report import overlay, report_of, twelve_leads, unturned
from fastecg.digitizing.segmenter import WEIGHTS
from fastecg.digitizing.settings import Settings
from fastecg.errors import FastecgError, ImageError
from fastecg.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL import Image

Format = Literal["csv", "npz", "mat", "edf", "aecg"]


@dataclass(frozen=True)
class ReadSegment:
    """One lead segment of a picture that was digitised.

    Attributes
    ----------
    lead : str
    row : int
        Row of traces, counted from 0 at the top.
    rhythm : bool
        Whether it is a rhythm strip.
    start_s, stop_s : float
        Time of its first sample, and of the one after its last, from the start of the page.
    zero : str
        What its 0 mV level was taken from: "pulse" (a calibration pulse), "isoelectric" (the trace itself), "strip" (the same lead
        elsewhere on the page) or "page" (a corrected page).
    line_px : tuple of two (x, y)
        The ends of its 0 mV line, from the first to the last sample, in pixels of the input picture.
    read : float
        Share of its samples that were read.
    sd_mv : float or None
        Median standard deviation of its samples in mV; None if no sample has one.
    doubtful : tuple of (start_s, stop_s)
        Parts in which its trace may be wrong, because ink beside it belongs to no trace, or because it shares ink with another row's trace.
    """

    lead: str
    row: int
    rhythm: bool
    start_s: float
    stop_s: float
    zero: str
    line_px: tuple[tuple[float, float], tuple[float, float]]
    read: float
    sd_mv: float | None
    doubtful: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Digitized:
    """What was read from a picture of an ECG.

    Attributes
    ----------
    record : Record
        Millivolts of the leads that were read; NaN where nothing was drawn or read.
    sd : ndarray, shape (leads, samples)
        Standard deviation of every sample in mV; NaN where nothing was read, and in modes that do not estimate it.
    layout : str
        Name of the layout, such as "3x4+1".
    order : str
        Whether it is certain that every signal has the name of its lead: "sure" or "uncertain".
    confidence : float
        Probability, 0 to 1, that every signal has the name of its lead.
    speed_mm_s, gain_mm_mv : float
        Paper speed, and gain of the limb leads.
    segments : tuple of ReadSegment
        Where every lead segment is in the picture.
    checks : mapping of str to float
        Residual of each check of the reading's consistency, by the name of the check; 0 is best.
    flags : tuple of str
        Sentences about what went wrong or is doubtful.
    image : ndarray, shape (height, width, 3) uint8
        The picture that was read.
    """

    record: Record
    sd: np.ndarray
    layout: str
    order: str
    confidence: float
    speed_mm_s: float
    gain_mm_mv: float
    segments: tuple[ReadSegment, ...]
    checks: Mapping[str, float]
    flags: tuple[str, ...]
    image: np.ndarray
    _reading: Reading

    def __repr__(self) -> str:
        flags = f", {len(self.flags)} flag{'s' * (len(self.flags) != 1)}" if self.flags else ""
        return (
            f"Digitized({self.record.name!r}, {self.layout}, {len(self.record.leads)} leads, {self.record.duration_s:g} s at "
            f"{self.record.fs:g} Hz, order {self.order}, confidence {self.confidence:.2f}{flags})"
        )

    @property
    def digitized(self) -> Decoded:
        """The reading in the form of an earlier version; use the attributes of this object instead."""
        return self._reading.decoded

    @property
    def analysis(self) -> PageAnalysis:
        """What was found in the picture: layers, turned upright, the grid's map from their pixels to mm, and tracks and names in mm."""
        return self._reading.analysis

    @property
    def view(self) -> PageAnalysis:
        """Former name of `analysis`."""
        return self.analysis

    def to_page(self, points_px: np.ndarray) -> np.ndarray:
        """Convert points (n, 2) in pixels of the picture to millimetres on the page.

        x is to the right and y down, from some crossing of the grid's lines, or without a grid from the first pixel of the picture turned
        upright.
        """
        analysis = self._reading.analysis
        return np.asarray(analysis.warp.inverse(analysis.layers.to_maps(turned(np.asarray(points_px, dtype=np.float64), analysis))))

    def to_image(self, points_mm: np.ndarray) -> np.ndarray:
        """Convert points (n, 2) in millimetres on the page to pixels of the picture. This is the inverse of `to_page`."""
        analysis = self._reading.analysis
        return unturned(analysis.layers.to_picture(analysis.warp.forward(np.asarray(points_mm, dtype=np.float64))), analysis)

    def report(self, *, deviations: bool = True) -> dict[str, Any]:
        """The report that `save` writes, as plain values. With `deviations`, it lists the standard deviation of every sample."""
        return report_of(self._reading, deviations=deviations)

    def overlay(self) -> np.ndarray:
        """The picture, (height, width, 3) uint8, with what was read drawn over it."""
        return overlay(self.image, self._reading)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Show the picture with what was read drawn over it on `axes` of matplotlib, or on new ones. Returns the axes."""
        if axes is None:
            from matplotlib import pyplot

            height, width = self.image.shape[:2]
            axes = pyplot.figure(figsize=(11.0, 11.0 * height / width), layout="constrained").add_subplot()
        axes.imshow(self.overlay())
        axes.set_axis_off()
        axes.set_title(f"{self.layout}, {self.speed_mm_s:g} mm/s, {self.gain_mm_mv:g} mm/mV, order {self.order}")
        return axes

    def save(self, folder: str | os.PathLike[str], *, name: str | None = None, overlay: bool = False, also: Sequence[Format] = ()) -> Path:
        """Write a WFDB record of the twelve leads and any others, and the report as JSON beside it. Files of these names are replaced.

        Parameters
        ----------
        folder : path
            Folder of the files; it is made if it does not exist.
        name : str, optional
            Name of the files. Without it, they are named like the record, without the characters that WFDB does not allow.
        overlay : bool
            Whether to write the picture with what was read drawn over it, as ``<name>-overlay.jpg``.
        also : sequence of str
            Further formats for the record: some of "csv", "npz", "mat", "edf", "aecg".

        Returns
        -------
        Path
            ``<folder>/<name>``, which `fastecg.read_record` reads.

        Raises
        ------
        FastecgError
            If a further format is unknown, cannot hold the record, or needs a package that is not installed.
        """
        import orjson

        from fastecg.writers import write_atomic, write_image, write_record
        from fastecg.writers.exchange import FORMATS, write_exchange
        from fastecg.writers.wfdb import safe_name

        for kind in also:
            if kind not in FORMATS:
                raise FastecgError(f"unknown format {kind!r}, expected some of {', '.join(FORMATS)}")
        target = Path(folder) / (name or safe_name(self.record.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        record = twelve_leads(self.record)
        write_record(target, record)
        for kind in also:
            write_exchange(target.with_name(target.name + FORMATS[kind][0]), record)
        report = self.report()
        write_atomic(target.with_name(f"{target.name}.json"), orjson.dumps(report, option=orjson.OPT_SERIALIZE_NUMPY))
        if overlay:
            write_image(target.with_name(f"{target.name}-overlay.jpg"), self.overlay(), dpi=25.4 * report["px_per_mm"])
        return target


def digitize(
    image: str | os.PathLike[str] | np.ndarray | Image.Image,
    *,
    layout: str | None = None,
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
    fs: float = 500.0,
    mode: Mode = "stroke_fit",
    page: str | os.PathLike[str] | None = None,
    name: str | None = None,
    weights: str | os.PathLike[str] = WEIGHTS,
) -> Digitized:
    """Read the signals of an ECG from its picture.

    Parameters
    ----------
    image : path, ndarray or PIL image
        A file that `fastecg.read_image` can read, or sRGB or grey pixels, (height, width, 3) or (height, width) uint8. Pictures may have
        about 100 to 600 dpi, and may be turned by any number of quarter turns.
    layout : str, optional
        Name of the page's layout, such as "3x4+1". Without it, the layout is found from the picture.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed in mm/s and gain in mm/mV. Without them, they are found from the picture.
    fs : float
        Sampling frequency of the record in Hz.
    mode : {"stroke_fit", "softargmax", "centroid"}
        How the heights of traces are read from their ink: "stroke_fit" fits the stroke of a pen to it; "softargmax" and "centroid" take the
        soft maximum or the mean of every column of pixels.
    page : path, optional
        JSON file of a page that was corrected with ``fastecg review``.
    name : str, optional
        Name of the record. Without it, the record has the name of the file, or "record".
    weights : path
        ONNX file of the network, as ``fastecg train`` writes it. Without it, the network of the package is used.

    Returns
    -------
    Digitized

    Raises
    ------
    ImageError
        If the picture cannot be read, is too small, or shows no page that can be read, or there is no file of `weights`.
    LayoutError
        If the layout is unknown, the paper speed, gain or sampling frequency is out of range, or `page` is not a corrected page.
    FastecgError
        If the mode is unknown, or onnxruntime or the library that reads the file is not installed.

    Examples
    --------
    >>> import fastecg
    >>> photo = fastecg.render(fastecg.simulate(seed=1), layout="3x4", dpi=150)
    >>> found = fastecg.digitize(photo.image, name="me")
    >>> found.layout, found.speed_mm_s, found.gain_mm_mv, found.record.leads[:3]
    ('3x4', 25.0, 10.0, ('I', 'II', 'III'))
    >>> found.segments[0].lead, found.segments[0].row
    ('I', 0)
    """
    settings = Settings(layout, speed_mm_s, gain_mm_mv, float(fs), mode, None if page is None else Path(page))
    picture = as_colour(_pixels(image))
    own_name = Path(image).stem if isinstance(image, str | os.PathLike) else "record"
    return digitized_of(read_signals(picture, settings, name=name or own_name, weights=Path(weights)), picture)


def digitized_of(reading: Reading, picture: np.ndarray) -> Digitized:
    """The `Digitized` of a reading and the picture (height, width, 3) uint8 that was read."""
    report = report_of(reading, deviations=False)
    segments = tuple(
        ReadSegment(**item | {name: tuple(map(tuple, item[name])) for name in ("line_px", "doubtful")}) for item in report["segments"]
    )
    found = reading.decoded
    return Digitized(
        found.record, found.sd, reading.layout, reading.order, reading.confidence, reading.speed_mm_s, reading.gain_mm_mv, segments,
        dict(reading.checks), found.flags, picture, reading,
    )  # fmt: skip


def read_image(path: str | os.PathLike[str], page: int = 0) -> np.ndarray:
    """Read a picture file: PNG, JPEG, TIFF, WebP, BMP, GIF, AVIF, PDF, and HEIC with the extra "heic".

    Parameters
    ----------
    path : path
    page : int
        Number of the page in a TIFF or PDF file, counted from 0. Pages of PDF files are drawn at 200 dpi, or less if they are large.

    Returns
    -------
    ndarray, shape (height, width, 3) uint8
        sRGB pixels, turned upright by the orientation that the camera noted. A picture of more than 25 million pixels is reduced to half or
        a third of its width and height.

    Raises
    ------
    ImageError
        If the file cannot be read as a picture, or has more than 120 million pixels (WebP: 60 million), or more than 65535 along a side.
    FastecgError
        If the library that reads it is not installed.

    Examples
    --------
    >>> import fastecg, tempfile
    >>> photo = fastecg.render(fastecg.simulate(seed=1), dpi=50)
    >>> file = tempfile.mkdtemp() + "/a.png"
    >>> photo.save(file)
    >>> bool((fastecg.read_image(file) == photo.image).all())
    True
    """
    return read_picture(Path(path), page)


def read_images(path: str | os.PathLike[str]) -> Iterator[np.ndarray]:
    """Read every page of a TIFF or PDF file, or the one picture of any other file, as `read_image` reads it.

    Parameters
    ----------
    path : str or path-like

    Yields
    ------
    ndarray, shape (height, width, 3) uint8

    Raises
    ------
    ImageError
        If a page cannot be read, or, after the first 2000 pages, if the file has more.
    FastecgError
        If the library that reads it is not installed.

    Examples
    --------
    >>> import fastecg, tempfile
    >>> from PIL import Image
    >>> pages = [Image.fromarray(fastecg.render(fastecg.simulate(seed=k), dpi=50).image) for k in range(3)]
    >>> file = tempfile.mkdtemp() + "/a.tiff"
    >>> pages[0].save(file, save_all=True, append_images=pages[1:])
    >>> len(list(fastecg.read_images(file)))
    3
    """
    count = page_count(Path(path))
    for page in range(min(count, MOST_PAGES)):
        yield read_picture(Path(path), page)
    if count > MOST_PAGES:
        raise ImageError(f"{path}: {count} pages, expected at most {MOST_PAGES}: those after page {MOST_PAGES} were not read")


def _pixels(image: Any) -> np.ndarray:
    """The pixels of a file, an array or a PIL image."""
    if isinstance(image, str | os.PathLike):
        return read_picture(Path(image))
    if isinstance(image, np.ndarray):
        return image
    from PIL import Image

    if isinstance(image, Image.Image):
        return pixels_of(image)
    raise ImageError(f"the picture is {type(image).__name__}, expected a path, an array or a PIL image")
