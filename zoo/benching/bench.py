"""A whole bench: check everything, do the cells that are not done yet, and put all of them into one table."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.benching import fits, shards, tuning
from zoo.benching.cells import Cell
from zoo.benching.crew import reason_of
from zoo.benching.engines import LOCAL, Engine, engine_words
from zoo.benching.plan import BenchPlan, BenchRequest, holds_bench, resolve
from zoo.benching.pool import Pool
from zoo.benching.result import BenchResult
from zoo.catalog import suites
from zoo.reporting.pages import at_largest, duration
from zoo.running.folder import check_folder
from zoo.running.plan import task_on
from zoo.utils.bounds import afford
from zoo.utils.claim import claimed, sweep
from zoo.utils.errors import RequestError
from zoo.utils.files import write_json, write_text
from zoo.utils.progress import progress as progress_bar
from zoo.utils.words import say

if TYPE_CHECKING:
    from zoo.fitting.recipe import Callback


def bench(
    suite: str | None = None,
    *,
    data: Any = None,
    models: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    seeds: int | None = None,
    n: int | None = None,
    items: int | None = None,
    workers: int | None = None,
    quick: bool = False,
    device: str = "auto",
    settings: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: bool = True,
    fair: float | None = None,
    tune: int = 0,
    tune_by: str | None = None,
    references: bool = True,
    split_seed: int = 0,
    metrics: Sequence[str] | None = None,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    engine: str = "local",
    shard: str | None = None,
    collect: str | os.PathLike[str] | None = None,
    callback: Callback | None = None,
) -> BenchResult:
    """Run models x tasks x seeds, each cell as by :func:`zoo.run`, and compare them in one table.

    Examples:
        >>> few = {"seeds": 1, "n": 3, "items": 4, "workers": 0, "references": False, "progress": False}
        >>> result = zoo.bench(models=["nn"], tasks=["toy"], out="c", **few)
        >>> result.failed, [cell["status"] for cell in result.bench["cells"]]
        ([], ['done'])

    Called again with the same ``out``, it takes the cells that are done as they are, goes on with those that were stopped,
    and does the rest. A cell that was done by another request is done again. A cell that fails costs the others nothing.

    Cells share a fit where they differ in no more than settings that no fit reads (:func:`zoo.utils.config.sampling`), and one
    that is done again keeps its own where only such settings, or what is drawn and scored, have changed.

    Args:
        suite: a name of ``zoo list suites``; may be left out where models and tasks are named.
        data: as for :func:`zoo.run`; its kind also chooses among the suite's tasks. What is in memory is not sent to workers:
            the cells are then done in this process. None for the suite's.
        models: names, in a list or with commas between them; those of the suite among them in its order. Names
            that the suite has not replace its own.
        tasks: likewise; those named are done whatever the kind of data.
        seeds: how many, from 0 on.
        n: samples a test item.
        items: test items scored, at most.
        workers: processes at a time, each with its share of the cores; None for one a core, or one on a GPU; 0 for none:
            the cells are done in this process.
        quick: the suite's quick form.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        settings: of all models that have them by name, of all tasks as ``task.NAME``, of one model or task as
            ``MODEL.NAME``, ``TASK.NAME``, of the training loop as ``training.NAME``.
        out: a folder; None for ``runs/bench-<suite>-<kind of data>``, with ``-quick`` for the quick form.
        progress: show it on stderr.
        fair: processor seconds of every fit, of all threads together (on a GPU those that pass): how many steps a model has
            follows from them. Sampling and scoring are not counted. None for each model's own steps.
        tune: fits of each model, on each task with each seed, to choose its settings by: its own settings and others drawn
            from its ``tunable``, each fitted to four fifths of the training pairs and scored on the rest. 0 for none.
        tune_by: the metric that they are chosen by; None for the first of the table, the energy score.
        references: have the models of the suite ``references`` in the table too, to read the others by.
        split_seed: as for :func:`zoo.run`; the same for all seeds of the bench.
        metrics: the columns of the table, and all that is measured; None for those of the suite.
        sweep: lists of values by setting, named as in ``settings``: each model has a row for every combination of those of its
            settings that are among them, named by it.
        engine: what does the cells: ``"local"``, processes of this machine, or ``"dask:ADDRESS"``, the workers of the cluster
            whose scheduler has this address or wrote this file (extra ``cluster``). They need no file of this machine, but the
            same packages and, where ``data`` says, the same data: a worker with others is refused.
        shard: ``"I/N"``: do the I-th of N shares, in ``out/shards/I-of-N``, and make no table.
        collect: the ``out`` of shards: put what they have done together; what they were asked for is known, and left out here.
        callback: as for :func:`zoo.run`, for every fit, those of ``tune`` too. It is not sent to workers: the cells are done
            in this process. An error in it costs its cell, and no other.

    Raises:
        RequestError: the request is wrong, or another bench works in ``out``; nothing was written.
        ZooError: the data is broken, or the file system refused.
    """
    # The parameters are the parts of a request, name by name.
    given = locals() | {"settings": settings or {}, "sweep": sweep or {}}
    return execute(BenchRequest(**given))


def execute(request: BenchRequest) -> BenchResult:
    """Do the bench that is asked for; see :func:`bench`."""
    request = request if request.collect is None else shards.asked(request)
    plan = resolve(request)
    from zoo.benching.layout import plan_cells
    from zoo.benching.record import bench_json

    published = {task: suites.published(task) for task in plan.tasks}
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    plan.out = shards.folder(plan) if request.shard else plan.out
    with claimed(plan.out, "bench"):
        check_folder(plan.out, holds_bench(plan.out), "bench")  # nobody else changes it from here on
        shards.take_in(plan.out)
        plan_cells(plan)
        if request.shard:
            plan.cells = shards.share(plan)
        plan.trials = trials = tuning.lay_out(plan, plan.cells) if request.tune else []
        todo = _left(trials) or _left(plan.cells)
        if (workers := min(plan.request.workers or 0, len(todo))) > (os.cpu_count() or 1):
            afford(4e8 * workers, f"{workers} workers", "take fewer (--workers)")
        with _engine(request, bool(todo)) as engine:
            if request.collect is None:
                _make_pairs(_left(plan.cells))
            sweep(plan.out)
            (plan.out / "cells").mkdir(exist_ok=True)
            if request.shard:
                shards.record(plan)
            _do_all(plan, engine)
        return _result(plan, bench_json(plan, published, started), write=request.shard is None)


def _do_all(plan: BenchPlan, engine: Engine) -> None:
    """Do the fits that settings are chosen by, choose, and do the cells."""
    try:
        if plan.trials:
            _do(plan, plan.trials, engine)
        if plan.request.tune:
            for cell in _left(plan.cells):
                tuning.choose(cell)
        _do(plan, plan.cells, engine)
    except KeyboardInterrupt as error:
        if hasattr(error, "add_note"):
            error.add_note(f"what is done is kept in {plan.out}: the same command goes on from there")
        raise


@contextlib.contextmanager
def _engine(request: BenchRequest, needed: bool) -> Iterator[Engine]:
    """The engine that does the cells that are left, if any are."""
    kind, address = engine_words(request.engine)
    if request.collect is not None:
        yield shards.Nobody()
    elif kind == LOCAL or not needed:
        yield Pool(request.workers, request.device)
    else:
        from zoo.benching.cluster import connected

        with connected(address, request.device, _tell(request)) as engine:
            yield engine


def _tell(request: BenchRequest) -> Callable[[str], None]:
    """How a line is said on stderr: not at all, where no progress is to be seen."""
    return (lambda line: say(line, err=True)) if request.progress else lambda line: None


def _left(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.status in ("new", "stopped")]


def _make_pairs(todo: Sequence[Cell]) -> None:
    """Make the pairs of each task once: the data is seen to be good, and what was computed of photos lies in the cache.

    The cells of a task that fails at it, though the data is right, come out as failed.
    """
    for name in dict.fromkeys(cell.task for cell in todo):
        cells = [cell for cell in todo if cell.task == name]
        request = cells[0].request
        try:
            task, data = task_on(name, request.parts["task"], request.data, request.split_seed)
            for split in ("train", "test"):
                task.pairs(data, split, request.seed)
        except RequestError:
            raise
        except Exception as error:
            for cell in cells:
                cell.fail(reason_of(error))
                for trial in cell.trials:
                    trial.fail(cell.reason)


def _do(plan: BenchPlan, cells: Sequence[Cell], engine: Engine) -> None:
    """Do those of the cells that are not done, and say on stderr how each has ended, and when all of them will have."""
    todo, tell = _left(cells), _tell(plan.request)
    waves = fits.share(cells) if cells is plan.cells else (todo, [])
    if reused := sum(cell.reused for cell in cells):
        tell(f"{reused} of {len(cells)} {'tuning fits' if cells is not plan.cells else 'runs'} are done already")
    for cell in cells:
        if cell.status == "new" and cell.reason:
            kept = "with the fit that is there, " if cell.request.fit_of else ""
            tell(f"{cell.name}: done again, {kept}because {cell.reason}")
        elif cell.status == "stopped":
            tell(f"{cell.name}: going on where it was stopped")
        elif cell.status == "failed":
            tell(f"{cell.name}: failed: {cell.reason}")
    if not todo:
        return
    began = time.monotonic()
    with progress_bar(len(todo), "bench", show=plan.request.progress and sys.stderr.isatty()) as bar:
        for done, cell in enumerate(itertools.chain.from_iterable(engine.do(wave) for wave in waves if wave), 1):
            took = time.monotonic() - began
            left = took / done * (len(todo) - done)
            rest = f"about {duration(left)} left" if left else f"all in {duration(took)}"
            tell(f"{done}/{len(todo)}  {cell.name}: {_outcome(cell, plan)}; {rest}")
            bar.update(done)


def _outcome(cell: Cell, plan: BenchPlan) -> str:
    """How a cell has ended: its figure that the scatter plot has up, or else its first, and its time."""
    if cell.status == "failed":
        return f"failed: {cell.reason}"
    metrics, wanted = cell.metrics["metrics"], plan.suite.scatter
    name = at_largest(metrics, wanted.y if wanted else "") or next(iter(metrics), None)
    figure = f"{name} {metrics[name]['value']:.4g}, " if name else ""
    return figure + duration(sum(cell.run["seconds"].values()))


def _result(plan: BenchPlan, content: dict[str, Any], write: bool) -> BenchResult:
    if write:
        _write(plan, content)
    failed = [f"{cell.name}: {cell.reason}" for cell in plan.cells if cell.status == "failed"]
    return BenchResult(plan.out, content, failed, sum(cell.reused for cell in plan.cells))


def _write(plan: BenchPlan, content: dict[str, Any]) -> None:
    from zoo.benching import grid
    from zoo.benching.record import bench_csv, write_pages
    from zoo.benching.tables import plots
    from zoo.benching.tables.ranking import draw_ranks

    out = plan.out
    for task in plan.tasks:
        figures = {kind: out / f"{kind}-{task}.png" for kind in ("scatter", "curves", "grid")}
        for path in figures.values():
            path.unlink(missing_ok=True)
        plots.scatter(content, task, figures["scatter"])
        plots.curves(content, task, figures["curves"])
        cells = [cell for cell in plan.cells if (cell.task, cell.seed) == (task, 0)]
        grid.draw_grid(cells, f"{task}, {content['data'][task]['name']}, seed 0", figures["grid"])
    (out / "ranks.png").unlink(missing_ok=True)
    draw_ranks(content, out / "ranks.png")
    write_text(out / "bench.csv", bench_csv(content))
    write_pages(content, out)
    write_json(out / "bench.json", content)
