"""Make ``docs/images/samples.png``: two photos that come with scikit-learn, and samples of the shipped checkpoints.

python tools/readme_picture.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

import zoo

OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "samples.png"
WIDTH, GAP, TITLE, SAMPLES = 240, 6, 26, 4


def main() -> None:
    """Draw both checkpoints on both photos."""
    rows = []
    for name in ("cdvae/resaturate", "cdvae/relight"):
        loaded = zoo.load(name)
        for photo in (load_sample_image("china.jpg"), load_sample_image("flower.jpg")):
            rows.append((name, [photo, *loaded.sample(photo, SAMPLES, seed=3)]))
    height = round(WIDTH * rows[0][1][0].shape[0] / rows[0][1][0].shape[1])
    sheet = Image.new("RGB", ((WIDTH + GAP) * (SAMPLES + 1) + GAP, (height + GAP) * len(rows) + TITLE * 2 + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    top = 0
    for i, (name, images) in enumerate(rows):
        if i % 2 == 0:
            draw.text((GAP, top + 6), f'photo, and zoo.load("{name}").sample(photo, {SAMPLES})', "black", font)
            top += TITLE
        for j, image in enumerate(images):
            small = Image.fromarray(np.asarray(image)).resize((WIDTH, height), Image.Resampling.LANCZOS)
            sheet.paste(small, (GAP + j * (WIDTH + GAP), top))
        top += height + GAP
    OUT.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(OUT, optimize=True)


if __name__ == "__main__":
    main()
