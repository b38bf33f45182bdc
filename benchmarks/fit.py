"""What the training loop costs: beside a bare PyTorch loop on the same model, and beside Pythae's trainer.

    python benchmarks/fit.py [--quick] [--device cpu]

**Bare loop.** ``fit`` of cdvae-mdn12 on 2048 pairs of 32 x 32 with crops, and the few lines of PyTorch that train the same
model from the same pairs by the same losses, optimizers and clipping; steps a second after the preparation both need.

**Pythae** (where it is installed: ``pip install -e ".[bench]"``). One network, Pythae's VAE with its default perceptrons on
(1, 32, 32), with the same first weights, loss, Adam, batch size, data and epochs, under both trainers, each with its default
settings; images a second of the whole call. Pythae collates every batch item by item from a ``DataLoader`` (its default of no
workers), reads the loss and moves a progress bar at each step, copies the best model each epoch and writes it at the end; the
zoo gathers a batch with one index, seeds the step, sets the rate, and reads the losses every 20 steps or less often. The zoo's
loop also chooses torch's fused kernel where a model leaves that open, which is most of the difference: a third comparison,
which has no bar, tells Pythae's Adam to be fused too.

Contestants take turns, and the medians of the rounds' ratios are compared with the bars: 0.95 and 1.2. Leaves with 1 where
one is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo import Batch, Model, Pairs
from zoo.contracts import make
from zoo.fitting.recipe import Step
from zoo.fitting.steps import initialise
from zoo.utils.device import pick
from zoo_data.scenes import Scenes
from zoo_tasks.fields import WIDE

BARE, PYTHAE = 0.95, 1.2
SIZE, LATENT, RATE = 32, 16, 1e-3


@dataclass(frozen=True)
class Result:
    """Of two contestants: median rates by the clock, the median ratio of the first's rate to the second's, the quartiles of
    that ratio, and the ratio by processor time of the whole call, which says more on a busy machine."""

    rates: dict[str, float]
    ratio: float
    middle: tuple[float, float]
    processor: float


def pairs_of(items: int) -> Pairs:
    """Scenes, with wide fields to crop from as photos have."""
    side = round(WIDE * SIZE)
    records = Scenes(str(items)).read("train")
    small, wide = (records.known("albedo", "shading", size=s) for s in (SIZE, side))
    assert small is not None
    assert wide is not None
    x, y, wide_x, wide_y = (torch.from_numpy(fields[name]) for fields in (small, wide) for name in ("albedo", "shading"))
    return Pairs(x, y, wide=(wide_x.half(), wide_y.half()))


def prepared(pairs: Pairs) -> Model:
    """The model with what it has to know of the data, which is the same for both loops and therefore made once."""
    model = make.model("cdvae-mdn12", pairs.x_shape, pairs.y_shape)
    model.prepare(pairs, 0)
    model.prepare = lambda *_: None  # type: ignore[method-assign]
    return model


def zoo_steps(model: Model, pairs: Pairs, steps: int, device: torch.device) -> float:
    """Steps a second of ``fit``."""
    history = copy.deepcopy(model).fit(pairs, device=device, steps=steps, precision="no", progress=False)
    return steps / history.seconds


def bare_steps(model: Model, pairs: Pairs, steps: int, device: torch.device) -> float:
    """Steps a second of a loop with nothing in it but the work."""
    model = copy.deepcopy(model)
    initialise(model, 0)
    model.to(device).train()
    size, clip = model.config.batch_size, model.config.clip
    (optimizer,) = model.optimizers().values()
    data, generator = pairs.to(device), torch.Generator().manual_seed(0)
    per_epoch = len(pairs) // size
    began = time.perf_counter()
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(pairs), generator=generator)
        at = step % per_epoch * size
        batch = data.batch(order[at : at + size].to(device), generator)
        optimizer.zero_grad()
        loss = model.losses(batch, Step(step, steps, generator))["total"]
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    assert torch.isfinite(loss)  # waits for the device
    return steps / (time.perf_counter() - began)


class Wrapped(Model):
    """A Pythae model under the zoo's loop: y is the image, x is empty."""

    def __init__(self, vae: nn.Module) -> None:
        super().__init__((0,), (1, SIZE, SIZE))
        self.vae = vae

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"all": torch.optim.Adam(self.parameters(), lr=RATE)}

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        return {"total": self.vae({"data": batch.y}).loss}


def pythae_contest(
    images: Tensor, epochs: int, batch_size: int, device: torch.device, fused: bool | None = None
) -> dict[str, Callable[[], float]]:
    """Both trainers on one network: each gives images a second. ``fused`` is what Pythae's Adam is told.

    Raises:
        ImportError: Pythae is not installed, or does not work with what is.
    """
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    logging.disable(logging.WARNING)

    def network() -> Any:
        vae = VAE(VAEConfig(input_dim=(1, SIZE, SIZE), latent_dim=LATENT))
        initialise(vae, 0)
        return vae

    def theirs() -> float:
        data = BaseDataset(images, torch.zeros(len(images)))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            how = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=epochs,
                learning_rate=RATE,
                per_device_train_batch_size=batch_size,
                optimizer_params=None if fused is None else {"fused": fused},
                no_cuda=device.type == "cpu",
            )
            vae = network()
            began = time.perf_counter()
            BaseTrainer(vae, data, training_config=how).train()
            return epochs * len(images) / (time.perf_counter() - began)

    def ours() -> float:
        model = Wrapped(network())
        data = Pairs(torch.zeros(len(images), 0), images)
        began = time.perf_counter()
        model.fit(data, device=device, epochs=epochs, batch_size=batch_size, precision="no", progress=False)
        return epochs * len(images) / (time.perf_counter() - began)

    return {"zoo": ours, "Pythae": theirs}


def contest(contestants: dict[str, Callable[[], float]], rounds: int) -> Result:
    """Let two take turns; whoever starts changes from round to round."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    costs: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(-1, rounds):  # the first round warms up
        for name in list(contestants)[:: 1 if number % 2 else -1]:
            began = time.process_time()
            rate = contestants[name]()
            if number >= 0:
                rates[name].append(rate)
                costs[name].append(time.process_time() - began)
    ratios = [a / b for a, b in zip(*rates.values(), strict=True)]
    spent = [b / a for a, b in zip(*costs.values(), strict=True)]
    quarters = statistics.quantiles(ratios, n=4)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    return Result(medians, statistics.median(ratios), (quarters[0], quarters[2]), statistics.median(spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    device, rounds = pick(given.device), 5 if given.quick else 25
    print(f"{device}, {torch.get_num_threads()} threads, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    pairs = pairs_of(2048)
    model = prepared(pairs)
    bare = {"zoo": lambda: zoo_steps(model, pairs, 32, device), "bare loop": lambda: bare_steps(model, pairs, 32, device)}
    failed = show("cdvae-mdn12, steps/s", contest(bare, rounds), BARE)
    try:
        both, fused = (pythae_contest(pairs.y, 3, 64, device, f) for f in (None, True))
    except ImportError as error:
        print(f"no comparison with Pythae ({error}): pip install 'cond-zoo[bench]'")
    else:
        failed |= show("Pythae's VAE, images/s", contest(both, rounds), PYTHAE)
        show("the same, Pythae's Adam told to be fused, images/s", contest(fused, rounds), None)
    sys.exit(failed)


def show(what: str, result: Result, bar: float | None) -> bool:
    """Print one comparison; whether it missed its bar, if it has one."""
    missed = bar is not None and result.ratio < bar
    print(f"{what}: " + ", ".join(f"{name} {rate:.1f}" for name, rate in result.rates.items()))
    verdict = "no bar" if bar is None else f"at least {bar}: {'MISSED' if missed else 'reached'}"
    print(f"    ratio {result.ratio:.3f} ({verdict})")
    print("    half of the rounds within {:.2f} to {:.2f}; ".format(*result.middle), end="")
    print(f"by the processor's time {result.processor:.3f}", flush=True)
    return missed


if __name__ == "__main__":
    main()
