"""The loop that trains every gradient model: devices, precision, several processes, progress, resuming.

The loop is built on accelerate. Whatever is random at a step (order, crops, noise) follows from the seed and the number of
the step alone, so a run that was killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo import registry
from zoo.data.holding import apart
from zoo.data.pairs import Pairs
from zoo.fitting.checks import SCORE, Checks
from zoo.fitting.course import Course
from zoo.fitting.keeper import Keeper
from zoo.fitting.pace import steps_within
from zoo.fitting.recipe import Callback, History, Training, check_callback, own_settings, recipe_defaults
from zoo.fitting.state import TrainingState, kept_threads
from zoo.fitting.steps import Fit, Learner
from zoo.utils.config import make_config
from zoo.utils.device import pick
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.progress import progress as progress_bar
from zoo.utils.tensors import apart as apart_in_memory
from zoo.utils.tensors import digest_of
from zoo.utils.threads import free_threads, team
from zoo.utils.words import say

LONG = 200
"""Steps from which on it is worth a third of a second to see how many cores are free."""
VALIDATING = ("validation", "validate_by", "validations", "patience", "keep")
"""The settings that decide which weights are kept, and when a fit ends."""
REPORT_EVERY = 20
"""Steps between looks at the losses: each look waits for the device."""


def train(
    model: Learner,
    pairs: Pairs,
    /,
    *,
    seed: int,
    device: str | torch.device,
    progress: bool,
    resume: Path | None,
    callback: Callback | None = None,
    **settings: Any,
) -> History:
    """Fit ``model`` to ``pairs``; see :meth:`zoo.Model.fit`."""
    check_callback(callback)
    model.check_pairs(pairs)
    settings = {name: value for name, value in settings.items() if value is not None or name != "epochs"}
    training = make_config(Training, own_settings(model, model.config, len(pairs)) | settings, "training")
    if training.seconds is not None and (twice := {"steps", "epochs"} & settings.keys()):
        raise RequestError(f"seconds say how many steps there are: leave out {twice.pop()}")
    if training.accumulate > training.batch_size:
        raise RequestError(
            f"accumulate is {training.accumulate}; a step has {training.batch_size} pairs: at most so many parts"
        )
    held = None
    if training.validation:
        pairs, held = apart(pairs, training.validation, seed, "leave out validation")
    per_epoch = max(1, len(pairs) // training.batch_size)
    total = training.epochs * per_epoch if training.epochs is not None else training.steps
    before = kept_threads(resume) if resume is not None else None
    threads = training.threads or before
    if before not in (None, threads):
        said = f"{resume} was fitted with {before} threads so far, and goes on with {threads}: the last digits differ"
        say(f"zoo: {said}", err=True)
    if threads is None:
        long = total >= LONG or training.seconds is not None
        threads = free_threads() if long and pick(device).type == "cpu" else torch.get_num_threads()
    with team(threads):
        if training.seconds is not None:
            total = steps_within(model, pairs, training, total, seed, device, resume)
        more: dict[str, Any] = {"seed": seed, "device": device, "progress": progress, "resume": resume, "callback": callback}
        history = _train(model, pairs, held, training, total, per_epoch, **more)
    seen = (history.stopped_at or total) * min(training.batch_size, len(pairs))
    return replace(history, threads=threads, pairs=seen, held_out=len(held or ()))


def _train(
    model: Learner,
    pairs: Pairs,
    held: Pairs | None,
    training: Training,
    total: int,
    per_epoch: int,
    *,
    seed: int,
    device: str | torch.device,
    progress: bool,
    resume: Path | None,
    callback: Callback | None,
) -> History:
    assert isinstance(model, nn.Module)
    fit = Fit(model, pairs, training, total, seed, device, prove=resume is not None)
    fingerprint = {
        "model": type(model).__name__,
        "config": model.config_dict(),
        "pairs": [len(pairs), pairs.digest],
        "seed": seed,
        "total": total,
        "batch_size": training.batch_size,
        "ema": training.ema,
        "clip": training.clip,
        "precision": training.precision,
        "accumulate": training.accumulate,
        "validation": None if held is None else [getattr(training, name) for name in VALIDATING],
        "content": "" if pairs.digest or resume is None else _content(pairs),
    }
    every = max(REPORT_EVERY, total // 400)
    course = Course()
    checks = Checks(fit, course, held, every)
    state = TrainingState(resume, fit.modules | checks.modules, fit.optimizers, fingerprint) if resume is not None else None
    history = History(total, total / per_epoch)
    start = history.resumed_at = state.restore(recipe_defaults(model.config)) if state else 0
    if state:
        state.clock = fit.clock.seconds
        course.restore(state.found, fit.accelerator.device)
        state.course = lambda: course.kept(fit.clock.left_out)
    fit.begin(start)
    history.losses, history.checks = course.losses, course.checks
    began = time.monotonic()
    main = fit.accelerator.is_main_process
    keeper = Keeper(state if main else None, [*fit.modules.values()], start, training.save_seconds)
    with progress_bar(total, "fit", show=progress and main) as bar, keeper:
        for index in range(start, start if course.stopped else total):
            keeper.begin()
            for key, value in fit.step(index, keeper.steps):
                course.add(key, value)
            done = index + 1
            if state and index == start:  # from here on the optimizers have all that they keep
                state.check()
            if done % every == 0 or done == total:
                means, rates = course.look(done, fit.rates()), fit.rates()
                found = checks.at(done, done == total)
                bar.update(done, **{k: v for k, v in (means | found).items() if k.endswith(("total", SCORE))})
                if checks.exhausted and done < total:
                    course.stopped = "patience"
                if callback is not None:
                    keeper.stepped(done)  # which is kept, whatever the callback does
                    told = _tell(callback, fit, done, means | found, next(iter(rates.values())))
                    if told and not course.stopped and done < total:
                        course.stopped = "callback"
                        _ = found or checks.at(done, True)  # so that the weights it stopped at may be the best
            keeper.end(done)
            if course.stopped:
                break
    history.stopped_by, history.stopped_at = course.stopped, keeper.done if course.stopped else 0
    history.checking = course.before + fit.clock.left_out
    history.processor = fit.clock.seconds() + (state.before if state else 0.0)
    if checks.best is not None:
        history.best_at = checks.best_at
        model.load_state_dict(checks.best.state_dict())
    elif fit.ema is not None:
        model.load_state_dict(fit.ema.module.state_dict())
    history.seconds = time.monotonic() - began
    model.eval()
    model.fitted = True
    return history


def _content(pairs: Pairs) -> str:
    """A sha256 of what pairs hold that say nothing of where they are from: of a thousand of them."""
    few = pairs.subset(pairs.spread(1000))
    return digest_of(apart_in_memory({"x": few.x, "y": few.y}), "")


def _tell(callback: Callback, fit: Fit, step: int, losses: dict[str, float], lr: float) -> bool:
    """Whether the callback of the main process ends the fit; an error in it ends that of all processes."""
    told, failed = False, None  # type: bool, ZooError | None
    if fit.accelerator.is_main_process:
        try:
            told = bool(callback(step, losses, lr))
        except ZooError as error:
            failed = error
        except (Exception, SystemExit) as error:
            failed = ZooError(f"the callback failed at step {step}: {registry.told(error)}")
            failed.__cause__ = error
    told, why = fit.agreed((told, failed and str(failed)))
    if why is not None:
        raise failed or ZooError(why)
    return told
