"""The loop that trains every gradient model: devices, precision, several processes, progress, resuming.

The loop is built on accelerate. Whatever is random at a step (order, crops, noise) follows from the seed and the number of
the step alone, so a run that was killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.keeper import Keeper
from zoo.fitting.recipe import History, Step, Training, Turns, own_settings, recipe_defaults
from zoo.fitting.state import TrainingState, kept_threads
from zoo.utils.config import make_config
from zoo.utils.device import pick
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.progress import progress as progress_bar
from zoo.utils.threads import free_threads, team

if TYPE_CHECKING:
    from accelerate import Accelerator

LONG = 200
"""Steps from which on it is worth a third of a second to see how many cores are free."""
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
    def prove(self) -> None: ...
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
    /,
    *,
    seed: int,
    device: str | torch.device,
    progress: bool,
    resume: Path | None,
    **settings: Any,
) -> History:
    """Fit ``model`` to ``pairs``; see :meth:`zoo.Model.fit`."""
    model.check_pairs(pairs)
    training = make_config(Training, own_settings(model, model.config, len(pairs)) | settings, "training")
    per_epoch = max(1, len(pairs) // training.batch_size)
    total = training.epochs * per_epoch if training.epochs is not None else training.steps
    threads = training.threads or (kept_threads(resume) if resume is not None else None)
    if threads is None:
        threads = free_threads() if total >= LONG and pick(device).type == "cpu" else torch.get_num_threads()
    with team(threads):
        history = _train(model, pairs, training, total, per_epoch, seed=seed, device=device, progress=progress, resume=resume)
    history.threads = threads
    return history


def _train(
    model: Learner,
    pairs: Pairs,
    training: Training,
    total: int,
    per_epoch: int,
    *,
    seed: int,
    device: str | torch.device,
    progress: bool,
    resume: Path | None,
) -> History:
    assert isinstance(model, nn.Module)
    pairs = replace(pairs, x=pairs.x.float(), y=pairs.y.float())  # of doubles, where those are somebody's default
    config = model.config
    accelerator = accelerator_for(device, training.precision)
    initialise(model, seed)
    model.prepare(pairs, seed)
    if resume is not None:  # somebody will save it: that must not fail when all the work is done
        model.prove()
    model.to(accelerator.device).train()
    advance: nn.Module = accelerator.prepare(_Advance(model))
    optimizers = model.optimizers()
    fuse(optimizers.values())
    if accelerator.scaler is not None:  # fp16; elsewhere accelerate's wrapper only costs time: it looks for files each step
        optimizers = {name: accelerator.prepare(o) for name, o in optimizers.items()}
    rates = [group["lr"] for o in optimizers.values() for group in o.param_groups]
    ema = None
    if training.ema:
        from timm.utils import ModelEmaV3

        ema = ModelEmaV3(model, decay=training.ema, use_warmup=True)  # it starts fast
    fingerprint = {
        "model": type(model).__name__,
        "config": model.config_dict(),
        "pairs": [len(pairs), pairs.digest],
        "seed": seed,
        "total": total,
        "batch_size": training.batch_size,
        "ema": training.ema,
    }
    modules = {"model": model} | ({} if ema is None else {"ema": ema.module})
    state = TrainingState(resume, modules, optimizers, fingerprint) if resume is not None else None
    history = History(total, total / per_epoch)
    start = history.resumed_at = state.restore(recipe_defaults(config)) if state else 0

    weights = {name: [p for group in o.param_groups for p in group["params"]] for name, o in optimizers.items()}
    groups = [group for o in optimizers.values() for group in o.param_groups]  # a state that is restored brings its own
    data = pairs.to(accelerator.device)
    order = order_of_pairs(len(pairs), training.batch_size, seed, start, accelerator)
    generator = torch.Generator()
    sums: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()
    began = time.monotonic()
    every = max(REPORT_EVERY, total // 400)
    keeper = Keeper(state if accelerator.is_main_process else None, [*modules.values()], start, training.save_seconds)
    with progress_bar(total, "fit", show=progress and accelerator.is_main_process) as bar, keeper:
        for index in range(start, total):
            keeper.begin()
            generator.manual_seed(mix(seed, index, accelerator.process_index))
            batch = data.batch(next(order).to(accelerator.device), generator)
            factor = model.lr_factor(index / total)
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate * factor
            turns = model.turns(batch, Step(index, total, generator))
            while turn := advance(turns):
                name, losses = turn
                if name not in optimizers:
                    raise RequestError(
                        f"turns of {type(model).__name__} yields {name!r}, its optimizers are {', '.join(optimizers)}: "
                        "turns(batch, step) must yield an optimizer's name and its losses, turn after turn"
                    )
                optimizer = optimizers[name]
                optimizer.zero_grad()
                accelerator.backward(losses["total"])
                if training.clip is not None:
                    accelerator.clip_grad_norm_(weights[name], training.clip)
                keeper.steps()
                optimizer.step()
                for part, value in losses.items():
                    key = part if len(optimizers) == 1 else f"{name}.{part}"
                    sums[key] = sums[key] + value.detach() if key in sums else value.detach()
                    counts[key] += 1
            if ema is not None:
                ema.update(model, step=index)
            done = index + 1
            if state and index == start:  # from here on the optimizers have all that they keep
                state.check()
            if done % every == 0 or done == total:
                means = {key: value.item() / counts[key] for key, value in sums.items()}
                if wrong := [key for key, value in means.items() if not math.isfinite(value)]:
                    raise ZooError(
                        f"training diverged before step {done}: {', '.join(wrong)} is not a number; "
                        "a lower learning_rate may help"
                    )
                history.losses.append({"step": done, **means})
                sums, counts = {}, Counter()
                bar.update(done, **{k: v for k, v in means.items() if k.endswith("total")})
            keeper.end(done)
    if ema is not None:
        model.load_state_dict(ema.module.state_dict())
    history.seconds = time.monotonic() - began
    model.eval()
    model.fitted = True
    return history


def initialise(model: nn.Module, seed: int) -> None:
    """Give every layer its first weights anew, from ``seed``; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in model.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()


def mix(*numbers: int) -> int:
    """One seed out of several numbers, such that near numbers give unrelated seeds."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = ((state ^ (number & (2**64 - 1))) * 0xBF58476D1CE4E5B9) % 2**64
        state ^= state >> 29
    return state >> 1


def order_of_pairs(items: int, size: int, seed: int, start: int, accelerator: Accelerator) -> Iterator[Tensor]:
    """Indices of each step's pairs for this process, from step ``start`` on: an own permutation for every epoch."""
    size = min(size, items)
    per_epoch = items // size
    mine = slice(accelerator.process_index, None, accelerator.num_processes)
    for step in itertools.count(start):
        epoch, i = divmod(step, per_epoch)
        if i == 0 or step == start:
            permutation = torch.randperm(items, generator=torch.Generator().manual_seed(mix(seed, -1 - epoch)))
        yield permutation[i * size : (i + 1) * size][mine]


def accelerator_for(device: str | torch.device, precision: str) -> Accelerator:
    """accelerate on ``device`` in ``precision`` (of :class:`zoo.Training`), whatever was fitted before."""
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState, PartialState

    target = pick(device)
    if precision == "auto":
        precision = "bf16" if target.type == "cuda" and torch.cuda.is_bf16_supported() else "no"
    # A process may fit one model after another, on other devices and in other precisions: accelerate keeps one state.
    alone = not PartialState._shared_state or PartialState().num_processes == 1
    AcceleratorState._reset_state(reset_partial_state=alone)
    # A turn of an alternating scheme leaves the other networks' parameters without a gradient.
    several = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(cpu=target.type == "cpu", mixed_precision=precision, kwargs_handlers=[several])


def fuse(optimizers: Iterable[torch.optim.Optimizer]) -> None:
    """Let torch's optimizers update all weights in one pass where the model leaves the choice open: several times faster."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            # Only those optimizers that can be fused have the setting; None means that torch chooses.
            open_ = "fused" in group and group["fused"] is None and group.get("foreach") is None
            if open_ and all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in group["params"]):
                group["fused"] = True
