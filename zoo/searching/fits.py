"""The fits of a search: each model's, one after another or several at a time, by what its study asks for."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.benching import tuning
from zoo.benching.layout import Settings
from zoo.benching.pool import Pool
from zoo.benching.record import effort
from zoo.benching.sweep import folder_name
from zoo.contracts import make
from zoo.running.folder import versions
from zoo.running.plan import Request, make_plan, written
from zoo.searching import space as spaces
from zoo.searching.study import Study
from zoo.searching.tunes import TuneRequest
from zoo.utils.errors import RequestError
from zoo.utils.words import visible

FITS = "fits"


class Search:
    """A search, with all that it asks for seen to be right; ``decides`` is what its numbers depend on, but for the models.

    Reading the training pairs is left to the fits, and nothing of the test items is read.
    """

    def __init__(self, request: TuneRequest, source: Any, out: Path) -> None:
        self.request, self.out = request, out
        metrics = tuning.check(request.by)
        settings = Settings({**request.settings, "training.seconds": request.seconds}, request.settings)
        asked = Request(
            request.models[0], request.task, source, request.n, seed=request.seed, device=request.device, metrics=metrics,
            items=request.items, progress=False, split_seed=request.split_seed,
        )  # fmt: skip
        self.bases = {
            model: dataclasses.replace(asked, model=model, settings=settings.of(model, request.task, {}))
            for model in request.models
        }
        for model, base in self.bases.items():
            if twice := next((key for key in request.over if key.removeprefix(f"{model}.") in base.settings), None):
                raise RequestError(f"{twice} is set for {model}, and searched over: leave one of these out")
        settings.check()
        spaces.see_used(request.over, request.models)
        self.plans = {model: make_plan(base) for model, base in self.bases.items()}
        self.spaces = {model: spaces.space_of(model, base.parts["model"], request.over) for model, base in self.bases.items()}
        self.digest = make.data(source, request.split_seed).read("train", seed=request.seed).digest
        first = next(iter(self.plans.values()))
        self.added = first.added
        kept = {name: getattr(request, name) for name in ("task", "seed", "seconds", "n", "items", "settings", "over")}
        kept |= {"split_seed": request.split_seed} if request.split_seed else {}
        kept |= {"data": visible(source), "digest": self.digest, "by": metrics, "share": tuning.SHARE}
        self.decides = json.loads(json.dumps({**kept, "task_config": first.weights["task_config"]}))

    def trial(self, model: str, number: int, settings: dict[str, Any]) -> tuning.Trial:
        """One fit, looked at; it has failed where its settings do not go together."""
        folder, base = self.out / FITS / folder_name(model) / f"{number:03}", self.bases[model]
        request = dataclasses.replace(base, settings={**base.settings, **settings}, out=str(folder))
        seed = self.request.seed
        more: dict[str, Any] = {"added": self.plans[model].added, "number": number, "settings": settings}
        trial = tuning.Trial(self.request.task, model, seed, folder, request, **more)
        try:
            weights = make_plan(request).weights
        except RequestError as error:
            trial.fail(str(error))
            return trial
        more = {"seed": seed, "n": request.n, "items": request.items, "metrics": request.metrics, "share": tuning.SHARE}
        trial.numbers = json.loads(json.dumps({**weights, **more, "digests": {"train": self.digest}}))
        trial.look()
        return trial

    def fits(self, model: str) -> Iterator[tuning.Trial]:
        """The fits of a model as they are done, those that were done before first."""
        space, usual = self.spaces[model]
        study = Study(self.out / f"{folder_name(model)}.journal", model, space, usual, self.request.seed)
        waiting: list[tuning.Trial] = []
        count = 0
        for number, settings, known in study.asked:
            trial = self.trial(model, number, settings)
            if known and trial.status != "done":
                trial.fail(trial.reason if trial.status == "failed" else "it came to nothing before")
            if trial.status in ("done", "failed"):
                study.tell(number, trial.cost if trial.status == "done" else None)
                count += 1
                yield trial
            else:
                waiting.append(trial)
        while count < self.request.fits:
            while len(waiting) < max(1, min(self.request.workers, self.request.fits - count)):
                if (asked := study.ask()) is None:
                    break
                waiting.append(self.trial(model, *asked))
            if not waiting:
                return
            ready = [trial for trial in waiting if trial.status != "failed"]
            for _ in Pool(self.request.workers, self.request.device).do(ready) if ready else ():
                pass
            for trial in waiting:  # told in the order in which they were asked for, whichever was done first
                study.tell(trial.number, trial.cost if trial.status == "done" else None)
                count += 1
                yield trial
            waiting = []

    def told(self, trials: Sequence[tuning.Trial]) -> dict[str, Any]:
        """The content of ``tune.json``: every fit, the best of each model first, and its settings as a command."""
        rows, best = [], {}
        for model in self.request.models:
            own = [trial for trial in trials if trial.model == model]
            done = sorted((trial for trial in own if trial.status == "done"), key=lambda trial: (trial.cost, trial.number))
            rows += [_row(trial) for trial in [*done, *(trial for trial in own if trial.status != "done")]]
            for trial in done[:1]:
                usual = self.spaces[model][1]
                settings = {key: value for key, value in trial.settings.items() if value != usual[key]}
                fixed = {k: v for k, v in self.bases[model].settings.items() if k != "training.seconds"}
                asked = dataclasses.replace(self.bases[model], settings={**fixed, **settings}, n=100, items=None, metrics=None)
                best[model] = {"number": trial.number, "settings": settings, "command": asked.command()}
        return {
            "schema": 1,
            "command": self.request.command(),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            **self.decides,
            "fits": self.request.fits,
            "models": list(self.request.models),
            "versions": versions(),
            "best": best,
            "trials": rows,
        }


def _row(trial: tuning.Trial) -> dict[str, Any]:
    words = " ".join(f"{key}={written(value)}" for key, value in trial.settings.items())
    row: dict[str, Any] = {"model": trial.model, "number": trial.number, "settings": trial.settings, "words": words}
    row["status"] = trial.status
    row |= dict.fromkeys(("metric", "value", "low", "high", "better", "unit", "fit_seconds", "steps", "items"))
    if trial.status != "done":
        return row | {"reason": trial.reason}
    ((metric, score),) = trial.metrics["metrics"].items()
    return row | {"metric": metric, "items": trial.run["items"], **score, **effort(trial)}
