"""How much of y can be told from x, for each way to see: of photos as they are, and of photos with a foreign y.

python benchmarks/see.py [FOLDER OF PHOTOS] [--photos 300]

A regression on 3 x 3 pixels of x, and squares and products of the middle one's channels, tells y at that pixel. Told from
photos as they are, it shows what x is good for. Then each photo gets the y of another one, and both x and y are made of that
photo anew: what can be told of such a y, which nothing in the photo knows of, is what x gives away. The numbers are shares
of variance (R2) of photos that were not fitted to: of y, and of y less its mean over the photo. The last one is how far x
moves: the mean distance of a photo's x before and after, beside that of the x of two photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo import Image
from zoo.data.pictures import photo_of
from zoo_tasks.fields import resize
from zoo_tasks.photo import PhotoTask
from zoo_tasks.relight import Relight
from zoo_tasks.resaturate import Resaturate


def told(x: Tensor, y: Tensor) -> float:
    """R2 of y (N, 1, s, s) told from x (N, C, s, s), of every fourth photo by the others, at every seventh pixel."""
    here = x.flatten(2).transpose(1, 2)
    less = here.amax(2, keepdim=True) - here
    parts = [F.unfold(x, 3, padding=1).transpose(1, 2), (here[..., None] * here[..., None, :]).flatten(2), less, less**2]
    given = torch.cat([*parts, torch.ones_like(here[..., :1])], 2)[:, ::7].double()
    wanted, fit = y.flatten(2).transpose(1, 2)[:, ::7].double(), torch.arange(len(x)) % 4 != 3
    rows, right = given[fit].flatten(0, 1), wanted[fit].flatten(0, 1)
    weights = torch.linalg.solve(rows.T @ rows + 0.01 * torch.eye(rows.shape[1], dtype=rows.dtype), rows.T @ right)
    left = (given[~fit] @ weights - wanted[~fit]).square().mean()
    return 1 - float(left / (wanted[~fit] - right.mean()).square().mean())


def changed(task: type[PhotoTask], photo: Image, other: Image) -> Image:
    """A photo with the y of another one in it, at its own size."""
    y = resize(task.layers(other).y, *photo.shape[:2])[..., None]
    if task is Relight:
        made = task.layers(photo).gain(slice(None)) * y
    else:
        top = photo.max(-1, keepdims=True).astype(np.float32)
        made = top * (1 - y * (top - photo) / np.maximum(top - photo.min(-1, keepdims=True), 1))
    return np.clip(made + 0.5, 0, 255).astype(np.uint8)


def measure(task: type[PhotoTask], photos: list[Image]) -> None:
    after = [changed(task, photo, other) for photo, other in zip(photos, photos[1:] + photos[:1], strict=True)]
    for see in ("paper", "photo"):
        fields = [list(task(see=see).squash(photo, (32,)).values()) for photo in photos + after]
        x, y = (torch.from_numpy(np.stack(part)).split(len(photos)) for part in zip(*fields, strict=True))
        ways = {"x": list(x)}
        if task is Relight and see == "photo":
            ways["its chromaticity alone"] = [part / part.sum(1, keepdim=True).clamp_min(1e-3) for part in x]
        moved = float((x[1] - x[0]).abs().mean() / (x[0].roll(1, 0) - x[0]).abs().mean())
        for what, given in ways.items():
            r2 = [told(g, t) for g, own in zip(given, y, strict=True) for t in (own, own - own.mean((2, 3), keepdim=True))]
            said = "as they are {:.3f} (less the mean {:.3f}), with a foreign y {:.3f} ({:.3f})".format(*r2)
            print(f"{task.__name__.lower()} see={see}, {what}: {said}; x moved {moved:.3f}", flush=True)


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("folder", nargs="?", default="../shared/data/photos/train", type=Path)
    words.add_argument("--photos", default=300, type=int)
    given = words.parse_args()
    found = sorted(path for path in given.folder.iterdir() if path.suffix == ".jpg")
    chosen = found[:: max(1, len(found) // given.photos)][: given.photos]
    torch.set_num_threads(1)
    photos = [photo_of(path) for path in chosen]
    for task in (Relight, Resaturate):
        measure(task, photos)
