"""`LayerNet`: the network that separates the layers of a picture. PyTorch, for training and export only."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from fastecg.digitizing.targets import MAPS, MARKERS, STRIDE
from fastecg.errors import FastecgError
from fastecg.system.files import check_regular, read_file

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as missing:
    raise ImportError("training needs PyTorch, expected `pip install 'fastecg[train]'` to have been run") from missing

_MOST_BYTES = 1 << 31  # Largest file of weights that is read, bytes.


def _pair(before: int, after: int, folded: bool) -> nn.Sequential:
    """Two convolutions, from `before` to `after` channels; batch normalisation follows each, unless it is folded into the convolution."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        norm = nn.Identity() if folded else nn.BatchNorm2d(after)
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=folded), norm, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class LayerNet(nn.Module):
    """A U-Net that turns pictures (n, 3, height, width), 0 to 1, into logits of the maps and of the markers.

    The network works at half resolution, so that a page takes a quarter of the time: the channels of 2 x 2 pixels become channels of one
    pixel, so that nothing is lost. The maps are returned at full resolution, (n, 6, height, width) in the order of `MAPS`, and the markers
    at a quarter of the resolution, (n, 14, height / 4, width / 4) in the order of `MARKERS`.

    Parameters
    ----------
    width : int
        Number of channels at the finest level.
    folded : bool
        Whether the convolutions contain the batch normalisation, as in an exported network.
    """

    def __init__(self, width: int = 16, folded: bool = False) -> None:
        super().__init__()
        self.width, self.folded = width, folded
        sizes = [width, 2 * width, 4 * width, 6 * width, 8 * width]
        # The input has 12 channels: three colours of four pixels. `down` halves the resolution four times, and `up` doubles it four times.
        # Every block of `up` also sees what the block of `down` at the same resolution gave (`beside` channels).
        self.down = nn.ModuleList(_pair(before, after, folded) for before, after in zip([12, *sizes], sizes, strict=False))
        self.up = nn.ModuleList(_pair(below + beside, beside, folded) for below, beside in zip(sizes[:0:-1], sizes[-2::-1], strict=True))
        self.maps = nn.Conv2d(width, 4 * len(MAPS), 3, padding=1)
        self.markers = nn.Sequential(
            nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(2 * width, len(MARKERS), 1)
        )
        assert self.maps.bias is not None
        nn.init.constant_(self.maps.bias, -3.0)  # Training starts with maps near 0 (0.05), which is right for most of a page.

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the maps and of the markers, of pictures whose sides are multiples of `STRIDE`."""
        here, beside = functional.pixel_unshuffle(picture, 2), []
        for level, block in enumerate(self.down):
            here = block(functional.max_pool2d(here, 2) if level else here)
            beside.append(here)
        markers = here
        for level, block in enumerate(self.up):
            above = beside[-2 - level]  # From the block of `down` at the resolution that this block returns.
            here = block(torch.cat([functional.interpolate(here, scale_factor=2.0, mode="nearest"), above], dim=1))
            if level == len(self.up) - 2:  # Here at a quarter of the picture's resolution.
                markers = self.markers(here)
        return functional.pixel_shuffle(self.maps(here), 2), markers


def layer_loss(maps: torch.Tensor, markers: torch.Tensor, true_maps: torch.Tensor, true_markers: torch.Tensor) -> dict[str, torch.Tensor]:
    """The weighted parts of the loss: one for each of `MAPS`, by its name, and "markers".

    The part of a map is its cross entropy with the true coverage, times a weight. It is smallest if the map is the expected coverage. More
    weight on ink than on paper, or a loss that measures overlap, would make strokes thicker than they are.

    Parameters
    ----------
    maps, markers : Tensor
        Logits from `LayerNet`.
    true_maps : Tensor, shape (n, 6, height, width)
        True coverage, 0 to 1.
    true_markers : Tensor, shape (n, height / 4, width / 4)
        Indices into `MARKERS`.
    """
    weights = {"trace": 30.0, "grid": 1.0, "major": 2.0, "pulse": 5.0, "writing": 3.0, "paper": 1.0}
    by_map = functional.binary_cross_entropy_with_logits(maps, true_maps, reduction="none").mean(dim=(0, 2, 3))
    parts = {name: weights[name] * by_map[k] for k, name in enumerate(MAPS)}
    class_weights = torch.ones(len(MARKERS))
    class_weights[0] = 0.1  # Most cells have no name.
    parts["markers"] = 2.0 * functional.cross_entropy(markers, true_markers, weight=class_weights)
    return parts


def read_checkpoint(path: Path, device: torch.device | str) -> dict[str, Any]:
    """Read a state that `fastecg train` has saved; `FastecgError` if the file cannot be read or holds none."""
    try:
        check_regular(path)
        saved = torch.load(path, map_location=device, weights_only=True)
    except Exception as fault:  # a damaged file may raise anything
        why = fault.strerror if isinstance(fault, OSError) else type(fault).__name__
        raise FastecgError(f"{path}: cannot be read ({why}), expected a state that `fastecg train` has saved") from None
    if not isinstance(saved, dict) or not {"width", "average"} <= saved.keys():
        raise FastecgError(f"{path}: it holds no network, expected a state that `fastecg train` has saved")
    return saved


def load_layernet(path: Path) -> LayerNet:
    """The network of a checkpoint of `fastecg train`, with weights averaged over the training, for inference or export."""
    saved = read_checkpoint(path, "cpu")
    net = LayerNet(saved["width"], saved.get("folded", False))
    net.load_state_dict(saved["average"])
    return net.eval()


def read_layernet(path: Path) -> LayerNet:
    """Read the network of an ONNX file that `export_layernet` wrote, to train it further. The convolutions contain the normalisation.

    Raises
    ------
    FastecgError
        If the file cannot be read, or holds another network.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        graph = onnx.load_from_string(read_file(path, _MOST_BYTES)).graph
        values = {item.name: torch.tensor(numpy_helper.to_array(item)) for item in graph.initializer}
        stored = [(values[node.input[1]], values[node.input[2]]) for node in graph.node if node.op_type == "Conv"]
        net = LayerNet(stored[0][0].shape[0], folded=True)
        # The file has the convolutions in the order in which they run: those of `down` and `up` without the last block of `up`, those of
        # the markers, the two of the last block of `up`, and that of the maps.
        *most, last = (module for block in (*net.down, *net.up) for module in block if isinstance(module, nn.Conv2d))
        heads = [module for module in net.markers if isinstance(module, nn.Conv2d)]
        order = [*most[:-1], *heads, most[-1], last, net.maps]
        if len(order) != len(stored):
            raise ValueError(f"{len(stored)} convolutions")
        with torch.no_grad():
            for module, (weight, bias) in zip(order, stored, strict=True):
                assert module.bias is not None
                module.weight.copy_(weight)
                module.bias.copy_(bias)
    except (OSError, DecodeError, KeyError, IndexError, ValueError, RuntimeError) as fault:
        error = fault.strerror if isinstance(fault, OSError) else fault
        raise FastecgError(f"{path}: cannot be trained further ({error}), expected an ONNX file of `fastecg train`") from None
    return net


class _ExportWrapper(nn.Module):
    """The network as it is exported: it turns a picture (height, width, 3) uint8 into the probabilities of its maps and markers."""

    def __init__(self, net: LayerNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        maps, markers = self.net(picture.permute(2, 0, 1).unsqueeze(0).float() / 255.0)
        return torch.sigmoid(maps)[0], torch.softmax(markers, dim=1)[0]


def export_layernet(checkpoint: Path, target: Path) -> None:
    """Write the network of a checkpoint, with averaged weights, as an ONNX file.

    Its input is "picture" (height, width, 3) uint8, both sides multiples of `STRIDE`. Its outputs are probabilities: "maps" (6, height,
    width) and "markers" (14, height / 4, width / 4).
    """
    example = torch.zeros((8 * STRIDE, 8 * STRIDE, 3), dtype=torch.uint8)
    part = target.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The older exporter warns, but it needs no further package.
        torch.onnx.export(
            _ExportWrapper(load_layernet(checkpoint)).eval(),
            (example,),
            str(part),
            input_names=["picture"],
            output_names=["maps", "markers"],
            dynamic_axes={"picture": {0: "height", 1: "width"}, "maps": {1: "height", 2: "width"}, "markers": {1: "rows", 2: "columns"}},
            dynamo=False,
        )
    part.replace(target)
