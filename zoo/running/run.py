"""A whole run: read, fit, sample, measure, show."""

from __future__ import annotations

import dataclasses
import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from zoo import registry
from zoo.contracts.metric import Fitted, Score
from zoo.measuring.evaluate import evaluate
from zoo.measuring.shape import Shape, figures
from zoo.measuring.values import keep_values, read_values
from zoo.measuring.verdict import Verdict, judge
from zoo.reporting.pictures import ITEMS, SAMPLES, Picture, kept_places, take_pictures, telling
from zoo.running.fitted import fit, fitted, golden_items, keep_golden, kept_model
from zoo.running.folder import RunFolder, command_again, held, read_json, run_json
from zoo.running.plan import Plan, Request, make_plan
from zoo.running.result import RunResult
from zoo.running.truth import scored_pairs
from zoo.saving.checkpoint import add_scores, prove
from zoo.utils.errors import RequestError, border
from zoo.utils.files import user_path, whole_file, write_json
from zoo.utils.log import logged
from zoo.utils.neutral import neutral
from zoo.utils.words import say, visible

if TYPE_CHECKING:
    from zoo.fitting.recipe import Callback


def run(
    model: str | None = None,
    task: str | None = None,
    data: Any = None,
    *,
    n: int = 100,
    epochs: int | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
    settings: Mapping[str, Any] | None = None,
    checkpoint: str | None = None,
    metrics: Sequence[str] | None = None,
    items: int | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    split_seed: int = 0,
    track: str | None = None,
    callback: Callback | None = None,
) -> RunResult:
    """Fit a model to a task, sample from it, measure the samples, and write a report.

    Examples:
        >>> result = zoo.run("nn", "toy", items=4, n=3, metrics=["error_of_best"], out="b", progress=False)
        >>> result.scores["error_of_best@3"].better
        'lower'

    Under ``accelerate launch`` every process calls this with the same ``out``; the main one measures and writes, the
    others come back with a fitted model and no scores.

    Args:
        model: an entry-point name; may be left out with ``checkpoint``.
        task: an entry-point name; may be left out with ``checkpoint``, and is ``pairs`` where data has x and y of its own.
        data: ``KIND`` or ``KIND:PATH``; or what is in memory: :class:`zoo.Pairs`, ``(x, y)`` of arrays or tensors, a torch
            Dataset of (x, y), a ``datasets.Dataset``, an array or a list of pictures, or ``{"train": ..., "test": ...}`` of
            any of these (where there is no test, about one item in ten is held out); or a :class:`zoo.Data` of your own. None
            for the task's own, which is embedded.
        n: samples a test item.
        epochs: passes over the training pairs; None for the model's own recipe.
        seed: decides everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        settings: of the model by name, of the task as ``task.NAME``, of the training loop as ``training.NAME``; with a
            ``checkpoint`` those of its model that only sampling reads, as for :func:`zoo.load`.
        checkpoint: a checkpoint to score instead of fitting, as for :func:`zoo.load`; it is left as it is.
        metrics: names, in a list or with commas between them; None for all that are registered, but for
            those that are measured only where they are named.
        items: score only so many test items, spread evenly over all of them; None for all.
        out: a new folder; None for ``runs/<time>-<model>-<task>``.
        resume: go on with the run that was stopped in ``out``, if there is one; where it is finished, that is the result.
        progress: show it on stderr.
        split_seed: chooses the test items of data that has no split of its own, such as a folder of photos; they are the same
            for every ``seed``.
        track: send the curves of the fit to ``"tensorboard"`` (its files lie in ``out/tracking``), ``"wandb"``, ``"mlflow"``
            or ``"trackio"``; each is an extra of that name, and works offline.
        callback: called with the step, the losses by name and the learning rate, as by :meth:`zoo.Model.fit`. Where it
            returns True the fit ends and what it came to is measured; an error in it ends the run.

    Raises:
        RequestError: the request is wrong, or another run works in ``out``; nothing was written.
        ZooError: the work failed; what can be gone on from is kept in ``out``, and ``log.txt`` with the whole error.
    """
    # The parameters are the parts of a request, name by name.
    given = locals() | {"device": str(device), "settings": settings or {}}
    return execute(Request(**given))


@neutral()
def execute(request: Request, finishing: Callable[[RunResult], object] = lambda result: None) -> RunResult:
    """Do what a request asks for; see :func:`run`. ``finishing`` is called with the result before it counts as finished."""
    with torch.random.fork_rng(devices=[]):  # first weights are drawn, and drawn anew by the seed when it is fitted
        plan = make_plan(request)
    if plan.request.checkpoint is None:  # what would stop the last step stops the run before the first
        words = {"name": plan.request.data, "digest": "", "items": 0}
        task, config = plan.request.task, plan.weights["task_config"]
        card = {"command": plan.request.command()}
        prove(plan.model, task=task, task_config=config, seed=plan.request.seed, data=words, card=card)
    if int(os.environ.get("RANK", "0")):
        folder = RunFolder(user_path(str(request.out)))
        result = RunResult(folder.path, plan.model, plan.task)
        if plan.request.checkpoint is None and (folder.finished or folder.fitted):
            result.model = kept_model(plan, folder)
        elif plan.request.checkpoint is None:
            result.history = fit(plan, plan.task.pairs(plan.data, "train", request.seed), folder, progress=False)
        return result
    with held(plan) as folder:
        result = RunResult(folder.path, plan.model, plan.task)
        if folder.finished:
            return _read(plan, folder, result)
        fresh = not folder.log.exists()
        try:
            with logged(folder.log, plan.request.command()):
                _run(plan, folder, result, finishing)
        except BaseException as error:
            if kept := folder.keeps():
                if hasattr(error, "add_note"):
                    error.add_note(f"{kept}: go on with --resume --out {shlex.quote(str(folder.path))}")
            elif fresh and isinstance(error, (RequestError, KeyboardInterrupt)):
                folder.log.unlink(missing_ok=True)  # there is nothing to learn from it
            raise
    return result


def _read(plan: Plan, folder: RunFolder, result: RunResult) -> RunResult:
    """The result of a run that is finished, as its folder has it."""
    if plan.request.progress:
        say(f"{folder.path} holds this run, finished: there is nothing left to do", err=True)
    with border(f"cannot read the finished run in {folder.path}"):
        record, result.metrics = read_json(folder.run), read_json(folder.metrics)
        result.scores = {name: Score(**score) for name, score in result.metrics["metrics"].items()}
        if (said := result.metrics.get("verdict")) is not None:
            result.verdict = Verdict.of_json(said)
        result.skipped, result.history, result.seconds = (record[key] for key in ("skipped_metrics", "history", "seconds"))
        if result.history:
            result.history |= record.get("curves", {})
        if (kept := read_values(folder.path)) is not None:
            result.values = kept.scores
        if plan.request.checkpoint is None:
            result.model = kept_model(plan, folder)
    return result


def _run(plan: Plan, folder: RunFolder, result: RunResult, finishing: Callable[[RunResult], object]) -> None:
    from zoo.reporting.report import sheet, write_report

    request, started, clock = plan.request, time.strftime("%Y-%m-%dT%H:%M:%S%z"), _Clock(result.seconds)
    test, truth = scored_pairs(plan)
    if request.items is not None and request.items < len(test):  # evenly, since data are often sorted, by class or by name
        chosen = torch.arange(request.items) * len(test) // request.items
        test, truth = test.subset(chosen), None if truth is None else truth[chosen]
    result.pairs = test
    train = None if request.checkpoint else plan.task.pairs(plan.data, "train", request.seed)
    clock.lap("data")
    folder.begin(plan.weights)
    if train is not None:
        result.model, result.history, result.seconds["fit"] = fitted(plan, train, folder)
        plan = dataclasses.replace(plan, model=result.model)
        clock.skip()
    plan.model.to(plan.device)
    if truth is not None:
        plan.model.reveal(test.x, truth)
    kept, shape = kept_places(test), Shape()
    theirs = [name for name in plan.metrics if registry.entry("metrics", name).distribution != registry.OWN]
    measured = evaluate(
        plan.model,
        test,
        plan.metrics,
        request.n,
        seed=request.seed,
        progress=request.progress,
        optional=theirs if request.metrics is None else (),  # which nobody asked for: if one fails, the run goes on
        fitted=Fitted(plan.model, plan.task, plan.data, test, request.seed),
        keep=dict.fromkeys(kept, SAMPLES) | dict.fromkeys(range(golden_items(plan, len(test))), request.n),
        look=shape.add,
    )
    result.scores, result.values, result.skipped = measured.scores, measured.values, {**plan.skipped, **measured.skipped}
    result.metrics = {key: getattr(request, key) for key in ("model", "task", "data", "n")} | {"test_items": len(test)}
    result.metrics["data"] = visible(request.data)
    result.metrics["metrics"] = {name: score.as_json() for name, score in measured.scores.items()}
    result.verdict = judge(measured, plan.metrics, groups=test.groups, n=request.n)
    result.metrics["verdict"] = result.verdict.as_json()
    if train is not None:
        add_scores(folder.checkpoint, result.metrics["metrics"], {"command": command_again(request, result.history)})
        if truth is None:  # which no checkpoint keeps
            keep_golden(plan, folder.checkpoint, test, measured)
    clock.lap("evaluate")
    result.metrics["figures"] = figures(shape, test, train, request.n, request.seed)

    def shown(chosen: Sequence[tuple[int, str]]) -> list[Picture]:
        samples = torch.stack([measured.kept[i][:SAMPLES] for i, _ in chosen])
        return take_pictures(plan.model, plan.task, plan.data, request.seed, test, samples, chosen)

    first = sorted(plan.metrics, key=lambda name: plan.metrics[name].place)
    better = {name: score.better for name, score in measured.scores.items()}
    telling_ones = shown(telling(kept, measured.values, better, first, len(test)))
    result.pictures = shown([(i, "") for i in test.spread(ITEMS).tolist()])
    with whole_file(result.out / "samples.png") as part:
        sheet(telling_ones, plan.task).save(part, "PNG", optimize=True)
    clock.lap("pictures")
    record = run_json(plan, started, train, test, result.history, result.skipped, result.seconds)
    write_report(folder.report, record, result.metrics, plan.task, telling_ones)
    asked = {key: str(getattr(request, key)) for key in ("model", "task", "data")}
    keep_values(result.out, measured.values, measured.scores, test, seed=request.seed, n=request.n, **asked)
    write_json(folder.metrics, result.metrics)
    finishing(result)
    write_json(folder.run, record)  # from here on the run is finished
    folder.finish()


class _Clock:
    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def skip(self) -> None:
        self.last = time.monotonic()

    def lap(self, part: str) -> None:
        now = time.monotonic()
        self.seconds[part], self.last = round(now - self.last, 3), now
