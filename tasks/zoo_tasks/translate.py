"""Translation: x is one picture, y another one that is to be made of it, such as a photo of a sketch.

Source: cGML, section 5.3.1 and Figures 12 to 17; the task and its data are those of Isola et al., "Image-to-image translation
with conditional adversarial networks", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from zoo import Data, Image, Pairs, Records, RequestError, Split
from zoo_tasks.fields import VERSION, FieldTask, Float, Sized, both, enlarged, pairs, pictures, read_squares, square


@dataclass(frozen=True)
class TranslateConfig(Sized):
    """Settings of the translation task.

    Attributes:
        size: the side of the fields given to models, in pixels (paper: 128; pix2pix: 256).
        source: what x is: ``pair``, the source pictures of data that comes in pairs; ``sketch``, sketches of the photos that y
            is. ``auto`` becomes one of both with the data, and is ``sketch`` where no data has been named.
        crops: whether training sees random crops and flips of each pair.
    """

    source: Literal["auto", "pair", "sketch"] = "auto"
    crops: bool = True
    least: ClassVar[int] = 8


class Translate(FieldTask):
    """Translation: x is the source picture (3, size, size), y the target (3, size, size), both R, G, B in [0, 1], squashed.

    Data in pairs (``paired:DIR``) has both; its items are the source pictures. Of any other photos, x is a :func:`sketch` and
    the item the photo; a drawing, dark on white, may stand in its place, as it is nearly its own sketch. cGML, section 5.3.1.
    """

    cites = ("ramasinghe2021cgml", "isola2017pix2pix")
    Config = TranslateConfig
    does = "Make a photo of a drawing"
    x_name, y_name = "source", "target"
    channels = (3, 3)
    config: TranslateConfig

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.paired = self.config.source == "pair"
        self.shows_truth = not self.paired  # type: ignore[misc]

    def settings_of(self, data: Data) -> Mapping[str, Any]:
        """``source``, where it is ``auto``: whether this data comes in pairs."""
        if self.config.source != "auto":
            return {}
        return {"source": "pair" if _in_pairs(data.read("test")) else "sketch"}

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """Both pictures of each pair, or sketch and photo; a RequestError refuses data that the task was not made for."""
        records, sides = data.read(split, seed=seed), self.sides(split)
        if self.paired:
            key = f"pair-{VERSION}-{'-'.join(map(str, sides))}"

            def squares(source: Image, image: Image) -> dict[str, Float]:
                return {f"{name}{s}": square(picture, s) for s in sides for name, picture in (("x", source), ("y", image))}

            try:
                x, y = both(records.map_pairs(squares, key), sides)
            except RequestError as error:
                raise RequestError(f"{data}: {error}") from error
        else:
            if self.config.source == "auto" and _in_pairs(records):
                raise RequestError(f"{data} comes in pairs; say source=pair to translate them, source=sketch to leave them")
            y = read_squares(records, sides)
            x = [torch.from_numpy(np.stack([sketch(picture) for picture in part.numpy()])) for part in y]
        return pairs(records, x, y)

    def item_of(self, records: Records, index: int) -> Image:
        """The source picture of one of the records where they come in pairs, else the photo."""
        return records.source(index) if self.paired else records.image(index)

    def condition(self, image: Image) -> tuple[Tensor, tuple[int, int]]:
        """x of one source picture, or of the photo or drawing to be sketched, (H, W, 3) uint8; and (H, W)."""
        self.check_photo(image)
        small = square(image, self.config.size)
        return torch.from_numpy(small if self.paired else sketch(small)), (image.shape[0], image.shape[1])

    def compose(self, context: tuple[int, int], y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """Each of n target pictures at the size of the item, (n, H, W, 3) uint8."""
        self.check_fields(y)
        return pictures(enlarged(y, *context), len(y), context)


def _in_pairs(records: Records) -> bool:
    try:
        records.source(0)
    except RequestError:
        return False
    return True


def sketch(picture: Float) -> Float:
    """The sketch (3, s, s) of R, G, B (3, s, s), both float32 in [0, 1]: 1 is paper; its channels are alike.

    Source: H. Winnemöller, J. E. Kyprianidis, S. C. Olsen, "XDoG: an extended difference-of-Gaussians compendium including
    advanced image stylization", Computers & Graphics 36, 2012: a difference of Gaussians, of one scale and of 1.6 times that,
    and a soft threshold; here of the channel that darkens most. Lines lie on the darker side of an edge.
    """
    import cv2

    rows = np.ascontiguousarray(picture.transpose(1, 2, 0), np.float32)
    fine, coarse = (cv2.GaussianBlur(rows, (0, 0), scale, borderType=cv2.BORDER_REPLICATE) for scale in (0.7, 0.7 * 1.6))
    change = (fine - coarse).min(axis=2)  # a step between colours of one brightness is one too
    lines = 1 + np.tanh(30.0 * np.minimum(change + 0.01, 0))  # the paper's phi is 30
    return np.repeat(np.clip(lines, 0, 1).astype(np.float32)[None], 3, axis=0)
