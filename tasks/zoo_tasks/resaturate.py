"""Resaturation (second CDVAE paper, section 4, "Image Resaturation"): new saturation gives a photo other colours."""

from __future__ import annotations

import numpy as np

from zoo import Image
from zoo_tasks.fields import Float, resize, strips, within
from zoo_tasks.photo import Layers, PhotoTask, brightest, sparse

GREY, COLOURED = 4.0, 28.0
"""Chroma (brightest less darkest channel, in levels of 255) up to which hue is noise, and from which on it is sure."""

SURE = 8
"""Chroma from which on x is shown the hue of a pixel: there rounding turns it by eight degrees at most."""

EVEN = 0.5
"""The saturation that all of a photo has in x."""

GRID = 256
"""The side of the square that x is made at, in pixels, of a square photo."""

COLOURS = 0.005
"""The share of pixels of a sure hue below which a photo counts as grey."""


class Resaturate(PhotoTask):
    """Resaturation: x is the value (1, size, size), y the saturation (1, size, size) of HSV, both in [0, 1].

    Hue and value stay; another saturation field gives the photo stronger or weaker colours. Second CDVAE paper, section 4.
    With ``see=photo`` x is R, G, B of the photo's value and hue at the saturation :data:`EVEN` everywhere.
    """

    does = "Change the colours"
    cites = ("lu2016cdvae",)
    x_name, y_name = "value", "saturation"
    even = (0.1, 0.04)
    known = ("value", "saturation")
    seen = ("value and hue", "tones")

    @staticmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """V and S of HSV, each (H, W) float32 in [0, 1], of an image (H, W, 3) uint8; S of black is 0."""
        import cv2

        value, saturation = np.empty((2, *image.shape[:2]), np.float32)
        for rows in strips(*image.shape[:2]):
            top: Float = brightest(image[rows]).astype(np.float32)
            darkest = 255 - brightest(cv2.bitwise_not(image[rows]))
            np.divide(top - darkest, np.maximum(top, 1), out=saturation[rows], dtype=np.float32)
            np.divide(top, np.float32(255), out=value[rows])
        return value, saturation

    @staticmethod
    def picture(image: Image) -> tuple[Float, Float]:
        """V (1 - EVEN t) (h, w, 3) and S (H, W): t is 0 to 1, how much the hue takes from R, G, B at full saturation.

        Of a photo with any other S it is the same, as long as that leaves its hue to be seen. Where there is hardly a hue, its
        noise would tell just that: there t is that of the nearest pixels of a sure hue, and 0 where the whole photo has none.
        """
        photo = within(image, 1024)
        top: Float = brightest(photo).astype(np.float32)
        chroma = top - (255 - brightest(255 - photo))
        sure = np.where(chroma >= SURE, top, 0)
        takes = (top[..., None] - photo) * (sure / np.maximum(chroma, 1))[..., None]
        weight = within(sure, GRID)
        tint = spread(resize(takes, *weight.shape), weight)
        value = resize(top, *weight.shape)[..., None] / np.float32(255)
        return value * (1 - np.float32(EVEN) * tint), Resaturate.fields(image)[1]

    @staticmethod
    def plain(picture: Float) -> Float:
        return picture.max(axis=0, keepdims=True)

    def remark(self, image: Image) -> str:
        """Of a photo without colours: that it stays as it is."""
        few = sparse(image)
        coloured = (brightest(few).astype(int) - few.min(axis=-1) > GREY).mean()
        if coloured >= COLOURS:
            return ""
        return (
            "it has no colours to make stronger or weaker, so every sample is like the photo; "
            "task colorize gives a grey photo colours"
        )

    @staticmethod
    def layers(image: Image) -> Layers:
        """V, S, and the slope of the colours in S: with V and H kept, a channel is V less S times a function of H.

        A grey pixel has no hue that could be strengthened: where chroma is hardly above the noise of an 8-bit photo,
        the slope fades to 0, and the pixel stays as it is.
        """

        def gain(rows: slice) -> Float:
            value, saturation = Resaturate.fields(image[rows])
            bright = 255 * value
            sure = np.clip((bright * saturation - GREY) / (COLOURED - GREY), 0, 1)
            sure *= sure * (3 - 2 * sure)
            sure /= -np.maximum(saturation, 1e-3)
            gain: Float = bright[..., None] - image[rows]
            gain *= sure[..., None]
            return gain

        return Layers(lambda: Resaturate.fields(image)[0], Resaturate.fields(image)[1], gain)


def spread(tint: Float, weight: Float) -> Float:
    """Means (h, w, 3) of ``tint`` (h, w, 3), which is multiplied by ``weight`` (h, w); where that is 0, those of what is near.

    What is near is looked for at half the size, there if need be at half that again, and so on; it is 0 if nothing is there.
    A mean of several tints is stretched to the least of 0 and the largest of 1 that a tint has.
    """
    height, width = weight.shape
    known = weight > 0
    mean: Float = tint / np.maximum(weight, np.float32(1e-6))[..., None]
    if known.all() or height * width == 1:
        return mean
    half = (height + 1) // 2, (width + 1) // 2
    near = resize(spread(resize(tint, *half), resize(weight, *half)), height, width)
    low, high = near.min(axis=-1, keepdims=True), near.max(axis=-1, keepdims=True)
    near = (near - low) / np.maximum(high - low, 1e-6)
    return np.where(known[..., None], mean, near)
