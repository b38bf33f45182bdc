"""Checks that a checkpoint has not changed: its hash, its golden samples, one small score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from zoo.catalog import checkpoints
from zoo.catalog.files import Checkpoint
from zoo.catalog.found import fitted_model, folder_of
from zoo.catalog.recommended import meant
from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.hub.source import PREFIX, parse
from zoo.measuring.small import values_of
from zoo.saving.checkpoint import CONFIG
from zoo.saving.facts import read_facts
from zoo.saving.golden import CHANGE, TOLERANCE, Golden, SmallScore, embedded_pairs, read_golden
from zoo.utils.errors import RequestError, cause, nearest

Outcome = Literal["ok", "failed", "skipped"]
STEPS = ("sha256", "weights", "golden samples", "score")


class Step(NamedTuple):
    """One thing that was looked at: its name, what came of it, and the figure or the reason."""

    name: str
    outcome: Outcome
    detail: str


@dataclass
class Verification:
    """The outcome of looking at one checkpoint: its folder, None if it could not be had, and the steps as far as it came."""

    name: str
    folder: Path | None = None
    steps: list[Step] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing failed and the samples were replayed: what could not be looked at is not verified."""
        outcomes = {step.name: step.outcome for step in self.steps}
        return "failed" not in outcomes.values() and outcomes.get("golden samples") == "ok"


def verify(name: str, device: str | torch.device = "cpu") -> Verification:
    """Look at a checkpoint in four steps; a step that fails ends it, and only a name that nobody has raises.

    1. ``sha256``: the weights are the registered ones, or those that the Hub names.
    2. ``weights``: they load strictly, and are what the config says.
    3. ``golden samples``: the samples kept beside the weights come out again.
    4. ``score``: one score on a few items of the embedded data comes out again.
    """
    name = meant(name)
    if name.startswith("dir:"):
        folder_of(name)  # which is refused where it is no folder at all
    elif name.startswith(PREFIX):
        parse(name)
    registered = None if name.startswith(checkpoints.BY_PLACE) else checkpoints.find(name)
    verification = Verification(name)
    try:
        for outcome, detail in _look(verification, registered, device):
            verification.steps.append(Step(STEPS[len(verification.steps)], outcome, detail))
            if outcome == "failed":
                break
    except Exception as error:  # a model, a task or a metric of anybody's may raise anything
        verification.steps.append(Step(STEPS[len(verification.steps)], "failed", cause(error)))
    return verification


def _look(
    verification: Verification, registered: Checkpoint | None, device: str | torch.device
) -> Iterator[tuple[Outcome, str]]:
    verification.folder = folder = folder_of(verification.name)
    if registered is not None:
        yield "ok", f"{registered.sha256[:12]}..., as registered"
    elif verification.name.startswith(PREFIX):
        yield "ok", "as the Hub has it"
    else:
        yield "skipped", "a folder has no registered sha256"
    facts = read_facts(folder / CONFIG)
    model = fitted_model(folder, device, facts)
    yield "ok", f"{sum(tensor.numel() for tensor in model.state_dict().values()):,} numbers load strictly"
    golden = read_golden(folder)
    if golden is None:
        yield "skipped", "none are kept beside the weights"
    else:
        yield _replay(model, golden)
    if golden is None or golden.origin.score is None or facts.task is None:
        yield "skipped", "none is kept beside the weights"
    else:
        yield _measure(model, golden.origin.score, facts.task)


def _replay(model: Model, golden: Golden) -> tuple[Outcome, str]:
    k, n = golden.samples.shape[:2]
    if tuple(golden.x.shape[1:]) != model.x_shape or tuple(golden.samples.shape[2:]) != model.y_shape:
        raise RequestError(f"the golden samples are of x {tuple(golden.x.shape[1:])} and y {tuple(golden.samples.shape[2:])}")
    now = model.sample(golden.x, n, seed=golden.origin.seed).cpu().double()
    kept, most = golden.samples.double(), min(golden.origin.tolerance, TOLERANCE)
    difference = float((now - kept).square().mean().sqrt() / kept.std().clamp_min(1e-6))
    figure = f"{k} x {n} samples differ by {difference:.2g} of their deviation, at most {most:g}"
    return "ok" if difference <= most else "failed", figure


def _measure(model: Model, kept: SmallScore, task: Mapping[str, Any]) -> tuple[Outcome, str]:
    made = make.task(task["name"], **task["config"])
    if (tuple(made.x_shape), tuple(made.y_shape)) != (model.x_shape, model.y_shape):
        raise RequestError(f"task {task['name']!r} has x {made.x_shape} and y {made.y_shape}, unlike the model")
    pairs = embedded_pairs(task, kept.data, kept.seed)
    if pairs.digest != kept.digest:
        raise RequestError(f"data {kept.data!r} have sha256 {pairs.digest[:12]}..., not the kept {kept.digest[:12]}...")
    metric = kept.name.partition("@")[0]
    if make.metric(metric).needs != "samples":
        raise RequestError(f"metric {metric!r} is not of samples alone, so it gives no small score")
    scores = values_of(model.sample(pairs.x[: kept.items], kept.n, seed=kept.seed), pairs, metric)
    if kept.name not in scores:
        raise RequestError(f"metric {metric!r} gives no {kept.name}: {nearest(kept.name, scores)}")
    most = min(kept.tolerance, CHANGE)
    change = abs(scores[kept.name] - kept.value) / max(abs(kept.value), 1e-12)
    figure = f"{kept.name} {scores[kept.name]:.4g} on {kept.items} items of {kept.data}, "
    figure += f"kept {kept.value:.4g} within {most:.1%}"
    return "ok" if change <= most else "failed", figure
