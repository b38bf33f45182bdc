"""The checkpoint that the name of a task alone means, the command that makes one, and the model that another has."""

from __future__ import annotations

from zoo import registry
from zoo.catalog import checkpoints, suites
from zoo.catalog.files import Checkpoint
from zoo.contracts import make
from zoo.utils.errors import RequestError, ZooError


def meant(name: str) -> str:
    """``name``, or the checkpoint that is recommended for the task of this name.

    A checkpoint's name has a ``/`` or a ``:``, so that no task is called as one. Of several that are recommended, the user's
    own come first.

    Raises:
        RequestError: the task has no checkpoint, and here is the command that makes one; or several, none recommended.

    Examples:
        >>> meant("relight"), meant("cdvae/relight")
        ('flow/relight', 'cdvae/relight')
    """
    if "/" in name or ":" in name or name not in registry.names("tasks"):
        return name
    known = [claims[0] for claims in checkpoints.known().named.values() if len(claims) == 1]
    fitting = sorted(
        (one for one in known if one.task == name and not one.note), key=lambda one: one.owner != checkpoints.USER
    )
    chosen = [one for one in fitting if one.recommended] or fitting
    if not chosen:
        others = "".join(f" but {one.name} ({one.note})" for one in known if one.task == name)
        raise RequestError(f"task {name!r} has no checkpoint{others}; {_how_to_make(name, known)}")
    if len(chosen) > 1 and not chosen[0].recommended:
        raise RequestError(f"task {name!r} has several checkpoints, name one: {', '.join(one.name for one in chosen)}")
    return chosen[0].name


def another(task: str, model: str) -> str:
    """The sentence by which a run of ``model`` on ``task`` names the model recommended for it, and why; else ``""``."""
    known = [claims[0] for claims in checkpoints.known().named.values() if len(claims) == 1]
    if any(one.recommended and one.task == task and one.model == model for one in known):
        return ""
    best = next((one for one in known if one.recommended and one.task == task and one.why), None)
    return f"{best.model} does better on {task}, {best.why}: zoo run --model {best.model} --task {task}" if best else ""


def _how_to_make(task: str, known: list[Checkpoint]) -> str:
    """The command that fits a model to a task: one that is recommended for another and takes this one's fields, or the last of
    its suite.
    """
    suite = next((s for claims in suites.known().named.values() for s in claims if task in s.tasks and s.models), None)
    good = [one.model for one in known if one.recommended and _takes(one.model, task)]
    model = (good or (suite.models[-1:] if suite else ["MODEL"]))[0]
    data = " --data folder:PHOTOS" if suite and "folder" in suite.tasks[task] else ""
    command = f"zoo run --model {model} --task {task}{data} --out runs/{task}"
    return f"make one with {command} and then name dir:runs/{task}/checkpoint"


def _takes(model: str, task: str) -> bool:
    """Whether there is such a model of the task's shapes."""
    try:
        made = make.task(task)
        make.model(model, made.x_shape, made.y_shape)
    except ZooError:
        return False
    return True
