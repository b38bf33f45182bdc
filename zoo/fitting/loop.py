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

from zoo.data.pairs import Pairs
from zoo.fitting.checks import Checks
from zoo.fitting.course import Course
from zoo.fitting.keeper import Keeper
from zoo.fitting.pace import steps_within
from zoo.fitting.recipe import History, Training, own_settings, recipe_defaults
from zoo.fitting.state import TrainingState, kept_threads
from zoo.fitting.steps import Fit, Learner
from zoo.utils.config import make_config
from zoo.utils.device import pick
from zoo.utils.errors import RequestError
from zoo.utils.progress import progress as progress_bar
from zoo.utils.threads import free_threads, team

LONG = 200
"""Steps from which on it is worth a third of a second to see how many cores are free."""
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
    **settings: Any,
) -> History:
    """Fit ``model`` to ``pairs``; see :meth:`zoo.Model.fit`."""
    model.check_pairs(pairs)
    settings = {name: value for name, value in settings.items() if value is not None or name != "epochs"}
    training = make_config(Training, own_settings(model, model.config, len(pairs)) | settings, "training")
    if training.seconds is not None and (twice := {"steps", "epochs"} & settings.keys()):
        raise RequestError(f"seconds say how many steps there are: leave out {twice.pop()}")
    per_epoch = max(1, len(pairs) // training.batch_size)
    total = training.epochs * per_epoch if training.epochs is not None else training.steps
    threads = training.threads or (kept_threads(resume) if resume is not None else None)
    if threads is None:
        long = total >= LONG or training.seconds is not None
        threads = free_threads() if long and pick(device).type == "cpu" else torch.get_num_threads()
    with team(threads):
        if training.seconds is not None:
            total = steps_within(model, pairs, training, total, seed, device, resume)
        history = _train(model, pairs, training, total, per_epoch, seed=seed, device=device, progress=progress, resume=resume)
    return replace(history, threads=threads, pairs=total * min(training.batch_size, len(pairs)))


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
    fit = Fit(model, pairs, training, total, seed, device, prove=resume is not None)
    fingerprint = {
        "model": type(model).__name__,
        "config": model.config_dict(),
        "pairs": [len(pairs), pairs.digest],
        "seed": seed,
        "total": total,
        "batch_size": training.batch_size,
        "ema": training.ema,
    }
    state = TrainingState(resume, fit.modules, fit.optimizers, fingerprint) if resume is not None else None
    history = History(total, total / per_epoch)
    start = history.resumed_at = state.restore(recipe_defaults(model.config)) if state else 0
    if state:
        state.clock = fit.clock.seconds
    fit.begin(start)
    course = Course()
    if state:
        course.restore(state.found, fit.accelerator.device)
        state.course = lambda: course.kept(fit.clock.left_out)
    history.losses, history.checks = course.losses, course.checks
    began = time.monotonic()
    every = max(REPORT_EVERY, total // 400)
    checks = Checks(fit, every)
    main = fit.accelerator.is_main_process
    keeper = Keeper(state if main else None, [*fit.modules.values()], start, training.save_seconds)
    with progress_bar(total, "fit", show=progress and main) as bar, keeper:
        for index in range(start, total):
            keeper.begin()
            for key, value in fit.step(index, keeper.steps):
                course.add(key, value)
            done = index + 1
            if state and index == start:  # from here on the optimizers have all that they keep
                state.check()
            if done % every == 0 or done == total:
                means = course.look(done, fit.rates())
                if main and (found := checks.at(done)):
                    course.checks.append({"step": done, **found})
                bar.update(done, **{k: v for k, v in means.items() if k.endswith("total")})
            keeper.end(done)
    history.checking = course.before + fit.clock.left_out
    history.processor = fit.clock.seconds() + (state.before if state else 0.0)
    if fit.ema is not None:
        fit.model.load_state_dict(fit.ema.module.state_dict())
    history.seconds = time.monotonic() - began
    model.eval()
    model.fitted = True
    return history
