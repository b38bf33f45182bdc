"""Relighting (second CDVAE paper, section 4, "Photo Relighting") by colour Retinex: a photo as albedo times shading.

It is a Poisson problem, solved by fast cosine transforms. Source: R. Grosse, M. K. Johnson, E. H. Adelson, W. T. Freeman,
"Ground truth dataset and baseline evaluations for intrinsic image algorithms", ICCV 2009, section 3.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zoo import Image, RequestError, above
from zoo_tasks.fields import Float, resize, strips, within
from zoo_tasks.photo import Context, Layers, PhotoConfig, PhotoTask, brightest, sparse

WHITE, MUCH, FLAT = 250, 0.4, 0.6
"""The darkest channel from which on a pixel is white; the share of white, and of neighbours in the middle of a picture that
are alike to the bit, from which on it is remarkable. Photos have less of both."""
KEEP = 6
"""How soon what is nearly white is held to be white: the power of the darkest channel by which it stays as it is."""


@dataclass(frozen=True)
class Retinex:
    """When a step between neighbouring pixels is one of reflectance. Logs are natural, of encoded (sRGB) values.

    The thresholds lie between those that are best on the clean images of the MIT data (``benchmarks/decompose.py``)
    and larger ones, as the colours of a JPEG are stored coarsely, and their noise must not pass for reflectance.

    Attributes:
        chroma: the smallest step of log chromaticity (Euclidean, over the three channels) that is reflectance.
        brightness: the smallest step of log brightness that is reflectance.
        floor: added to each value before its log, so that noise in the dark is no step; in shares of white.
        darkest: the smallest shading, so that albedo is defined everywhere.
    """

    chroma: float = 0.045
    brightness: float = 0.4
    floor: float = 0.02
    darkest: float = 1 / 255


@dataclass(frozen=True)
class RelightConfig(PhotoConfig):
    """Settings of relighting, beside those of all tasks on photos.

    Attributes:
        exposure: what shading samples are multiplied by before a photo is composed of them, as a longer exposure would; 1 for
            as they are. A photo fixes its shading only up to a factor, and light that was learnt of something else than
            photos, such as ``scenes``, has another one.
    """

    exposure: float = dataclasses.field(default=1.0, metadata={"added": True})

    def __post_init__(self) -> None:
        super().__post_init__()
        above(self, 0, "exposure")


class Relight(PhotoTask):
    """Relighting: x is the grey albedo (1, size, size), y the grey shading (1, size, size), both in [0, 1].

    A photo is taken apart into both; another shading field lights it in another way. Second CDVAE paper, section 4.
    With ``see=photo`` x is the albedo in its colours, R, G, B: what colour a surface has, light leaves as it is.
    """

    Config = RelightConfig
    config: RelightConfig
    does = "Change the light"
    cites = ("lu2016cdvae", "grosse2009intrinsic")
    x_name, y_name = "albedo", "shading"
    known = ("albedo", "shading")
    seen = ("coloured albedo", "reflectance")
    even = (0.2, 0.1)
    version = 2

    @staticmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """Grey albedo and shading (h, w), at one size for all photos: what a step between pixels means depends on it."""
        shading, albedo = decompose(within(image, 128))
        return albedo.mean(axis=-1, dtype=np.float32), shading

    @staticmethod
    def picture(image: Image) -> tuple[Float, Float]:
        """The coloured albedo (h, w, 3) whose mean over the channels :meth:`fields` has, and the shading (h, w)."""
        shading, albedo = decompose(within(image, 128))
        return albedo, shading

    @staticmethod
    def plain(picture: Float) -> Float:
        return picture.mean(axis=0, keepdims=True, dtype=np.float32)

    def compose(self, context: Context, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo under each of n shadings, as long exposed as ``exposure`` says."""
        return super().compose(context, y * self.config.exposure, x_hat=x_hat)

    def own_y(self, context: Context) -> Tensor:
        """The photo's own small shading, (1, size, size), in the units of samples: what gives the photo back."""
        return super().own_y(context) / self.config.exposure

    def remark(self, image: Image) -> str:
        """Of white paper and screenshots: that white stays white, so that new light changes little."""
        white = (sparse(image).min(axis=-1) >= WHITE).mean()
        middle = [slice(side // 2 - min(side, 512) // 2, side // 2 + (min(side, 512) + 1) // 2) for side in image.shape[:2]]
        part = image[middle[0], middle[1]]
        flat = (part[:, 1:] == part[:, :-1]).all(axis=-1).mean() if part.shape[1] > 1 else 0.0
        if white < MUCH and flat < FLAT:
            return ""
        kind = (
            f"{white:.0%} of it is white, as in a scan or a screenshot"
            if white >= MUCH
            else "it has flat areas, as a screenshot or a drawing"
        )
        return f"{kind}: white stays white, and new light shades the rest; task resaturate changes colours alone"

    @staticmethod
    def layers(image: Image) -> Layers:
        """Albedo, shading, and the slope of the colours in shading: the coloured albedo, less towards white.

        Shading comes from the working size; held to the photo's own brightest channels, it leaves albedo at most 1. What is
        white is paper, a screen or overexposed, and stays as it is: the slope falls by the sixth power of the darkest channel,
        with no edge, and the order of two levels stays under any light.
        """
        import cv2

        shading = resize(Relight.fields(image)[1], *image.shape[:2])
        least = np.maximum(brightest(image) / np.float32(255), np.float32(Retinex.darkest))
        np.clip(shading, least, 1, out=shading)

        def albedo(rows: slice) -> Float:
            return np.divide(image[rows], shading[rows][..., None], dtype=np.float32)

        def slope(rows: slice) -> Float:
            darkest = 255 - brightest(cv2.bitwise_not(image[rows]))
            changes = 1 - np.minimum(np.arange(256, dtype=np.float32) / WHITE, 1) ** KEEP
            gain: Float = albedo(rows)
            gain *= changes[darkest][..., None]
            return gain

        def grey() -> Float:
            mean = np.full((1, 3), 1 / (3 * 255))
            return np.concatenate([cv2.transform(albedo(rows), mean) for rows in strips(*image.shape[:2])])

        return Layers(grey, shading, slope)


def decompose(image: np.ndarray, mask: np.ndarray | None = None, how: Retinex | None = None) -> tuple[Float, Float]:
    """Grey shading and coloured albedo of photos, whose product is the photo.

    A step between neighbouring pixels belongs to reflectance if it changes chromaticity or brightness by more than a
    threshold, and to shading if not; the shading is the field whose steps are nearest to those in least squares.
    A photo fixes shading only up to a factor. Shading must lie between the pixel's brightest channel, as albedo is at
    most 1, and 1; the factor is the one by which the least, in logs, lies outside, and that is then clipped. A power
    law such as the display's gamma only scales logs, so that encoded values serve.

    ``image`` is (..., H, W, 3), uint8 or floats in [0, 1], encoded for display; ``mask`` (..., H, W) is True on the object,
    and what lies outside takes no part, with a shading of 1. Shading (..., H, W), albedo (..., H, W, 3): float32 in [0, 1].
    """
    how = how or Retinex()
    if image.ndim < 3 or image.shape[-1] != 3 or 0 in image.shape:
        raise RequestError(f"image has shape {image.shape}; it must be (..., H, W, 3) with at least one pixel")
    # Channels first: every step below then runs over long contiguous rows.
    rgb: Float = np.array(np.moveaxis(image, -1, 0), dtype=np.float32, order="C")
    if image.dtype == np.uint8:
        rgb /= np.float32(255)
    elif not (rgb.min() >= 0 and rgb.max() <= 1):
        raise RequestError("image has values outside 0 to 1; floats must be encoded for display, with white at 1")
    logs = np.log(rgb + np.float32(how.floor))
    shading = integrate(*(_shading_steps(logs, mask, axis, how) for axis in (-1, -2)))
    brightest = np.maximum(rgb.max(0), np.float32(how.darkest))
    # A pixel is content with any level added to log shading between log brightest - shading and -shading. The sum of the
    # distances to these intervals is least at the median of all their ends, where as many ask for more as for less.
    ends = np.stack((np.log(brightest) - shading, -shading), axis=-1)
    if mask is None:
        level = np.median(ends, axis=(-3, -2, -1))
    else:
        level = np.nan_to_num(np.nanmedian(np.where(mask[..., None], ends, np.nan), axis=(-3, -2, -1)))
    shading += level.astype(np.float32)[..., None, None]
    light: Float = np.clip(np.exp(shading), brightest, 1)
    if mask is not None:
        light[~mask] = 1
    rgb /= light
    return light, np.ascontiguousarray(np.moveaxis(rgb, 0, -1))


def integrate(dx: Float, dy: Float) -> Float:
    """The field (..., H, W) of mean zero whose steps are nearest to ``dx`` (..., H, W-1) and ``dy`` (..., H-1, W).

    Poisson's equation with Neumann boundaries, which the cosine transform (DCT-II) diagonalises.
    """
    from scipy.fft import dctn, idctn

    h, w = dx.shape[-2], dy.shape[-1]
    divergence = np.zeros((*dx.shape[:-1], w), np.float32)
    divergence[..., :-1] += dx
    divergence[..., 1:] -= dx
    divergence[..., :-1, :] += dy
    divergence[..., 1:, :] -= dy
    eigen = (2 * np.cos(np.pi * np.arange(h) / h) - 2)[:, None] + (2 * np.cos(np.pi * np.arange(w) / w) - 2)
    eigen[0, 0] = np.inf
    spectrum = dctn(divergence, axes=(-2, -1), overwrite_x=True, workers=-1)
    spectrum *= (1 / eigen).astype(np.float32)
    return idctn(spectrum, axes=(-2, -1), overwrite_x=True, workers=-1)


def _shading_steps(logs: Float, mask: NDArray[np.bool_] | None, axis: int, how: Retinex) -> Float:
    """Steps of log brightness along ``axis`` (-1: x, -2: y), zero where they are reflectance or leave the mask."""
    step = np.diff((logs[0] + logs[1] + logs[2]) / 3, axis=axis)
    # The squared length of the part of the colour step that is not a change of brightness.
    chroma = -3 * step * step
    for channel in logs:
        chroma += np.diff(channel, axis=axis) ** 2
    smooth = (chroma <= how.chroma**2) & (np.abs(step) <= how.brightness)
    if mask is not None:
        inside = np.moveaxis(mask, axis, 0)
        smooth &= np.moveaxis(inside[1:] & inside[:-1], 0, axis)
    return step * smooth
