"""Both right answers of a completion with a white box (cGML, 5.1, Figure 5): how many samples, and digits, have which.

    python benchmarks/answers.py CHECKPOINT --data mnist:DIR [--items 200] [--out runs/answers.png]

CHECKPOINT is a folder with a model fitted to ``complete`` with ``alternate``, e.g. of a cell of a bench.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

import zoo
from zoo.contracts import make
from zoo.utils.files import whole_file

SAMPLES, SHOWN = 20, 8


def main() -> None:
    parser = argparse.ArgumentParser(description="Both answers of a completion.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("runs/answers.png"))
    given = parser.parse_args()
    loaded: Any = zoo.load(f"dir:{given.checkpoint}")
    task, model = loaded.task, loaded.model
    test = task.pairs(make.data(given.data), "test", pool=SAMPLES)
    items = min(given.items, len(test))
    test = test.subset(torch.arange(items) * len(test) // items)
    made = model.sample(test.x, SAMPLES, seed=0)
    made = task.filled(test.x.repeat_interleave(SAMPLES, 0), made.flatten(0, 1)).unflatten(0, (items, SAMPLES))
    without, having = test.pool.amin(1), test.pool.amax(1)
    light = having - without
    both = light.flatten(1).amax(1) > 0
    share = ((made - without[:, None]) * light[:, None]).flatten(2).sum(2) / light.square().flatten(1).sum(1)[:, None]
    share = share[both]
    print(f"samples with more than half of the box's light: {(share > 0.5).float().mean():.3f}")
    clear = (share < 0.25).any(1) & (share > 0.75).any(1)
    print(f"digits with samples below a quarter of it and samples above three quarters: {clear.float().mean():.3f}")
    rows = both.nonzero()[:, 0][torch.arange(SHOWN) * int(both.sum()) // SHOWN]
    _picture(task.filled(test.x[rows], torch.full_like(test.y[rows], 0.5)), made[rows, :SHOWN], given.out)


def _picture(x: Tensor, made: Tensor, path: Path) -> None:
    figure = Figure(figsize=(9, 8.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(x), 1 + SHOWN)
    for row, fields in zip(axes, torch.cat([x[:, None], made], 1), strict=True):
        for panel, field in zip(row, fields, strict=True):
            panel.imshow(field.expand(3, -1, -1).permute(1, 2, 0).clamp(0, 1).numpy())
            panel.axis("off")
    for panel, title in zip(axes[0], ["x", *(f"sample {n + 1}" for n in range(SHOWN))], strict=True):
        panel.set_title(title, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=110)


if __name__ == "__main__":
    main()
