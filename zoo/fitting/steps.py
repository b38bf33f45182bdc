"""A step of a fit, and all that it takes: the model on its device, its optimizers, the order of the pairs."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step, Training, Turns
from zoo.utils.device import pick
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")


class Learner(Protocol):
    """A model as the loop needs it, a torch module besides; see :class:`zoo.Model`."""

    config: Any
    fitted: bool

    def check_pairs(self, pairs: Pairs) -> None: ...
    def prepare(self, pairs: Pairs, seed: int) -> None: ...
    def optimizers(self) -> dict[str, torch.optim.Optimizer]: ...
    def turns(self, batch: Batch, step: Step) -> Turns: ...
    def lr_factor(self, progress: float) -> float: ...
    def sample(self, x: Tensor, n: int, *, seed: int | None = None) -> Tensor: ...
    def diagnose(self, pairs: Pairs) -> Mapping[str, float]: ...
    def prove(self) -> None: ...
    def config_dict(self) -> dict[str, Any]: ...


class _Advance(nn.Module):
    """One more turn of a step as a forward pass of the model, which is what several processes synchronise."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, turns: Turns) -> tuple[str, dict[str, Tensor]] | None:
        return next(turns, None)


class Fit:
    """``model`` at the beginning of a fit of ``total`` steps to ``pairs``: new weights, what it learns of the data before the
    first step, its optimizers. ``prove`` says whether to see first that it can be saved.
    """

    def __init__(
        self, model: Learner, pairs: Pairs, training: Training, total: int, seed: int, device: str | torch.device, prove: bool
    ) -> None:
        assert isinstance(model, nn.Module)
        pairs = replace(pairs, x=pairs.x.float(), y=pairs.y.float())  # of doubles, where those are somebody's default
        self.model, self.training, self.total, self.seed, self.items = model, training, total, seed, len(pairs)
        self.accelerator = accelerator = accelerator_for(device, training.precision)
        if training.ema:
            from timm.utils import ModelEmaV3
        self.clock = Clock(accelerator.device)
        initialise(model, seed)
        model.prepare(pairs, seed)
        self.prepared = self.clock.seconds()
        if prove:  # somebody will save it: that must not fail when all the work is done
            model.prove()
        model.to(accelerator.device).train()
        self.advance: nn.Module = accelerator.prepare(_Advance(model))
        optimizers = model.optimizers()
        fuse(optimizers.values())
        if accelerator.scaler is not None:  # fp16; elsewhere its wrapper only costs time: it looks for files
            optimizers = {name: accelerator.prepare(o) for name, o in optimizers.items()}
        self.optimizers = optimizers
        self.full_rates = [group["lr"] for o in optimizers.values() for group in o.param_groups]
        self.ema = ModelEmaV3(model, decay=training.ema, use_warmup=True) if training.ema else None  # it starts fast
        self.data = pairs.to(accelerator.device)
        self.generator = torch.Generator()

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The model, and its moving average."""
        assert isinstance(self.model, nn.Module)
        return {"model": self.model} | ({} if self.ema is None else {"ema": self.ema.module})

    @property
    def averaged(self) -> Learner:
        """The model as it would be kept if the fit ended now: its moving average, where there is one."""
        return self.model if self.ema is None else self.ema.module

    def rates(self) -> dict[str, float]:
        """The learning rate of the last step, of each optimizer where there are several."""
        first = {name: float(o.param_groups[0]["lr"]) for name, o in self.optimizers.items()}
        return {"lr" if len(first) == 1 else f"{name}.lr": rate for name, rate in first.items()}

    def begin(self, start: int) -> None:
        """Take up the order of the pairs at step ``start``; a state that was restored has brought its own groups."""
        self.weights = {name: [p for group in o.param_groups for p in group["params"]] for name, o in self.optimizers.items()}
        self.groups = [group for o in self.optimizers.values() for group in o.param_groups]
        self.order = order_of_pairs(self.items, self.training.batch_size, self.seed, start, self.accelerator)
        size, parts = min(self.training.batch_size, self.items), self.training.accumulate
        self.share = share_of_batch(size, parts, self.accelerator)

    def step(self, index: int, changing: Callable[[], object] = lambda: None) -> Iterator[tuple[str, Tensor]]:
        """Do a step; gives the losses by name, one turn after the other. ``changing`` is called before weights change."""
        model, accelerator, optimizers = self.model, self.accelerator, self.optimizers
        self.generator.manual_seed(mix(self.seed, index, accelerator.process_index))
        batch = self.data.batch(next(self.order).to(accelerator.device), self.generator)
        factor = model.lr_factor(index / self.total)
        for group, rate in zip(self.groups, self.full_rates, strict=True):
            group["lr"] = rate * factor
        step, parts = Step(index, self.total, self.generator), batch.parts(self.training.accumulate)
        turns = [(model.turns(part, step), len(part.x) / len(batch.x)) for part in parts]
        while turn := self._gradients(turns):
            name, losses = turn
            if self.training.clip is not None:
                accelerator.clip_grad_norm_(self.weights[name], self.training.clip)
            changing()
            optimizers[name].step()
            for part_of, value in losses.items():
                yield part_of if len(optimizers) == 1 else f"{name}.{part_of}", value
        if self.ema is not None:
            self.ema.update(model, step=index)

    def _gradients(self, turns: list[tuple[Turns, float]]) -> tuple[str, dict[str, Tensor]] | None:
        """The next turn of every part of a step, with its share of the pairs: the optimizer and the losses, their gradients
        taken; None where there is no turn left.
        """
        name, sums, alone = "", dict[str, Tensor](), len(turns) == 1
        for i, (part, share) in enumerate(turns):
            if (turn := self.advance(part)) is None:
                continue
            name, losses = turn
            if name not in self.optimizers:
                raise RequestError(
                    f"turns of {type(self.model).__name__} yields {name!r}, its optimizers are {', '.join(self.optimizers)}: "
                    "turns(batch, step) must yield an optimizer's name and its losses, turn after turn"
                )
            if i == 0:
                self.optimizers[name].zero_grad()
            weight = share * self.share
            self.accelerator.backward(losses["total"] if weight == 1 else losses["total"] * weight)
            for key, value in losses.items():
                value = value.detach() if alone else value.detach() * share
                sums[key] = sums[key] + value if key in sums else value
        return (name, sums) if name else None

    def agreed(self, value: T) -> T:
        """``value`` as the main process has it, on all of them."""
        if self.accelerator.num_processes == 1:
            return value
        from accelerate.utils import broadcast_object_list

        box = [value]
        broadcast_object_list(box)
        return box[0]


class Clock:
    """Seconds that this process has computed since it was made: of its processors, all threads together, whatever runs
    beside it; of a GPU, on which nothing else should run, those that have passed.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.began, self.left_out = self._now(), 0.0

    def seconds(self) -> float:
        return self._now() - self.began - self.left_out

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """A block whose seconds are none of the fit's: they are ``left_out``."""
        began = self._now()
        try:
            yield
        finally:
            self.left_out += self._now() - began

    def _now(self) -> float:
        if self.device.type == "cpu":
            return time.process_time()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.monotonic()


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


def share_of_batch(size: int, parts: int, accelerator: Accelerator) -> float:
    """How much the mean over this process's pairs counts among those of all: 1 where all have as many.

    Raises:
        RequestError: a batch of ``size`` pairs is too small for the processes, each of which takes it in ``parts``.
    """
    count = accelerator.num_processes
    if count > 1 and size < count * parts:
        raise RequestError(
            f"a batch of {size} pairs is too small for {count} processes that take it in {parts} parts: raise batch_size"
        )
    return len(range(accelerator.process_index, size, count)) * count / size


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
