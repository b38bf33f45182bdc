"""CPixel: a conditional gated PixelCNN, each value of y given x and the values before it.

Sources: van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders"; paper 2 (embedding guidance),
section 5.3, where it is one of the models compared.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo import Batch, Model, Noise, Pairs, RequestError, Step
from zoo_cpixel.cached import HALF_STEP, CachedSampler, pick, value_of
from zoo_cpixel.network import Condition, GatedStacks, PixelCNNConfig
from zoo_networks.units import safe_scale

BLOCK, MEMORY, GPU_MEMORY = 256, 128e6, 4e9
"""Rows of samples drawn at once on a CPU, and the bytes that their remembered activations may take there and on a GPU."""
CHUNK = 64
"""Fields whose density is computed at once."""


class PixelCNN(Model):
    """p(y | x) as a product over rows, pixels and channels of softmaxes over levels; x (Cx, H, W) or (K,) to y (C, H, W).

    The numbers of a vector x are each a channel of their own, the same everywhere.

    Samples are drawn in float64 from the float32 weights. The order in which a sum is taken (alone or in a batch, one column
    or the whole field, CPU or GPU) then moves a probability by about 1e-15, while the uniform numbers it is compared with lie
    on a grid of 6e-8: a level changes with a chance of about 1e-14, so that samples are the same to the bit.

    Raises:
        RequestError: y is not (C, H, W), x neither a vector nor of the size of y, or there are fewer features than
            channels of y.
    """

    cites: ClassVar[tuple[str, ...]] = ("oord2016pixelcnn", "lu2016cdvae")
    Config: ClassVar[type] = PixelCNNConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"features": 8, "layers": 2, "levels": 8}
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "learning_rate": (1.6e-2, 8e-3, 4e-3),
        "temperature": (1.0, 0.9, 0.8),
        "levels": (32, 16, 64),
        "weight_decay": (1e-3, 1e-2),
    }
    config: PixelCNNConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        if len(self.y_shape) != 3 or len(self.x_shape) not in (1, 3) or self.x_shape[1:] not in ((), self.y_shape[1:]):
            raise RequestError(
                f"shapes are {self.x_shape} -> {self.y_shape}; cpixel needs (C, H, W) with one H and W for both, "
                "or a vector (K,) for x"
            )
        c, settings = self.y_shape[0], self.config
        if min(settings.features, settings.hidden) < c:
            raise RequestError(f"features and hidden must be at least {c}, one for each channel of y")
        self.stacks = GatedStacks(c, settings)
        self.map = Condition(self.x_shape[0], settings.condition)
        self.limits: Tensor = nn.Buffer(torch.tensor([0.0, 1.0]).repeat(c, 1))
        self.mean: Tensor = nn.Buffer(torch.zeros(self.x_shape[0], 1, 1))
        self.deviation: Tensor = nn.Buffer(torch.ones(self.x_shape[0], 1, 1))

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """The limits of each channel of y, (C, 2), crops included, and the mean and deviation of each channel of x."""
        fields = [pairs.y.float()] + ([] if pairs.wide is None else [pairs.wide[1].float()])
        low = torch.stack([f.amin((0, 2, 3)) for f in fields]).amin(0)
        high = torch.stack([f.amax((0, 2, 3)) for f in fields]).amax(0)
        least = 1e-3 * low.abs().clamp_min(1.0)  # of one value alone, bins around it
        narrow = high - low < least
        self.limits = torch.stack([torch.where(narrow, low - least, low), torch.where(narrow, high + least, high)], 1)
        x = field_of(pairs.x.float(), (1, 1))
        self.mean = x.mean((0, 2, 3))[:, None, None]
        self.deviation = safe_scale((x - self.mean).square().mean((0, 2, 3)).sqrt()[:, None, None])

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW, decay on weights alone."""
        weights, rest = ([p for p in self.parameters() if (p.ndim > 1) == decay] for decay in (True, False))
        groups = [{"params": weights, "weight_decay": self.config.weight_decay}, {"params": rest, "weight_decay": 0.0}]
        return {"all": torch.optim.AdamW(groups, lr=self.config.learning_rate, betas=(0.9, 0.99))}

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The mean of -log p(level | x, what comes before), in nats a value."""
        level = self._level(batch.y)
        seen = value_of(level, self.config.levels, torch.float32)
        logits = self.stacks(seen, self._condition(batch.x))
        return {"total": F.cross_entropy(logits.float().transpose(1, 2), level)}

    # Sampling

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        """Value after value, in blocks of rows that share what is computed of x; see :class:`CachedSampler`."""
        exact = self._exact(code)
        size, device = (self.y_shape[1], self.y_shape[2]), exact.device
        memory = GPU_MEMORY if device.type == "cuda" else MEMORY
        block = max(1, int(memory / CachedSampler(exact.stacks, size, 1, 1).bytes))
        if device.type != "cuda":
            block = min(block, BLOCK)
        uniform = noise.uniform(n, math.prod(self.y_shape)).to(device)
        level = torch.empty(len(code), n, *self.y_shape, dtype=torch.int16, device=device)
        items, few = max(1, block // n), math.ceil(n / math.ceil(n / block))  # parts of about one size
        sampler: CachedSampler | None = None
        for i in range(0, len(code), items):
            condition = exact._condition(code[i : i + items])
            for j in range(0, n, few):
                part = uniform[i : i + items, j : j + few]
                if sampler is None or (sampler.items, sampler.n) != tuple(part.shape[:2]):
                    sampler = None  # frees the old one's memory first
                    sampler = CachedSampler(exact.stacks, size, len(part), part.shape[1], self.config.temperature)
                level[i : i + items, j : j + few] = sampler(condition, part)
        return self._field(level, noise).to(code.device)

    @torch.no_grad()
    def sample_naive(self, x: Tensor, n: int, *, seed: int) -> Tensor:
        """The samples of :meth:`sample`, the slow way: the whole network over the whole field for each value.

        For tests and for the benchmark; nothing bounds its memory. Args as of :meth:`sample`, with at most 8192 samples.
        """
        noise, exact, (channels, height, width) = Noise(x, seed), self._exact(x), self.y_shape
        condition = exact._condition(x).repeat_interleave(n, 0)
        uniform = noise.uniform(n, height, width, channels).flatten(0, 1).to(condition) + HALF_STEP
        level = torch.zeros(len(condition), *self.y_shape, dtype=torch.long, device=exact.device)
        seen = condition.new_zeros(level.shape)
        for r, c, k in itertools.product(range(height), range(width), range(channels)):
            logits = exact.stacks(seen, condition)[:, k, :, r, c].T / self.config.temperature
            level[:, k, r, c] = pick(logits, uniform[:, r, c, k])
            seen[:, k, r, c] = value_of(level[:, k, r, c], self.config.levels)
        return self._field(level.unflatten(0, (len(x), n)), noise).to(x.device)

    def _exact(self, x: Tensor) -> PixelCNN:
        """The model in float64, where x is; on the CPU where the device has no float64."""
        device = torch.device("cpu") if x.device.type == "mps" else x.device
        return copy.deepcopy(self).to(device).double()

    def _field(self, level: Tensor, noise: Noise) -> Tensor:
        """The values of levels (B, n, *y_shape), float32."""
        limits = self.limits.to(level.device).double()
        low, width = limits[:, 0, None, None], (limits[:, 1] - limits[:, 0])[:, None, None] / self.config.levels
        anywhere = self.config.within == "uniform"
        inside = noise.uniform(level.shape[1], *self.y_shape).to(level.device) if anywhere else itertools.repeat(0.5)
        return torch.stack([((a.double() + b) * width + low).float() for a, b in zip(level, inside, strict=False)])

    # Density

    @torch.no_grad()
    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """log p(y | x) in nats, (B,): exact, of the piecewise uniform density that the bins make. ``seed`` has no part in it.

        It is at the temperature of samples, and -inf where a value lies outside the limits of the training data, since no
        sample ever does.
        """
        exact = self._exact(x)
        y, limits = y.to(exact.device), exact.limits
        span = limits[:, 1] - limits[:, 0]
        out = torch.empty(len(y), dtype=torch.float64, device=y.device)
        for i in range(0, len(y), CHUNK):
            level = self._level(y[i : i + CHUNK])
            logits = exact.stacks(value_of(level, self.config.levels), exact._condition(x[i : i + CHUNK]))
            logits = logits.transpose(1, 2) / self.config.temperature
            out[i : i + CHUNK] = -F.cross_entropy(logits, level, reduction="none").flatten(1).sum(1)
        out -= (span / self.config.levels).log().sum() * math.prod(self.y_shape[1:])
        slack = 1e-5 * span[:, None, None]
        inside = (y >= limits[:, :1, None] - slack) & (y <= limits[:, 1:, None] + slack)
        return torch.where(inside.flatten(1).all(1), out, -math.inf).float().to(x.device)

    def _level(self, y: Tensor) -> Tensor:
        """The bin of each value: (B, C, H, W) int64."""
        limits = self.limits.to(y)
        share = (y - limits[:, :1, None]) / (limits[:, 1:, None] - limits[:, :1, None])
        return (share * self.config.levels).floor().long().clamp(0, self.config.levels - 1)

    def _condition(self, x: Tensor) -> Tensor:
        """The map of x that the stacks see, (B, M, H, W)."""
        return self.map((field_of(x, self.y_shape[1:]).to(self.mean) - self.mean) / self.deviation)


def field_of(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """x as it is where it is a field, (B, C, H, W); a vector (B, K) in every place of a field of this size, (B, K, *size)."""
    return x if x.ndim == 4 else x[:, :, None, None].expand(-1, -1, *size)
