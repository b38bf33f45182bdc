"""Settings searched on held-out training pairs by Optuna: the same number of fits, and seconds a fit, for every model."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benching.forms import difference, read_record
from zoo.contracts import make
from zoo.reporting.pages import duration, write_page
from zoo.running.folder import check_folder
from zoo.running.plan import written
from zoo.searching.tunes import TuneRequest, TuneResult
from zoo.utils.bounds import afford
from zoo.utils.claim import claimed
from zoo.utils.errors import RequestError
from zoo.utils.extras import extra
from zoo.utils.files import user_path, write_json
from zoo.utils.progress import progress as progress_bar
from zoo.utils.words import say

if TYPE_CHECKING:
    from zoo.benching.tuning import Trial
    from zoo.searching.fits import Search

ASKED, RECORD = "asked.json", "tune.json"


def tune(
    models: Sequence[str] | str,
    task: str,
    data: Any = None,
    *,
    fits: int = 20,
    seconds: float = 60.0,
    by: str | None = None,
    over: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    n: int = 30,
    items: int | None = None,
    workers: int = 1,
    device: str = "auto",
    out: str | os.PathLike[str] | None = None,
    progress: bool = True,
    split_seed: int = 0,
) -> TuneResult:
    """Search settings of models on held-out training pairs; it takes Optuna (``pip install 'cond-zoo[tune]'``).

    Each fit sees four fifths of the training pairs and is scored on the rest, no video, scene or photo being in both; test
    items are not even read. The first fit of a model is the model as it is, but for what ``over`` leaves no room for. Called
    again with the same ``out``, it goes on where it was stopped, or with more fits.

    Examples:
        >>> asked = {"fits": 2, "n": 3, "items": 4, "workers": 0, "progress": False}
        >>> found = zoo.tune("nn", "toy", "branches:40", over={"sigma": [0.0, 1.0]}, out="t", **asked)
        >>> len(found.tune["trials"]), list(found.best)
        (2, ['nn'])

    Args:
        models: names; each has the same number of fits and the same seconds.
        task: an entry-point name.
        data: as for :func:`zoo.run`; the fits of what is in memory are done in this process. None for the task's own.
        fits: of each model, or as many as it has different settings.
        seconds: processor seconds of each fit of a model that is trained by steps (on a GPU those that pass).
        by: the metric that is searched by; None for the first of tables, the energy score.
        over: what is searched by setting, ``KEY`` or ``MODEL.KEY``: a list of values, or ``"LOW..HIGH"``; it is added to the
            model's ``tunable``, or takes the place of what that says of the setting.
        settings: that stay, named as for :func:`zoo.bench`.
        seed: decides the fits, the pairs that are held out, and what is tried.
        n: samples of each pair that is scored.
        items: pairs that are scored, at most.
        workers: processes at a time; 0 for none but this.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        out: a folder; None for ``runs/tune-<task>-<kind of data>``.
        progress: show it on stderr.
        split_seed: as for :func:`zoo.run`.

    Raises:
        RequestError: the request is wrong, or the folder holds another search; nothing was written.
        ZooError: Optuna is not there, the data is broken, or the file system refused.
    """
    given = locals() | {"over": over or {}, "settings": settings or {}, "out": None if out is None else str(out)}
    return execute(TuneRequest(**given))


def execute(request: TuneRequest) -> TuneResult:
    """Do the search that is asked for; see :func:`tune`."""
    extra("optuna", "tune", "zoo tune")
    from zoo.searching.fits import Search

    source = request.data or str(make.class_of("tasks", request.task).data)
    kind = str(source).partition(":")[0]
    out = user_path(request.out) if request.out else Path("runs") / f"tune-{request.task}-{kind}"
    check_folder(out, (out / ASKED).is_file(), "search")
    if request.workers > (os.cpu_count() or 1):
        afford(4e8 * request.workers, f"{request.workers} workers", "take fewer (--workers)")
    search = Search(request, source, out)
    with claimed(out, "search"):
        if ours := (out / ASKED).is_file():
            _same(search)
        check_folder(out, ours, "search")  # nobody else changes it from here on
        write_json(out / ASKED, search.decides)
        trials = _do(search)
        content = search.told(trials)
        write_page(out / "tune.md", "tune.md", tune=content)
        write_json(out / RECORD, content)
    return TuneResult(out, content)


def _same(search: Search) -> None:
    """See that the folder holds this search."""
    if why := difference(read_record(search.out / ASKED), search.decides, search.added):
        raise RequestError(f"{search.out} holds another search: {why}; name a new folder with --out")


def _do(search: Search) -> list[Trial]:
    """All fits of all models, and on stderr how each has ended."""
    request, trials, began = search.request, list[Any](), time.monotonic()
    total = request.fits * len(request.models)
    try:
        with progress_bar(total, "tune", show=request.progress and sys.stderr.isatty()) as bar:
            for model in request.models:
                for trial in search.fits(model):
                    trials.append(trial)
                    if request.progress and not trial.reused:
                        say(f"{len(trials)}/{total}  {_told(trial)}; {duration(time.monotonic() - began)} so far", err=True)
                    bar.update(len(trials))
    except KeyboardInterrupt as error:
        if hasattr(error, "add_note"):
            error.add_note(f"what is done is kept in {search.out}: the same command goes on from there")
        raise
    return trials


def _told(trial: Trial) -> str:
    if trial.status == "failed":
        return f"{trial.model} {trial.number}: failed: {trial.reason}"
    ((metric, score),) = trial.metrics["metrics"].items()
    words = " ".join(f"{key}={written(value)}" for key, value in trial.settings.items())
    return f"{trial.model} {trial.number}: {metric} {score['value']:.4g}{f' with {words}' if words else ''}"
