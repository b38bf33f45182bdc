"""The loop that trains every gradient model: devices, precision, several processes, progress, resuming.

The loop is built on accelerate. Whatever is random at a step (order, crops, noise) follows from the seed and the number of
the step alone, so a run that was killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn, Protocol

import torch
from torch import Tensor, nn

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import History, Recipe, Step, Training, Turns, recipe_defaults
from zoo.fitting.setup import accelerator_for, fuse, initialise, mix, moving_average, order_of_pairs
from zoo.fitting.state import TrainingState
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.progress import progress as progress_bar

REPORT_EVERY = 20
"""Steps between looks at the losses: each look waits for the device."""


class Learner(Protocol):
    """A model as the loop needs it, a torch module besides; see :class:`zoo.Model`."""

    config: Any
    fitted: bool

    def check_pairs(self, pairs: Pairs) -> None: ...

    def prepare(self, pairs: Pairs, seed: int) -> None: ...

    def optimizers(self) -> dict[str, torch.optim.Optimizer]: ...

    def turns(self, batch: Batch, step: Step) -> Turns: ...

    def lr_factor(self, progress: float) -> float: ...

    def config_dict(self) -> dict[str, Any]: ...


class _Advance(nn.Module):
    """One more turn of a step as a forward pass of the model, which is what several processes synchronise."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, turns: Turns) -> tuple[str, dict[str, Tensor]] | None:
        return next(turns, None)


def train(
    model: Learner,
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
    assert isinstance(model, nn.Module)
    model.check_pairs(pairs)
    config = model.config
    given = {name: getattr(config, name) for name in ("steps", "batch_size", "ema", "clip") if isinstance(config, Recipe)}
    given |= settings if epochs is None else {**settings, "epochs": epochs}
    training = make_config(Training, given, "training")
    per_epoch = max(1, len(pairs) // training.batch_size)
    total = training.epochs * per_epoch if training.epochs is not None else training.steps

    accelerator = accelerator_for(device, training.precision)
    initialise(model, seed)
    model.prepare(pairs, seed)
    model.to(accelerator.device).train()
    advance: nn.Module = accelerator.prepare(_Advance(model))
    optimizers = model.optimizers()
    fuse(optimizers.values())
    if accelerator.scaler is not None:  # fp16; elsewhere accelerate's wrapper only costs time: it looks for files each step
        optimizers = {name: accelerator.prepare(o) for name, o in optimizers.items()}
    rates = [group["lr"] for o in optimizers.values() for group in o.param_groups]
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
    start = history.resumed_at = state.restore(recipe_defaults(config)) if state else 0

    weights = {name: [p for group in o.param_groups for p in group["params"]] for name, o in optimizers.items()}
    groups = [group for o in optimizers.values() for group in o.param_groups]  # a state that is restored brings its own
    data = pairs.to(accelerator.device)
    order = order_of_pairs(len(pairs), training.batch_size, seed, start, accelerator)
    generator = torch.Generator()
    sums: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()
    began = saved = time.monotonic()
    every = max(REPORT_EVERY, total // 400)
    with progress_bar(total, "fit", show=progress and accelerator.is_main_process) as bar:
        for index in range(start, total):
            generator.manual_seed(mix(seed, index, accelerator.process_index))
            batch = data.batch(next(order).to(accelerator.device), generator)
            factor = model.lr_factor(index / total)
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate * factor
            turns = model.turns(batch, Step(index, total, generator))
            while turn := advance(turns):
                name, losses = turn
                optimizer = optimizers[name] if name in optimizers else _refuse(model, name, optimizers)
                optimizer.zero_grad()
                accelerator.backward(losses["total"])
                if training.clip is not None:
                    accelerator.clip_grad_norm_(weights[name], training.clip)
                optimizer.step()
                for part, value in losses.items():
                    key = part if len(optimizers) == 1 else f"{name}.{part}"
                    sums[key] = sums[key] + value.detach() if key in sums else value.detach()
                    counts[key] += 1
            if ema is not None:
                ema.update(model, step=index)
            done = index + 1
            if done % every == 0 or done == total:
                means = {key: value.item() / counts[key] for key, value in sums.items()}
                _check_finite(means, done)
                history.losses.append({"step": done, **means})
                sums, counts = {}, Counter()
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


def _refuse(model: object, name: str, optimizers: Iterable[str]) -> NoReturn:
    raise RequestError(
        f"turns of {type(model).__name__} yields {name!r}, its optimizers are {', '.join(optimizers)}: turns(batch, step) "
        "must yield an optimizer's name and its losses, turn after turn"
    )


def _check_finite(means: dict[str, float], step: int) -> None:
    wrong = [name for name, value in means.items() if value != value or abs(value) == float("inf")]
    if wrong:
        raise ZooError(
            f"training diverged before step {step}: {', '.join(wrong)} is not a number; a lower learning_rate may help"
        )
