"""The requirements of checks on tensors, and of the state that is everybody's: that it is left alone, and not read."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from zoo.probing.state import DEFAULTS, RANDOM, changed, draw, snapshot
from zoo.testing.verdicts import require

T = TypeVar("T")


@contextlib.contextmanager
def untouched(what: str) -> Iterator[None]:
    """``what`` is done inside; no global random state may have changed after it."""
    draw()
    before = snapshot(RANDOM)
    yield
    rule = "draw from the seed alone: zoo.Noise, Step.generator, or a generator of your own"
    require(not (wrong := changed(before)), f"{what} changed {' and '.join(wrong)}, which is everybody's; {rule}")


@contextlib.contextmanager
def same_defaults(what: str) -> Iterator[None]:
    """``what`` is done inside; torch's defaults and the working folder must be as before after it."""
    before = snapshot(DEFAULTS)
    yield
    wrong = [f"{name} from {before[name]} to {now}" for name, now in changed(before).items()]
    require(not wrong, f"{what} changed {', '.join(wrong)}; leave what is everybody's as it was")


@contextlib.contextmanager
def unchanged(what: str, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """``what`` is done inside; these tensors must be to the bit what they were before it."""
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    yield
    for name, tensor in tensors.items():
        require(same_bits(before[name], tensor), f"{what} changed {name} in place; work on a copy")


@contextlib.contextmanager
def silent(what: str, more: str = "") -> Iterator[None]:
    """``what`` is done inside; nothing may be written to the standard streams."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        yield
    text = " ".join((out.getvalue() + err.getvalue()).split())
    require(not text, f"{what} printed {text[:80]!r}{more}")


def stir(seed: int) -> None:
    """Another state for every global generator, so that what reads one of them shows it."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is to differ
    random.seed(seed)


def twice(work: Callable[[], T]) -> tuple[T, T]:
    """The outcomes of the same work under two states of the global generators."""
    stir(1)
    first = work()
    stir(2)
    return first, work()


def same_bits(one: Any, other: Any) -> bool:
    """Whether two tensors, or dictionaries of tensors, are the same to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_bits(one[name], other[name]) for name in one)
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)


def shaped(what: str, value: Tensor, want: Sequence[int]) -> None:
    """``value`` must have this shape; ``what`` ends in "has" or "have"."""
    want = tuple(want)
    require(tuple(value.shape) == want, f"{what} shape {tuple(value.shape)}; it must be {want}")


def finite(what: str, value: Tensor, more: str = "") -> None:
    """Every number of ``value`` must be finite; ``what`` ends in "is" or "are"."""
    require(torch.isfinite(value).all(), f"{what} not finite{more}")


def finite_samples(what: str, samples: Tensor, want: Sequence[int]) -> None:
    shaped(f"{what} have", samples, want)
    finite(f"{what} are", samples)
