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

from zoo import Image, on_all_cores, progress
from zoo.contracts import make
from zoo.data.pictures import photo_of
from zoo_tasks.photo import PhotoTask

TASKS = ("relight", "resaturate")
SEES = ("paper", "photo")


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


def measure(name: str, sees: list[str], photos: list[Image]) -> None:
    """Print one line for each way to see."""
    plain = make.task(name)
    size = plain.config.size

    def changed(i: int) -> Image:
        foreign = plain.squash(photos[(i + 1) % len(photos)], (size,))[f"y{size}"]
        return plain.compose(plain.condition(photos[i])[1], torch.from_numpy(foreign)[None])[0].numpy()

    with progress(len(photos), f"{name}: foreign fields") as bar:
        after = list(on_all_cores(changed, range(len(photos)), bar))
    for see in sees:
        task = make.task(name, see=see)

        def fields(image: Image, task: PhotoTask = task) -> tuple[Tensor, Tensor]:
            x, y = (torch.from_numpy(field) for field in task.squash(image, (size,)).values())
            return (task.condition(image)[0] if task.config.see == "features" else x), y

        with progress(2 * len(photos), f"{name}, see={see}") as bar:
            made = list(on_all_cores(fields, photos + after, bar))
        x, y = (torch.stack(part).split(len(photos)) for part in zip(*made, strict=True))
        moved = (x[1] - x[0]).abs().mean() / (x[0].roll(1, 0) - x[0]).abs().mean()
        own, foreign = told(x[0], y[0]), told(x[1], y[1])
        print(f"{name} see={see}: told as they are {own:.3f}, with a foreign y {foreign:.3f}; x moved {moved:.3f}", flush=True)


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("folder", nargs="?", default="../shared/data/photos/train", type=Path)
    words.add_argument("--photos", default=600, type=int)
    words.add_argument("--tasks", default=",".join(TASKS))
    words.add_argument("--sees", default=",".join(SEES), help="features, too, needs the extra of that name")
    given = words.parse_args()
    chosen = sorted(path for path in given.folder.iterdir() if path.suffix == ".jpg")[: given.photos]
    for name in given.tasks.split(","):
        measure(name, given.sees.split(","), [photo_of(path) for path in chosen])
