"""The pictures of a bench: the same test items by every model, samples side by side."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.benching.cells import Cell
from zoo.reporting.figures import short
from zoo.utils.files import whole_folder, write_json
from zoo.utils.sheet import INK, Row, Tile, contact_sheet

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.running.run import RunResult

FOLDER = "pictures"
ITEMS, SAMPLES = 4, 4
"""Test items in the grid, and samples of each by each model."""
COLUMN, SPACE, NAMES = 112, 14, 150
"""Pixels: the width of a picture, of the columns between test items, of the column of names."""


class _Item(NamedTuple):
    name: str
    x: PILImage | None
    truth: PILImage | None
    samples: list[PILImage | None]


def save_pictures(result: RunResult) -> None:
    """Keep what the grid shows of one run: photos with the samples in them, or the fields where there are no photos."""
    chosen = result.pictures[:: max(1, len(result.pictures) // ITEMS)][:ITEMS]
    with whole_folder(result.out / FOLDER) as part:
        for i, picture in enumerate(chosen):
            inside = picture.photo is not None and picture.samples
            samples = picture.samples if inside else picture.fields
            shown: dict[str, PILImage | None] = {"x": picture.x, "truth": picture.photo if inside else picture.y}
            shown |= {f"sample{j}": sample for j, sample in enumerate(samples[:SAMPLES])}
            for kind, image in shown.items():
                if image is not None:
                    image.save(part / f"{i}-{kind}.png")
        names = [picture.name for picture in chosen]
        write_json(part / "names.json", {"items": names, "x": result.task.x_name, "y": result.task.y_name})


def draw_grid(cells: Sequence[Cell], title: str) -> PILImage | None:
    """One picture: test items side by side, each with its x, the truth and a row of samples for every model.

    Args:
        cells: of one task and one seed, in the order of the rows; those that failed have a row that says so.
        title: above it.

    Returns:
        The picture; None where no cell has anything to show.
    """
    shown = {cell.model: _load(cell.folder / FOLDER) for cell in cells if cell.status == "done"}
    words, first = next(((words, items) for words, items in shown.values() if items), ({}, []))
    if not first:
        return None
    shapes = sorted(item.truth.height / item.truth.width for item in first if item.truth is not None)
    tall = max(60, min(COLUMN, round(COLUMN * shapes[len(shapes) // 2]))) if shapes else COLUMN
    widths = [NAMES, *([*[COLUMN] * SAMPLES, SPACE] * len(first))[:-1]]
    above: list[list[Tile]] = [[Tile()], [Tile()], [Tile()]]
    for item in first:
        head, images, line = above
        head += [Tile(text, SAMPLES // 2, size=13, colour=INK) for text in (f"x: {words['x']}", "ground truth")]
        images.append(Tile(item.x, SAMPLES // 2, like=None if item.truth is None else item.truth.size))
        images.append(Tile(item.truth, SAMPLES // 2))
        line.append(Tile(f"{short(item.name, 30)}: {SAMPLES} samples by each model", SAMPLES))
        for tiles in above:
            tiles.append(Tile())
    heights = (18, round(tall * 1.5), 26)
    rows = [Row(24, [Tile(title, len(widths), size=17, colour=INK, bold=True)]), *map(Row, heights, above)]
    for i, cell in enumerate(cells):
        tiles = [Tile(cell.model, size=14, colour=INK, bold=True)]
        items = shown[cell.model][1] if cell.model in shown else []
        for item in items[: len(first)]:
            tiles += [*map(Tile, item.samples), Tile()]
        if not items:
            tiles.append(Tile("failed" if cell.status == "failed" else "nothing to show", len(widths) - 1, size=14))
        rows.append(Row(tall, tiles, rule=i > 0))
    return contact_sheet(rows, widths, margin=24)


def _load(folder: Path) -> tuple[Mapping[str, str], list[_Item]]:
    """What :func:`save_pictures` kept; no items where it is not there or not whole."""
    from PIL import Image

    def read(name: str) -> PILImage | None:
        return Image.open(folder / name).convert("RGB") if (folder / name).exists() else None

    items: list[_Item] = []
    words: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        words = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        for i, name in enumerate(words["items"]):
            samples = [read(f"{i}-sample{j}.png") for j in range(SAMPLES)]
            if any(samples):
                items.append(_Item(name, read(f"{i}-x.png"), read(f"{i}-truth.png"), samples))
    return words, items
