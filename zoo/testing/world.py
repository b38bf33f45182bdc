"""What checks do with the state that is everybody's: look whether it changed, and stir it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from zoo.probing.state import DEFAULTS, RANDOM, changed, draw, snapshot
from zoo.testing.verdicts import require


@contextlib.contextmanager
def untouched(what: str) -> Iterator[None]:
    """``what`` is done inside; no global random state may have changed after it.

    Raises:
        Broken: one has.
    """
    draw()
    before = snapshot(RANDOM)
    yield
    require(
        not (wrong := changed(before)),
        f"{what} changed {' and '.join(wrong)}, which is everybody's; "
        "draw from the seed alone: zoo.Noise, Step.generator, or a generator of your own",
    )


@contextlib.contextmanager
def same_defaults(what: str) -> Iterator[None]:
    """``what`` is done inside; torch's defaults and the working folder must be as before after it.

    Raises:
        Broken: they are not.
    """
    before = snapshot(DEFAULTS)
    yield
    wrong = [f"{name} from {before[name]} to {now}" for name, now in changed(before).items()]
    require(not wrong, f"{what} changed {', '.join(wrong)}; leave what is everybody's as it was")


def stir(seed: int) -> None:
    """Another state for every global generator, so that what reads one of them shows it."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is to differ
    random.seed(seed)


def same_bits(one: Any, other: Any) -> bool:
    """Whether two tensors, or dictionaries of tensors, are the same to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_bits(one[name], other[name]) for name in one)
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)
