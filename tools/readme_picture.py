"""Make ``docs/images/samples.jpg``: two photos that come with scikit-learn, and samples of the shipped checkpoints.

python tools/readme_picture.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from sklearn.datasets import load_sample_image

import zoo
from zoo.utils.sheet import INK, Row, Tile, contact_sheet

OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "samples.jpg"
WIDTH, GAP, TITLE, SAMPLES = 240, 6, 20, 4


def main() -> None:
    """Draw the recommended checkpoints on both photos."""
    rows = []
    for name in ("resaturate", "relight", "colorize"):
        loaded = zoo.load(name)
        words = f'photo, and zoo.load("{name}").sample(photo, {SAMPLES})'
        rows.append(Row(TITLE, [Tile(words, SAMPLES + 1, size=15, colour=INK)]))
        for photo in (load_sample_image("china.jpg"), load_sample_image("flower.jpg")):
            tiles = [Tile(Image.fromarray(image)) for image in (photo, *loaded.sample(photo, SAMPLES, seed=3))]
            rows.append(Row(round(WIDTH * photo.shape[0] / photo.shape[1]), tiles))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(rows, [WIDTH] * (SAMPLES + 1), GAP, GAP).save(OUT, quality=88, optimize=True)


if __name__ == "__main__":
    main()
