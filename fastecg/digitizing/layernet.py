"""`LayerNet`: the network that separates the layers of a picture. PyTorch, for training and export only."""

from __future__ import annotations

import warnings
from pathlib import Path

from fastecg.digitizing.targets import MAPS, MARKERS

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as missing:
    raise ImportError("training needs PyTorch, expected `pip install 'fastecg[train]'` to have been run") from missing

#: Height and width of what the network is given are multiples of this.
STRIDE = 32


def _pair(before: int, after: int) -> nn.Sequential:
    """Two convolutions, each normalised; the norms fold into them on export."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class LayerNet(nn.Module):
    """A U-Net at half resolution: pictures (n, 3, height, width), 0 to 1, to logits of the maps and of the markers.

    Half resolution holds four pixels in every place, so nothing is lost, and a page costs a quarter. The maps come back at full
    resolution, (n, 6, height, width) in the order of `MAPS`; the markers at a quarter of it, (n, 14, height / 4, width / 4).

    Parameters
    ----------
    width : int
        Channels of the finest level.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.width = width
        sizes = [width, 2 * width, 4 * width, 6 * width, 8 * width]
        self.down = nn.ModuleList(_pair(before, after) for before, after in zip([12, *sizes], sizes, strict=False))
        self.up = nn.ModuleList(_pair(below + beside, beside) for below, beside in zip(sizes[:0:-1], sizes[-2::-1], strict=True))
        self.maps = nn.Conv2d(width, 4 * len(MAPS), 3, padding=1)
        self.markers = nn.Sequential(
            nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(2 * width, len(MARKERS), 1)
        )
        assert self.maps.bias is not None
        nn.init.constant_(self.maps.bias, -3.0)  # most of a page is none of it

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the maps and of the markers."""
        here, beside = functional.pixel_unshuffle(picture, 2), []
        for level, block in enumerate(self.down):
            here = block(functional.max_pool2d(here, 2) if level else here)
            beside.append(here)
        markers = here
        for level, block in enumerate(self.up):
            above = beside[-2 - level]
            here = block(torch.cat([functional.interpolate(here, scale_factor=2.0, mode="nearest"), above], dim=1))
            if level == len(self.up) - 2:
                markers = self.markers(here)
        return functional.pixel_shuffle(self.maps(here), 2), markers


def layer_loss(maps: torch.Tensor, markers: torch.Tensor, true_maps: torch.Tensor, true_markers: torch.Tensor) -> dict[str, torch.Tensor]:
    """What is minimised, a part a key, weighted.

    Cross entropy on coverage, which is least where a map is the coverage to be expected: no weight on ink, no overlap, which would
    make strokes thicker than they are.
    """
    weights = {"trace": 30.0, "grid": 1.0, "major": 2.0, "pulse": 5.0, "writing": 3.0, "paper": 1.0}
    every = functional.binary_cross_entropy_with_logits(maps, true_maps, reduction="none").mean(dim=(0, 2, 3))
    parts = {name: weights[name] * every[k] for k, name in enumerate(MAPS)}
    rare = torch.ones(len(MARKERS))
    rare[0] = 0.05
    parts["markers"] = 2.0 * functional.cross_entropy(markers, true_markers, weight=rare)
    return parts


def load_layernet(path: Path) -> LayerNet:
    """The network of a checkpoint of `fastecg train`, its averaged weights, ready to be run or exported."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    net = LayerNet(saved["width"])
    net.load_state_dict(saved["average"])
    return net.eval()


class _Ready(nn.Module):
    """The network as it is shipped: from a picture's bytes to probabilities."""

    def __init__(self, net: LayerNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        maps, markers = self.net(picture.permute(2, 0, 1).unsqueeze(0).float() / 255.0)
        return torch.sigmoid(maps)[0], torch.softmax(markers, dim=1)[0]


def export_layernet(checkpoint: Path, target: Path) -> None:
    """Write the averaged network of a checkpoint as ONNX: "picture" uint8 (height, width, 3), both sides multiples of `STRIDE`, to
    "maps" (6, height, width) and "markers" (14, height / 4, width / 4), probabilities.
    """
    example = torch.zeros((8 * STRIDE, 8 * STRIDE, 3), dtype=torch.uint8)
    part = target.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the older exporter, which needs no further package
        torch.onnx.export(
            _Ready(load_layernet(checkpoint)).eval(),
            (example,),
            str(part),
            input_names=["picture"],
            output_names=["maps", "markers"],
            dynamic_axes={"picture": {0: "height", 1: "width"}, "maps": {1: "height", 2: "width"}, "markers": {1: "rows", 2: "columns"}},
            dynamo=False,
        )
    part.replace(target)
