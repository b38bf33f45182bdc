"""Faces attribute by attribute: a few codes of an attribute CVAE, each shown under one attribute after another.

    python benchmarks/attributes.py dir:RUN/checkpoint --base Young,Brown_Hair --then Eyeglasses,Male,Smiling --out grid.png

The first column has the attributes of ``--base``; every further one has one more of ``--then``, alone. A name with ``!``
switches an attribute of the base off: ``Blond_Hair+!Brown_Hair`` is one column.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

import zoo
from zoo.utils.files import whole_file
from zoo.utils.sheet import INK, Row, Tile, contact_sheet

HEAD, GAP = 44, 3


def main() -> None:
    parser = argparse.ArgumentParser(description="A grid of pictures, attribute by attribute.")
    parser.add_argument("checkpoint")
    parser.add_argument("--base", default="Young,No_Beard,Brown_Hair,Attractive,Mouth_Slightly_Open")
    then = "Eyeglasses,Male+!No_Beard,Smiling+High_Cheekbones,Blond_Hair+!Brown_Hair,Wearing_Hat,!Young+Gray_Hair"
    parser.add_argument("--then", default=then)
    parser.add_argument("--codes", type=int, default=6)
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("attributes.png"))
    given = parser.parse_args()
    loaded = zoo.load(given.checkpoint, "cpu")
    columns = [given.base.split(","), *(given.base.split(",") + one.split("+") for one in given.then.split(","))]
    titles = ["base", *given.then.replace("+", "\n").split(",")]
    x = torch.stack([loaded.task.condition(loaded.task.read(kept(names)))[0] for names in columns])
    model: Any = loaded.model
    z = torch.randn(given.codes, model.config.latent, generator=torch.Generator().manual_seed(given.seed))
    pictures = model.decode(z.repeat_interleave(len(x), 0), x.repeat(given.codes, 1)).unflatten(0, (given.codes, len(x)))
    with whole_file(given.out) as part:
        draw(pictures, titles, given.side).save(part, "PNG")


def kept(names: list[str]) -> list[str]:
    """The names that hold, without those that a later one with ``!`` switches off."""
    off = {name[1:] for name in names if name.startswith("!")}
    return [name for name in names if not name.startswith("!") and name not in off]


def draw(pictures: torch.Tensor, titles: list[str], side: int) -> Any:
    """A sheet of pictures (rows, columns, C, h, w) in [0, 1] under their titles."""
    from PIL import Image

    levels = (pictures.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 1, 3, 4, 2)
    levels = levels.expand(*levels.shape[:-1], 3).numpy()
    rows = [Row(HEAD, [Tile(title, size=11, colour=INK) for title in titles])]
    rows += [Row(side, [Tile(Image.fromarray(picture), like=(side, side)) for picture in row]) for row in levels]
    return contact_sheet(rows, [side] * len(titles), GAP)


if __name__ == "__main__":
    main()
