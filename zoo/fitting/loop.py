"""The loop that trains every gradient model: devices, precision, several processes, progress, resuming.

The loop is built on accelerate. Whatever is random at a step (order, crops, noise) follows from the seed and the number of
the step alone, so a run that was killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.setup import accelerator_for, fuse, initialise, mix, moving_average, order_of_pairs
from zoo.fitting.state import TrainingState
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.progress import progress as progress_bar

if TYPE_CHECKING:
    from zoo.contracts.model import Model

REPORT_EVERY = 20
"""Steps between looks at the losses: each look waits for the device."""


@dataclass(frozen=True)
class Training:
    """How to train; a model's recipe gives its own defaults.

    Attributes:
        steps: optimizer steps in all; not used where ``epochs`` is given.
        epochs: passes over the pairs.
        batch_size: pairs a step, over all processes together.
        precision: of the arithmetic; ``auto`` is bf16 on a GPU that has it, full elsewhere.
        ema: decay of an exponential moving average of the weights, which then replaces them; 0 for none.
        clip: the largest norm of the gradient of one optimizer's parameters; None for no limit.
        save_seconds: time between two writes of the state, where a folder for it was given.
    """

    steps: int = 5000
    epochs: int | None = None
    batch_size: int = 128
    precision: Literal["auto", "no", "bf16", "fp16"] = "auto"
    ema: float = 0.0
    clip: float | None = None
    save_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "epochs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(f"{name} is {value}; it must be at least 1")
        if not 0 <= self.ema < 1:
            raise RequestError(f"ema is {self.ema}; it must be in [0, 1)")


@dataclass(frozen=True)
class Step:
    """Where training stands, and the randomness of this step.

    Attributes:
        index: steps done before this one.
        total: steps in all.
        turn: name of the optimizer whose turn it is.
        again: how many turns this optimizer has had in this step already.
        generator: on the CPU; seeded by the run's seed, the index and the process.
    """

    index: int
    total: int
    turn: str
    generator: torch.Generator
    again: int = 0

    @property
    def share(self) -> float:
        """The share of training that is done, in [0, 1)."""
        return self.index / self.total


@dataclass
class History:
    """What training leaves on record: ``losses`` holds, a few hundred times a run, the means of all parts since the last."""

    steps: int
    epochs: float
    seconds: float = 0.0
    resumed_at: int = 0
    losses: list[dict[str, float]] = field(default_factory=list)


class _Turn(nn.Module):
    """The model's losses as a forward pass, which is what several processes synchronise."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        return self.model.losses(batch, step)


def train(
    model: Model,
    pairs: Pairs,
    *,
    seed: int,
    device: str | torch.device,
    epochs: int | None,
    progress: bool,
    resume: Path | None,
    **settings: Any,
) -> History:
    """Fit ``model`` to ``pairs``; see :meth:`zoo.Model.fit`."""
    model.check_pairs(pairs)
    given = {**model.recipe(len(pairs)), **settings}
    if epochs is not None:
        given["epochs"] = epochs
    training = make_config(Training, given, "training")
    per_epoch = max(1, len(pairs) // training.batch_size)
    total = training.epochs * per_epoch if training.epochs is not None else training.steps

    accelerator = accelerator_for(device, training.precision)
    initialise(model, seed)
    model.prepare(pairs, seed)
    model.to(accelerator.device).train()
    turn: nn.Module = accelerator.prepare(_Turn(model))
    optimizers = model.optimizers()
    fuse(optimizers.values())
    if accelerator.scaler is not None:  # fp16; elsewhere accelerate's wrapper only costs time: it looks for files each step
        optimizers = {name: accelerator.prepare(o) for name, o in optimizers.items()}
    rates = {name: [g["lr"] for g in o.param_groups] for name, o in optimizers.items()}
    turns = model.turns(list(optimizers))
    ema = moving_average(model, training.ema)
    fingerprint = {
        "model": type(model).__name__,
        "config": model.config_dict(),
        "pairs": [len(pairs), pairs.digest],
        "seed": seed,
        "total": total,
        "batch_size": training.batch_size,
        "ema": training.ema,
    }
    state = TrainingState(resume, model, optimizers, ema, fingerprint) if resume is not None else None
    history = History(total, total / per_epoch)
    start = history.resumed_at = state.restore() if state else 0

    data = pairs.to(accelerator.device)
    order = order_of_pairs(len(pairs), training.batch_size, seed, start, accelerator)
    generator = torch.Generator()
    sums: dict[str, Tensor] = {}
    began = saved = time.monotonic()
    every = max(REPORT_EVERY, total // 400)
    with progress_bar(total, "fit", show=progress and accelerator.is_main_process) as bar:
        for index in range(start, total):
            generator.manual_seed(mix(seed, index, accelerator.process_index))
            batch = data.batch(next(order).to(accelerator.device), generator)
            factor = model.rate(index / total)
            for place, name in enumerate(turns):
                optimizer = optimizers[name]
                for group, rate in zip(optimizer.param_groups, rates[name], strict=True):
                    group["lr"] = rate * factor
                optimizer.zero_grad()
                with accelerator.autocast():
                    losses = turn(batch, Step(index, total, name, generator, turns[:place].count(name)))
                accelerator.backward(losses["total"])
                if training.clip is not None:
                    accelerator.clip_grad_norm_(_parameters(optimizer), training.clip)
                optimizer.step()
                for part, value in losses.items():
                    key = part if len(optimizers) == 1 else f"{name}.{part}"
                    share = value.detach() / turns.count(name)
                    sums[key] = sums[key] + share if key in sums else share
            if ema is not None:
                ema.update(model, step=index)
            done = index + 1
            if done % every == 0 or done == total:
                means = {k: v.item() / (done - _last_record(history, start)) for k, v in sums.items()}
                _check_finite(means, done)
                history.losses.append({"step": done, **means})
                sums = {}
                bar.update(done, **{k: v for k, v in means.items() if k.endswith("total")})
            if state and accelerator.is_main_process and time.monotonic() - saved > training.save_seconds:
                state.write(done)
                saved = time.monotonic()
    if state and accelerator.is_main_process:
        state.write(total)
    if ema is not None:
        model.load_state_dict(ema.module.state_dict())
    history.seconds = time.monotonic() - began
    model.eval()
    model.fitted = True
    return history


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _last_record(history: History, start: int) -> int:
    """The step at which losses were last recorded."""
    return int(history.losses[-1]["step"]) if history.losses else start


def _check_finite(means: dict[str, float], step: int) -> None:
    wrong = [name for name, value in means.items() if value != value or abs(value) == float("inf")]
    if wrong:
        raise ZooError(
            f"training diverged before step {step}: {', '.join(wrong)} is not a number; a lower learning_rate may help"
        )
