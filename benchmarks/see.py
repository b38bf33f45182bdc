"""What of y can be told from x, for each task and each way to see: of photos as they are, and of photos with a foreign y.

python benchmarks/see.py [FOLDER OF PHOTOS] [--photos 600] [--sees paper,photo]

A small network is fitted to tell y at a pixel of the field from the 5 x 5 pixels of x around it. Told from photos as they
are, it shows what x is good for. Then each photo gets the y of another one, and both x and y are made of that photo anew: what
can be told of such a y, which nothing in the photo knows of, is what x gives away. The numbers are shares of variance (R2), of
other photos than those fitted to. The last one is how far x moves by it: the mean distance of a photo's x before and after,
beside that of the x of two photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo import on_all_cores, progress
from zoo.contracts import make
from zoo.data.pictures import photo_of

TASKS = ("relight", "resaturate")
SEES = ("paper", "photo", "features")


def told(x: Tensor, y: Tensor) -> float:
    """R2 of y (N, C, s, s), told from 5 x 5 pixels of x of photos that were not fitted to: of a small network, at its best."""
    torch.manual_seed(0)
    center, scale = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True) + 1e-6
    x, fit = (x - center) / scale, torch.arange(len(x)) % 4 != 3
    net = nn.Sequential(
        nn.Conv2d(x.shape[1], 32, 5, padding=2), nn.ReLU(), nn.Conv2d(32, 32, 1), nn.ReLU(), nn.Conv2d(32, y.shape[1], 1)
    )
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
    best, middle = 0.0, y[fit].mean((0, 2, 3), keepdim=True)
    for _ in range(12):
        for part in torch.randperm(int(fit.sum())).split(16):
            optimizer.zero_grad()
            F.mse_loss(net(x[fit][part]), y[fit][part]).backward()
            optimizer.step()
        with torch.no_grad():
            left = (net(x[~fit]) - y[~fit]).square().mean() / (y[~fit] - middle).square().mean()
        best = max(best, 1 - float(left))
    return best


def measure(name: str, see: str, paths: list[Path]) -> str:
    task = make.task(name, see=see)
    photos = [photo_of(path) for path in paths]

    def seen(i: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, context = task.condition(photos[i])
        own = task.own_y(context)
        foreign = task.own_y(task.condition(photos[(i + 1) % len(photos)])[1])
        x_after, after = task.condition(task.compose(context, foreign[None])[0].numpy())
        return x, own, x_after, task.own_y(after)

    with progress(len(photos), f"{name}, see={see}") as bar:
        x, y, x_after, y_after = (torch.stack(each) for each in zip(*on_all_cores(seen, range(len(photos)), bar), strict=True))
    moved = (x_after - x).abs().mean() / (x.roll(1, 0) - x).abs().mean()
    return (
        f"{name} see={see}: as they are {told(x, y):.3f}, with a foreign y {told(x_after, y_after):.3f}, x moved {moved:.3f}"
    )


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("folder", nargs="?", default="../shared/data/photos/train", type=Path)
    words.add_argument("--photos", default=600, type=int)
    words.add_argument("--tasks", default=",".join(TASKS))
    words.add_argument("--sees", default=",".join(SEES), help="features needs the extra of that name")
    given = words.parse_args()
    chosen = sorted(path for path in given.folder.iterdir() if path.suffix == ".jpg")[: given.photos]
    for name in given.tasks.split(","):
        for see in given.sees.split(","):
            print(measure(name, see, chosen), flush=True)
