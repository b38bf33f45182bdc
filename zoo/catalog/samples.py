"""The n answers for one photo, as pictures and as fields."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError
from zoo.utils.files import user_path, whole_folder
from zoo.utils.sheet import Row, Tile, contact_sheet

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from torch import Tensor

GAP = 4
"""Pixels of white between two pictures of a grid."""
SHOWN = 1600
"""Pixels: the width of the picture that a notebook shows."""


def _as_srgb() -> Any:
    """The chunk of a PNG that says that its colours are sRGB, of perceptual intent."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add(b"sRGB", b"\0")
    return info


class Samples:
    """n samples for one photo.

    They are a sequence of the composed photos: ``len``, indexing and iteration give (H, W, 3) uint8 arrays, and
    ``numpy.asarray`` gives all of them.

    Attributes:
        images: (n, H, W, 3) uint8, the photo with each sampled field put in its place, at the photo's own size.
        fields: (n, *y_shape) float32, the sampled fields on the CPU.

    Example:
        >>> import torch
        >>> samples = Samples(np.zeros((3, 20, 30, 3), np.uint8), torch.zeros(3, 1, 8, 8))
        >>> samples
        Samples(3 of 30 x 20 pixels, fields (1, 8, 8))
        >>> len(samples), samples[0].shape, np.asarray(samples).shape, samples.grid(columns=3).size
        (3, (20, 30, 3), (3, 20, 30, 3), (98, 20))
    """

    def __init__(self, images: NDArray[np.uint8], fields: Tensor) -> None:
        if images.ndim != 4 or images.shape[-1] != 3 or len(images) != len(fields):
            raise RequestError(f"images have shape {images.shape}; it must be ({len(fields)}, H, W, 3)")
        self.images, self.fields = images, fields

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

    def grid(self, columns: int | None = None, *, width: int | None = None) -> PILImage:
        """All the photos in one picture, row by row.

        Args:
            columns: photos a row; None for about as many as rows.
            width: the largest width of the picture in pixels; None for the photos at their own size.

        Raises:
            RequestError: ``columns`` or ``width`` is no whole number of at least 1.
        """
        from PIL import Image

        n, high, wide = self.images.shape[:3]
        columns = min(n, math.ceil(math.sqrt(n)) if columns is None else whole(columns, "columns", 1))
        if width is not None:
            width = whole(width, "width", 1)
            scale = min(1.0, (width - GAP * (columns - 1)) / (wide * columns))
            high, wide = max(1, round(high * scale)), max(1, int(wide * scale))
        tiles = [Tile(Image.fromarray(pixels), like=(wide, high)) for pixels in self.images]
        rows = [Row(high, tiles[start : start + columns]) for start in range(0, n, columns)]
        return contact_sheet(rows, [wide] * columns, GAP)

    def save(self, folder: Path | str) -> Path:
        """Save to a new folder (``~`` is the home folder): ``sample-01.png`` and so on, ``grid.png``, ``fields.npy``.

        Raises:
            RequestError: the folder already holds something, or no folder can be called so.
            ZooError: the file system refused; nothing is left behind.
        """
        from PIL import Image

        folder = user_path(folder)
        digits = max(2, len(str(len(self))))
        with whole_folder(folder, "save to a new folder") as part:
            for i, pixels in enumerate(self.images):
                Image.fromarray(pixels).save(part / f"sample-{i + 1:0{digits}d}.png", compress_level=1, pnginfo=_as_srgb())
            self.grid(width=4 * SHOWN).save(part / "grid.png", compress_level=1, pnginfo=_as_srgb())
            np.save(part / "fields.npy", self.fields.numpy())
        return folder

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.grid(width=SHOWN).save(buffer, "PNG", pnginfo=_as_srgb())
        return buffer.getvalue()
