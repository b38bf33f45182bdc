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
from torch import Tensor

from zoo import Clip, Data, Image, Pairs, RequestError, Split, colour_wheel
from zoo_tasks.arrows import draw_arrows, find_arrows
from zoo_tasks.fields import FieldTask, Sized, check_finite
from zoo_tasks.flow import move, second_of_flow
from zoo_tasks.resize import Float, resize
from zoo_tasks.squares import square
from zoo_tasks.upsample import Upsampler

VERSION = 1
"""Changed with what is computed of a second of video, so that no stale cache is read."""


@dataclass(frozen=True)
class MotionConfig(Sized):
    """Settings of the motion task.

    Attributes:
        size: the side of the fields given to models, in pixels (paper: 32).
        crops: whether training sees random crops and flips of each frame, its motion cropped and flipped with it.
        chain: whether the motion of a second is found by way of the frames within it; False for one jump.
        show: what a sample is shown as: ``arrows`` of its big motions on the frame, as in the paper, or the frame
            moved along it (``warp``).
    """

    crops: bool = True
    chain: bool = True
    show: Literal["arrows", "warp"] = "arrows"


class Motion(FieldTask):
    """The ``motion`` task: x is (3, size, size) R, G, B in [0, 1], y (2, size, size) float32, both of the squashed frame.

    y holds how far each point's picture is, one second later, to the right (first channel) and below (second), in
    pixels of the size x size field: a motion by a whole width of the frame is ``size``, whatever the resolution of the video.
    """

    Config = MotionConfig
    x_name, y_name, y_unit = "frame", "motion", "px/s"
    channels, known = (3, 2), ("frame", "flow")
    config: MotionConfig

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """Frames and motions that the data knows (a rendered scene's), or else those found in its videos.

        With ``crops``, training pairs of videos have ``wide``. Single photos are refused with a RequestError.
        """
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
        """x (3, size, size) of one photo (H, W, 3) uint8, and the photo; a RequestError if it is none."""
        self.check_photo(image)
        return torch.from_numpy(square(image, self.config.size)), image

    def compose(self, context: Image, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo (n, H, W, 3) uint8 with each of n motions drawn on it as arrows, or moved along each (``show``).

        Arrows have the colour of their direction; one as long as the frame is wide stands for that motion in a second.
        y is (n, 2, size, size), pixels of the field per second, and finite, else a RequestError refuses it; ``x_hat`` changes
        nothing.
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
    frame, flow = second_of_flow(clip.frames, chain)
    fields = {}
    for side in sides:
        fields[f"x{side}"] = square(frame, side)
        small = np.ascontiguousarray(resize(flow, side, side).transpose(2, 0, 1))
        fields[f"y{side}"] = small * np.float32(size / clip.seconds)
    return fields
