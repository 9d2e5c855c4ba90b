"""Pictures for PyTorch, drawn while a network trains: `EcgPhotos`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

try:
    import torch
    from torch.utils.data import Dataset, IterableDataset, get_worker_info
except ImportError as missing:
    raise ImportError("fastecg.torch needs PyTorch, expected `pip install torch` to have been run") from missing

from fastecg.options import Example, TrainingOptions, listing
from fastecg.training import Input, PhotoSource, source_examples

__all__ = ["EcgPhotoStream", "EcgPhotos", "collate"]


class EcgPhotos(Dataset):
    """A map-style data set. Item i is a picture of record i, a new one in every epoch. `stream` returns an iterable data set.

    Parameters
    ----------
    inputs : paths or Records
        As in `fastecg.photos`.
    **options
        As in `fastecg.photos`: the fields of `fastecg.options.TrainingOptions`. A `transform` is called with NumPy arrays; what it returns
        is converted to tensors. If the loader spawns its workers, `transform` has to be a function that can be pickled.

    Notes
    -----
    An item is a dict with the keys of `fastecg.photos`, and tensors in place of arrays. "image" is uint8 (3, height, width), and "layers"
    is int32. With ``crops > 1`` an item is a list of such dicts, one for each window; `collate` makes one batch of the dicts of all items.
    Pictures depend only on the record, the options with their seed, and the epoch, not on the number of workers.

    Examples
    --------
    >>> photos = EcgPhotos("ptb-xl/records500", crop=512, crops=16)  # doctest: +SKIP
    >>> loader = DataLoader(photos, batch_size=2, shuffle=True, num_workers=2, collate_fn=collate)  # doctest: +SKIP
    >>> for epoch in range(10):  # doctest: +SKIP
    ...     photos.set_epoch(epoch)
    ...     for batch in loader:
    ...         batch["image"], batch["mask"]  # (32, 3, 512, 512), (32, 512, 512)
    """

    @listing(TrainingOptions)
    def __init__(self, inputs: Iterable[Input] | Input = (), **options: Any) -> None:
        self.source = PhotoSource.of(inputs, **options)
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # shared with workers that persist over epochs

    @property
    def epoch(self) -> int:
        """Number of the current epoch."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the epoch, which changes all pictures. Call this before iterating over the loader."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Example | list[Example]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no picture {index}, expected one of {len(self)}")
        examples = [_tensors(example) for example in self.source.examples(index % len(self), self.epoch)]
        return examples[0] if self.source.options.crops == 1 else examples

    def stream(self, *, shuffle: bool = True, mix: int = 4, part: tuple[int, int] = (1, 1)) -> EcgPhotoStream:
        """The same pictures as an iterable data set, whose items are single examples.

        Parameters
        ----------
        shuffle, mix, part
            As in `fastecg.photos`. If several processes train, `part` is (rank + 1, world size). The workers of a loader divide this part
            among themselves.
        """
        return EcgPhotoStream(self, shuffle, mix, part)


class EcgPhotoStream(IterableDataset):
    """The iterable data set that `EcgPhotos.stream` returns; it follows the epoch of its `EcgPhotos`."""

    def __init__(self, photos: EcgPhotos, shuffle: bool, mix: int, part: tuple[int, int]) -> None:
        self.photos, self.shuffle, self.mix, self.part = photos, shuffle, mix, part

    def __len__(self) -> int:
        """Number of examples of this part in an epoch, from all workers of a loader together; fewer if some records cannot
        be drawn.
        """
        return len(self.photos.source.order(self.photos.epoch, self.part)) * self.photos.source.options.crops

    def __iter__(self) -> Iterator[Example]:
        (k, n), worker = self.part, get_worker_info()
        if worker is not None:
            # Every w-th record of this part, if there are w workers.
            k, n = k + n * worker.id, n * worker.num_workers
        yield from map(_tensors, source_examples(self.photos.source, self.photos.epoch, (k, n), self.shuffle, self.mix))


def collate(items: Sequence[Example | list[Example]]) -> Example:
    """Make one batch of examples, or of lists of examples; for `DataLoader(collate_fn=…)`.

    Pictures of different sizes are padded with zeros at the right and at the bottom, signals of different lengths with NaN at the end.
    All other values become lists.
    """
    examples = [example for item in items for example in (item if isinstance(item, list) else [item])]
    return {key: _batched([example[key] for example in examples], _FILLINGS.get(key)) for key in examples[0]}


#: Keys whose tensors are stacked, and the values with which they are padded.
_FILLINGS = {"image": 0.0, "mask": 0.0, "layers": 0.0, "signal": float("nan")}


def _batched(values: list[Any], filling: float | None) -> Any:
    """The values of one key of all examples: one tensor, padded with `filling` along the last two axes to the largest size.

    Without a filling, or if one of the values is no tensor, the list `values` is returned.
    """
    if filling is None or not all(isinstance(value, torch.Tensor) for value in values):
        return values
    height, width = (max(value.shape[axis] for value in values) for axis in (-2, -1))
    batch = values[0].new_full((len(values), *values[0].shape[:-2], height, width), filling)
    for row, value in zip(batch, values, strict=True):
        row[..., : value.shape[-2], : value.shape[-1]] = value
    return batch


def _tensors(example: Example) -> Example:
    """The example with tensors in place of arrays. Pictures have their channels first, and unsigned integers above 8 bits become int32."""
    made = dict(example)
    for key, value in example.items():
        if isinstance(value, np.ndarray):  # a user's `transform` may already have made tensors
            array = value.transpose(2, 0, 1) if key == "image" and value.ndim == 3 else value
            made[key] = torch.from_numpy(np.ascontiguousarray(array.astype(np.int32) if array.dtype in (np.uint16, np.uint32) else array))
        elif key in ("points", "visible"):
            made[key] = [torch.from_numpy(np.array(values)) for values in value]
    return made
