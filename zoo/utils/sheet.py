"""Contact sheets: pictures and words in rows and columns, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zoo.utils.words import visible

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from PIL.ImageFont import FreeTypeFont

INK, MUTED, PAPER, LINE = "#1d2430", "#667085", "#ffffff", "#e4e7ec"
"""Colours of words, lesser words, the ground and lines: in sheets, plots and pages alike."""


class Tile(NamedTuple):
    """The content of one place of a sheet, in its middle: a picture, as large as fits, or words of any number of lines.

    It takes ``span`` columns; a picture takes the proportions of ``like`` (width, height). The other fields are of words.
    """

    content: PILImage | str | None = None
    span: int = 1
    like: tuple[int, int] | None = None
    size: int = 12
    colour: str = MUTED
    bold: bool = False


class Row(NamedTuple):
    """The tiles of a row, from the left, and its height in pixels; ``rule`` draws a line along its top."""

    height: int
    tiles: Sequence[Tile] = ()
    rule: bool = False


def contact_sheet(rows: Sequence[Row], widths: Sequence[int], gap: int = 4, margin: int = 0) -> PILImage:
    """One RGB picture of all rows, from the top; the widths of columns, the gap and the margin around are pixels."""
    from PIL import Image, ImageDraw

    wide = sum(widths) + gap * (len(widths) - 1) + 2 * margin
    sheet = Image.new("RGB", (wide, sum(row.height for row in rows) + gap * (len(rows) - 1) + 2 * margin), PAPER)
    draw, top = ImageDraw.Draw(sheet), margin
    for row in rows:
        if row.rule:
            draw.line((margin, top, wide - margin, top), fill=LINE)
        column, left = 0, margin
        for tile in row.tiles:
            width = sum(widths[column : column + tile.span]) + gap * (tile.span - 1)
            if isinstance(tile.content, str):
                at = (left + width // 2, top + row.height // 2)
                font = _font(tile.size, tile.bold)
                draw.text(at, visible(tile.content, lines=True), fill=tile.colour, font=font, anchor="mm", align="center")
            elif tile.content is not None:
                image = _fit(tile.content.convert("RGB"), width, row.height, tile.like or tile.content.size)
                sheet.paste(image, (left + (width - image.width) // 2, top + (row.height - image.height) // 2))
            column, left = column + tile.span, left + width + gap
        top += row.height + gap
    return sheet


def _fit(image: PILImage, width: int, height: int, like: tuple[int, int]) -> PILImage:
    from PIL import Image

    scale = min(width / like[0], height / like[1])
    size = (max(1, round(like[0] * scale)), max(1, round(like[1] * scale)))
    return image.resize(size, Image.Resampling.NEAREST if size[0] > image.width else Image.Resampling.LANCZOS)


def _font(size: int, bold: bool) -> FreeTypeFont:
    """matplotlib's own font: the same letters on every machine."""
    from pathlib import Path

    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
