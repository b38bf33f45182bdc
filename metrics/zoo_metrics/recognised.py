"""The attributes that were asked for, recognised in the samples."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo import Fitted, Metric, NotApplicable, Pairs, RequestError

WIDTHS = (32, 64, 96, 128)
EPOCHS, BATCH, RATE, DECAY, DROPOUT = 8, 50, 2e-3, 0.05, 0.3
MOST_STEPS, LEAST_STEPS = 1600, 40

_KEPT: dict[tuple[object, ...], _Network] = {}


class _Network(nn.Module):
    """Four strided convolutions, and a linear layer that knows where in the picture each feature is."""

    bar: Tensor

    def __init__(self, shape: tuple[int, ...], attributes: int) -> None:
        super().__init__()
        self.side = tuple(min(64, size) for size in shape[1:])
        layers: list[nn.Module] = []
        channels, (height, width) = shape[0], self.side
        for out in WIDTHS:
            layers += [nn.Conv2d(channels, out, 3, 2, 1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
            channels, height, width = out, (height + 1) // 2, (width + 1) // 2
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(DROPOUT))
        self.head = nn.Linear(channels * height * width, attributes)
        self.register_buffer("bar", torch.zeros(attributes))

    def forward(self, y: Tensor) -> Tensor:
        """The log odds of each attribute (B, K), above those that it has among all training items."""
        if tuple(y.shape[-2:]) != self.side:
            y = F.interpolate(y, size=self.side, mode="area")
        return self.head(self.body(2 * y - 1))

    @torch.no_grad()
    def recognise(self, y: Tensor) -> Tensor:
        """Which attributes pictures (B, C, h, w) have, (B, K) bool: those that are likelier than among all training items."""
        return torch.cat([self(part.float()) > self.bar for part in y.split(512)])


def recogniser(train: Pairs, chosen: Tensor, seed: int, device: torch.device) -> _Network:
    """The classifier of the attributes at ``chosen`` (K,) of x by y (N, C, h, w), trained on these pairs.

    Adam with decoupled weight decay on the binary cross-entropy, eight passes (1,600 steps at most), mirrored at random. An
    attribute counts as found where it is likelier than it is among all training items: balanced accuracy is greatest there.
    Classifiers are kept, for as long as the process lives, by what they were trained on.
    """
    if not len(train):
        raise RequestError("there are no training pairs to learn the attributes from")
    pictures = hashlib.sha256(train.y.cpu().numpy().tobytes()).hexdigest()  # a task may cut others of the same photos
    key = (train.digest, pictures, train.y_shape, tuple(chosen.tolist()), seed, str(device))
    if train.digest and key in _KEPT:
        return _KEPT[key]
    with torch.enable_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = _trained(train, chosen, seed, device)
    if train.digest:
        _KEPT[key] = network
        if len(_KEPT) > 4:
            del _KEPT[next(iter(_KEPT))]
    return network


def _trained(train: Pairs, chosen: Tensor, seed: int, device: torch.device) -> _Network:
    generator = torch.Generator().manual_seed(seed)
    network = _Network(train.y_shape, len(chosen)).to(device)
    wanted = (train.x[:, chosen] > 0.5).float()
    share = wanted.mean(0).clamp(1 / (2 * len(train)), 1 - 1 / (2 * len(train)))
    with torch.no_grad():
        network.bar.copy_(share.logit())
        network.head.bias.copy_(share.logit())
    batch = min(BATCH, len(train))
    steps = min(MOST_STEPS, max(EPOCHS * (len(train) // batch), LEAST_STEPS))
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    network.train()
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(order) < batch:
            order = torch.randperm(len(train), generator=generator)
        index, order = order[:batch], order[batch:]
        y = train.y[index].float()
        mirrored = torch.rand(batch, 1, 1, 1, generator=generator) < 0.5
        y = torch.where(mirrored, y.flip(-1), y)
        loss = F.binary_cross_entropy_with_logits(network(y.to(device)), wanted[index].to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)


class AttributeAccuracy(Metric):
    """The balanced accuracy with which a classifier of real pictures finds in the samples what x asked for.

    A small convolutional network (:mod:`zoo_metrics.recognised`) learns the attributes from the task's real training
    pictures y. Of each attribute, the share of samples in which it is found where it was asked for and the share in which it
    is not found where it was not are averaged: chance, or samples that do not heed x, give 0.5 however rare the attribute.
    ``@NAME`` is that of one attribute, and their mean the value without a suffix. ``@real`` and ``@real.NAME`` are the same of
    the real test pictures, which is the most to be expected. Each item's value is weighted (N / 2 N_with for those with the
    attribute, N / 2 N_without for the others), so that the mean over the items is the balanced accuracy; one item's can
    exceed 1. Attributes that all test items have, or none, are left out, and of more than forty those that divide training
    items least evenly.
    """

    unit = "balanced accuracy"
    better = "higher"
    source = "Debbagh (attribute CVAE), section 5.3 (attributes present in the images), by a classifier"
    cites = ("debbagh2023attributes",)
    needs = "fitted"
    opt_in = True
    network: _Network | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Train the classifier on the real training pairs, if it was not trained on them before in this process.

        NotApplicable where x is no vector of attributes, y no picture, or no attribute divides the items.
        """
        task, test = fitted.task, fitted.pairs
        names = getattr(task.config, "names", ())
        if task.item != "attributes" or len(task.x_shape) != 1 or len(names) != task.x_shape[0]:
            raise NotApplicable("x is no vector of attributes")
        if len(task.y_shape) != 3 or min(task.y_shape[1:]) < 8:
            raise NotApplicable(f"a {task.y_name} of shape {task.y_shape} is no picture of 8 pixels a side and more")
        train = task.pairs(fitted.data, "train", fitted.seed)
        share, asked = (train.x > 0.5).double().mean(0), (test.x > 0.5).double().mean(0)
        divides = (share > 0) & (share < 1) & (asked > 0) & (asked < 1)
        if not divides.any():
            raise NotApplicable("no attribute divides the training items and the test items")
        even = torch.where(divides, (share - 0.5).abs(), torch.inf)
        self.chosen = even.argsort(stable=True)[: min(40, int(divides.sum()))].sort().values
        self.asked = asked[self.chosen]
        self.names = [re.sub(r"[^A-Za-z0-9._-]", "_", str(names[i])) for i in self.chosen.tolist()]
        self.network = recogniser(train, self.chosen, fitted.seed, fitted.model.device)

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.network is None or x is None:
            raise RequestError("attributes are recognised of a run (prepare), and by x; one of them is not given")
        asked = x[:, self.chosen.to(x.device)] > 0.5
        having = self.asked.to(x.device)
        weight = torch.where(asked, 0.5 / having, 0.5 / (1 - having))
        seen = self.network.recognise(samples.flatten(0, 1)).unflatten(0, samples.shape[:2])
        right = (seen == asked[:, None]).double().mean(1) * weight
        real = (self.network.recognise(y) == asked).double() * weight
        values = {"": right.mean(1), "@real": real.mean(1)}
        values |= {f"@{name}": right[:, i] for i, name in enumerate(self.names)}
        return values | {f"@real.{name}": real[:, i] for i, name in enumerate(self.names)}
