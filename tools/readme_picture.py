"""Make ``docs/images/samples.jpg``, the picture of the README and the landing page.

Photos that come with scikit-learn, each with the most different of a hundred samples of the recommended checkpoint:

python tools/readme_picture.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

import zoo
from zoo.utils.sheet import INK, Row, Tile, contact_sheet

OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "samples.jpg"
ROWS = (
    ("colorize", "flower.jpg", "grey photo", "colours it may have had"),
    ("resaturate", "china.jpg", "photo", "stronger and weaker colours"),
    ("relight", "china.jpg", "photo", "other light"),
)
"""The task of each row, its photo, and the words above the photo and above its samples."""
DRAWN, SHOWN, SEED = 100, 3, 0
WIDTH, HEIGHT, GAP = 294, 196, 8
LETTERS = 38
"""Pixels: letters that are a third as large, on a telephone, can still be read."""


def main() -> None:
    """Draw the three rows."""
    rows = []
    for task, name, before, after in ROWS:
        photo = Image.fromarray(load_sample_image(name))
        if task == "colorize":
            photo = photo.convert("L").convert("RGB")
        samples = zoo.load(task).sample(np.asarray(photo), DRAWN, seed=SEED, distinct=SHOWN)
        words = (Tile(before, size=LETTERS, colour=INK, bold=True), Tile(after, SHOWN, size=LETTERS, colour=INK))
        rows += [Row(LETTERS + GAP, words), Row(HEIGHT, [Tile(photo), *(Tile(Image.fromarray(one)) for one in samples)])]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(rows, [WIDTH] * (SHOWN + 1), GAP, GAP).save(OUT, quality=88, optimize=True)


if __name__ == "__main__":
    main()
