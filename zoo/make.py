"""Models, tasks, metrics and data made from their registered names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.errors import RequestError, ZooError

if TYPE_CHECKING:
    from zoo.data.base import Data
    from zoo.metric import Metric
    from zoo.model import Model
    from zoo.task import Task


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
    from zoo.model import Model

    made = _loaded("models", name)(tuple(x_shape), tuple(y_shape), **config)
    if not isinstance(made, Model):
        raise _wrong("models", name, "it makes no zoo.Model")
    made.name = name
    return made


def model_class(name: str) -> tuple[type[Model], dict[str, Any]]:
    """The model class behind a name, and what its preset sets ({} if it is no preset); raises as :func:`model`."""
    from zoo.model import Model, Preset

    found = _loaded("models", name)
    if isinstance(found, Preset):
        return found.model, dict(found.config)
    if isinstance(found, type) and issubclass(found, Model):
        return found, {}
    raise _wrong("models", name, "it is neither a zoo.Model nor a zoo.Preset")


def task(name: str, **config: Any) -> Task:
    """A new task by its entry-point name, with these settings; raises as :func:`model`."""
    from zoo.task import Task

    made = task_class(name)(**config)
    assert isinstance(made, Task)
    return made


def task_class(name: str) -> type[Task]:
    """The class of a task, by name; raises as :func:`model`."""
    from zoo.task import Task

    found: type[Task] = _subclass("tasks", name, Task)
    return found


def metric(name: str) -> Metric:
    """A metric by its entry-point name; raises as :func:`model`."""
    from zoo.metric import Metric

    made: Metric = _subclass("metrics", name, Metric)()
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
    from zoo.data.base import Data

    found: type[Data] = _subclass("data", kind, Data)
    return found


def _loaded(kind: str, name: str) -> Any:
    found = registry.load(kind, name)
    if not callable(found):
        raise _wrong(kind, name, "it cannot be called")
    return found


def _subclass(kind: str, name: str, base: type) -> Any:
    found = _loaded(kind, name)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise _wrong(kind, name, f"it is no subclass of zoo.{base.__name__}")
    return found


def _wrong(kind: str, name: str, what: str) -> ZooError:
    entry = registry.entry(kind, name)
    word = kind if kind == "data" else kind[:-1]
    return ZooError(f"{word} {name!r} of {entry.distribution} {entry.version} is broken: {what}")
