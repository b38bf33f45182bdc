"""cGML's toy: shares, branches, true draws, and points drawn where they belong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo import make
from zoo.errors import RequestError
from zoo_tasks.toy import MARK, Toy


def branch(share: torch.Tensor) -> torch.Tensor:
    """The upper branch (N, 3) of shares (N, 1)."""
    x = 2 * share - 1
    return 4 * torch.cat([x, x**2, x**3], 1)


def test_y_is_on_one_of_the_two_branches_of_x() -> None:
    task = Toy()
    for split in ("train", "test"):
        pairs = task.pairs(make.data("branches:400"), split)
        assert (pairs.x_shape, pairs.y_shape) == ((1,), (3,)) == (task.x_shape, task.y_shape)
        assert 0 <= pairs.x.min() < 0.05
        assert 0.95 < pairs.x.max() <= 1
        upper = branch(pairs.x)
        signs = (pairs.y * upper).sum(1).sign()
        torch.testing.assert_close(pairs.y, signs[:, None] * upper, atol=1e-5, rtol=0)
        assert 0.4 < (signs > 0).float().mean() < 0.6
        assert pairs.pool is None


def test_the_pool_has_both_branches() -> None:
    pairs = Toy().pairs(make.data("branches:10"), "test", pool=40)
    assert pairs.pool is not None
    assert pairs.pool.shape == (len(pairs), 40, 3)
    upper = branch(pairs.x)[:, None]
    assert torch.minimum((pairs.pool - upper).abs().amax(2), (pairs.pool + upper).abs().amax(2)).max() < 1e-5
    share = ((pairs.pool * upper).sum(2) > 0).float().mean(1)
    assert 0 < share.min() < share.max() < 1


def test_an_item_is_a_number() -> None:
    task = Toy()
    records = make.data("branches").read("test")
    pairs = task.pairs(make.data("branches"), "test")
    for index in (0, 7):
        assert torch.equal(task.condition(task.item_of(records, index))[0], pairs.x[index])
    assert task.read("0.3") == task.read(0.3) == 0.3
    torch.testing.assert_close(task.condition("-1")[0], torch.zeros(1))
    for wrong in ("a", "1.5", None, "nan", [0.1]):
        with pytest.raises(RequestError, match="a number from -1 to 1"):
            task.read(wrong)


def test_points_are_marked_on_their_branch() -> None:
    task = Toy()
    _, context = task.condition(0.5)
    y = torch.tensor([[2.0, 1, 0.5], [-2, -1, -0.5], [0, 0, 0], [1e9, -1e9, 3]])
    made = task.compose(context, y).numpy()
    assert made.shape == (4, 176, 320, 3)
    middles = []
    for picture in made:
        rows, columns = np.nonzero((picture == MARK).all(-1))
        panel = columns // 107
        assert set(panel) == {0, 1, 2}
        middles.append([rows[panel == one].mean() for one in range(3)])
    up, down, none, beyond = np.array(middles)
    assert (up < none - 5).all()
    assert (down > none + 5).all()
    np.testing.assert_allclose(up - none, none - down, atol=0.6)
    assert beyond[0] < up[0]  # what lies beyond the panel is on its edge
    assert beyond[1] > down[1]
    with pytest.raises(RequestError, match="not finite"):
        task.compose(context, torch.full((1, 3), torch.nan))


def test_data_without_such_numbers_is_refused() -> None:
    with pytest.raises(RequestError, match="the toy needs branches"):
        Toy().pairs(make.data("scenes:4"), "test")
