"""The task of pairs as they are given: ranges, shapes, and how y of every shape is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from zoo.contracts import make


def task_of(x: np.ndarray, y: np.ndarray) -> zoo.Task:
    return make.task("pairs", **make.task("pairs").settings_of(make.data({"train": (x, y), "test": (x, y)})))


def test_x_is_given_as_shares_of_its_range_and_y_as_it_is(tmp_path: Path) -> None:
    x = np.array([[0.0, 100.0], [4.0, 101.0], [1.0, 103.0]])
    task = task_of(x, x[:, :1] - 20)
    assert (task.x_shape, task.y_shape, task.y_unit) == ((2,), (1,), "units of y")
    shares, own = task.condition("1,103")
    assert (shares.tolist(), own.tolist()) == ([0.25, 1.0], [1.0, 103.0])
    np.save(tmp_path / "x.npy", x[1])
    assert task.condition(task.read(tmp_path / "x.npy"))[0].tolist() == pytest.approx([1, 1 / 3])
    for given in ("1", "one,two", np.zeros(3), [np.nan, 1], tmp_path / "none.npy", None):
        with pytest.raises(zoo.RequestError):
            task.read(given)
    with pytest.raises(zoo.RequestError, match="has no x and y of its own"):
        task.pairs(make.data("digits"), "test")
    with pytest.raises(zoo.RequestError, match=r"has pairs of \(1,\) -> \(3,\) for test"):
        task.pairs(make.data("branches"), "test")


@pytest.mark.parametrize(
    ("shape", "size"),
    [((3,), (82, 184)), ((40,), (160, 184)), ((1, 8, 8), (160, 160)), ((2, 8, 8), (168, 336)), ((4, 5, 8, 8), (672, 672))],
)
def test_y_of_every_shape_is_drawn(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    y = np.random.default_rng(0).random((4, *shape)).astype(np.float32)
    task = task_of(np.ones((4, 1)), y)
    shown = task.compose(None, torch.from_numpy(y))
    assert (tuple(shown.shape), shown.dtype) == ((4, *size, 3), torch.uint8)
    assert not torch.equal(shown[0], shown[1])
    assert task.y_unit == ""
    rendered = task.render(torch.ones(4, 1), torch.from_numpy(y))
    assert (rendered is not None) == (shape == (1, 8, 8))
