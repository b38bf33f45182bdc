"""branches: the true distribution of cGML's toy example."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from datafiles import records_of, refused

read = partial(records_of, "branches")


@pytest.mark.parametrize(("split", "count"), [("train", 4096), ("test", 512)])
def test_every_point_lies_on_one_of_the_branches(split: str, count: int) -> None:
    records = read(split=split)
    x, y = records.array("x"), records.array("y")
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((count, 1), np.float32, (count, 3), np.float32)
    powers = np.concatenate([x, x**2, x**3], 1)
    sign = np.sign(y[:, 1:2])  # x^2 is positive
    assert np.allclose(y, 4 * sign * powers, atol=1e-6)
    assert abs(sign.mean()) < 4 / np.sqrt(count)
    assert np.abs(np.histogram(x, 8, (-1, 1))[0] / count - 1 / 8).max() < 4 * np.sqrt(0.11 / count)
    assert abs(np.corrcoef(sign[:, 0], x[:, 0])[0, 1]) < 4 / np.sqrt(count)
    assert len(records) == len(records.names) == count
    assert records.array("z") is None


def test_the_pool_is_drawn_from_both_branches_of_each_x() -> None:
    records = read(300)
    pool = records.pool("y", 64)
    assert np.array_equal(pool, read(300).pool("y", 64))
    assert (pool.shape, pool.dtype) == ((300, 64, 3), np.float32)
    powers = np.concatenate([records.x, records.x**2, records.x**3], 1)
    signs = np.sign(pool[..., 1])
    assert np.allclose(pool, 4 * signs[..., None] * powers[:, None], atol=1e-6)
    assert abs(signs.mean()) < 4 / np.sqrt(signs.size)
    assert np.abs(signs.mean(1)).max() < 0.7  # fair coins: 64 of them, 300 times
    assert signs.std(0).min() > 0.9  # not the same for all x
    assert records.pool("x", 4) is None


def test_there_are_no_pictures_and_it_is_said() -> None:
    records = read(split="test")
    with refused("numbers"):
        records.image(0)
    with refused("numbers"):
        records.map(lambda image: {"a": np.zeros(1)}, "a")
    assert records.known("albedo", "shading") is None
    assert records.attributes is None
