"""The figures of cGML's paper, made again: each as a picture and as numbers.

    python benchmarks/cgml.py toy|steps|convergence|latent|uncertainty|sizes|pool [--data KIND:PATH] [--seconds 60] [--out DIR]

``toy``          Figure 3: samples of y = +-4 (x, x^2, x^3) with and without momentum, and of models that know no modes
``steps``        Figures 6 and 40: error over the predicted steps of z, for completion (``--data mnist:DIR``)
``convergence``  Figure 18: PSNR of completion over training, for cGML and what it is compared with
``latent``       Table 9: colours over the length of z
``uncertainty``  Figure 22: deviation under a shaken z, inside and outside of the training data
``sizes``        Figures 19 and 24: real training steps at 32, 64, 128 and 256 pixels: seconds and memory
``pool``         the time of 20 samples beside that of one

``--seconds`` is the time each fit may take on this machine: steps are timed first, and all models get the same time; but for
``toy``, whose models have the same number of steps.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from panels import axes_of, save, save_ways
from torch import Tensor

from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.utils.files import write_json
from zoo.utils.noise import Noise
from zoo.utils.sheet import INK, LINE, MUTED

COLOURS = {
    "cgml": "#2563eb", "cgml-norho": "#ea580c", "l1": "#64748b", "cvae": "#16a34a", "ce": "#a16207", "pix2pix": "#7c3aed",
}  # fmt: skip
TOY_STEPS = 600
SHOWN = (0, 1, 2, 4, 8, 12, 20)
"""Predicted steps after which ``steps`` shows what z gives."""
TIMED = 6
"""Steps that are timed to find out how many fit into the time."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Figures of cGML's paper.")
    parser.add_argument("figure", choices=list(FIGURES))
    parser.add_argument("--data", default="")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("runs/cgml"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    numbers = FIGURES[given.figure](given.data, given.seconds, given.out / f"{given.figure}.png")
    write_json(given.out / f"{given.figure}.json", numbers)
    print(json.dumps(numbers, indent=1))


def fitted(name: str, pairs: Pairs, seconds: float, steps: int = 0, **settings: Any) -> Model:
    """The model, fitted for so many steps, or else for so many seconds on this machine, and never for less than 20 steps."""
    if not steps:
        steps = steps_in(name, pairs, seconds, **settings)
    model = make.model(name, pairs.x_shape, pairs.y_shape, **settings)
    model.fit(pairs, progress=False, steps=steps)
    print(f"{name} {settings or ''}: {steps} steps", flush=True)
    return model


def steps_in(name: str, pairs: Pairs, seconds: float, **settings: Any) -> int:
    """How many steps of a model's fit there are in so many seconds."""
    trial = make.model(name, pairs.x_shape, pairs.y_shape, **settings)
    trial.fit(pairs, progress=False, steps=1)
    began = time.perf_counter()
    trial.fit(pairs, progress=False, steps=TIMED)
    return max(20, int(seconds * TIMED / (time.perf_counter() - began)))


# Figures


def toy(data: str, seconds: float, path: Path) -> dict[str, Any]:
    """Shares of samples near a branch, of each branch, and between them, for |x| > 0.3; the picture of all samples."""
    task = make.task("toy")
    source = make.data(data or task.data)
    train = task.pairs(source, "train")
    x = torch.cat([torch.linspace(-1, -0.3, 36), torch.linspace(-0.3, 0.3, 31)[1:-1], torch.linspace(0.3, 1, 36)])
    upper = 4 * torch.stack([x, x**2, x**3], 1)
    numbers, drawn = {}, {}
    for name in ("cgml", "cgml-norho", "l1"):
        settings: dict[str, Any] = {"width": 64, "batch_size": 128}
        if name.startswith("cgml"):
            settings |= {"latent_steps": 10, "learning_rate": 2e-3}
        model = fitted(name, train, seconds, TOY_STEPS, **settings)
        samples = model.sample((1 + x[:, None]) / 2, 200, seed=0)
        numbers[name], drawn[name] = _branches(samples, upper, x.abs() >= 0.3), samples[:, :40]
    figure, axes = axes_of(len(drawn), 3.4, 3.2)
    for panel, (name, samples) in zip(axes, drawn.items(), strict=True):
        for sign in (1, -1):
            panel.plot(x, sign * upper[:, 2], color=INK, lw=1)
        panel.scatter(x[:, None].expand_as(samples[..., 2]), samples[..., 2], s=1.5, color=COLOURS[name], lw=0)
        panel.set_title(f"{name}: {numbers[name]['near']:.1%} near, {numbers[name]['between']:.1%} between", fontsize=9)
        panel.set_xlabel("x")
    axes[0].set_ylabel("third number of y")
    save(figure, path)
    return numbers


def _branches(samples: Tensor, upper: Tensor, apart: Tensor) -> dict[str, float]:
    distance = torch.stack([(samples - sign * upper[:, None]).norm(dim=2) for sign in (1, -1)])[:, apart]
    near, share = distance.amin(0) < 0.5, []
    for branch in (0, 1):
        share.append(((distance.argmin(0) == branch) & near).float().mean(1))
    size = upper[apart].norm(dim=1)[:, None]
    between = samples[apart].norm(dim=2) < 0.5 * size
    return {
        "near": near.float().mean().item(),
        "between": (between & ~near).float().mean().item(),
        "least_branch": min(one.mean().item() for one in share),
        "least_branch_of_any_x": min(one.min().item() for one in share),
    }


def steps(data: str, seconds: float, path: Path) -> dict[str, Any]:
    """The mean error, and that of the best of ten, after each predicted step, to twice as many as are taken for samples."""
    digits: dict[str, Any] = {"channels": 1, "mask": "top"} if data.startswith(("mnist", "digits")) else {}
    task = make.task("complete", **digits)
    train, test = _pairs("complete", data or "scenes", 100, **digits)
    numbers: dict[str, Any] = {}
    figure, axes = axes_of(2, 4.2, 3.2)
    for name in ("cgml", "cgml-norho"):
        model: Any = fitted(name, train, seconds)
        with torch.no_grad():
            code = model.encode(test.x)
            start = torch.nn.functional.normalize(Noise(test.x, 0).normal(10, model.latent), dim=2).flatten(0, 1)
            way = model.travel(code, 10, start, 2 * model.config.inference_steps)
            errors, shown = [], []
            for n, z in enumerate(way):
                made = model.generate(code, 10, z).unflatten(0, (-1, 10))
                errors.append((made - test.y[:, None]).square().flatten(2).mean(2))
                if n in SHOWN:
                    shown.append(task.filled(test.x[:6], made[:6, 0]))
            shown.insert(0, task.filled(test.x[:6], torch.full_like(test.y[:6], 0.5)))
            save_ways(dict(zip(["x", *map(str, SHOWN)], shown, strict=True)), path.with_stem(f"steps-{name}"))
        mean, best = [e.mean().item() for e in errors], [e.amin(1).mean().item() for e in errors]
        numbers[name] = {"mean": mean, "best_of_10": best}
        for panel, values, what in ((axes[0], mean, "mean of 10 samples"), (axes[1], best, "best of 10 samples")):
            panel.plot(values, color=COLOURS[name], marker=".", label=name)
            panel.set_title(what, fontsize=10)
            panel.set_xlabel("predicted steps of z")
    axes[0].set_ylabel("squared error a pixel")
    axes[0].legend(frameon=False)
    save(figure, path)
    return numbers


def convergence(data: str, seconds: float, path: Path) -> dict[str, Any]:
    """PSNR of the mean sample after shares of the training time, for each model; equal time for all."""
    train, test = _pairs("complete", data or "scenes", 100)
    numbers: dict[str, dict[str, float]] = {}
    figure, (axes,) = axes_of(1, 5.6, 3.6)
    for name in ("l1", "ce", "pix2pix", "cvae", "cgml"):
        points = {}
        for share in (1 / 8, 1 / 4, 1 / 2, 1):
            model = fitted(name, train, seconds * share)
            points[seconds * share] = _psnr(model.sample(test.x, 10, seed=0), test.y)
        numbers[name] = {str(key): value for key, value in points.items()}
        axes.plot(list(points), list(points.values()), color=COLOURS[name], marker="o", ms=4, label=name)
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("PSNR (dB), mean over samples")
    axes.legend(frameon=False)
    save(figure, path)
    return numbers


def latent(data: str, seconds: float, path: Path) -> dict[str, Any]:
    """PSNR of the best of 20 colourings, and their deviation, over the length of z."""
    train, test = _pairs("colorize", data or "scenes", 100)
    numbers = {}
    for length in (5, 10, 16, 32, 64, 128):
        samples = fitted("cgml", train, seconds, latent=length).sample(test.x, 20, seed=0)
        error = (samples - test.y[:, None]).square().flatten(2).mean(2)
        numbers[str(length)] = {
            "psnr": (-10 * error.clamp_min(1e-10).log10()).mean().item(),
            "psnr_of_best": (-10 * error.amin(1).clamp_min(1e-10).log10()).mean().item(),
            "deviation": samples.std(1).mean().item(),
        }
    figure, axes = axes_of(3, 3.4, 3.0)
    for panel, what in zip(axes, ("psnr", "psnr_of_best", "deviation"), strict=True):
        panel.plot([int(k) for k in numbers], [one[what] for one in numbers.values()], color=COLOURS["cgml"], marker="o", ms=4)
        panel.set_xscale("log", base=2)
        panel.set_title(what, fontsize=10)
        panel.set_xlabel("length of z")
    save(figure, path)
    return numbers


def uncertainty(data: str, seconds: float, path: Path) -> dict[str, Any]:
    """Fitted to x in [0, 0.5], the deviation of y under a shaken z up to x = 1.5."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4096, 1, generator=generator) / 2
    sign = torch.randint(0, 2, (4096, 1), generator=generator) * 2 - 1
    model: Any = fitted("cgml", Pairs(x, 4 * sign * torch.cat([x, x**2, x**3], 1)), seconds, width=64, batch_size=128)
    at = torch.linspace(0, 1.5, 61)[:, None]
    shown = model.uncertainty(at, draws=50, seed=0).mean(1)
    figure, (axes,) = axes_of(1, 5.0, 3.2)
    axes.axvspan(0, 0.5, color=LINE, lw=0)
    axes.plot(at[:, 0], shown, color=COLOURS["cgml"])
    axes.set_xlabel("x (fitted where it is grey)")
    axes.set_ylabel("deviation of y")
    save(figure, path)
    inside = at[:, 0] <= 0.5
    return {"inside": shown[inside].mean().item(), "outside": shown[~inside].mean().item(), "by_x": shown.tolist()}


def sizes(data: str, seconds: float, path: Path) -> dict[str, Any]:
    """Seconds a training step, parameters, and the process's largest memory so far, size by size from small to large."""
    numbers = {}
    for size in (32, 64, 128, 256):
        train, _ = _pairs("complete", data or "scenes:64", 8, size=size)
        model = make.model("cgml", train.x_shape, train.y_shape)
        began = time.perf_counter()
        history = model.fit(train, progress=False, steps=3)
        taken = (time.perf_counter() - began) / 3
        losses = {key: value for key, value in history.losses[-1].items() if key.endswith("total")}
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        parameters = sum(p.numel() for p in model.parameters())
        numbers[str(size)] = {"seconds_a_step": taken, "memory_gib": memory, "parameters": parameters, **losses}
        print(size, numbers[str(size)], flush=True)
    figure, (axes,) = axes_of(1, 4.6, 3.0)
    axes.loglog([int(k) for k in numbers], [one["seconds_a_step"] for one in numbers.values()], marker="o", base=2)
    axes.set_xlabel("pixels a side")
    axes.set_ylabel("seconds a training step")
    save(figure, path)
    return numbers


def pool(data: str, seconds: float, path: Path) -> dict[str, Any]:
    """Medians of nine turns of one sample and of twenty, for one x, and of the encoder alone."""
    train, test = _pairs("complete", data or "scenes:256", 4)
    numbers = {}
    for name in ("cgml", "cgml-norho", "pix2pix", "bicyclegan", "cvae"):
        model = make.model(name, train.x_shape, train.y_shape)
        model.fit(train, progress=False, steps=2)
        times: dict[int, list[float]] = {1: [], 20: []}
        for _ in range(10):
            for n, taken in times.items():
                began = time.perf_counter()
                model.sample(test.x[:1], n, seed=0)
                taken.append(time.perf_counter() - began)
        one, twenty = (sorted(taken[1:])[4] for taken in times.values())
        numbers[name] = {"ms_of_one": 1e3 * one, "ms_of_twenty": 1e3 * twenty, "ratio": twenty / one}
    figure, (axes,) = axes_of(1, 4.6, 3.0)
    axes.bar(list(numbers), [one["ratio"] for one in numbers.values()], color=MUTED)
    axes.set_ylabel("time of 20 samples / of one")
    save(figure, path)
    return numbers


FIGURES: dict[str, Callable[[str, float, Path], dict[str, Any]]] = {
    "toy": toy, "steps": steps, "convergence": convergence, "latent": latent, "uncertainty": uncertainty, "sizes": sizes,
    "pool": pool,
}  # fmt: skip


# Small things


def _pairs(name: str, data: str, items: int, **settings: Any) -> tuple[Pairs, Pairs]:
    task, source = make.task(name, **settings), make.data(data)
    test = task.pairs(source, "test")
    items = min(items, len(test))
    return task.pairs(source, "train"), test.subset(torch.arange(items) * len(test) // items)


def _psnr(samples: Tensor, y: Tensor) -> float:
    error = (samples - y[:, None]).square().flatten(2).mean(2).clamp_min(1e-10)
    return (-10 * error.log10()).mean().item()


if __name__ == "__main__":
    main()
