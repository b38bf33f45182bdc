"""The pictures of a bench: the same test items by every model, samples side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.benching.cells import Cell
from zoo.reporting.pages import short
from zoo.reporting.pictures import Picture
from zoo.running.folder import read_json
from zoo.utils.files import discard, regular, whole_file, whole_folder, write_json
from zoo.utils.sheet import INK, Row, Tile, contact_sheet
from zoo.utils.words import visible

if TYPE_CHECKING:
    from zoo.running.result import RunResult

FOLDER = "pictures"
ITEMS, SAMPLES = 4, 4
"""Test items in the grid, and samples of each by each model."""
KINDS = ("x", "truth", *(f"sample{i}" for i in range(SAMPLES)))
COLUMN, SPACE, NAMES = 112, 14, 150
"""Pixels: the width of a picture, of the columns between test items, of the column of names."""


def save_pictures(result: RunResult) -> None:
    """Keep what the grid shows of one run: photos with the samples in them, or the fields where there are no photos."""
    chosen = result.pictures[:: max(1, len(result.pictures) // ITEMS)][:ITEMS]
    discard(result.out / FOLDER)  # of a cell that was stopped at its very end
    with whole_folder(result.out / FOLDER) as part:
        for i, picture in enumerate(chosen):
            inside = picture.photo is not None and picture.samples
            images = [picture.photo, *picture.samples] if inside else [picture.y, *picture.fields]
            for kind, image in zip(KINDS, [picture.x, *images], strict=False):
                if image is not None:
                    image.save(part / f"{i}-{kind}.png")
        names = [visible(picture.name) for picture in chosen]
        write_json(part / "names.json", {"items": names, "x": result.task.x_name, "y": result.task.y_name})


def draw_grid(cells: Sequence[Cell], title: str, path: Path) -> None:
    """Write one picture, if there is anything to show: test items side by side, a row for each cell, failed ones too."""
    shown = {cell.model: _load(cell.folder / FOLDER) for cell in cells if cell.status == "done"}
    words, first = next(((words, items) for words, items in shown.values() if items), ({}, []))
    if not first:
        return
    shapes = sorted(item.photo.height / item.photo.width for item in first if item.photo is not None)
    tall = max(60, min(COLUMN, round(COLUMN * shapes[len(shapes) // 2]))) if shapes else COLUMN
    widths = [NAMES, *([*[COLUMN] * SAMPLES, SPACE] * len(first))[:-1]]
    above: list[list[Tile]] = [[Tile()], [Tile()], [Tile()]]
    for item in first:
        head, images, line = above
        head += [Tile(text, SAMPLES // 2, size=13, colour=INK) for text in (f"x: {words['x']}", "ground truth")]
        images.append(Tile(item.x, SAMPLES // 2, like=None if item.photo is None else item.photo.size))
        images.append(Tile(item.photo, SAMPLES // 2))
        line.append(Tile(f"{short(item.name, 30)}: {SAMPLES} samples by each model", SAMPLES))
        for tiles in above:
            tiles.append(Tile())
    rows = [Row(24, [Tile(title, len(widths), size=17, colour=INK, bold=True)])]
    rows += map(Row, (18, round(tall * 1.5), 26), above)
    for i, cell in enumerate(cells):
        tiles = [Tile(cell.model, size=14, colour=INK, bold=True)]
        items = shown[cell.model][1] if cell.model in shown else []
        for item in items[: len(first)]:
            tiles += [*map(Tile, item.samples), Tile(span=SAMPLES + 1 - len(item.samples))]
        if not items:
            tiles.append(Tile("failed" if cell.status == "failed" else "nothing to show", len(widths) - 1, size=14))
        rows.append(Row(tall, tiles, rule=i > 0))
    with whole_file(path) as part:
        contact_sheet(rows, widths, margin=24).save(part, "PNG")


def _load(folder: Path) -> tuple[Mapping[str, str], list[Picture]]:
    """The words and pictures that :func:`save_pictures` kept; no items where it is not there or not whole."""
    from PIL import Image

    items: list[Picture] = []
    with contextlib.suppress(Exception):  # of many kinds: whatever lies there, it stops no bench
        words = read_json(folder / "names.json")
        for i, name in enumerate(words["items"][:ITEMS]):
            paths = (folder / f"{i}-{kind}.png" for kind in KINDS)
            x, truth, *rest = (Image.open(regular(path)).convert("RGB") if path.exists() else None for path in paths)
            if samples := [image for image in rest if image]:
                items.append(Picture(str(name), truth, samples, x, None, [], []))
        return {"x": str(words["x"])}, items
    return {}, []
