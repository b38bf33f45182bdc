"""Motion prediction: x is a frame, y how everything in it moves within the second that follows.

Source: first CDVAE paper, section 5 ("Motion Prediction") and 6.1: the colour image is the conditioning layer, the optical
flow for frames of one second interval the generated one. The paper's flow is Liu's (2009); here it is OpenCV's DIS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import Clip, Data, Image, Pairs, RequestError, Split, colour_wheel
from zoo_tasks.fields import FieldTask, Float, Sized, check_finite, resize, square
from zoo_tasks.flow import move, second_of_flow
from zoo_tasks.upsample import Upsampler

VERSION = 1
"""Changed with what is computed of a second of video, so that no stale cache is read."""
BIG, RELATIVE = 0.03, 0.3
"""A motion is big from this share of the photo's side on, and from this share of the largest motion on."""
APART, NEAR = 0.4, 0.35
"""Two clusters differ by this share of the largest motion, or are this share of the photo's side apart."""
SHIFT = 4
"""Bits of a pixel in which OpenCV takes coordinates."""


@dataclass(frozen=True)
class MotionConfig(Sized):
    """Settings of the motion task.

    Attributes:
        size: the side of the fields given to models, in pixels (paper: 32).
        crops: whether training sees random crops and flips of each frame, its motion cropped and flipped with it.
        chain: whether the motion of a second is found by way of the frames within it; False for one jump.
        show: a sample as ``arrows`` of its big motions on the frame, as in the paper, or as the frame moved along (``warp``).
    """

    crops: bool = True
    chain: bool = True
    show: Literal["arrows", "warp"] = "arrows"


class Motion(FieldTask):
    """The ``motion`` task: x is (3, size, size) R, G, B in [0, 1], y (2, size, size) float32, both of the squashed frame.

    y holds how far each point's picture is, one second later, to the right (first channel) and below (second), in
    pixels of the size x size field: a motion by a whole width of the frame is ``size``, whatever the resolution of the video.
    """

    cites = ("lu2016cdvae",)
    Config = MotionConfig
    does = "Move on by a second"
    x_name, y_name, y_unit = "frame", "motion", "px/s"
    channels, known = (3, 2), ("frame", "flow")
    config: MotionConfig

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """Frames and motions that the data knows (a rendered scene's), or else those found in its videos."""
        records = data.read(split, seed=seed)
        size, chain = self.config.size, self.config.chain

        def computed(sides: tuple[int, ...]) -> dict[str, Float]:
            key = f"motion-{VERSION}-{'chain' if chain else 'jump'}-{size}-{'-'.join(map(str, sides))}"
            try:
                return records.map_moments(partial(squash_clip, size=size, sides=sides, chain=chain), key)
            except RequestError as error:
                raise RequestError(f"{data}: {error}") from error

        return self.known_pairs(records, split, pool, computed, vectors=True)

    def condition(self, image: Image) -> tuple[Tensor, Image]:
        self.check_photo(image)
        return torch.from_numpy(square(image, self.config.size)), image

    def compose(self, context: Image, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo with each of n finite motions drawn on it as arrows, or moved along each (``show``).

        Arrows have the colour of their direction; one as long as the frame is wide stands for that motion in a second.
        """
        self.check_fields(y)
        check_finite(y)
        flows = y.detach().cpu().float().numpy() / np.float32(self.config.size)
        out = np.empty((len(y), *context.shape), np.uint8)
        up = Upsampler(context, self.config.size) if self.config.show == "warp" else None
        for picture, flow in zip(out, flows, strict=True):
            if up is not None:
                picture[:] = move(context, np.stack([up.enlarge(part) for part in up.solve(flow)], -1))
            else:
                arrows = find_arrows(flow)
                colours = colour_wheel(torch.from_numpy(arrows[:, 1].T).float(), 0.0).T.numpy()
                picture[:] = draw_arrows(context, arrows, colours)
        return torch.from_numpy(out)


def squash_clip(clip: Clip, size: int, sides: tuple[int, ...], chain: bool) -> Mapping[str, Float]:
    """A second of video as squares: ``x32`` (3, 32, 32), ``y32`` (2, 32, 32), ... for each of ``sides``.

    All motions are in pixels of the field of ``size``, whatever the side, and per second, whatever the clip's length.
    """
    if not 0 < clip.seconds < np.inf:
        raise RequestError(f"a clip has {clip.seconds} seconds, in which nothing can move; it must have about one")
    frame, flow = second_of_flow(clip.frames, chain)
    fields = {}
    for side in sides:
        fields[f"x{side}"] = square(frame, side)
        small = np.ascontiguousarray(resize(flow, side, side).transpose(2, 0, 1))
        fields[f"y{side}"] = small * np.float32(size / clip.seconds)
    return fields


def find_arrows(flow: Float) -> NDArray[np.float64]:
    """The big motions of a field (2, s, s), in widths and heights: one arrow a cluster, the largest cluster first.

    The paper (section 6.4 and Figure 8) clusters the motions and draws one arrow for each cluster of big ones, small motions
    of the whole frame being the shaking of the camera; not saying how, it is k-means on motion and place together here.
    An arrow starts at the point of its cluster that is nearest to the cluster's centre, and is as long as the cluster's
    mean motion: (K, 2, 2), start and motion, each (right, down). The same field always has the same arrows.
    """
    side = min(64, flow.shape[1])  # not enlarged: between two motions, that would make a third
    fine = resize(np.ascontiguousarray(flow.transpose(1, 2, 0), np.float32), side, side)
    length = np.sqrt(np.square(fine).sum(-1))
    largest = float(np.quantile(length, 0.98))
    big = length > max(BIG, RELATIVE * largest)
    if not big.any():
        return np.zeros((0, 2, 2))
    rows, columns = np.nonzero(big)
    place = (np.stack([columns, rows], 1).astype(np.float32) + np.float32(0.5)) / np.float32(side)
    motion = fine[big]
    label = _cluster(np.concatenate([motion / (APART * max(largest, BIG)), place / NEAR], 1))
    counts = np.bincount(label)
    arrows = []
    for cluster in np.argsort(-counts, kind="stable"):
        if counts[cluster] < 0.01 * side * side:  # too small a share of the photo
            break
        at, mean = place[label == cluster], motion[label == cluster].mean(0)
        if np.hypot(*mean) > BIG:
            arrows.append([at[np.square(at - at.mean(0)).sum(1).argmin()], mean])
    return np.array(arrows, np.float64).reshape(-1, 2, 2)


def draw_arrows(image: Image, arrows: NDArray[np.float64], colours: Float) -> Image:
    """A copy of ``image`` (H, W, 3) with arrows (K, 2, 2) drawn on it, each in its colour (K, 3) in [0, 1].

    Each is cased in white and that in black, so that it is seen on any photo.
    """
    import cv2

    out = image.copy()
    height, width = image.shape[:2]
    unit = max(1.0, 0.009 * (height * width) ** 0.5)
    for (start, along), colour in zip(arrows * (width, height), colours, strict=True):
        own = tuple(round(255 * float(c)) for c in colour)
        for casing, shade in ((1.7, (0, 0, 0)), (1.0, (255, 255, 255)), (0.0, own)):
            shape = _outline(start, along, unit, casing * unit) - 0.5
            points = np.round(np.clip(shape, -1e6, 1e6) * 2**SHIFT).astype(np.int32)
            cv2.fillPoly(out, [points], shade, lineType=cv2.LINE_AA, shift=SHIFT)
    return out


def _outline(start: Float, along: Float, unit: float, casing: float) -> Float:
    """The seven corners of an arrow, ``casing`` pixels larger on all sides; the head is at most half of it."""
    length = max(float(np.hypot(*along)), 1e-6)
    forth = along / length
    side = np.array([-forth[1], forth[0]])
    head = min(6.0 * unit, 0.55 * length)
    half, barb = 0.9 * unit, 0.62 * head
    slope = np.hypot(head, barb)
    tip, base = length + casing * slope / barb, length - head - casing
    wide = barb + casing * (slope + barb) / head
    corners = [(-casing, half + casing), (base, half + casing), (base, wide), (tip, 0.0)]
    corners += [(x, -y) for x, y in corners[2::-1]]
    return np.array([start + x * forth + y * side for x, y in corners])


def _cluster(points: Float) -> np.ndarray:
    """The cluster (N,) of each of ``points`` (N, D): k-means from points that are far apart, near clusters then joined.

    Clusters are begun while a point is more than 1 from the first of each, up to seven; centres within 1 become one.
    """
    centres = [points[np.square(points - points.mean(0)).sum(1).argmin()]]
    distance = np.square(points - centres[0]).sum(1)
    while len(centres) < 7 and distance.max() > 1:
        centres.append(points[distance.argmax()])
        distance = np.minimum(distance, np.square(points - centres[-1]).sum(1))
    at = np.stack(centres)
    for _ in range(10):
        label = (np.square(at).sum(1) - 2 * (points @ at.T)).argmin(1)
        new = _means(points, label, at)
        if np.array_equal(new, at):
            break
        at = new
    while len(at) > 1:
        gap = np.square(at[:, None] - at).sum(-1) + np.where(np.eye(len(at)) > 0, np.inf, 0)
        i, j = sorted(int(k) for k in np.unravel_index(gap.argmin(), gap.shape))
        if gap[i, j] > 1:
            break
        label = np.where(label == j, i, label - (label > j))
        at = _means(points, label, np.delete(at, j, 0))
    return label


def _means(points: Float, label: np.ndarray, before: Float) -> Float:
    """The mean of the points of each cluster; of an empty one, what it was before."""
    counts = np.bincount(label, minlength=len(before))[:, None]
    sums = np.stack([np.bincount(label, column, len(before)) for column in points.T], 1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), before).astype(points.dtype)
