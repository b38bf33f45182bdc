"""The fitted model of a run: fitted or taken from the run's folder, and kept there with golden samples and a small score."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from zoo.catalog.found import fitted_model
from zoo.fitting.tracking import Tracker
from zoo.measuring import small
from zoo.measuring.evaluate import Evaluation
from zoo.running.folder import RunFolder, asked_of, command_again, curves, plain, read_json
from zoo.running.plan import Plan
from zoo.saving import golden
from zoo.saving.checkpoint import CONFIG, save
from zoo.saving.facts import read_facts
from zoo.utils.config import sampling
from zoo.utils.errors import ZooError, cause
from zoo.utils.files import write_json
from zoo.utils.words import visible

if TYPE_CHECKING:
    from zoo.contracts.model import Model
    from zoo.data.pairs import Pairs
    from zoo.fitting.recipe import Callback


def fitted(plan: Plan, train: Pairs, folder: RunFolder) -> tuple[Model, Any, float]:
    """The fitted model, what training left on record, and its seconds; it is kept as a checkpoint, which has no scores yet.

    Whatever fails later, that stays; where it is kept already, by a run that was stopped later, it is taken from there.
    """
    if folder.fitted:
        try:
            record = read_json(folder.fit)
            history = record["history"] and {**record["history"], **record.get("curves", {})}
            return kept_model(plan, folder), history, float(record["seconds"])
        except Exception as error:
            raise ZooError(f"cannot go on from {folder.checkpoint}, remove it to fit again: {cause(error)}") from error
    request, began = plan.request, time.monotonic()
    if (found := taken(plan, train)) is not None:
        model, history, seconds = found
        plan = replace(plan, model=model)
    else:
        history = fit(plan, train, folder, request.progress)
        seconds = round(time.monotonic() - began, 3)
    write_json(folder.fit, {"history": plain(history), "curves": curves(history), "seconds": seconds})
    data = {"name": visible(request.data), "digest": train.digest, "items": len(train)}
    card, config = {"command": command_again(request, history)}, plan.weights["task_config"]
    save(plan.model, folder.checkpoint, task=request.task, task_config=config, seed=request.seed, data=data, card=card)
    return plan.model, history, seconds


def taken(plan: Plan, train: Pairs) -> tuple[Model, Any, float] | None:
    """As :func:`fitted`, of the run whose fit this one may take; None where it made another fit, or is not whole.

    It may differ in settings that no fit reads (:func:`zoo.utils.config.sampling`), which the model then has as planned.
    """
    if plan.request.fit_of is None:
        return None
    other, own = RunFolder(Path(plan.request.fit_of)), plan.model
    with contextlib.suppress(ZooError, KeyError, TypeError, OSError):  # it is fitted here, whatever is wrong there
        record = read_json(other.run)
        asked = {key: value for key, value in plan.weights.items() if key not in ("model", "config")}
        other.agree(asked_of(record), asked | {"data": visible(asked["data"])}, plan.added)
        model = fitted_model(other.checkpoint, plan.device, read_facts(other.checkpoint / CONFIG))
        model.set_sampling(**{name: getattr(own.config, name) for name in sampling(own.config)})
        if type(model) is type(own) and model.config == own.config and record["data"]["train"]["digest"] == train.digest:
            model.name = own.name
            history = record["history"] and {**record["history"], **record.get("curves", {})}
            return model, history, float(record["seconds"]["fit"])
    return None


def kept_model(plan: Plan, folder: RunFolder) -> Model:
    """The model that a run has fitted before, as its folder has it."""
    return fitted_model(folder.checkpoint, plan.device, read_facts(folder.checkpoint / CONFIG))


def fit(plan: Plan, train: Pairs, folder: RunFolder, progress: bool) -> Any:
    """Fit the model of the plan, going on from the state of training where there is one; gives what it leaves on record."""
    request, given = plan.request, dict[str, Any](plan.request.parts["training"])
    given |= {"seed": request.seed, "device": plan.device, "epochs": request.epochs, "progress": progress}
    with contextlib.ExitStack() as stack:
        if request.track is not None:
            words = {key: str(getattr(request, key)) for key in ("model", "task", "data", "seed")}
            settings = {**plan.weights["config"], **plan.weights["training"], **words}
            tracker = Tracker(request.track, folder.tracking, folder.path.name, settings)
            given["callback"] = _both(stack.enter_context(tracker), request.callback)
        elif request.callback is not None:
            given["callback"] = request.callback
        return plan.model.fit(train, resume=folder.state, **given)


def _both(tracker: Tracker, callback: Callback | None) -> Callback:
    """A callback that tells a tracker and a callback; it is the latter that may end the fit."""

    def tell(step: int, losses: dict[str, float], lr: float) -> bool | None:
        tracker(step, losses, lr)
        return None if callback is None else callback(step, losses, lr)

    return tell


def keep_golden(plan: Plan, folder: Path, test: Pairs, measured: Evaluation) -> None:
    """Keep golden samples and a small score in a checkpoint: as the CPU gives them, wherever.

    Where ``zoo verify`` would score the same items again, the small score is of the samples that were scored; else, on
    somebody's own data or a GPU, it is measured for itself.
    """
    request, config = plan.request, plan.weights["task_config"]
    metric = next((n for n, m in plan.metrics.items() if m.needs == "samples" and n not in measured.skipped), None)
    model = plan.model.to("cpu")
    if count := golden_items(plan, len(test)):
        x, samples = test.x[: golden.ITEMS], torch.stack([measured.kept[i] for i in range(count)])
        score = None if metric is None else small.score_of(samples, test, metric, plan.task.data, request.seed)
    else:
        x, score = small.small_score(model, {"name": request.task, "config": config}, metric)
    golden.write_golden(folder, x, model.sample(x, golden.SAMPLES, seed=0), 0, score)
    model.to(plan.device)


def golden_items(plan: Plan, scored: int) -> int:
    """How many of the first test items the small score of the checkpoint may be of, as they were scored; 0 for none."""
    request = plan.request
    embedded = request.data == plan.task.data and request.n <= golden.MOST_SAMPLES
    if request.checkpoint or not embedded or plan.device.type != "cpu":
        return 0
    if scored == request.items:  # spread over all: only the first is one of the first
        return 1
    return max(1, min(scored, small.ITEMS, small.ITEMS * small.N // request.n))  # as few as cost about as much as its own
