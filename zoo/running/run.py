"""A whole run: read, fit, sample, measure, show."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from zoo import registry
from zoo.contracts.metric import Fitted, Score
from zoo.measuring import small
from zoo.measuring.evaluate import Evaluation, evaluate
from zoo.reporting.pictures import DRAWS, ITEMS, SAMPLES, Picture, take_pictures
from zoo.running.folder import RunFolder, default_folder, run_json
from zoo.running.plan import Plan, Request, make_plan
from zoo.saving import golden
from zoo.saving.checkpoint import save
from zoo.utils.files import whole_file, write_json
from zoo.utils.neutral import neutral
from zoo.utils.words import visible

if TYPE_CHECKING:
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.pairs import Pairs


@dataclass
class RunResult:
    """A finished run: its folder, what was fitted and how good it is.

    Examples:
        >>> result = zoo.run("nn", "toy", items=4, n=3, metrics=["error_of_best"], out="a", progress=False)
        >>> sorted(path.name for path in result.out.iterdir())
        ['checkpoint', 'metrics.json', 'report.html', 'run.json', 'samples.png']

    Attributes:
        out: the folder with ``run.json``, ``metrics.json``, ``samples.png``, ``report.html`` and ``checkpoint/``.
        model: fitted, on the device of the run.
        task: what it was fitted to.
        scores: by name, each with its bootstrap interval.
        skipped: the metrics that could not be had, with the reason.
        metrics: the content of ``metrics.json``.
        history: what training left on record, as the model's ``fit`` gave it; None where nothing was fitted.
        pairs: the test pairs that were scored.
        pictures: the test items that the report shows.
        seconds: by part of the work.
    """

    out: Path
    model: Model
    task: Task
    scores: dict[str, Score] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    history: Any = None
    pairs: Pairs | None = None
    pictures: list[Picture] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def run(
    model: str | None = None,
    task: str | None = None,
    data: str | None = None,
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
        task: an entry-point name; may be left out with ``checkpoint``.
        data: ``KIND`` or ``KIND:PATH``; None for the task's own, which is embedded.
        n: samples a test item.
        epochs: passes over the training pairs; None for the model's own recipe.
        seed: decides everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        settings: of the model by name, of the task as ``task.NAME``, of the training loop as ``training.NAME``.
        checkpoint: a checkpoint to score instead of fitting, as for :func:`zoo.load`.
        metrics: names; None for all that are registered, but for those that are measured only where they are named.
        items: score only so many test items, spread evenly over all of them; None for all.
        out: a new folder; None for ``runs/<time>-<model>-<task>``.
        resume: go on with the run that was stopped in ``out``, if there is one.
        progress: show it on stderr.

    Raises:
        RequestError: the request is wrong; nothing was written.
        ZooError: the work failed; what can be gone on from is kept in ``out``.
    """
    # The parameters are the parts of a request, name by name.
    given = locals() | {"device": str(device), "settings": settings or {}, "out": None if out is None else os.fspath(out)}
    return execute(Request(**given))


@neutral()
def execute(request: Request) -> RunResult:
    """Do what a request asks for; see :func:`run`."""
    plan = make_plan(request)
    folder = RunFolder(Path(request.out) if request.out is not None else default_folder(plan.request.model, plan.request.task))
    result = RunResult(folder.path, plan.model, plan.task)
    if int(os.environ.get("RANK", "0")):
        if plan.request.checkpoint is None:
            result.history = _fit(plan, plan.task.pairs(plan.data, "train", request.seed), folder, progress=False)
        return result
    folder.check(plan.weights, request.resume)
    try:
        _run(plan, folder, result)
    except BaseException as error:
        if folder.abandon() and hasattr(error, "add_note"):
            error.add_note(f"the state of training is kept in {folder.path}: go on with --resume --out {folder.path}")
        raise
    return result


def _run(plan: Plan, folder: RunFolder, result: RunResult) -> None:
    from zoo.reporting.report import sheet, write_report

    request, started, clock = plan.request, time.strftime("%Y-%m-%dT%H:%M:%S%z"), _Clock(result.seconds)
    test = plan.task.pairs(plan.data, "test", request.seed, pool=DRAWS)
    if request.items is not None and request.items < len(test):  # evenly, since data are often sorted, by class or by name
        test = test.subset(torch.arange(request.items) * len(test) // request.items)
    result.pairs = test
    train = None if request.checkpoint else plan.task.pairs(plan.data, "train", request.seed)
    clock.lap("data")
    folder.claim(plan.weights)
    if train is not None:
        result.history = _fit(plan, train, folder, request.progress)
        clock.lap("fit")
    plan.model.to(plan.device)
    shown = test.spread(ITEMS).tolist()
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
        keep=dict.fromkeys(shown, SAMPLES) | dict.fromkeys(range(_golden_items(plan, len(test))), request.n),
    )
    result.scores, result.skipped = measured.scores, {**plan.skipped, **measured.skipped}
    result.metrics = {key: getattr(request, key) for key in ("model", "task", "data", "n")} | {"test_items": len(test)}
    result.metrics["data"] = visible(request.data)
    result.metrics["metrics"] = {name: dataclasses.asdict(score) for name, score in measured.scores.items()}
    if train is not None:
        _keep_checkpoint(plan, folder.checkpoint, train, test, result.metrics["metrics"], measured)
    clock.lap("evaluate")
    samples = torch.stack([measured.kept[i][:SAMPLES] for i in shown])
    result.pictures = take_pictures(plan.model, plan.task, plan.data, request.seed, test, samples)
    with whole_file(result.out / "samples.png") as part:
        sheet(result.pictures, plan.task).save(part, "PNG", optimize=True)
    clock.lap("pictures")
    record = run_json(plan, started, train, test, result.history, result.skipped, result.seconds)
    write_report(result.out / "report.html", record, result.metrics, plan.task, result.pictures)
    write_json(result.out / "metrics.json", result.metrics)
    write_json(result.out / "run.json", record)
    folder.finish()


def _fit(plan: Plan, train: Pairs, folder: RunFolder, progress: bool) -> Any:
    return plan.model.fit(
        train,
        seed=plan.request.seed,
        device=plan.device,
        epochs=plan.request.epochs,
        progress=progress,
        resume=folder.state,
        **plan.request.parts["training"],
    )


def _keep_checkpoint(
    plan: Plan, folder: Path, train: Pairs, test: Pairs, scores: Mapping[str, Any], measured: Evaluation
) -> None:
    """Save what was fitted, with golden samples and a small score beside it: as the CPU gives them, wherever.

    Where ``zoo verify`` would score the same items again, the small score is of the samples that were scored; else, on
    somebody's own data or a GPU, it is measured for itself.
    """
    request, config = plan.request, plan.weights["task_config"]
    data, card = {"name": visible(request.data), "digest": train.digest, "items": len(train)}, {"command": request.command()}
    shutil.rmtree(folder, ignore_errors=True)  # left by a run that was stopped while it wrote its report
    save(plan.model, folder, task=request.task, task_config=config, seed=request.seed, data=data, scores=scores, card=card)
    metric = next((n for n, m in plan.metrics.items() if m.needs == "samples" and n not in measured.skipped), None)
    model = plan.model.to("cpu")
    if count := _golden_items(plan, len(test)):
        x, samples = test.x[: golden.ITEMS], torch.stack([measured.kept[i] for i in range(count)])
        score = None if metric is None else small.score_of(samples, test, metric, plan.task.data, request.seed)
    else:
        x, score = small.small_score(model, {"name": request.task, "config": config}, metric)
    golden.write_golden(folder, x, model.sample(x, golden.SAMPLES, seed=0), 0, score)
    model.to(plan.device)


def _golden_items(plan: Plan, scored: int) -> int:
    """How many of the first test items the small score of the checkpoint may be of, as they were scored; 0 for none."""
    request = plan.request
    if request.checkpoint or request.data != plan.task.data or plan.device.type != "cpu":
        return 0
    if scored == request.items:  # spread over all: only the first is one of the first
        return 1
    return max(1, min(scored, small.ITEMS, small.ITEMS * small.N // request.n))  # as few as cost about as much as its own


class _Clock:
    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def lap(self, part: str) -> None:
        now = time.monotonic()
        self.seconds[part], self.last = round(now - self.last, 3), now
