"""Make ``docs/images/sheet-TASK.jpg``: ten photos and six samples of each by the recommended checkpoints, none chosen.

    pip install scikit-image matplotlib && python tools/sheets.py

The photos come with scikit-learn, scikit-image and Matplotlib, whose licences allow it: portraits, a cat, a landscape, things,
a night scene, a photo without colours, a scanned page and a picture of even areas.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

import zoo
from zoo.catalog.recommended import meant
from zoo.utils.sheet import INK, Row, Tile, contact_sheet

OUT = Path(__file__).resolve().parents[1] / "docs" / "images"
PHOTOS = {
    "skimage": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "camera.png", "page.png", "color.png"),
    "matplotlib": ("grace_hopper.jpg",),
    "sklearn": ("china.jpg", "flower.jpg"),
}
FOLDERS = {"skimage": "data", "matplotlib": "mpl-data/sample_data", "sklearn": "datasets/images"}
TASKS = ("relight", "resaturate", "colorize")
SAMPLES, WIDTH, HEIGHT, GAP, SEED, QUALITY = 6, 150, 110, 4, 0, 80
LARGEST = 512
"""Pixels of the longest side that a photo is read at."""


def photos() -> list[Image.Image]:
    """The ten photos."""
    found = []
    for package, names in PHOTOS.items():
        for name in names:
            with Image.open(str(files(package) / FOLDERS[package] / name)) as image:
                found.append(image.convert("RGB"))
            found[-1].thumbnail((LARGEST, LARGEST))
    return found


def sheet(name: str) -> Image.Image:
    """Each photo with samples of the checkpoint ``name``."""
    loaded, given = zoo.load(name), photos()
    rows = [Row(20, [Tile("photo", size=14, colour=INK), Tile(f"samples of {name}", SAMPLES, size=14, colour=INK)])]
    for photo, samples in zip(given, loaded.sample(given, SAMPLES, seed=SEED), strict=True):
        rows.append(Row(HEIGHT, [Tile(photo), *(Tile(Image.fromarray(one)) for one in samples)]))
    return contact_sheet(rows, [WIDTH] * (SAMPLES + 1), GAP, GAP)


def main(names: Annotated[list[str] | None, typer.Argument(help="Tasks; by default all that have a sheet.")] = None) -> None:
    """Draw a sheet of each task."""
    OUT.mkdir(parents=True, exist_ok=True)
    for task in names or TASKS:
        sheet(meant(task)).save(OUT / f"sheet-{task}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    typer.run(main)
