"""Models, tasks, metrics and data made from their registered names."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from zoo.contracts.metric import Metric
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.records import Data


def model(name: str, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> Model:
    """A new model by its entry-point name.

    Args:
        name: of a model class or a preset registered under ``zoo.models``.
        x_shape: the shape of one x.
        y_shape: the shape of one y.
        **config: settings; they win over a preset's.

    Raises:
        RequestError: no such model, or it refuses the settings or the shapes.
        ZooError: what is registered is broken or no model.
    """
    made: Model = _made("models", name, tuple(x_shape), tuple(y_shape), **config)
    made.name = name
    return made


def model_class(name: str) -> tuple[type[Model], dict[str, Any]]:
    """The model class behind a name, and what its preset sets ({} if it is no preset); raises as :func:`model`."""
    from zoo.contracts.model import Preset

    found = _class("models", name)
    return (found.model, dict(found.config)) if isinstance(found, Preset) else (found, {})


def task(name: str, **config: Any) -> Task:
    """A new task by its entry-point name, with these settings; raises as :func:`model`."""
    made: Task = _made("tasks", name, **config)
    return made


def task_class(name: str) -> type[Task]:
    """The class of a task, by name; raises as :func:`model`."""
    found: type[Task] = _class("tasks", name)
    return found


def metric(name: str) -> Metric:
    """A metric by its entry-point name; raises as :func:`model`."""
    made: Metric = _made("metrics", name)
    return made


def data(description: str) -> Data:
    """Data from words of the form ``kind`` or ``kind:path``; raises as :func:`model`."""
    kind, _, path = description.partition(":")
    if not kind:
        raise RequestError(
            f"data is {description!r}; it must be KIND or KIND:PATH, kinds: {', '.join(registry.names('data'))}"
        )
    made: Data = data_class(kind)(path)
    return made


def data_class(kind: str) -> type[Data]:
    """The class of a kind of data; raises as :func:`model`."""
    found: type[Data] = _class("data", kind)
    return found


def fault(kind: str, found: object) -> str:
    """What is wrong with an object that is registered under a kind: of the wrong type, or unfinished; "" where nothing is."""
    if kind == "models":
        from zoo.contracts.model import Model, Preset

        right = isinstance(found, Preset) or (isinstance(found, type) and issubclass(found, Model))
        return "" if right else "it is neither a zoo.Model nor a zoo.Preset"
    base = _base(kind)
    if not (isinstance(found, type) and issubclass(found, base)):
        return f"it is no subclass of zoo.{base.__name__}"
    if inspect.isabstract(found):
        return f"it lacks {', '.join(sorted(vars(found)['__abstractmethods__']))}"
    if kind == "metrics":
        lacking = [name for name in ("unit", "better", "source") if not isinstance(getattr(found, name, None), str)]
        if lacking:
            return f"it does not say its {', '.join(lacking)}"
        if getattr(found, "better", "") not in ("lower", "higher"):
            return f"its better is {getattr(found, 'better', '')!r}; it must be 'lower' or 'higher'"
        if hasattr(found, "asked_only"):
            return "its asked_only is called opt_in now: rename it"
    return ""


def _base(kind: str) -> type:
    from zoo.contracts.metric import Metric
    from zoo.contracts.task import Task
    from zoo.data.records import Data

    return {"tasks": Task, "metrics": Metric, "data": Data}[kind]


def _made(kind: str, name: str, *args: Any, **config: Any) -> Any:
    _class(kind, name)
    return registry.create(kind, name, *args, **config)


def _class(kind: str, name: str) -> Any:
    found = registry.load(kind, name)
    if reason := fault(kind, found):
        raise registry.entry(kind, name).broken(reason)
    return found
