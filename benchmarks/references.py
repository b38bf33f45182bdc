"""One answer, and how often each of a hundred counts: the choices behind the reference answers, on held-out pairs of scenes.

python benchmarks/references.py
"""

from __future__ import annotations

import torch

from zoo.contracts import make
from zoo_metrics.pool import EnergyScore
from zoo_nn import Centres, SingleAnswer

for name in ("relight", "resaturate"):
    task = make.task(name)
    pairs = task.pairs(make.data("scenes"), "train", 0)
    held = torch.arange(len(pairs)) % 8 == 7
    train, rest = pairs.subset((~held).nonzero()[:, 0]), pairs.subset(held.nonzero()[:, 0])
    for regression in (False, True):
        single = SingleAnswer(task.x_shape, task.y_shape, regression=regression)
        single.fit(train, device="cpu")
        error = (single.sample(rest.x, 1, seed=0)[:, 0] - rest.y).square().mean().item()
        print(f"{name}: {'regression' if regression else 'mean'}: squared error {error:.4f} on {len(rest)} held-out pairs")
    model = Centres(task.x_shape, task.y_shape)
    model.fit(train, device="cpu")
    flat = model.centres.flatten(1)
    far = torch.cdist(rest.y.flatten(1), flat).square() / flat.shape[1]
    shares = torch.bincount(torch.cdist(train.y.flatten(1), flat).argmin(1), minlength=len(flat)).float()
    drawn = torch.multinomial(shares, 100 * len(rest), True, generator=torch.Generator().manual_seed(0)).view(-1, 100)
    few = rest.subset(torch.arange(200))
    for how, index in (("each once", torch.arange(100).expand(len(rest), -1)), ("by their shares", drawn)):
        best = far.gather(1, index).amin(1).mean().item()
        energy = EnergyScore()(model.centres[index[:200]], few.y)[""].mean().item()
        print(f"{name}: centres {how}: error of best {best:.4f}, energy score {energy:.4f} (of 200 pairs)")
