"""The ground of the training loop: first weights, seeds, the order of the data, accelerate, fused steps, averages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from accelerate import Accelerator


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
    epoch, first = divmod(start, per_epoch)
    while True:
        generator = torch.Generator().manual_seed(mix(seed, -1 - epoch))
        permutation = torch.randperm(items, generator=generator)
        for i in range(first, per_epoch):
            yield permutation[i * size : (i + 1) * size][mine]
        epoch, first = epoch + 1, 0


def accelerator_for(device: str | torch.device, precision: str) -> Accelerator:
    """accelerate on ``device`` in ``precision`` (of :class:`zoo.Training`), whatever was fitted before."""
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState, PartialState

    from zoo.utils.device import pick

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


def moving_average(model: nn.Module, decay: float) -> Any:
    """timm's exponential moving average of the weights, which starts fast; None where there is no decay."""
    if not decay:
        return None
    from timm.utils import ModelEmaV3

    return ModelEmaV3(model, decay=decay, use_warmup=True)
