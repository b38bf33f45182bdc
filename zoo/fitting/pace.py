"""How many steps a fit has within so many seconds: found before it, since rates and weights of losses span all of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import torch

from zoo.data.pairs import Pairs
from zoo.fitting.recipe import Training
from zoo.fitting.steps import Clock, Fit, Learner
from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError
from zoo.utils.files import read_text, write_json

FILE = "pace.json"
"""Beside the state of training: how many steps were found for how many seconds."""
WARM, BLOCK, PLACES, ROUNDS = 3, 16, 4, 256
"""Steps that are not timed; steps in a row that are, since some steps do more than others; places of the fit where they
are, since some phases do; how often at most."""
SHARE, MOST = 0.05, 0.25
"""Of the seconds: what the timed steps take at least, and what those of the first round take at most."""


def steps_within(
    model: Learner, pairs: Pairs, training: Training, usual: int, seed: int, device: str | torch.device, resume: Path | None
) -> int:
    """How many steps of ``model`` on ``pairs`` take ``training.seconds``, with what is done before the first; at least one.

    A copy of the model does some of them, spread over a fit of ``usual`` steps; that time is not counted. Where ``resume``
    has what was found before, that is it.
    """
    assert training.seconds is not None
    if resume is not None and (kept := _kept(resume, training.seconds)):
        return kept
    fit = Fit(copy.deepcopy(model), pairs, training, usual, seed, device, prove=False)
    if fit.accelerator.num_processes > 1:
        raise RequestError("seconds are those of one process: say how many steps there are (training.steps)")
    fit.begin(0)
    for index in range(WARM):
        _step(fit, index)
    clock, spent, done = Clock(fit.accelerator.device), [0.0] * PLACES, [0] * PLACES
    for round_ in range(ROUNDS):
        for place in range(PLACES):
            start, began = int(usual * (place + round_ * 0.618 % 1) / PLACES), clock.seconds()
            for index in range(start, start + BLOCK):
                _step(fit, index % usual)
                done[place] += 1
                if (took := clock.seconds() - began) > MOST * training.seconds / PLACES:
                    break
            spent[place] += took
        if clock.seconds() > SHARE * training.seconds:
            break
    a_step = sum(seconds / count for seconds, count in zip(spent, done, strict=True)) / PLACES
    steps = max(1, round((training.seconds - fit.prepared) / max(a_step, 1e-9)))
    if resume is not None:
        write_json(resume / FILE, {"seconds": training.seconds, "steps": steps})
    return steps


def _step(fit: Fit, index: int) -> None:
    for _ in fit.step(index):
        pass


def _kept(folder: Path, seconds: float) -> int | None:
    """The steps found before; None where there is nothing of that, or not of so many seconds."""
    try:
        found = json.loads(read_text(folder / FILE, 10_000))
        return whole(found["steps"], "steps", 1) if found["seconds"] == seconds else None
    except Exception:  # of many kinds; it is found anew
        return None
