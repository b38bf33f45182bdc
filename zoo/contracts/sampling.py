"""The sampling that all models share: x and n are looked at first, the samples are drawn in parts, and looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.near import Near, noise_near
from zoo.utils.noise import Noise

ROWS = 8192
"""Samples decoded at once: bounds the memory of ``sample`` whatever n and the batch are."""


class Drawer(Protocol):
    """A model as sampling needs it, a torch module besides; see :class:`zoo.Model`."""

    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    training: bool
    fitted: bool

    @property
    def device(self) -> torch.device: ...
    def encode(self, x: Tensor) -> Any: ...
    def draw(self, code: Any, n: int, noise: Noise) -> Tensor: ...
    def train(self, mode: bool = True) -> Any: ...
    def parameters(self) -> Iterator[Tensor]: ...
    def buffers(self) -> Iterator[Tensor]: ...


def checked_x(x: Any, shape: tuple[int, ...]) -> Tensor:
    """x as float32, seen to be (B, *shape) and finite, or a RequestError that says what is wrong."""
    want = ", ".join(map(str, shape))
    if not isinstance(x, Tensor) or x.is_complex():
        kind = f"{x.dtype}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise RequestError(f"x is {kind}; it must be a tensor (B, {want}) of real numbers")
    if tuple(x.shape[1:]) != shape or x.ndim != len(shape) + 1:
        raise RequestError(f"x has shape {tuple(x.shape)}; it must be (B, {want})")
    single: Tensor = x.detach().float()  # a double may be finite, and no float
    if not torch.isfinite(single).all():
        raise RequestError("x has values that are not finite; every value must be a number")
    return single


def check_ready(model: Drawer, name: str) -> None:
    """Refuse (RequestError) a model that is not fitted, or whose weights were made another kind of float."""
    if not model.fitted:
        raise RequestError(f"model {name} is not fitted: call fit or load it first")
    kinds = {t.dtype for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()}
    if kinds and torch.float32 not in kinds:
        raise RequestError(f"the weights of model {name} are {' and '.join(map(str, kinds))}; call its float() first")


def sampled(model: Drawer, x: Tensor, n: int, seed: int, name: str, near: Sequence[Near] = ()) -> Tensor:
    """n samples for each of x (B, *x_shape), on the device of x, drawn in parts by a model in eval mode; all finite.

    With ``near`` they are near one of those that there are without (:mod:`zoo.utils.near`).
    """
    afford(4.0 * len(x) * n * max(1, torch.Size(model.y_shape).numel()), f"{len(x)} x {n} samples", "take fewer at once")
    home, training = x.device, model.training
    out = torch.empty(len(x), n, *model.y_shape, device=home)
    x = x.to(model.device)
    many = max(1, min(len(x), ROWS // n))
    few = min(n, ROWS)
    model.train(False)
    try:
        for i in range(0, len(x), many):
            part = x[i : i + many]
            noise, code = Noise(part, seed), model.encode(part)
            if near:
                noise = noise_near(part, seed, n, near, lambda noise, code=code: model.draw(code, n, noise))  # type: ignore[misc]
            for j in range(0, n, few):
                k = min(few, n - j)
                out[i : i + many, j : j + k] = model.draw(code, k, noise).to(home)
    finally:
        model.train(training)
    if not torch.isfinite(out).all():
        i = next(i for i, each in enumerate(out) if not torch.isfinite(each).all())
        raise ZooError(
            f"the samples for x[{i}] are not finite: its values are from {x[i].min():.3g} to {x[i].max():.3g}; scale x to the "
            f"range that model {name} was fitted to, or, where it is in that range, fit the model again, since it diverged"
        )
    return out
