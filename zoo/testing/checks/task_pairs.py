"""Checks of the pairs that a task makes of its own data."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from zoo.contracts.model import Model
from zoo.data.pairs import Batch, Pairs
from zoo.data.records import Split
from zoo.fitting.recipe import Step
from zoo.testing.subjects.model import Shape, spread
from zoo.testing.subjects.task import POOL, TaskSubject
from zoo.testing.verdicts import (
    Broken,
    Skipped,
    finite,
    finite_samples,
    may_skip,
    refused,
    require,
    same_bits,
    same_defaults,
    same_elsewhere,
    shaped,
    stir,
    untouched,
)
from zoo.utils.noise import Noise

NO_POOL = "the data does not know p(y | x)"
NO_GUIDE = "the pairs have no guide"


def _both(subject: TaskSubject) -> dict[Split, Pairs]:
    return {"train": subject.train, "test": subject.test}


def _fields(subject: TaskSubject) -> Iterator[tuple[str, Tensor, Shape]]:
    """x and y of both splits: what they are called, what they are, and the shape that the task says."""
    for split, pairs in _both(subject).items():
        yield f"x of the {split} pairs", pairs.x, subject.task.x_shape
        yield f"y of the {split} pairs", pairs.y, subject.task.y_shape


class OwnPairs(TaskSubject):
    def its_shapes_are_known_when_it_is_made(self) -> None:
        """``x_shape`` and ``y_shape`` are tuples of positive whole numbers as soon as the task is made."""
        for name in ("x_shape", "y_shape"):
            shape = getattr(self.task, name, None)
            right = isinstance(shape, tuple) and shape and all(isinstance(size, int) and size > 0 for size in shape)
            require(right, f"{name} is {shape!r}; __init__ must set it to a tuple of positive whole numbers")

    def pairs_have_the_documented_shapes(self) -> None:
        """The pairs of both splits are (N, *x_shape) and (N, *y_shape), N at least 1."""
        for what, value, shape in _fields(self):
            require(len(value), f"there are no pairs: {what} is empty")
            shaped(f"{what} has", value[0], shape)

    def pairs_are_finite_float32(self) -> None:
        """x and y of both splits are finite float32 on the CPU."""
        for what, value, _ in _fields(self):
            require(value.dtype == torch.float32, f"{what} is {value.dtype}; it must be float32")
            require(value.device.type == "cpu", f"{what} is on {value.device}; it must be on the CPU")
            finite(f"{what} is", value)

    def x_and_y_are_shares_unless_a_unit_is_named(self) -> None:
        """x is in [0, 1], and so is y where ``y_unit`` is not set."""
        for what, value, _ in _fields(self):
            low, high = float(value.min()), float(value.max())
            unit, way_out = (self.cls.y_unit, ", or y_unit must say what it is in") if what.startswith("y") else ("", "")
            fault = f"{what} is from {low:.3g} to {high:.3g}; it must be in [0, 1]{way_out}"
            require((low >= 0 and high <= 1) or unit, fault)

    def x_and_y_vary(self) -> None:
        """x and y are not the same for all pairs: there is something to learn."""
        for name, value in (("x", self.train.x), ("y", self.train.y)):
            require(float(value.var(0).sum()) > 0, f"{name} is the same in all training pairs")

    def the_same_seed_gives_the_same_pairs(self) -> None:
        """Two readings with one seed give the same pairs, names and digest, whatever the global random state is."""
        for split, first in _both(self).items():
            stir(3)
            again = self.read(split, pool=POOL if split == "test" else 0)
            same = same_bits(first.x, again.x) and same_bits(first.y, again.y)
            require(same, f"two readings of the {split} pairs with one seed differ")
            require(list(first.names) == list(again.names), f"the names of the {split} pairs differ between two readings")
            require(first.digest == again.digest, f"the digest of the {split} pairs differs between two readings")

    def reading_leaves_the_global_state_alone(self) -> None:
        """The random states and torch's defaults are after reading pairs what they were before."""
        with untouched("reading pairs"), same_defaults("reading pairs"):
            self.read("train")

    def what_is_set_in_the_process_is_not_read(self) -> None:
        """With another default type and device, autocast, NumPy that raises, and another folder the pairs, x of an item and
        the pictures of a field are the same to the bit."""

        def work(item: Any, y: Tensor) -> dict[str, Tensor]:
            pairs, task = self.read("test"), self.make()
            x, context = task.condition(item)
            return {"the x": pairs.x, "the y": pairs.y, "condition": x, "compose": task.compose(context, y)}

        same_elsewhere("it", work, self.item(), self.test.y[:2])

    def every_pair_has_a_name(self) -> None:
        """``names`` has one readable name a pair."""
        for split, pairs in _both(self).items():
            require(len(pairs.names) == len(pairs), f"the {len(pairs)} {split} pairs have {len(pairs.names)} names")
            require(all(isinstance(name, str) and name for name in pairs.names), f"a name of the {split} pairs is no text")

    def pairs_have_a_digest(self) -> None:
        """``digest`` is a sha256 in hexadecimal, and another one for each split."""
        for split, pairs in _both(self).items():
            fault = f"the digest of the {split} pairs is {pairs.digest!r}"
            rule = "it must be a sha256 in hexadecimal, as the records have it"
            require(re.fullmatch("[0-9a-f]{64}", pairs.digest or ""), f"{fault}; {rule}")
        require(self.train.digest != self.test.digest, "both splits have the same digest")

    def no_test_pair_is_a_training_pair(self) -> None:
        """No pair of the test split is among the training pairs."""
        train, test = ([x.numpy().tobytes() + y.numpy().tobytes() for x, y in zip(p.x, p.y)] for p in _both(self).values())  # noqa: B905
        known = set(train)
        shared = [self.test.names[i] for i, content in enumerate(test) if content in known]
        require(not shared, f"{len(shared)} test pairs are training pairs too, {shared[0] if shared else ''!r} is one")

    def an_unknown_split_is_refused(self) -> None:
        """A split that is neither train nor test is refused with a RequestError."""
        refused("the split 'validation'", self.read, "validation")

    @may_skip(NO_POOL)
    def the_pool_has_the_documented_shape(self) -> None:
        """With ``pool=M`` the pairs have M true draws an item, (N, M, *y_shape), finite float32, and are the same
        otherwise."""
        pairs, plain = self.test, self.read("test")
        require(plain.pool is None, "without pool=, the pairs have a pool")
        same = same_bits(plain.x, pairs.x) and same_bits(plain.y, pairs.y)
        require(same, "with pool=, the pairs themselves are others than without")
        if pairs.pool is None:
            raise Skipped(NO_POOL)
        shaped("the pool has", pairs.pool, (len(pairs), POOL, *self.task.y_shape))
        require(pairs.pool.dtype == torch.float32, f"the pool is {pairs.pool.dtype}; it must be float32")
        finite("the pool is", pairs.pool)

    @may_skip(NO_POOL)
    def the_pool_has_spread(self) -> None:
        """The true draws for one x differ: one input has many right answers."""
        if self.test.pool is None:
            raise Skipped(NO_POOL)
        require(float(self.test.pool.var(1).mean()) > 0, "all true draws for one x are the same")

    @may_skip(NO_GUIDE)
    def the_guide_is_one_vector_a_pair(self) -> None:
        """Where the pairs have a guide it is (N, G), finite, and ``guide_mirror`` is a permutation of its G columns."""
        guide, mirror = self.train.guide, self.train.guide_mirror
        if guide is None:
            raise Skipped(NO_GUIDE)
        require(guide.ndim == 2, f"the guide has shape {tuple(guide.shape)}; it must be (N, G)")
        finite("the guide is", guide)
        right = mirror is None or sorted(mirror.tolist()) == list(range(guide.shape[1]))
        require(right, "guide_mirror is no permutation of the columns of the guide")

    def its_own_data_needs_no_network(self) -> None:
        """Without any data of the user's, the pairs are made with no connection opened."""

        def refuse(connection: socket.socket, address: Any) -> None:
            raise Broken(f"reading the pairs opened a connection to {address}; the task's own data must be embedded")

        with patch.object(socket.socket, "connect", refuse):
            self.read("train")

    def a_model_can_be_fitted_to_it(self) -> None:
        """The core's loop fits a small model to the pairs, crops included, and it gives samples (B, n, *y_shape)."""
        task, pairs, x = self.task, self.train, self.test.x[:2]
        model = _Linear(tuple(task.x_shape), tuple(task.y_shape))
        model.fit(pairs, seed=0, device="cpu", progress=False, steps=2, batch_size=min(8, len(pairs)))
        samples = model.sample(x, 3, seed=0)
        finite_samples("a model fitted to the pairs gives samples that", samples, (len(x), 3, *task.y_shape))


class _Linear(Model):
    """The mean of y, moved by the mean of x: the least that can be fitted to any pairs."""

    def __init__(self, x_shape: Shape, y_shape: Shape) -> None:
        super().__init__(x_shape, y_shape)
        self.mean = torch.nn.Parameter(torch.zeros(y_shape))
        self.slope = torch.nn.Parameter(torch.zeros(()))

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"all": torch.optim.SGD(self.parameters(), lr=0.1)}

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        for name, value, shape in (("x", batch.x, self.x_shape), ("y", batch.y, self.y_shape)):
            shaped(f"{name} of a training batch has", value[0], shape)
            finite(f"{name} of a training batch is", value)
        return {"total": (self.encode(batch.x) - batch.y).square().mean() / (1 + batch.y.square().mean())}

    def encode(self, x: Tensor) -> Tensor:
        return self.mean + self.slope * spread(x.flatten(1).mean(1), self.y_shape)

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return code[:, None] + 0.01 * noise.normal(n, *self.y_shape)
