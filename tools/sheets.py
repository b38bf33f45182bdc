"""Make ``docs/images/sheet-TASK.jpg``: ten photos and six samples of each by the flows that ship, none chosen.

    pip install scikit-image matplotlib && python tools/sheets.py

The photos come with scikit-learn, scikit-image and Matplotlib, whose licences allow it: portraits, a cat, a landscape, things,
a night scene, a photo without colours, a scanned page and a picture of even areas.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image, ImageDraw

import zoo
from zoo.utils.sheet import INK, Row, Tile, contact_sheet

OUT = Path(__file__).resolve().parents[1] / "docs" / "images"
PHOTOS = {
    "skimage": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "camera.png", "page.png", "color.png"),
    "matplotlib": ("grace_hopper.jpg",),
    "sklearn": ("china.jpg", "flower.jpg"),
}
FOLDERS = {"skimage": "data", "matplotlib": "mpl-data/sample_data", "sklearn": "datasets/images"}
TASKS = ("relight", "resaturate", "colorize", "motion", "complete", "attributes")
WORDS = (
    "Smiling, Young, Blond_Hair, No_Beard",
    "Male, Young, Black_Hair, No_Beard",
    "Male, Eyeglasses, Gray_Hair, No_Beard",
    "Male, Goatee, Mustache",
    "Smiling, Wearing_Lipstick, Brown_Hair, No_Beard",
    "Young, Bangs, Brown_Hair, No_Beard",
    "Male, Bald, Smiling, No_Beard",
    "Male, Wearing_Hat, Young, No_Beard",
    "Male, Chubby, Double_Chin, No_Beard",
    "Young, Pale_Skin, Wavy_Hair, No_Beard",
)
"""What faces are to have, where a task starts from words."""
HOLE = (0.36, 0.3, 0.64, 0.62)
"""Left, top, right and bottom of an ellipse that is to be filled, in shares of the photo."""
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


def with_holes(photo: Image.Image) -> Image.Image:
    """The photo, transparent in the ellipse :data:`HOLE`."""
    alpha = Image.new("L", photo.size, 255)
    ImageDraw.Draw(alpha).ellipse([round(share * side) for share, side in zip(HOLE, 2 * photo.size, strict=True)], fill=0)
    photo.putalpha(alpha)
    return photo


def shown(item: Image.Image | str) -> Tile:
    """What a row begins with: the photo, its holes grey, or the words."""
    if isinstance(item, str):
        return Tile(item.replace(", ", "\n"), size=12, colour=INK)
    return Tile(Image.alpha_composite(Image.new("RGBA", item.size, "#808080"), item.convert("RGBA")))


def sheet(name: str) -> Image.Image:
    """Each photo, or each of :data:`WORDS`, with samples of the checkpoint ``name``."""
    loaded = zoo.load(name)
    given: list[Any] = photos() if loaded.task.choices() is None else list(WORDS)
    if loaded.task.holes:
        given = [with_holes(photo) for photo in given]
    title = "attributes" if isinstance(given[0], str) else "photo"
    rows = [Row(20, [Tile(title, size=14, colour=INK), Tile(f"samples of {name}", SAMPLES, size=14, colour=INK)])]
    for item, samples in zip(given, loaded.sample(given, SAMPLES, seed=SEED), strict=True):
        rows.append(Row(HEIGHT, [shown(item), *(Tile(Image.fromarray(one)) for one in samples)]))
    return contact_sheet(rows, [WIDTH] * (SAMPLES + 1), GAP, GAP)


def main(names: Annotated[list[str] | None, typer.Argument(help="Tasks; by default all that have a sheet.")] = None) -> None:
    """Draw a sheet of each task."""
    OUT.mkdir(parents=True, exist_ok=True)
    for task in names or TASKS:
        sheet(f"flow/{task}").save(OUT / f"sheet-{task}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    typer.run(main)
