"""Translation: sketches, pairs, and which of both the data decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from shared import shared_data

from zoo.contracts import make
from zoo.data.cache import Fields
from zoo.data.items import Image
from zoo.data.records import Data, Split, check_split
from zoo.testing.subjects.task import FewPhotos, FewRecords
from zoo.utils.errors import RequestError
from zoo_tasks.fields import square
from zoo_tasks.translate import Translate, sketch


class PairRecords(FewRecords):
    """Photos whose sources are their negatives, at another size."""

    def source(self, index: int) -> Image:
        return 255 - self.photos[index][:40]

    def map_pairs(self, function: Callable[[Image, Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        made = [function(self.source(i), one) for i, one in enumerate(self.photos)]
        return {name: np.stack([one[name] for one in made]) for name in made[0]}


class FewPairs(Data):
    kind = "few-pairs"

    def read(self, split: Split, *, seed: int = 0) -> PairRecords:
        return PairRecords(check_split(split))


def made_for(data: Data, **config: Any) -> Translate:
    return Translate(**{**Translate(**config).settings_of(data), **config})


def test_the_data_decides_what_the_source_is() -> None:
    assert made_for(FewPairs()).config.source == "pair"
    assert made_for(FewPhotos()).config.source == "sketch"
    assert made_for(FewPairs(), source="sketch").config.source == "sketch"
    with pytest.raises(RequestError, match="few-photos: these are single pictures"):
        Translate(source="pair").pairs(FewPhotos(), "train")
    with pytest.raises(RequestError, match="comes in pairs"):
        Translate().pairs(FewPairs(), "train")


def test_pairs_are_both_pictures() -> None:
    task = made_for(FewPairs(), size=16)
    pairs = task.pairs(FewPairs(), "test")
    records = FewPairs().read("test")
    for i in range(len(pairs)):
        np.testing.assert_array_equal(pairs.x[i], square(records.source(i), 16))
        np.testing.assert_array_equal(pairs.y[i], square(records.image(i), 16))
        np.testing.assert_array_equal(task.item_of(records, i), records.source(i))
        x, context = task.condition(task.item_of(records, i))
        assert torch.equal(x, pairs.x[i])
        assert task.compose(context, pairs.y[i : i + 1]).shape == (1, 40, 64, 3)
    assert not task.shows_truth
    wide = task.pairs(FewPairs(), "train").wide
    assert [tuple(part.shape) for part in wide] == [(4, 3, 24, 24)] * 2


def test_a_sketch_is_dark_lines_on_white() -> None:
    task = made_for(FewPhotos(), size=64)
    pairs = task.pairs(FewPhotos(), "train")
    assert task.shows_truth
    assert (pairs.x.mean((1, 2, 3)) > 0.8).all()
    assert pairs.x.amin((1, 2, 3)).min() < 0.3
    assert pairs.x.amin((1, 2, 3)).max() < 1
    assert torch.equal(pairs.x[:, 0], pairs.x[:, 2])
    image = np.full((60, 60, 3), 200, np.uint8)
    image[:, 30:] = 60
    lines = task.condition(image)[0][0].numpy()
    assert (lines[:, [*range(28), *range(36, 64)]] > 0.95).all()
    assert (lines[:, 31:35].min(1) < 0.2).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_what_is_flat_is_white_paper(level: int) -> None:
    assert sketch(np.full((3, 32, 32), level / 255, np.float32)).min() > 0.99


def test_a_drawing_is_nearly_its_own_sketch() -> None:
    for side in (32, 128):
        drawing = np.full((256, 256, 3), 255, np.uint8)
        cv2.circle(drawing, (120, 130), 80, (0, 0, 0), 256 // side, cv2.LINE_AA)
        cv2.line(drawing, (10, 20), (240, 200), (0, 0, 0), 256 // side, cv2.LINE_AA)
        small = square(drawing, side)
        made = sketch(small)
        assert np.corrcoef(small.ravel(), made.ravel())[0, 1] > 0.9
        assert made.mean() > 0.8


@pytest.mark.usefixtures("own_cache")
def test_real_pairs(tmp_path: Path) -> None:
    folder = shared_data("facades")
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        for path in sorted((folder / split).glob("*.jpg"))[:3]:
            (tmp_path / split / path.name).write_bytes(path.read_bytes())
    data = make.data(f"paired:{tmp_path}")
    task = made_for(data, size=64)
    pairs = task.pairs(data, "test")
    assert pairs.x.shape == pairs.y.shape == (3, 3, 64, 64)
    maps, photos = ((fields.amax(1) - fields.amin(1)).mean() for fields in (pairs.x, pairs.y))
    assert maps > 2 * photos  # the label map, full of colours, is the source, the photo the target
