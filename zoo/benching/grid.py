"""The pictures of a bench: the same test items by every model, samples side by side."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benching.cells import Cell
from zoo.reporting.figures import INK, LINE, MUTED, PAPER, fit, label, short
from zoo.utils.files import whole_folder, write_json

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.running.run import RunResult

FOLDER = "pictures"
ITEMS, SAMPLES = 4, 4
"""Test items in the grid, and samples of each by each model."""
CELL, GAP, SPACE, MARGIN, NAMES = 112, 4, 22, 24, 150
"""Pixels: the width of a picture, between pictures, between test items, the edge, the column of names."""


@dataclass
class _Item:
    name: str
    x: PILImage | None
    truth: PILImage | None
    samples: list[PILImage]


def save_pictures(result: RunResult) -> None:
    """Keep what the grid shows of one run: photos with the samples in them, or the fields where there are no photos."""
    step = max(1, len(result.pictures) // ITEMS)
    with whole_folder(result.out / FOLDER) as part:
        names = []
        for i, one in enumerate(result.pictures[::step][:ITEMS]):
            names.append(one.name)
            inside = one.photo is not None and one.samples
            samples = one.samples if inside else one.fields
            shown: dict[str, PILImage | None] = {"x": one.x, "truth": one.photo if inside else one.y}
            shown |= {f"sample{j}": sample for j, sample in enumerate(samples[:SAMPLES])}
            for kind, image in shown.items():
                if image is not None:
                    image.save(part / f"{i}-{kind}.png")
        words = {"x": result.task.x_name, "y": result.task.y_name}
        write_json(part / "names.json", {"items": names, **words})


def draw_grid(cells: Sequence[Cell], title: str) -> PILImage | None:
    """One picture: test items side by side, each with its x, the truth and a row of samples for every model.

    Args:
        cells: of one task and one seed, in the order of the rows; those that failed have a row that says so.
        title: above it.

    Returns:
        The picture; None where no cell has anything to show.
    """
    from PIL import Image, ImageDraw

    shown = {cell.model: _load(cell.folder / FOLDER) for cell in cells if cell.status == "done"}
    found = [(words, items) for words, items in shown.values() if items]
    if not found:
        return None
    words, first = found[0]
    tall = _height(first)
    block = SAMPLES * (CELL + GAP) - GAP
    width = MARGIN * 2 + NAMES + len(first) * (block + SPACE) - SPACE
    head, above = 64, 34
    big = round(tall * 1.5)
    top = MARGIN + head + big + above
    image = Image.new("RGB", (width, top + len(cells) * (tall + GAP) - GAP + MARGIN), PAPER)
    draw = ImageDraw.Draw(image)
    label(draw, title, width // 2, MARGIN + 8, 17, INK, bold=True)
    for i, item in enumerate(first):
        left = MARGIN + NAMES + i * (block + SPACE)
        half = (block - GAP) // 2
        for j, (word, one) in enumerate(((f"x: {words['x']}", item.x), ("ground truth", item.truth))):
            if one is not None:
                _put(image, one, left + j * (half + GAP), MARGIN + head, half, big, item.truth if j == 0 else None)
            label(draw, word, left + j * (half + GAP) + half // 2, MARGIN + head - 14, 13, INK)
        label(draw, f"{short(item.name, 30)}: {SAMPLES} samples by each model", left + block // 2, top - 15, 12, MUTED)
    for row, cell in enumerate(cells):
        y = top + row * (tall + GAP)
        label(draw, cell.model, MARGIN + NAMES // 2, y + tall // 2, 14, INK, bold=True)
        items = shown[cell.model][1] if cell.model in shown else []
        if not items:
            text = "failed" if cell.status == "failed" else "nothing to show"
            label(draw, text, MARGIN + NAMES + (width - NAMES - 2 * MARGIN) // 2, y + tall // 2, 14, MUTED)
        for i, item in enumerate(items[: len(first)]):
            left = MARGIN + NAMES + i * (block + SPACE)
            for j, one in enumerate(item.samples):
                _put(image, one, left + j * (CELL + GAP), y, CELL, tall)
        if row:
            draw.line((MARGIN, y - GAP // 2, MARGIN + NAMES - 10, y - GAP // 2), fill=LINE)
    return image


def _height(items: Sequence[_Item]) -> int:
    """The height of a row: the middle proportions of what is shown, within bounds."""
    shapes = sorted(item.truth.height / item.truth.width for item in items if item.truth is not None)
    return max(60, min(CELL, round(CELL * shapes[len(shapes) // 2]))) if shapes else CELL


def _put(image: PILImage, one: PILImage, left: int, top: int, wide: int, tall: int, like: PILImage | None = None) -> None:
    """Paste ``one`` into the middle of a box, as large as fits; in the proportions of ``like`` where that is given."""
    if like is not None:
        scale = min(wide / like.width, tall / like.height)
        scaled = fit(one.convert("RGB"), max(1, round(like.width * scale)), max(1, round(like.height * scale)), True)
    else:
        scaled = fit(one.convert("RGB"), wide, tall, False)
    image.paste(scaled, (left + (wide - scaled.width) // 2, top + (tall - scaled.height) // 2))


def _load(folder: Path) -> tuple[Mapping[str, str], list[_Item]]:
    """What :func:`save_pictures` kept; no items where it is not there or not whole."""
    from PIL import Image

    def read(path: Path) -> PILImage | None:
        return Image.open(path).convert("RGB") if path.exists() else None

    items: list[_Item] = []
    words: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        words = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        for i, name in enumerate(words["items"]):
            samples = [read(folder / f"{i}-sample{j}.png") for j in range(SAMPLES)]
            made = _Item(name, read(folder / f"{i}-x.png"), read(folder / f"{i}-truth.png"), [s for s in samples if s])
            if made.samples:
                items.append(made)
    return words, items
