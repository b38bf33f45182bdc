"""The guide of annotated images: label shares and layout, by hand and mirrored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.data.records import Annotation
from zoo_tasks.guidance import LABELS, LAYOUT, guide, guide_mirror


def annotation(*objects: tuple[int, float, float, float, float]) -> Annotation:
    rows = np.array(objects, np.float32).reshape(-1, 5)
    return Annotation(rows[:, 1:], rows[:, 0].astype(np.int64))


def random_annotations(count: int, categories: int) -> list[Annotation]:
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        k = int(rng.integers(0, 6))
        corner = rng.random((k, 2)) * 0.7
        boxes = np.hstack((corner, rng.random((k, 2)) * (1 - corner)))
        made.append(Annotation(boxes.astype(np.float32), rng.integers(0, categories, k)))
    return made


def test_a_hand_computed_image() -> None:
    # Category 0: the left 30 % of the top fifth. Category 2: twice the whole image, which counts once.
    found = guide([annotation((0, 0, 0, 0.3, 0.2), (2, 0, 0, 1, 1), (2, 0, 0, 1, 1)), annotation()], 3)
    assert found.shape == (2, 3 + 75)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0, :3], LABELS * torch.tensor([1 / 3, 0, 2 / 3]))
    layout = found[0, 3:].reshape(3, 5, 5) / LAYOUT
    expected = torch.zeros(5, 5)
    expected[0, 0], expected[0, 1] = 1, 0.5
    torch.testing.assert_close(layout[0], expected)
    torch.testing.assert_close(layout[1], torch.zeros(5, 5))
    torch.testing.assert_close(layout[2], torch.ones(5, 5))
    assert not found[1].any()


def test_rows_of_the_grid_run_down() -> None:
    layout = guide([annotation((0, 0.4, 0.8, 0.2, 0.1))], 1)[0, 1:].reshape(5, 5) / LAYOUT
    assert layout[4, 2].item() == pytest.approx(0.5)
    assert layout.sum().item() == pytest.approx(0.5)


def test_label_shares_sum_to_one_where_there_are_objects() -> None:
    annotations = random_annotations(50, 7)
    shares = guide(annotations, 7)[:, :7].sum(dim=1) / LABELS
    expected = torch.tensor([float(len(a.labels) > 0) for a in annotations])
    assert 0 < expected.sum() < 50
    torch.testing.assert_close(shares, expected)


def test_mirroring_the_columns_is_mirroring_the_boxes() -> None:
    annotations = random_annotations(40, 5)
    mirrored = []
    for a in annotations:
        boxes = a.boxes.copy()
        boxes[:, 0] = 1 - boxes[:, 0] - boxes[:, 2]
        mirrored.append(Annotation(boxes, a.labels))
    order = guide_mirror(5)
    assert order.dtype == torch.int64
    torch.testing.assert_close(guide(annotations, 5)[:, order], guide(mirrored, 5), atol=1e-5, rtol=0)
    assert not torch.equal(guide(annotations, 5), guide(mirrored, 5))


def test_no_images() -> None:
    assert guide([], 4).shape == (0, 104)
