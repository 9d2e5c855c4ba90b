"""Pictures drawn while a model trains: nothing is written to disk, and every epoch has new pictures.

`photos` yields NumPy arrays and works with any framework; `fastecg.torch` wraps it for PyTorch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastecg.errors import FastecgError, RecordError
from fastecg.options import Example, TrainingOptions, listing
from fastecg.recipes.distributions import rng_for
from fastecg.record import LEADS, Record

if TYPE_CHECKING:
    from fastecg.photo import Photo

Input = str | os.PathLike[str] | Record


@dataclass(frozen=True)
class PhotoSource:
    """Records, each of which gives one picture in every epoch. `PhotoSource.of` makes a source from the arguments of `photos`.

    Attributes
    ----------
    origins : tuple of Path or Record
        The records, or the paths from which they are read each time they are drawn.
    options : TrainingOptions
    """

    origins: tuple[Path | Record, ...]
    options: TrainingOptions

    def __post_init__(self) -> None:
        self.options.check()

    @classmethod
    def of(cls, inputs: Iterable[Input] | Input = (), **options: Any) -> PhotoSource:
        """A source of the given `inputs`, as for `photos`; of the built-in sample records if `inputs` is empty."""
        from fastecg.readers import find_records, sample_records

        given = [inputs] if isinstance(inputs, (str, os.PathLike, Record)) else list(inputs)
        origins: list[Path | Record] = [item for item in given if isinstance(item, Record)]
        paths = [Path(item) for item in given if not isinstance(item, Record)]
        origins += [source.path for source in (find_records(paths) if paths else () if origins else sample_records())]
        return cls(tuple(origins), TrainingOptions(**options))

    def __len__(self) -> int:
        return len(self.origins)

    def order(self, epoch: int, part: tuple[int, int] = (1, 1), shuffle: bool = True) -> np.ndarray:
        """Indices of the records that `part` draws in an epoch, in the order of drawing. Every record belongs to one part of an epoch.

        Part (k, n) is the k-th of n parts, k from 1. Without `shuffle`, records come in the order of `origins`.
        """
        k, n = part
        if not 1 <= k <= n:
            raise FastecgError(f"the part is {k} of {n}, expected 1 to {n}")
        indices = np.arange(len(self))
        if shuffle:
            indices = rng_for(self.options.seed, f"epoch {epoch}", "order").permutation(indices)
        return indices[k - 1 :: n]

    def photo(self, index: int, epoch: int = 0) -> Photo:
        """The picture of record `index` in an epoch: what `fastecg.render` draws with ``variant=epoch`` of a page chosen at random."""
        from fastecg.readers import read_record
        from fastecg.rendering import photo_of

        origin = self.origins[index]
        record = origin if isinstance(origin, Record) else read_record(origin)
        page = int(rng_for(self.options.seed, f"{record.name}/{epoch}", "page").integers(record.page_count()))
        return photo_of(record, self.options, page, epoch)

    def examples(self, index: int, epoch: int = 0) -> list[Example]:
        """Draw the picture of record `index` in an epoch, and make examples of it: one of the whole picture, or one of each window."""
        photo, crop = self.photo(index, epoch), self.options.crop
        whole = _example(photo, tuple(self.options.truth))
        if crop is None:
            return [self._transformed(whole)]
        height, width = photo.image.shape[:2]
        rng = rng_for(self.options.seed, f"{photo.record.name}/{photo.shot.page}/{epoch}", "crop")
        corners = rng.integers(0, (max(1, width - crop + 1), max(1, height - crop + 1)), size=(self.options.crops, 2))
        return [self._transformed(_window(photo, whole, int(x), int(y), crop)) for x, y in corners]

    def _transformed(self, example: Example) -> Example:
        """The example after the user's `transform`, if there is one."""
        return example if self.options.transform is None else self.options.transform(example)


@listing(TrainingOptions)
def photos(
    inputs: Iterable[Input] | Input = (),
    *,
    epoch: int = 0,
    epochs: int | None = 1,
    part: tuple[int, int] = (1, 1),
    shuffle: bool = True,
    mix: int = 4,
    **options: Any,
) -> Iterator[Example]:
    """Draw pictures for a training loop, as NumPy arrays.

    Parameters
    ----------
    inputs : paths or Records
        As in `fastecg.render_dataset`. Every record gives one picture in an epoch, of a randomly chosen page.
    epoch : int
        Number of the first epoch. Pictures of epoch e are those that `fastecg.render` draws with ``variant=e``.
    epochs : int or None
        Number of epochs; None for no end.
    part : (int, int)
        (k, n) in the k-th of n processes that share the records, k from 1.
    shuffle : bool
        Whether records come in another order in every epoch, and windows of different pictures are mixed.
    mix : int
        With `shuffle` and ``crops > 1``, windows of this many pictures are kept in memory, and the next one is chosen at random.
    <options>

    Returns
    -------
    iterator of dict
        One dict for each example, with these keys:

        - "image": (height, width, 3) uint8.
        - "mask": (height, width) uint8, as `Truth.mask`.
        - "layers": (height, width) uint16 or uint32, as `Truth.layers`.
        - "leads": the name of the lead of every segment on the page.
        - "points": for every segment an array (samples, 2) float32, the samples' positions (x, y) in px of the picture or window.
        - "visible": for every segment an array (samples,) bool, as `TraceTruth.visible`; False outside the window too.
        - "signal": (12, samples) float32, the twelve leads in mV over the time of the page. It is NaN where a lead is not drawn, or is
          drawn outside the picture or window. Samples that something hides keep their values.
        - "fs": sampling frequency of "signal" in Hz.
        - "record", "page", "variant": name of the record, and numbers of the page and the variant.

        Of "mask", "layers", "points" with "visible", and "signal" with "fs", an example has those that the option `truth` names.

    Warns
    -----
    UserWarning
        For every record that cannot be read or drawn; it is left out.

    Raises
    ------
    FastecgError
        If an option is not valid, an input is missing, or none of the part's records can be drawn in an epoch.

    Examples
    --------
    >>> import fastecg
    >>> records = [fastecg.simulate(seed=seed, name=f"person-{seed}") for seed in range(2)]
    >>> examples = list(fastecg.photos(records, recipe="clean", dpi=100, crop=256, crops=4))
    >>> len(examples)  # 4 windows of each of 2 pictures
    8
    >>> examples[0]["image"].shape, examples[0]["mask"].shape
    ((256, 256, 3), (256, 256))
    """
    source = PhotoSource.of(inputs, **options)
    numbers = count(epoch) if epochs is None else range(epoch, epoch + epochs)
    return (example for number in numbers for example in source_examples(source, number, part, shuffle, mix))


def source_examples(
    source: PhotoSource, epoch: int, part: tuple[int, int] = (1, 1), shuffle: bool = True, mix: int = 4
) -> Iterator[Example]:
    """Yield the examples of one epoch of a source; parameters as in `photos`."""
    order = source.order(epoch, part, shuffle)
    in_order = _examples_in_order(source, order, epoch)
    if not shuffle or source.options.crops == 1:
        yield from in_order
        return
    rng = rng_for(source.options.seed, f"epoch {epoch} part {part}", "mix")
    pool: list[Example] = []  # windows of up to `mix` pictures, of which one is chosen at random each time another comes in
    for example in in_order:
        pool.append(example)
        if len(pool) > mix * source.options.crops:
            yield pool.pop(int(rng.integers(len(pool))))
    yield from (pool[int(k)] for k in rng.permutation(len(pool)))


def _examples_in_order(source: PhotoSource, order: np.ndarray, epoch: int) -> Iterator[Example]:
    """Yield the examples of the records with indices `order`. Records that cannot be read or drawn are left out with a warning."""
    failed = 0
    for index in order:
        try:
            examples = source.examples(int(index), epoch)
        except FastecgError as error:
            failed += 1
            warnings.warn(f"left out: {error}", stacklevel=2)
            continue
        yield from examples
    if failed and failed == len(order):
        raise RecordError(f"none of {failed} records can be drawn, expected some that can")


def _example(photo: Photo, truth: Sequence[str]) -> Example:
    """The whole picture as an example, with the kinds of truth that `truth` names."""
    example: Example = {"image": photo.image}
    if "mask" in truth:
        example["mask"] = photo.truth.mask()
    if "layers" in truth:
        example["layers"] = photo.truth.layers()
    if "points" in truth:
        example["points"] = [trace.points.astype(np.float32) for trace in photo.truth.traces]
        example["visible"] = [trace.visible for trace in photo.truth.traces]
    if "signal" in truth:
        example["signal"], example["fs"] = _signal_in_window(photo, (0, 0), photo.image.shape[1::-1]), photo.record.fs
    leads = [trace.lead for trace in photo.page.traces]
    return example | {"leads": leads, "record": photo.record.name, "page": photo.shot.page, "variant": photo.shot.variant}


def _signal_in_window(photo: Photo, corner: tuple[int, int], size: tuple[int, ...]) -> np.ndarray:
    """The twelve leads over the time of the page, (12, samples) float32 mV; NaN for samples that are not drawn in a window.

    The window has its top left pixel at `corner` (x, y), and a `size` (width, height) in px.
    """
    record = photo.record
    first, stop = list(record.page_starts())[photo.shot.page]
    signal = np.full((len(LEADS), stop - first), np.nan, dtype=np.float32)
    for trace in photo.truth.traces:
        if trace.lead in LEADS:
            points = trace.points - corner
            with np.errstate(invalid="ignore"):
                inside = np.all((points >= -0.5) & (points < np.array(size) - 0.5), axis=1)
            samples = np.arange(trace.start, trace.stop)[inside]
            signal[LEADS.index(trace.lead), samples - first] = record.lead(trace.lead)[samples]
    return signal


def _window(photo: Photo, whole: Example, x: int, y: int, size: int) -> Example:
    """The part of an example in a window of `size` x `size` px with its top left pixel at (x, y).

    Where the window reaches beyond the picture, the picture is black, and mask and layers are 0.
    """
    cut = dict(whole)
    for kind in ("image", "mask", "layers"):
        if kind in whole:
            part = whole[kind][y : y + size, x : x + size]
            missing = [(0, size - part.shape[0]), (0, size - part.shape[1])] + [(0, 0)] * (part.ndim - 2)
            cut[kind] = np.pad(part, missing) if np.any(missing) else part.copy()
    if "points" in whole:
        cut["points"] = [points - np.array((x, y), dtype=np.float32) for points in whole["points"]]
        inside = [((points >= -0.5) & (points < size - 0.5)).all(axis=1) for points in cut["points"]]
        cut["visible"] = [seen & here for seen, here in zip(whole["visible"], inside, strict=True)]
    if "signal" in whole:
        cut["signal"] = _signal_in_window(photo, (x, y), (size, size))
    return cut
