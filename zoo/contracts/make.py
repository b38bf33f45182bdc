"""Models, tasks, metrics and data made from their registered names, and named configs of models."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.utils.bounds import affordable
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError, shown

if TYPE_CHECKING:
    from zoo.contracts.metric import Metric
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.records import Data


class Preset:
    """A named config of a model class, registered like a model: ``cdvae_mdn12 = Preset(CDVAE, components=12)``.

    Calling it makes the model; settings given to the call win over the preset's.

    Examples:
        >>> class Mean(zoo.Model):
        ...     Config = zoo.Recipe
        >>> Preset(Mean, steps=10)((1,), (1,), batch_size=4).config.steps
        10
    """

    def __init__(self, model: type[Model], /, **config: Any) -> None:
        self.model, self.config = model, config
        make_config(model.Config, config, f"a preset of {model.__name__}")

    def __call__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> Model:
        return self.model(x_shape, y_shape, **{**self.config, **config})


def model(name: str, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> Model:
    """A new model by the name of a class or a preset (settings win over its own), for these shapes of one x and one y.

    Raises:
        RequestError: no such model, or it refuses the settings or the shapes.
        ZooError: what is registered is broken or no model.
    """
    with affordable(f"the settings of model {name!r}", "choose smaller ones"):
        new: Model = _made("models", name, tuple(x_shape), tuple(y_shape), **config)
    new.name = name
    return new


def model_class(name: str) -> tuple[type[Model], dict[str, Any]]:
    """The model class behind a name, and what its preset sets ({} if it is no preset); raises as :func:`model`."""
    registered = class_of("models", name)
    return (registered, {}) if isinstance(registered, type) else (registered.model, dict(registered.config))


def task(name: str, /, **config: Any) -> Task:
    """A new task by its entry-point name, with these settings; raises as :func:`model`."""
    new: Task = _made("tasks", name, **config)
    return new


def metric(name: str) -> Metric:
    """A metric by its entry-point name; raises as :func:`model`."""
    new: Metric = _made("metrics", name)
    return new


def data(description: Any, split_seed: int = 0) -> Data:
    """Data from words of the form ``kind`` or ``kind:path``, or from what a script has in memory; raises as :func:`model`.

    ``A -> B`` trains on the one and tests on the other. ``split_seed`` chooses the test items of data that has no split of its
    own (:attr:`zoo.Data.split_seed`).
    """
    if not isinstance(description, str):
        new = given_data(description)
        new.split_seed = split_seed
        return new
    if " -> " in description:
        return _apart(description, split_seed)
    kind, _, path = description.partition(":")
    if "\0" in path:
        raise RequestError(f"data is {shown(description)}; a path cannot hold a zero byte")
    if not kind:
        kinds = ", ".join(registry.names("data"))
        raise RequestError(f"data is {description!r}; it must be KIND or KIND:PATH, kinds: {kinds}")
    named: Data = _made("data", kind, path)
    named.split_seed = split_seed
    return named


def given_data(given: Any) -> Data:
    """Data that is one already, or of what a script has in memory (:class:`zoo.data.memory.Memory`), which may raise."""
    from zoo.data.memory import Memory
    from zoo.data.records import Data

    made: Data = given if isinstance(given, Data) else Memory(given)
    return made


def task_for(description: Any) -> str:
    """The task that is meant where data is named and no task; "" for none."""
    if not isinstance(description, str):
        return given_data(description).task
    kind = description.partition(":")[0]
    return str(class_of("data", kind).task) if kind in registry.names("data") else ""


def _apart(description: str, split_seed: int) -> Data:
    """Two data under one name, of which one trains and the other tests."""
    from zoo.data.apart import Apart

    parts = [part.strip() for part in description.split(" -> ")]
    if len(parts) != 2 or not all(parts):
        raise RequestError(f"data is {description!r}; with an arrow it is TRAINING -> TEST, each KIND or KIND:PATH")
    return Apart(*(data(part, split_seed) for part in parts))


def fault(kind: str, registered: object) -> str:
    """A clause on what is wrong with an object registered under a kind: its type, what it lacks; "" where nothing is."""
    from zoo.contracts.metric import Metric
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.records import Data

    if kind == "models" and isinstance(registered, Preset):
        return ""
    base = {"models": Model, "tasks": Task, "metrics": Metric, "data": Data}[kind]
    if not (isinstance(registered, type) and issubclass(registered, base)):
        return "it is neither a zoo.Model nor a zoo.Preset" if base is Model else f"it is no subclass of zoo.{base.__name__}"
    if inspect.isabstract(registered):
        return f"it lacks {', '.join(sorted(vars(registered)['__abstractmethods__']))}"
    if kind == "metrics":
        lacking = [name for name in ("unit", "source") if not isinstance(getattr(registered, name, None), str)]
        lacking += [] if hasattr(registered, "better") else ["better"]
        if lacking:
            return f"it does not say its {', '.join(lacking)}"
        if (better := getattr(registered, "better", None)) not in ("lower", "higher", None):
            return f"its better is {better!r}; it must be 'lower', 'higher' or None"
        if hasattr(registered, "asked_only"):
            return "its asked_only is called opt_in now: rename it"
    return ""


def class_of(kind: str, name: str) -> Any:
    """The class registered under a name (or a model's preset), seen to be what it should be; raises as :func:`model`."""
    registered = registry.load(kind, name)
    with registry.calling(kind, name, "it cannot be looked at"):
        reason = fault(kind, registered)
    if reason:
        raise registry.entry(kind, name).broken(reason)
    return registered


def _made(kind: str, name: str, /, *args: Any, **config: Any) -> Any:
    made = class_of(kind, name)
    with registry.calling(kind, name, "it cannot be made", made):
        return registry.create(kind, name, *args, **config)
