"""The n answers for one photo, as pictures and as fields."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.catalog.writing import on_white, write, write_gif
from zoo.data.origin import Origin
from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError
from zoo.utils.files import user_path, whole_folder
from zoo.utils.sheet import Row, Tile, contact_sheet
from zoo.utils.templates import fill
from zoo.utils.thumbs import MOST, address, thumbnail

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from torch import Tensor

GAP = 4
"""Pixels of white between two pictures of a grid."""
SHOWN = 1200
"""Pixels: the width of the picture that a notebook shows, at most."""
LISTED = 12
"""Photos of a list that a notebook shows, at most."""
GRID = 4_000_000
"""Pixels of a grid that is saved, at most, about."""


class Samples:
    """n samples for one photo.

    They are a sequence of the composed photos: ``len``, indexing and iteration give (H, W, 3) uint8 arrays, and
    ``numpy.asarray`` gives all of them.

    Attributes:
        images: (n, H, W, 3) uint8, the photo with each sampled field put in its place, at the photo's own size.
        fields: (n, *y_shape) float32, the sampled fields on the CPU.
        origin: the photo that they were made of, with its EXIF and transparency; None where there is none.
        remark: a sentence where the task can do little for this photo; mostly "".
        places: of each sample its index among all that were drawn, of which the most different may have been kept.

    Examples:
        >>> import torch
        >>> samples = Samples(np.zeros((3, 20, 30, 3), np.uint8), torch.zeros(3, 1, 8, 8))
        >>> samples
        Samples(3 of 30 x 20 pixels, fields (1, 8, 8))
        >>> len(samples), samples[0].shape, np.asarray(samples).shape, samples.grid(columns=3).size
        (3, (20, 30, 3), (3, 20, 30, 3), (98, 20))
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        fields: Tensor,
        origin: Origin | None = None,
        remark: str = "",
        places: list[int] | None = None,
    ) -> None:
        if images.ndim != 4 or images.shape[-1] != 3 or len(images) != len(fields):
            raise RequestError(f"images have shape {images.shape}; it must be ({len(fields)}, H, W, 3)")
        if origin is not None and origin.image.shape != images.shape[1:]:
            origin = None  # the pictures show something else than the photo, at a size of their own
        self.images, self.fields, self.origin, self.remark = images, fields, origin, remark
        self.places = list(range(len(images))) if places is None else places

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int | slice) -> NDArray[np.uint8]:
        return self.images[index]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return iter(self.images)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.images, dtype=dtype, copy=True) if copy else np.asarray(self.images, dtype=dtype)

    def __repr__(self) -> str:
        n, height, width = self.images.shape[:3]
        return f"Samples({n} of {width} x {height} pixels, fields {tuple(self.fields.shape[1:])})"

    def grid(self, columns: int | None = None, *, width: int | None = None, original: bool = False) -> PILImage:
        """All the photos in one picture, row by row.

        Args:
            columns: photos a row; None for about as many as rows.
            width: the largest width of the picture in pixels; None for the photos at their own size.
            original: whether the photo that they were made of comes first, where there is one.

        Raises:
            RequestError: ``columns`` or ``width`` is no whole number of at least 1.
        """
        shown = self._shown(original)
        wide, columns = self.images.shape[2], _columns(len(shown), columns)
        if width is None:
            return self._sheet(shown, columns, 1.0)
        return self._sheet(shown, columns, min(1.0, (whole(width, "width", 1) - GAP * (columns - 1)) / (wide * columns)))

    def _shown(self, original: bool = True) -> list[NDArray[np.uint8]]:
        """The photo, where it is known and asked for, and the pictures."""
        shown = [*([self.origin.image] if original and self.origin is not None else []), *self.images]
        if self.origin is not None and (alpha := self.origin.alpha) is not None:
            return [on_white(pixels, alpha) for pixels in shown]
        return shown

    def _sheet(self, shown: list[NDArray[np.uint8]], columns: int, scale: float) -> PILImage:
        from PIL import Image

        high, wide = self.images.shape[1:3]
        if scale < 1:
            high, wide = max(1, round(high * scale)), max(1, int(wide * scale))
        less = max(1, int(0.4 / scale)) if scale > 0 else 1  # averages first, where there are pixels enough for it
        like = (wide, high)
        tiles = [
            Tile(Image.fromarray(pixels) if less == 1 else Image.fromarray(pixels).reduce(less), 1, like) for pixels in shown
        ]
        rows = [Row(high, tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
        return contact_sheet(rows, [wide] * columns, GAP)

    def save(self, folder: Path | str, *, jpeg: int | None = None, gif: bool = False) -> Path:
        """Save to a new folder (``~`` is the home folder): ``sample-01.png`` and so on, ``grid.png``, ``fields.npy``.

        The grid is of reduced pictures, the photo first. What the photo's file said of it (EXIF, XMP, IPTC) is in each
        sample's, but for the orientation, as they are upright, sizes, and small pictures of it; its transparency is in PNGs.
        All say that their colours are sRGB.

        Args:
            jpeg: 1 to 100 for JPEGs of this quality in place of PNGs; ten times smaller, and not to the bit what was made.
            gif: whether to save ``samples.gif`` too, which shows the photo and then one sample after the other, reduced.

        Raises:
            RequestError: the folder already holds something, or no folder can be called so; ``jpeg`` is out of range.
            ZooError: the file system refused; nothing is left behind.
        """
        jpeg = None if jpeg is None else whole(jpeg, "jpeg", 1, 100)
        folder = user_path(folder)
        digits = max(2, len(str(len(self))))
        with whole_folder(folder, "save to a new folder") as part:
            for i, pixels in enumerate(self.images):
                write(pixels, part / f"sample-{i + 1:0{digits}d}", jpeg, self.origin)
            shown = self._shown()
            columns = _full(len(shown))
            places = math.ceil(len(shown) / columns) * columns * math.prod(self.images.shape[1:3])
            write(self._sheet(shown, columns, min(1.0, math.sqrt(GRID / places))), part / "grid", jpeg)
            if gif:
                write_gif(shown, part / "samples.gif")
            np.save(part / "fields.npy", self.fields.numpy())
        return folder

    def _repr_jpeg_(self) -> bytes:
        return self._thumbnail(SHOWN, MOST)

    def _thumbnail(self, width: int, most: int) -> bytes:
        return thumbnail(self.grid(_full(len(self._shown())), width=width, original=True), width, most)


class SamplesList(list[Samples]):
    """The samples for each of several photos: a list, which a notebook shows as small pictures.

    Examples:
        >>> import torch
        >>> each = SamplesList([Samples(np.zeros((3, 20, 30, 3), np.uint8), torch.zeros(3, 1, 8, 8))])
        >>> each, 'alt="3 samples of 30 x 20 pixels"' in each._repr_html_()
        ([Samples(3 of 30 x 20 pixels, fields (1, 8, 8))], True)
    """

    def _repr_html_(self) -> str:
        shown, few = self[:LISTED], min(LISTED, max(1, len(self)))
        tiles = []
        for samples in shown:
            n, height, width = samples.images.shape[:3]
            side = SHOWN if few == 1 else SHOWN // 2
            picture = address("jpeg", samples._thumbnail(side, MOST // few))
            tiles.append({"words": f"{n} samples of {width} x {height} pixels", "remark": samples.remark, "picture": picture})
        return fill("zoo.catalog", ".", "samples.html", {}, tiles=tiles, left=len(self) - len(tiles))


def _full(count: int) -> int:
    """About as many columns as rows, or up to two more where that leaves fewer places empty: 7 of 21."""
    root = math.ceil(math.sqrt(count))
    return min(range(root, root + 3), key=lambda columns: -count % columns)


def _columns(count: int, asked: int | None) -> int:
    return min(count, math.ceil(math.sqrt(count)) if asked is None else whole(asked, "columns", 1))
