"""Settings chosen for a model: each candidate is fitted to a part of the training pairs and scored on the rest of them."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo import registry
from zoo.benching.cells import Cell, begun
from zoo.benching.forms import TrialForm, difference, read_record
from zoo.benching.plan import BenchPlan
from zoo.benching.sweep import folder_name
from zoo.contracts import make
from zoo.running.plan import Request, make_plan
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import discard, write_json
from zoo.utils.neutral import neutral

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER, RECORD = "tuning", "trial.json"
SHARE = 0.2
"""Of the training pairs, held out of the fits that settings are chosen by."""
HELD = 200
"""Held-out pairs that are scored, at most, where the bench says nothing of items."""


@dataclass
class Trial(Cell):
    """A fit of one model on one task with one seed to a part of the training pairs, with ``settings`` that may be chosen.

    Its record holds the score of the rest of them; a trial that failed, as one of too high a rate does, is not chosen.
    """

    job: ClassVar[str] = "trial"
    number: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.task} {self.model} seed {self.seed} tuning {self.number}"

    @property
    def cost(self) -> float:
        """The score that is chosen by, the lower the better."""
        (score,) = self.metrics["metrics"].values()
        return float(score["value"]) * (1 if score["better"] == "lower" else -1)

    def look(self) -> None:
        if self.load():
            self.reason = difference(self.run["request"], self.numbers, self.added)
            self.reused, self.status = not self.reason, "new" if self.reason else "done"
        elif begun(self.folder).exists():
            self.reason = difference(read_record(begun(self.folder)), self.numbers, self.added)
            self.status = "new" if self.reason else "stopped"

    def load(self) -> bool:
        found = read_record(self.folder / RECORD, TrialForm)
        if found is None or len(found["metrics"]) != 1:
            return False
        self.run, self.metrics, self.status = found, {"metrics": found["metrics"]}, "done"
        return True


def check(wanted: str | None) -> tuple[str, ...]:
    """The metrics that settings may be chosen by, the first that can be measured counting: the one that is named, or those
    of this project that stand first in tables and need no more than samples.
    """
    if wanted is not None:
        if make.class_of("metrics", wanted).needs == "fitted":
            raise RequestError(f"settings cannot be chosen by {wanted!r}, which is of a whole run: name one of samples")
        if make.class_of("metrics", wanted).better is None:
            raise RequestError(f"settings cannot be chosen by {wanted!r}, of which neither way is better: name another")
        return (wanted,)
    own = [name for name in registry.names("metrics") if registry.entry("metrics", name).distribution == registry.OWN]
    from zoo.contracts.metric import LAST

    classes = {name: make.class_of("metrics", name) for name in own}
    first = [name for name, metric in classes.items() if metric.place < LAST and metric.needs == "samples"]
    return tuple(sorted(first, key=lambda name: classes[name].place))


def lay_out(plan: BenchPlan, cells: Sequence[Cell]) -> list[Trial]:
    """The trials for ``cells``, looked at: of each ``plan.request.tune`` candidates, or as many as its model has; none where
    it has but one.

    The first is the model as it is. Cells of one model and task whose training data are the same share their trials.
    """
    metrics, trials = check(plan.request.tune_by), dict[tuple[str, str, str], list[Trial]]()
    cells = [cell for cell in cells if cell.status != "failed"]
    for cell in cells:
        key = cell.task, cell.model, str(cell.numbers["digests"]["train"])
        if key in trials:
            continue
        trials[key] = []
        found = _candidates(cell, plan.request.tune)
        for number, (settings, weights) in enumerate(found if len(found) > 1 else ()):
            folder = plan.out / FOLDER / cell.task / f"{folder_name(cell.model)}-s{cell.seed}-{number}"
            given = {**cell.request.settings, **settings}
            request = dataclasses.replace(cell.request, settings=given, metrics=metrics, items=plan.items, out=str(folder))
            more = {"seed": cell.seed, "n": plan.n, "items": plan.items, "metrics": list(metrics), "share": SHARE}
            numbers = json.loads(json.dumps({**weights, **more, "digests": {"train": key[2]}}))
            trial = Trial(
                cell.task, cell.model, cell.seed, folder, request, numbers, cell.added, number=number, settings=settings
            )
            trial.look()
            trials[key].append(trial)
    for cell in cells:
        cell.trials = list(trials[cell.task, cell.model, str(cell.numbers["digests"]["train"])])
    return list(itertools.chain.from_iterable(trials.values()))


def _candidates(cell: Cell, count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Settings that differ, {} first, each with what decides the weights of a fit with them; those of a preset, and those
    that were asked for, stay.
    """
    model, preset = make.model_class(str(cell.request.model))
    fixed = {*preset, *cell.request.settings}
    space = {name: list(values) for name, values in model.tunable.items() if name not in fixed}
    every, random_ = list(itertools.islice(itertools.product(*space.values()), 100_000)), random.Random(cell.seed)
    random_.shuffle(every)
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for values in [None, *every]:
        settings = {} if values is None else dict(zip(space, values, strict=True))
        try:
            weights = make_plan(dataclasses.replace(cell.request, settings={**cell.request.settings, **settings})).weights
        except RequestError:  # settings that do not go together
            continue
        if all(weights["config"] != other["config"] for _, other in found):
            found.append((settings, weights))
        if len(found) == count:
            break
    return found


def choose(cell: Cell) -> None:
    """Give a cell the settings of its trial that is best by its score; it fails where none of them is done."""
    done = [trial for trial in cell.trials if trial.status == "done"]
    if not done and cell.trials:
        cell.fail(f"none of its {len(cell.trials)} tuning fits was done: {cell.trials[0].reason}")
    elif done:
        best = min(done, key=lambda trial: trial.cost)
        cell.chosen = best.settings
        cell.request = dataclasses.replace(cell.request, settings={**cell.request.settings, **best.settings})
        cell.numbers = json.loads(json.dumps({**cell.numbers, **make_plan(cell.request).weights}))
    if cell.status != "failed":
        cell.look()


@neutral()
def do_trial(request: Request, numbers: Mapping[str, Any]) -> None:
    """Do one trial and leave its record last; the state of its fit goes then."""
    import torch

    from zoo.contracts.metric import Fitted
    from zoo.data.holding import apart
    from zoo.measuring.evaluate import evaluate
    from zoo.running.fitted import fit
    from zoo.running.folder import RunFolder, plain

    with torch.random.fork_rng(devices=[]):
        plan = make_plan(request)
    rest, held = apart(plan.task.pairs(plan.data, "train", request.seed), SHARE, request.seed, "tune 0 times")
    held = held.subset(held.spread(request.items or HELD))
    folder, seconds, began = RunFolder(Path(str(request.out))), {}, time.monotonic()
    history = fit(plan, rest, folder, progress=False)
    seconds["fit"], began = round(time.monotonic() - began, 3), time.monotonic()
    whole = Fitted(plan.model, plan.task, plan.data, held, request.seed)
    found = evaluate(plan.model.to(plan.device), held, plan.metrics, request.n, seed=request.seed, fitted=whole)
    seconds["evaluate"] = round(time.monotonic() - began, 3)
    name = next((name for metric in plan.metrics for name in reversed(found.scores) if name.partition("@")[0] == metric), None)
    if name is None:
        raise ZooError("; ".join(f"{name} was left out: {why}" for name, why in found.skipped.items()))
    score = {key: getattr(found.scores[name], key) for key in ("value", "low", "high", "unit", "better")}
    record = {"metrics": {name: score}, "items": {"fit": len(rest), "held_out": len(held)}, "history": plain(history)}
    write_json(folder.path / RECORD, {"schema": 1, "request": dict(numbers), **record, "seconds": seconds})
    discard(folder.path / "training")
