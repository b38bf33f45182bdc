"""The guide of annotated images: label shares and layout, by hand and mirrored."""

from __future__ import annotations

import numpy as np
import torch

from zoo.data.records import Annotation
from zoo_tasks.photo import LABELS, LAYOUT, guide, guide_mirror


def annotation(*objects: tuple[int, float, float, float, float]) -> Annotation:
    rows = np.array(objects, np.float32).reshape(-1, 5)
    return Annotation(rows[:, 1:], rows[:, 0].astype(np.int64))


def test_a_hand_computed_image() -> None:
    # Category 0: the left 30 % of the top fifth. Category 2: twice the whole image, which counts once.
    # Category 1: half the height of the middle cell of the lowest row.
    objects = ((0, 0, 0, 0.3, 0.2), (2, 0, 0, 1, 1), (2, 0, 0, 1, 1), (1, 0.4, 0.8, 0.2, 0.1))
    made = guide([annotation(*objects), annotation()], 3)
    torch.testing.assert_close(made[0, :3], LABELS * torch.tensor([0.25, 0.25, 0.5]))
    expected = torch.zeros(3, 5, 5)
    expected[0, 0, :2], expected[1, 4, 2], expected[2] = torch.tensor([1, 0.5]), 0.5, 1
    torch.testing.assert_close(made[0, 3:].reshape(3, 5, 5), LAYOUT * expected)
    assert made.shape == (2, 3 + 75)
    assert not made[1].any()
    assert guide([], 4).shape == (0, 104)


def test_mirroring_the_columns_is_mirroring_the_boxes() -> None:
    random = np.random.default_rng(1)
    annotations, mirrored = [], []
    for count in random.integers(0, 6, 40):
        corner, labels = random.random((count, 2)) * 0.7, random.integers(0, 5, count)
        boxes = np.hstack((corner, random.random((count, 2)) * (1 - corner))).astype(np.float32)
        annotations.append(Annotation(boxes.copy(), labels))
        boxes[:, 0] = 1 - boxes[:, 0] - boxes[:, 2]
        mirrored.append(Annotation(boxes, labels))
    order = guide_mirror(5)
    assert order.dtype == torch.int64
    torch.testing.assert_close(guide(annotations, 5)[:, order], guide(mirrored, 5), atol=1e-5, rtol=0)
    assert not torch.equal(guide(annotations, 5), guide(mirrored, 5))
