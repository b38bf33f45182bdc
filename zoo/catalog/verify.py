"""Whether a checkpoint is still what it was: its hash, its golden samples, one small score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from zoo.catalog import checkpoints
from zoo.catalog.loaded import folder_of
from zoo.contracts.model import Model
from zoo.contracts.stored import embedded_pairs
from zoo.measuring.small import small_scores
from zoo.saving.checkpoint import CONFIG
from zoo.saving.facts import read_facts
from zoo.saving.golden import Golden, read_golden
from zoo.utils.errors import RequestError, ZooError, nearest


class Step(NamedTuple):
    """One thing that was looked at: its name, what came of it, and the figure or the reason."""

    name: str
    outcome: Literal["ok", "failed", "skipped"]
    detail: str


@dataclass
class Verification:
    """What was found of one checkpoint.

    Attributes:
        name: as it was asked for.
        folder: where it lies, None if it could not be had.
        steps: ``sha256``, ``weights``, ``golden samples`` and ``score``, as far as it came.
    """

    name: str
    folder: Path | None = None
    steps: list[Step] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing failed and the samples were replayed: what could not be looked at is not verified."""
        outcomes = {step.name: step.outcome for step in self.steps}
        return "failed" not in outcomes.values() and outcomes.get("golden samples") == "ok"


def verify(name: str, device: str | torch.device = "cpu") -> Verification:
    """Look at a checkpoint in four steps; a step that fails ends it.

    1. ``sha256``: the weights are the registered ones, or those that the Hub names.
    2. ``weights``: they load strictly, and are what the config says.
    3. ``golden samples``: the samples kept beside the weights come out again.
    4. ``score``: one score on a few items of the embedded data comes out again.

    Args:
        name: a registered name, ``hf:ORG/REPO@REV`` or ``dir:PATH``.
        device: where to sample.

    Raises:
        RequestError: no checkpoint is called so.
    """
    found = Verification(name)
    registered = None if name.startswith(("dir:", "hf:")) else checkpoints.find(name)
    try:
        found.folder = folder = folder_of(name)
    except ZooError as error:
        found.steps.append(Step("sha256", "failed", str(error)))
        return found
    if registered is not None:
        found.steps.append(Step("sha256", "ok", f"{registered.sha256[:12]}..., as registered"))
    elif name.startswith("hf:"):
        found.steps.append(Step("sha256", "ok", "as the Hub has it"))
    else:
        found.steps.append(Step("sha256", "skipped", "a folder has no registered sha256"))
    model: list[Model] = []
    golden: list[Golden] = []

    def weights() -> Step:
        model.append(Model.load(folder, device))
        count = sum(tensor.numel() for tensor in model[0].state_dict().values())
        return Step("weights", "ok", f"{count:,} numbers load strictly")

    def samples() -> Step:
        kept = read_golden(folder)
        if kept is None:
            return Step("golden samples", "skipped", "none are kept beside the weights")
        golden.append(kept)
        return _replay(model[0], kept)

    def score() -> Step:
        return _measure(model[0], golden[0] if golden else None, folder)

    for name_of, look in (("weights", weights), ("golden samples", samples), ("score", score)):
        step = _guarded(name_of, look)
        found.steps.append(step)
        if step.outcome == "failed":
            break
    return found


def _guarded(name: str, look: Callable[[], Step]) -> Step:
    try:
        return look()
    except ZooError as error:
        return Step(name, "failed", str(error))


def _replay(model: Model, golden: Golden) -> Step:
    k, n = golden.samples.shape[:2]
    if tuple(golden.x.shape[1:]) != model.x_shape or tuple(golden.samples.shape[2:]) != model.y_shape:
        raise RequestError(f"the golden samples are of x {tuple(golden.x.shape[1:])} and y {tuple(golden.samples.shape[2:])}")
    now = model.sample(golden.x, n, seed=golden.seed).cpu().double()
    kept = golden.samples.double()
    difference = float((now - kept).square().mean().sqrt() / kept.std().clamp_min(1e-6))
    figure = f"{k} x {n} samples differ by {difference:.2g} of their deviation, at most {golden.tolerance:g}"
    return Step("golden samples", "ok" if difference <= golden.tolerance else "failed", figure)


def _measure(model: Model, golden: Golden | None, folder: Path) -> Step:
    task = read_facts(folder / CONFIG).task
    if golden is None or golden.score is None or task is None:
        return Step("score", "skipped", "none is kept beside the weights")
    kept = golden.score
    pairs = embedded_pairs(task, kept.data, kept.seed)
    if pairs.digest != kept.digest:
        raise RequestError(f"data {kept.data!r} have sha256 {pairs.digest[:12]}..., not the kept {kept.digest[:12]}...")
    metric = kept.name.partition("@")[0]
    scores = small_scores(model, pairs, metric, items=kept.items, n=kept.n, seed=kept.seed)
    if kept.name not in scores:
        raise RequestError(f"metric {metric!r} gives no {kept.name}: {nearest(kept.name, scores)}")
    change = abs(scores[kept.name] - kept.value) / max(abs(kept.value), 1e-12)
    figure = (
        f"{kept.name} {scores[kept.name]:.4g} on {kept.items} items of {kept.data}, kept {kept.value:.4g} "
        f"within {kept.tolerance:.1%}"
    )
    return Step("score", "ok" if change <= kept.tolerance else "failed", figure)
