"""Completion: masks of the right size and place, nothing hidden that shows, nothing known that changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from shared import shared_data

from zoo.contracts import make
from zoo.data.holding import apart
from zoo.data.pictures import photo_of
from zoo.testing.subjects.task import FewPhotos, photo
from zoo.utils.errors import RequestError
from zoo_tasks.complete import Complete
from zoo_tasks.masks import Kind, corners, draw_masks
from zoo_tasks.seams import without_seams

NOISE = torch.rand(60, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", ["square", "irregular", "centre"])
@pytest.mark.parametrize("side", [28, 32, 64])
def test_a_quarter_is_a_quarter(kind: Kind, side: int) -> None:
    y = torch.rand(60, 1, side, side, generator=torch.Generator().manual_seed(1))
    masks = draw_masks(y, kind, (0.25, 0.25), 0)
    assert set(masks.unique().tolist()) == {0, 1}
    share = masks.mean((1, 2, 3))
    assert 0.23 <= share.min() <= share.max() <= 0.27
    assert len(masks.flatten(1).unique(dim=0)) > (1 if kind == "centre" else 30) - (kind == "centre")


def test_shares_of_a_range_fill_it() -> None:
    for kind in ("square", "irregular"):
        share = draw_masks(NOISE, kind, (0.1, 0.5), 0).mean((1, 2, 3))
        assert 0.08 <= share.min() < 0.2 < 0.4 < share.max() <= 0.53


def test_squares_are_squares_of_any_place_and_top_masks_of_any_size() -> None:
    sizes = {}
    for kind, share in (("square", (0.25, 0.25)), ("top", (0.5, 1.0)), ("top", (0.3, 0.6))):
        masks = draw_masks(NOISE, kind, share, 0)  # type: ignore[arg-type]
        high, wide = masks.amax(3).sum((1, 2)), masks.amax(2).sum((1, 2))
        assert torch.equal(high * wide, masks.sum((1, 2, 3)))  # rectangles
        assert min(len(masks[:, 0].amax(axis).unique(dim=0)) for axis in (1, 2)) > 5
        assert kind == "square" or masks[:, :, 16:].sum() == 0
        sizes[kind, share[0]] = high, wide
    assert all(torch.equal(size, torch.full((60,), 16.0)) for size in sizes["square", 0.25])
    high, wide = sizes["top", 0.5]
    assert min(len(high.unique()), len(wide.unique())) > 5
    assert (high.min() >= 8, wide.min() >= 16) == (True, True)
    high, wide = sizes["top", 0.3]
    assert (high.min(), high.max(), wide.min(), wide.max()) == (5, 10, 10, 19)
    assert Complete(mask="top").config.shares == Complete(mask="top", share="0.5,1").config.shares


def test_a_mask_follows_from_seed_and_picture_alone() -> None:
    many = draw_masks(NOISE, "irregular", (0.25, 0.25), 5)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(2))
    assert torch.equal(draw_masks(NOISE[order], "irregular", (0.25, 0.25), 5), many[order])
    assert torch.equal(draw_masks(NOISE[7:8], "irregular", (0.25, 0.25), 5), many[7:8])
    assert not torch.equal(draw_masks(NOISE, "irregular", (0.25, 0.25), 6), many)


@pytest.mark.parametrize("settings", [{}, {"mask": "irregular"}, {"channels": 1, "fill": 0.0}, {"mask": "top", "size": 20}])
def test_x_hides_what_the_mask_covers_and_nothing_else(settings: dict[str, Any]) -> None:
    task = Complete(**settings)
    for split in ("train", "test"):
        pairs = task.pairs(FewPhotos(), split)
        mask = pairs.x[:, -1:]
        assert torch.equal(pairs.x[:, :-1], pairs.y * (1 - mask) + task.config.fill * mask)
        torch.testing.assert_close(task.filled(pairs.x, pairs.y), pairs.y)
        assert torch.equal(task.filled(pairs.x, 1 - pairs.y) == pairs.y, (mask == 0).expand_as(pairs.y))
        assert torch.equal(task.render(pairs.x, 1 - pairs.y), 1 - pairs.y)  # what psnr sees is what error_of_best sees


def test_a_photo_has_the_mask_of_its_test_pair() -> None:
    task = Complete(mask="irregular", seed=3)
    pairs = task.pairs(FewPhotos(), "test", seed=9)
    photos = FewPhotos().read("test").photos
    assert torch.equal(torch.stack([task.condition(image)[0] for image in photos]), pairs.x)
    assert not torch.equal(Complete(mask="irregular", seed=4).pairs(FewPhotos(), "test").x, pairs.x)


def test_only_what_is_missing_changes() -> None:
    task = Complete()
    for image in (photo(90, 130), np.zeros((40, 50, 3), np.uint8), np.full((33, 20, 3), 128, np.uint8), photo(5, 7)):
        x, context = task.condition(image)
        made = task.compose(context, torch.stack([x[-1:].expand(3, -1, -1), 0 * x[:3]]) + x[:3] * (1 - x[-1:])).numpy()
        height, width = image.shape[:2]
        missing = (x[-1].numpy() > 0)[np.arange(height) * 32 // height][:, np.arange(width) * 32 // width]
        assert (made[:, ~missing] == image[~missing]).all()
        if missing.sum() > 50:
            assert (made[0][missing].astype(int) - made[1][missing]).mean() > 150


def test_a_hole_is_filled_as_it_is_drawn_and_has_no_seam() -> None:
    task, image = Complete(size=16), photo(64, 64)
    holes = np.full((64, 64), 255, np.uint8)
    holes[21:43, 17:38] = 0
    _x, context = task.condition(np.dstack([image, holes]))
    whole = torch.from_numpy(image.reshape(16, 4, 16, 4, 3).mean((1, 3)) / 255).permute(2, 0, 1).float()
    made = task.compose(context, torch.stack([whole, whole - 0.2])).numpy().astype(int)
    assert (made[:, holes == 255] == image[holes == 255]).all()
    assert np.abs(made[0] - made[1]).max() <= 1  # a field that is 0.2 too dark where the photo is known is so in the hole too
    assert (without_seams(torch.ones(4, 16, 16), whole[None]) == whole).all()


def test_copies_have_masks_of_their_own_and_mirrors_are_exact() -> None:
    pairs = Complete(copies=3, flip=True, anew=False).pairs(FewPhotos(), "train")
    assert len(pairs) == len(set(pairs.names)) == 12
    assert torch.equal(pairs.y[:4], pairs.y[4:8])
    assert not torch.equal(pairs.x[:4], pairs.x[4:8])
    assert len(Complete(copies=3).pairs(FewPhotos(), "test")) == 4
    _, held = apart(pairs, 0.25, 0, "to hold out")
    assert len(held) == 3, "all copies of one picture"
    assert torch.equal(held.y, held.y[:1].expand_as(held.y))
    batch = pairs.batch(torch.arange(12), torch.Generator().manual_seed(0))
    plain = torch.stack([(batch.x - pairs.x).abs().amax((1, 2, 3)), (batch.x - pairs.x.flip(-1)).abs().amax((1, 2, 3))])
    assert plain.amin(0).max() < 1e-4
    assert set(plain.argmin(0).tolist()) == {0, 1}
    assert Complete(anew=False).pairs(FewPhotos(), "train").changing is False


@pytest.mark.parametrize("mask", ["top", "irregular"])
def test_training_sees_another_mask_each_time_of_the_same_picture(mask: Kind) -> None:
    pairs = Complete(channels=1, mask=mask, size=16).pairs(make.data("digits:60"), "train")
    index, generator = torch.tensor([3, 17]), torch.Generator().manual_seed(0)
    seen = [pairs.batch(index, generator) for _ in range(40)]
    assert all(torch.equal(batch.y, pairs.y[index]) for batch in seen)
    for batch in seen:
        hole = batch.x[:, 1:]
        assert torch.equal(batch.x[:, :1], batch.y * (1 - hole) + 0.5 * hole)
    assert len(torch.stack([batch.x[0, 1] for batch in seen]).flatten(1).unique(dim=0)) > 20
    assert not torch.equal(seen[0].x[0, 1], seen[0].x[1, 1])
    again = pairs.batch(index, torch.Generator().manual_seed(0))
    assert torch.equal(again.x, seen[0].x)
    few = pairs.subset(index)
    assert torch.equal(few.batch(torch.tensor([1]), generator).y, pairs.y[17:18])
    assert torch.equal(pairs.still().batch(index, generator).x, pairs.x[index])
    assert Complete(channels=1, mask=mask, size=16).pairs(make.data("digits:60"), "test").changing is False


def test_training_sees_boxes_and_overlaid_pictures_as_often_as_is_said_and_mirrors_half_the_time() -> None:
    task = Complete(channels=1, mask="top", corrupt=0.2, alternate=0.3, flip=True)
    pairs = task.pairs(make.data("digits:200"), "train")
    plain = Complete(channels=1).pairs(make.data("digits:200"), "train").y
    index, generator = torch.arange(len(pairs)), torch.Generator().manual_seed(1)
    found = []
    for _ in range(8):
        batch = pairs.batch(index, generator)
        x, y = (torch.where(_like(batch.y, plain.flip(-1)), part.flip(-1), part) for part in (batch.x, batch.y))
        boxes = corners(x[:, -1:], 5)
        has = ((y * boxes).sum((1, 2, 3)) == 25).float()
        laid = (((y - plain) * (1 - boxes)).abs() > 0).flatten(1).any(1).float()
        assert not ((y - plain)[:, :, 16:] != 0).any()
        found.append(torch.stack([has.mean(), laid.mean(), _like(batch.y, plain.flip(-1)).float().mean()]))
    boxes_, laid_, mirrored = torch.stack(found).mean(0).tolist()
    assert (0.25 < boxes_ < 0.35, 0.15 < laid_ < 0.25, 0.4 < mirrored < 0.6) == (True, True, True)


def _like(y: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """Whether the lower halves of y (N, C, s, s), of which nothing changes, are those of the mirror images: (N, 1, 1, 1)."""
    return (y == mirrored)[:, :, 16:].all(-1).all(-1).all(-1)[:, None, None, None]


def test_the_top_of_some_training_pictures_is_laid_over() -> None:
    data = make.data("digits:200")
    plain, laid = (Complete(channels=1, mask="top", corrupt=share).pairs(data, "train") for share in (0.0, 0.2))
    changed = (plain.y != laid.y).any(3)[:, 0]
    assert 0.1 < changed.any(1).float().mean() < 0.3
    assert (not changed[:, 16:].any(), (laid.y >= plain.y).all()) == (True, True)
    assert torch.equal(*(Complete(channels=1, mask="top", corrupt=share).pairs(data, "test").y for share in (0.0, 0.2)))


def test_the_box_is_a_second_answer_that_x_does_not_show() -> None:
    data = make.data("digits:200")
    task, plain = (Complete(channels=1, mask="top", alternate=share) for share in (0.3, 0.0))
    assert (task.shows_truth, plain.shows_truth) == (False, True)
    pairs, without = task.pairs(data, "test", pool=50), plain.pairs(data, "test", pool=2)
    assert without.pool is None
    assert torch.equal(pairs.x, without.x)
    boxes = corners(pairs.x[:, -1:], 5)
    assert (boxes.sum((1, 2, 3)) == 25).all()
    assert (boxes <= pairs.x[:, -1:]).all()
    with_box = torch.maximum(without.y, boxes)
    has = (pairs.pool == with_box[:, None]).flatten(2).all(2)
    assert (has | (pairs.pool == without.y[:, None]).flatten(2).all(2)).all()
    assert 0.28 < has.float().mean() < 0.32
    assert 0.2 < (pairs.y == with_box).flatten(1).all(1).float().mean() < 0.4
    assert torch.equal(pairs.truth.modes == 1, has)
    assert torch.equal(pairs.truth.y_mode == 1, (pairs.y == with_box).flatten(1).all(1))
    torch.testing.assert_close(pairs.truth.weights, torch.tensor([0.7, 0.3]).expand(len(has), 2))
    fewer = task.pairs(data, "test", pool=30)
    assert (torch.equal(fewer.pool, pairs.pool[:, :30]), torch.equal(fewer.y, pairs.y)) == (True, True)


@pytest.mark.parametrize(
    "wrong",
    [{"share": "0"}, {"share": ()}, {"share": "0.95"}, {"share": "1.1", "mask": "top"}, {"share": "0.5,0.2"},
     {"share": "0.1,0.2,0.3"}, {"channels": 2}, {"size": 4}, {"copies": 0},
     {"alternate": 0.3, "mask": "irregular"}, {"corrupt": 1.5}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        Complete(**wrong)


def test_real_faces_come_back_where_they_are_known() -> None:
    folder = shared_data("celeba") / "img_align_celeba"
    task = Complete(size=64)
    for path in sorted(folder.iterdir())[:3]:
        image = photo_of(path)
        _, context = task.condition(image)
        made = task.compose(context, torch.full((1, 3, 64, 64), 0.5))[0].numpy()
        assert 0.7 < (made == image).all(-1).mean() < 0.8
