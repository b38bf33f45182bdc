"""cGML's toy: shares, branches, true draws, and points drawn where they belong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.contracts import make
from zoo.testing.checking import checks
from zoo.testing.outcome import run_one
from zoo.testing.subjects.task import TaskSubject
from zoo.utils.errors import RequestError
from zoo_tasks.toy import MARK, Toy


def branch(share: torch.Tensor) -> torch.Tensor:
    """The upper branch (N, 3) of shares (N, 1)."""
    x = 2 * share - 1
    return 4 * torch.cat([x, x**2, x**3], 1)


def test_y_is_on_one_of_the_two_branches_of_x() -> None:
    task = Toy()
    for split in ("train", "test"):
        pairs = task.pairs(make.data("branches:400"), split)
        assert pairs.x.min() < 0.05 < 0.95 < pairs.x.max()
        upper = branch(pairs.x)
        signs = (pairs.y * upper).sum(1).sign()
        torch.testing.assert_close(pairs.y, signs[:, None] * upper, atol=1e-5, rtol=0)
        assert 0.4 < (signs > 0).float().mean() < 0.6
        assert pairs.pool is None


def test_the_pool_has_both_branches() -> None:
    pairs = Toy().pairs(make.data("branches:10"), "test", pool=40)
    upper = branch(pairs.x)[:, None]
    assert torch.minimum((pairs.pool - upper).abs().amax(2), (pairs.pool + upper).abs().amax(2)).max() < 1e-5
    share = ((pairs.pool * upper).sum(2) > 0).float().mean(1)
    assert 0 < share.min() < share.max() < 1


def test_an_item_is_a_number() -> None:
    task = Toy()
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
    assert ((up < none - 5) & (down > none + 5)).all()
    np.testing.assert_allclose(up - none, none - down, atol=0.6)
    assert (beyond[0] < up[0], beyond[1] > down[1]) == (True, True)  # what lies beyond the panel is on its edge
    with pytest.raises(RequestError, match="not finite"):
        task.compose(context, torch.full((1, 3), torch.nan))


class Grey(Toy):
    """Its pictures are grey, and its items are taken for shares."""

    def condition(self, item: float) -> tuple[torch.Tensor, float]:
        return torch.tensor([abs(item)]), item

    def compose(self, context: float, y: torch.Tensor, *, x_hat: torch.Tensor | None = None) -> torch.Tensor:
        return super().compose(context, y)[..., 0]


def test_checks_find_faults_where_no_photo_is_taken() -> None:
    found = {}
    for cls in (Toy, Grey):
        subject = TaskSubject("toy")
        subject.__dict__["task"] = cls()
        these = [check for check in checks("task") if check.function.__module__.endswith("task_photos")]
        found[cls] = {name: state for name, state, _ in (run_one(check, subject) for check in these)}
    assert set(found[Toy].values()) == {"ran", "skipped"}
    failed = {name for name, state in found[Grey].items() if state == "failed"}
    assert {"x_is_the_same_in_pairs_and_from_a_photo", "compose_gives_photos_of_the_same_size"} <= failed
    skipped = {name for name, state in found[Toy].items() if state == "skipped"}
    assert len(skipped) == 4
    assert not skipped & failed


def test_data_without_such_numbers_is_refused() -> None:
    with pytest.raises(RequestError, match="the toy needs branches"):
        Toy().pairs(make.data("scenes:4"), "test")
