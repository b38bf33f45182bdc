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

from zoo.contracts.metric import Fitted, Score
from zoo.measuring.evaluate import Evaluation, evaluate
from zoo.measuring.small import keep_golden
from zoo.reporting.pictures import DRAWS, Picture, take_pictures
from zoo.running.folder import RunFolder, default_folder
from zoo.running.plan import Plan, make_plan
from zoo.running.record import Record, metrics_json, run_json
from zoo.saving.checkpoint import save
from zoo.utils.errors import RequestError
from zoo.utils.files import whole_file, write_json

if TYPE_CHECKING:
    import torch

    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.pairs import Pairs


@dataclass
class RunResult:
    """What a run leaves.

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
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if out is None and (resume or world > 1):
        raise RequestError(f"name the folder of the run (out) {'to go on with it' if resume else 'for several processes'}")
    plan = make_plan(model, task, data, n, epochs, seed, device, settings or {}, checkpoint, metrics, items)
    folder = RunFolder(Path(out) if out is not None else default_folder(plan.model_name, plan.task_name))
    if rank:
        return _fit_only(plan, folder)
    folder.check(plan.request(), resume)
    try:
        return _run(plan, folder, progress)
    except BaseException as error:
        if folder.abandon() and hasattr(error, "add_note"):
            error.add_note(f"the state of training is kept in {folder.path}: go on with --resume --out {folder.path}")
        raise


def _run(plan: Plan, folder: RunFolder, progress: bool) -> RunResult:
    import torch

    result = RunResult(folder.path, plan.model, plan.task)
    record = Record(plan, started=time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    clock = _Clock(result.seconds)
    test = plan.task.pairs(plan.data, "test", plan.seed, pool=DRAWS)
    if plan.items is not None and plan.items < len(test):  # evenly over all: data are often sorted, by class or by name
        test = test.subset(torch.arange(plan.items) * len(test) // plan.items)
    result.pairs = test
    record.test = (len(test), test.digest)
    train = None
    if plan.checkpoint is None:
        train = plan.task.pairs(plan.data, "train", plan.seed)
        record.train = (len(train), train.digest)
    clock.lap("data")
    folder.claim(plan.request())
    if train is not None:
        result.history = _fit(plan, train, folder, progress)
        clock.lap("fit")
    plan.model.to(plan.device)
    measured = evaluate(
        plan.model,
        test,
        plan.metrics,
        plan.n,
        seed=plan.seed,
        y_unit=plan.task.y_unit,
        progress=progress,
        optional=plan.unasked,
        fitted=Fitted(plan.model, plan.task, plan.data, test, plan.seed),
    )
    result.scores, result.skipped = measured.scores, {**plan.skipped, **measured.skipped}
    clock.lap("evaluate")
    result.metrics = metrics_json(plan, len(test), measured.scores)
    result.pictures = take_pictures(plan.model, plan.task, plan.data, plan.seed, test)
    if plan.checkpoint is None:
        _save_checkpoint(plan, record, folder, measured)
    record.history, record.skipped, record.seconds = result.history, result.skipped, result.seconds
    _write(plan, record, result, clock)
    folder.finish()
    return result


def _write(plan: Plan, record: Record, result: RunResult, clock: _Clock) -> None:
    from zoo.reporting.figures import sheet
    from zoo.reporting.report import write_report

    with whole_file(result.out / "samples.png") as part:
        sheet(result.pictures, plan.task).save(part, "PNG", optimize=True)
    clock.lap("pictures")
    facts = run_json(record)
    write_report(result.out / "report.html", facts, result.metrics, plan.task, result.pictures)
    write_json(result.out / "metrics.json", result.metrics)
    write_json(result.out / "run.json", facts)


def _fit(plan: Plan, train: Pairs, folder: RunFolder, progress: bool) -> Any:
    return plan.model.fit(
        train,
        seed=plan.seed,
        device=plan.device,
        epochs=plan.epochs,
        progress=progress,
        resume=folder.state,
        **plan.training,
    )


def _fit_only(plan: Plan, folder: RunFolder) -> RunResult:
    """The part of a run that a process other than the main one has in it."""
    result = RunResult(folder.path, plan.model, plan.task)
    if plan.checkpoint is None:
        result.history = _fit(plan, plan.task.pairs(plan.data, "train", plan.seed), folder, progress=False)
    return result


def _save_checkpoint(plan: Plan, record: Record, folder: RunFolder, measured: Evaluation) -> None:
    shutil.rmtree(folder.checkpoint, ignore_errors=True)  # left by a run that was stopped while it wrote its report
    items, digest = record.train or (0, "")
    save(
        plan.model,
        folder.checkpoint,
        task=plan.task_name,
        task_config=dataclasses.asdict(plan.task.config),
        seed=plan.seed,
        data={"name": str(plan.data), "digest": digest, "items": items},
        scores={name: dataclasses.asdict(score) for name, score in measured.scores.items()},
        card={"command": plan.command()},
    )
    keep_golden(folder.checkpoint, next((name for name, one in plan.metrics.items() if one.needs == "samples"), None))


class _Clock:
    """Seconds by part of the work."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def lap(self, part: str) -> None:
        now = time.monotonic()
        self.seconds[part], self.last = round(now - self.last, 3), now
