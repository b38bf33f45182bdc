"""A zoo of conditional generative models, p(y | x), for problems where one input has many right answers.

``zoo.load("cdvae/resaturate").sample(photo, 20)`` gives twenty photos; ``zoo.run(model="cdvae-mdn12", task="relight")``
fits, samples, measures and shows. The public names below are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.benching.bench import BenchResult, bench
    from zoo.data.base import Annotation, Attributes, Data, Image, Records, Split
    from zoo.errors import RequestError, ZooError
    from zoo.loaded import Loaded, load
    from zoo.metric import Fitted, Metric, NotApplicable, Score
    from zoo.model import Model, Preset
    from zoo.pairs import Batch, Pairs
    from zoo.running import RunResult, run
    from zoo.samples import Samples
    from zoo.task import Task

_HOMES = {
    "zoo.benching.bench": ("BenchResult", "bench"),
    "zoo.data.base": ("Annotation", "Attributes", "Data", "Image", "Records", "Split"),
    "zoo.errors": ("RequestError", "ZooError"),
    "zoo.loaded": ("Loaded", "load"),
    "zoo.metric": ("Fitted", "Metric", "NotApplicable", "Score"),
    "zoo.model": ("Model", "Preset"),
    "zoo.pairs": ("Batch", "Pairs"),
    "zoo.running": ("RunResult", "run"),
    "zoo.samples": ("Samples",),
    "zoo.task": ("Task",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Annotation",
    "Attributes",
    "Batch",
    "BenchResult",
    "Data",
    "Fitted",
    "Image",
    "Loaded",
    "Metric",
    "Model",
    "NotApplicable",
    "Pairs",
    "Preset",
    "Records",
    "RequestError",
    "RunResult",
    "Samples",
    "Score",
    "Split",
    "Task",
    "ZooError",
    "__version__",
    "bench",
    "load",
    "run",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("cond-zoo")
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
