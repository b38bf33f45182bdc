"""cGML's toy: y = +-4 (x, x^2, x^3), one number with two right answers. Source: cGML, section 4 and Figure 3."""

from __future__ import annotations

import contextlib
import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo import Data, Image, Pairs, Records, RequestError, Split, Task, one_line
from zoo_tasks.fields import check_finite

REACH = 5.0
"""The panels show y from -REACH to REACH; what lies beyond is drawn on their edge."""
HIGH, WIDE, GAP = 160, 96, 8
"""Pixels: the height and the width of a panel, and the white around it."""
INK, FRAME, MARK = (120, 120, 120), (205, 205, 205), (200, 40, 40)
FINE = 4
"""Bits of a pixel in which OpenCV takes coordinates."""


class Toy(Task):
    """The toy of cGML: x is one number, y the three of one of the two branches +4 (x, x^2, x^3) and -4 (x, x^2, x^3).

    x of -1 to 1 is given to models as the share (1 + x) / 2, (1,) float32; y is (3,) float32. cGML, section 4, Figure 3.
    """

    cites = ("ramasinghe2021cgml",)
    data = "branches"
    x_name, y_name, y_unit = "number", "point", "units of the curve"
    item = "number"
    shows_truth = False
    x_shape, y_shape = (1,), (3,)

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """The points that the data has, else a RequestError; with ``pool``, true draws: one of both branches each."""
        records = data.read(split, seed=seed)
        x, y = (_numbers(data, records, name, columns) for name, columns in (("x", 1), ("y", 3)))
        drawn = records.pool("y", pool) if pool > 0 else None
        true = None if drawn is None else torch.from_numpy(drawn)
        truth = None if drawn is None else records.truth("y", pool)
        return Pairs(x=(1 + x) / 2, y=y, pool=true, truth=truth, names=records.names, digest=records.digest)

    def read(self, given: Any) -> float:
        """A number of -1 to 1, from text (``"0.3"``) or a number; anything else is refused with a RequestError."""
        number = math.nan
        if not isinstance(given, (bool, np.bool_)):
            with contextlib.suppress(Exception):  # anything may be given, and each kind of thing fails in its own way
                number = float(given)
        if not -1 <= number <= 1:
            raise RequestError(f"x is {one_line(repr(given))[:60]}; it must be a number from -1 to 1")
        return number

    def item_of(self, records: Records, index: int) -> float:
        return float(_numbers("this data", records, "x", 1)[index].item())

    def condition(self, item: float) -> tuple[Tensor, float]:
        """x (1,) as a share, and the number itself, of anything that :meth:`read` takes."""
        number = self.read(item)
        return torch.tensor([(1 + number) / 2], dtype=torch.float32), number

    def compose(self, context: float, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """Both branches, a panel for each of the three numbers of y over x, and in them each of n finite points y (n, 3)."""
        import cv2

        self.check_fields(y)
        check_finite(y)
        out = np.repeat(_paper()[None], len(y), axis=0)
        for picture, point in zip(out, y.detach().cpu().double().tolist(), strict=True):
            for panel, value in enumerate(point):
                place = _place(panel, np.array([context]), np.array([value]))[0].tolist()
                cv2.circle(picture, place, 5 << FINE, MARK, cv2.FILLED, cv2.LINE_AA, FINE)
        return torch.from_numpy(out)


def _numbers(data: Data | str, records: Records, name: str, columns: int) -> Tensor:
    values = records.array(name)
    if values is None or values.ndim != 2 or values.shape[1] != columns:
        raise RequestError(f"{data} has no array {name} of {columns} column{'s' * (columns > 1)}; the toy needs branches")
    return torch.from_numpy(values.astype(np.float32))


@cache
def _paper() -> Image:
    """The three panels with both branches: (176, 320, 3) uint8; not to be written to."""
    import cv2

    paper = np.full((HIGH + 2 * GAP, 3 * (WIDE + GAP) + GAP, 3), 255, np.uint8)
    x = np.linspace(-1, 1, 81)
    for panel in range(3):
        left = GAP + panel * (WIDE + GAP)
        cv2.rectangle(paper, (left, GAP), (left + WIDE - 1, GAP + HIGH - 1), FRAME)
        for sign in (1, -1):
            line = _place(panel, x, sign * 4 * x ** (panel + 1))
            cv2.polylines(paper, [line], False, INK, 1, cv2.LINE_AA, FINE)
    paper.setflags(write=False)
    return paper


def _place(panel: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where points lie in a panel: (K, 2) int32 in 1/16 pixels, right and down."""
    right = GAP + panel * (WIDE + GAP) + 6 + (x + 1) / 2 * (WIDE - 12)
    down = GAP + 6 + (1 - np.clip(y / REACH, -1, 1)) / 2 * (HIGH - 12)
    return np.round(np.stack([right, down], 1) * 2**FINE).astype(np.int32)
