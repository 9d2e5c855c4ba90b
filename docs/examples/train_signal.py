"""Train a small network that gives millivolts for a picture: twelve leads at 100 Hz, from pages of one layout.

python train_signal.py                                the built-in records
python train_signal.py ptb-xl/records500 --steps 5000
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader

from fastecg.torch import EcgPhotos, collate

SAMPLES = 1000  # of 10 s


def network(width: int = 16) -> nn.Module:
    """Convolutions down to a row of features, one a sample; a real one would know where on the page a lead is."""
    layers: list[nn.Module] = []
    for before, after in ((3, width), (width, 2 * width), (2 * width, 4 * width)):
        layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), nn.BatchNorm2d(after), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d((8, SAMPLES // 4)), nn.Flatten(1, 2), nn.Conv1d(32 * width, 64, 5, padding=2), nn.ReLU()]
    return nn.Sequential(*layers, nn.Upsample(SAMPLES), nn.Conv1d(64, 12, 9, padding=4))


def to_100_hz(example: dict) -> dict:
    """The signal as the network gives it."""
    step = round(example["fs"] / 100)
    return example | {"signal": example["signal"][:, ::step][:, :SAMPLES]}


def main() -> None:
    """Train, and tell the loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", help="as for `fastecg render`; none: the built-in samples")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--dpi", type=float, default=50)
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()

    torch.manual_seed(0)
    look = {"layout": "3x4", "dpi": given.dpi}
    photos = EcgPhotos(given.records, recipe="scan", truth=("signal",), transform=to_100_hz, **look)
    loader = DataLoader(photos.stream(), batch_size=given.batch, num_workers=given.workers, collate_fn=collate)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    step = epoch = 0
    while step < given.steps:
        photos.set_epoch(epoch)
        for batch in loader:
            found, wanted = model(batch["image"].float() / 255), batch["signal"]
            drawn = wanted.isfinite()  # a lead of 3x4 is there for a quarter of the time
            loss = ((found - wanted)[drawn] ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            print(f"step {step} loss {loss.item():.4f}")
            if step == given.steps:
                break
        epoch += 1


if __name__ == "__main__":
    main()
