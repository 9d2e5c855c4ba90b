"""Train a small network to find the ink of each lead, on pictures that are drawn while it trains.

python train_segmentation.py                             the built-in records
python train_segmentation.py ptb-xl/records500 --steps 5000
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader

from fastecg.torch import EcgPhotos, collate

CLASSES = 14  # background, I II III aVR aVL aVF V1 … V6, and any other lead


def network(width: int = 16) -> nn.Module:
    """A few convolutions at half size; a real one would be a U-Net."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 5, stride=2, padding=2), nn.ReLU()]
    for dilation in (1, 2, 4, 8):
        layers += [nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, CLASSES, 4, stride=2, padding=1))


def main() -> None:
    """Train, and tell the loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", help="as for `fastecg render`; none: the built-in samples")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()

    torch.manual_seed(0)
    photos = EcgPhotos(given.records, recipe="scan", crop=given.crop, crops=given.batch)
    loader = DataLoader(photos.stream(), batch_size=given.batch, num_workers=given.workers, collate_fn=collate)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    # Ink covers a hundredth of the picture: background counts less.
    loss_of = nn.CrossEntropyLoss(weight=torch.tensor([0.05] + [1.0] * (CLASSES - 1)))

    step = epoch = 0
    while step < given.steps:
        photos.set_epoch(epoch)
        for batch in loader:
            loss = loss_of(model(batch["image"].float() / 255), batch["mask"].long())
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
