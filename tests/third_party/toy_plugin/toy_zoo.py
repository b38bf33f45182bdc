"""A third party's package: the smallest model, task, metrics and data that a whole run can be made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo import Data, Image, Metric, Model, Noise, Pairs, Preset, Records, RequestError, Split, Task


@dataclass(frozen=True)
class ToyConfig:
    spread: float = field(default=0.1, metadata={"sampling": True})
    layers: int = field(default=1, metadata={"added": True})

    def __post_init__(self) -> None:
        if self.spread < 0:
            raise ValueError("spread must be at least 0")


class Toy(Model):
    """Draws y around the mean of the training fields."""

    Config = ToyConfig
    training_only = ("helper",)
    mean: Tensor
    bank: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.helper: nn.Module | None = nn.Linear(3, 3)
        self.register_buffer("mean", torch.zeros(y_shape))
        self.register_buffer("bank", torch.zeros(0, *y_shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def fit(self, pairs: Pairs, *, epochs: int | None = None, resume: Path | None = None, **_: Any) -> dict[str, Any]:  # type: ignore[override]
        if resume is not None:
            resume.mkdir(parents=True, exist_ok=True)
            (resume / "state").write_text("half way")
        if os.environ.get("TOY_DIES"):
            raise KeyboardInterrupt
        self.mean, self.bank = pairs.y.mean(0), pairs.y[:5].clone()
        self.count = torch.tensor(len(pairs))
        self.fitted = True
        return {"epochs": epochs or 1, "losses": [{"step": step, "total": 1 / step, "lr": 0.1} for step in (1, 2)]}

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.bank = torch.zeros(shapes.get("bank", self.bank.shape))

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return (self.mean + self.config.spread * noise.normal(n, *self.y_shape)).clamp(0, 1)

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        return None if self.config.layers == 1 else -((y - self.mean) ** 2).flatten(1).sum(1)


wide = Preset(Toy, spread=0.4, layers=2)


class ToyRecords(Records):
    def __init__(self, split: Split) -> None:
        count = 12 if split == "train" else 6
        self.names = [f"{split}-{i}" for i in range(count)]
        self.digest = (split * 40)[:64]
        self._photos = np.random.default_rng(1 if split == "train" else 2).integers(0, 256, (count, 24, 32, 3), dtype=np.uint8)

    def image(self, index: int) -> Image:
        return self._photos[index]

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> dict[str, Any]:
        fields = [function(photo) for photo in self._photos]
        return {name: np.stack([each[name] for each in fields]) for name in fields[0]}


class Photos(Data):
    kind = "toy-photos"

    def read(self, split: Split, *, seed: int = 0) -> Records:
        if self.path == "missing":
            raise RequestError("toy-photos:missing is no folder; name one that holds photos")
        return ToyRecords(split)


@dataclass(frozen=True)
class ShadeConfig:
    size: int = field(default=4, metadata={"added": True})


def _fields(photo: Image, size: int) -> dict[str, NDArray[np.float32]]:
    gray = torch.from_numpy(photo).float().mean(2)[None, None] / 255
    small = nn.functional.adaptive_avg_pool2d(gray, size)[0].numpy()
    return {"x": small, "y": 1 - small}


class Shade(Task):
    """The negative of a photo."""

    Config = ShadeConfig
    data = "toy-photos"
    x_name, y_name = "gray", "negative"

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape = self.y_shape = (1, self.config.size, self.config.size)

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        records = data.read(split, seed=seed)
        fields = records.map(lambda photo: _fields(photo, self.config.size), "toy")
        y = torch.from_numpy(fields["y"])
        draws = y[:, None].expand(-1, pool, *self.y_shape) if pool else None
        return Pairs(torch.from_numpy(fields["x"]), y, pool=draws, names=records.names, digest=records.digest)

    def condition(self, image: Image) -> tuple[Tensor, Any]:
        return torch.from_numpy(_fields(image, self.config.size)["x"]), image

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        light = nn.functional.interpolate(y, context.shape[:2])[:, 0, :, :, None]
        return (torch.from_numpy(context) * light).clamp(0, 255).to(torch.uint8)


class Best(Metric):
    """The squared error of the best of n samples."""

    unit, better, source = "squared error", "lower", "nowhere"

    def __call__(self, samples: Tensor, y: Tensor, **_: Any) -> dict[str, Tensor]:
        error = ((samples - y[:, None]) ** 2).flatten(2).mean(2)
        return {f"@{n}": error[:, :n].amin(1) for n in (1, 3, 9) if n <= samples.shape[1]}


class Density(Metric):
    """Minus the model's own log density."""

    unit, better, source, needs = "nats", "lower", "nowhere", "joint_log_prob"

    def __call__(self, samples: Tensor, y: Tensor, *, joint_log_prob: Tensor | None = None, **_: Any) -> dict[str, Tensor]:
        assert joint_log_prob is not None
        return {"": -joint_log_prob}
