"""Training data of one kind and test data of another, under one name."""

from __future__ import annotations

import pytest
import torch

from zoo.contracts import make
from zoo.utils.errors import RequestError


def test_it_trains_on_the_one_and_tests_on_the_other() -> None:
    both, here, there = make.data("scenes:9 -> scenes:5"), make.data("scenes:9"), make.data("scenes:5")
    task = make.task("relight")
    assert str(both) == "scenes:9 -> scenes:5"
    train, test = (task.pairs(both, split, seed=3) for split in ("train", "test"))  # type: ignore[arg-type]
    torch.testing.assert_close(train.y, task.pairs(here, "train", seed=3).y, rtol=0, atol=0)
    torch.testing.assert_close(test.y, task.pairs(there, "test", seed=3).y, rtol=0, atol=0)
    both.parts["test"].skipped["a.png"] = "it is empty"  # type: ignore[attr-defined]
    assert both.skipped == {"a.png": "it is empty"}


@pytest.mark.parametrize("words", ["scenes -> ", "scenes:5 -> scenes -> scenes"])
def test_it_is_of_two_parts(words: str) -> None:
    with pytest.raises(RequestError, match=r"TRAINING -> TEST"):
        make.data(words)
