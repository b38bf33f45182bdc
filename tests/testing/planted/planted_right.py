"""A model, a task and a metric that keep every contract; the planted ones each differ from them in one thing."""

from __future__ import annotations

import os
import sys
import zlib
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from zoo import Metric, Model, Pairs, RequestError, Task, size_of

PLANTED = {}
"""The planted classes by the name under which they are registered, and the checks that must find each."""


def fault(base, name, *checks, **members):
    """Plant a class that differs from ``base`` in these members; exactly these checks must find it."""
    assert name not in PLANTED
    module = sys._getframe(1).f_globals
    of_class = {"__doc__": f"Planted: {name}.", "__module__": module["__name__"], **members}
    cls = type(base)(name.title().replace("-", ""), (base,), of_class)
    PLANTED[name] = cls, frozenset(checks)
    module[cls.__name__] = cls


def then(method, change):
    """``method``, after which ``change`` is given its result, and all that it was given, and gives another result."""
    return lambda self, *given, **known: change(method(self, *given, **known), self, *given, **known)


def first(method, work):
    """``method``, before which ``work`` is done with all that it is given."""

    def both(self, *given, **known):
        work(self, *given, **known)
        return method(self, *given, **known)

    return both


def of_the_folder():
    """A number in [0, 1) that tells any two working folders apart, those of names of one length too."""
    return zlib.crc32(os.getcwd().encode()) / 2**32


def hidden_state(work):
    """The outcome of ``work``, after which torch's global random state is what it was."""
    with torch.random.fork_rng(devices=[]):
        return work()


@dataclass(frozen=True)
class RightConfig:
    width: int = 8
    learning_rate: float = 1e-2


class Right(Model):
    """A small net of x, and Gaussian noise of the size of what it leaves over."""

    Config = RightConfig
    training_only = ("helper",)

    def __init__(self, x_shape, y_shape, /, **config):
        super().__init__(x_shape, y_shape, **config)
        width = self.config.width
        self.first, self.second = nn.Linear(size_of(self.x_shape), width), nn.Linear(width, size_of(self.y_shape))
        self.helper = nn.Linear(width, 1)
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def prepare(self, pairs, seed):
        self.mean, self.scale = pairs.y.mean(), pairs.y.std(correction=0).clamp_min(1e-3)

    def optimizers(self):
        return {"all": torch.optim.Adam(self.parameters(), lr=self.config.learning_rate)}

    def losses(self, batch, step):
        noise = torch.randn(batch.x.shape, generator=step.generator).to(batch.x)
        hidden = self.hidden(batch.x + 0.01 * noise)
        y = (batch.y - self.mean) / self.scale
        error = (self.second(hidden) - y.flatten(1)).square().mean()
        help_ = (self.helper(hidden)[:, 0] - y.flatten(1).mean(1)).square().mean()
        fit = 0.5 * error * torch.exp(-2 * self.log_scale) + self.log_scale
        return {"total": fit + help_, "error": error}

    def hidden(self, x):
        return self.first(x.flatten(1).clamp(-1, 2)).tanh()

    def encode(self, x):
        return self.second(self.hidden(x))

    def draw(self, code, n, noise):
        y = code[:, None] + self.log_scale.exp() * noise.normal(n, code.shape[1])
        return (self.mean + self.scale * y).unflatten(2, self.y_shape)

    @torch.no_grad()
    def log_prob(self, y, x, *, seed=0):
        mean = self.mean + self.scale * self.encode(x)
        spread = self.scale * self.log_scale.exp()
        return torch.distributions.Normal(mean, spread).log_prob(y.flatten(1)).sum(1)

    def joint_log_prob(self, y, x, *, seed=0):
        return self.log_prob(y, x, seed=seed)

    def features(self, x):
        return self.hidden(x)

    def reconstruct(self, x):
        return x.clamp(0, 1)


class RightTask(Task):
    """The light of a photo, given its brightness."""

    x_name, y_name = "brightness", "light"

    def __init__(self, **config):
        super().__init__(**config)
        self.x_shape, self.y_shape = (1, 8, 8), (1, 8, 8)

    def pairs(self, data, split, seed=0, *, pool=0):
        records = data.read(split, seed=seed)
        fields = records.known("value", "shading", size=8)
        if fields is None:
            small_ones = records.map(small, "planted")
            fields = {"value": small_ones["x"], "shading": small_ones["y"]}
        drawn = records.pool("shading", pool, size=8) if pool else None
        return Pairs(
            torch.from_numpy(fields["value"]),
            torch.from_numpy(fields["shading"]),
            pool=None if drawn is None else torch.from_numpy(drawn),
            names=records.names,
            digest=records.digest,
        )

    def condition(self, image):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise RequestError(f"a photo is (H, W, 3) uint8, not {image.shape} {image.dtype}")
        return torch.from_numpy(small(image)["x"]), image

    def compose(self, context, y, *, x_hat=None):
        if tuple(y.shape[1:]) != self.y_shape or y.ndim != 4:
            raise RequestError(f"y has shape {tuple(y.shape)}; it must be (n, 1, 8, 8)")
        own = torch.from_numpy(small(context)["y"])[None]
        lighter, darker = (
            nn.functional.interpolate(one, context.shape[:2], mode="bilinear")[:, 0, :, :, None] + 0.1 for one in (y, own)
        )
        return (torch.from_numpy(context.astype(np.float32)) * lighter / darker).round().clamp(0, 255).to(torch.uint8)


def small(image):
    """The mean and the brightest of the channels of a photo, each (1, 8, 8) float32 in [0, 1]."""
    channels = torch.from_numpy(image.astype(np.float32)) / 255
    fields = {"x": channels.mean(2), "y": channels.amax(2)}
    return {name: nn.functional.adaptive_avg_pool2d(field[None], 8).clamp(0, 1).numpy() for name, field in fields.items()}


class RightMetric(Metric):
    """The distance of the mean of the pool to the truth."""

    unit, better, source = "squared value", "lower", "the tests"

    def __call__(self, samples, y, **known):
        return {"": error(samples, y)}


def error(samples, y):
    return (samples.mean(1) - y).flatten(1).square().mean(1)


model, task, metric = (partial(fault, base) for base in (Right, RightTask, RightMetric))
