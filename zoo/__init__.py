"""A zoo of conditional generative models, p(y | x), for problems where one input has many right answers.

``zoo.load("cdvae/resaturate").sample(photo, 20)`` gives twenty photos; ``zoo.run(model="cdvae-mdn12", task="relight")``
fits, samples, measures and shows. The public names below are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.utils.threads import bound_spinning

if TYPE_CHECKING:
    from zoo.benching.bench import bench
    from zoo.benching.result import BenchResult
    from zoo.catalog.loaded import Loaded
    from zoo.catalog.loading import load
    from zoo.catalog.samples import Samples
    from zoo.contracts.make import Preset
    from zoo.contracts.metric import Fitted, Metric, Needs, NotApplicable, Score
    from zoo.contracts.model import Model
    from zoo.contracts.reading import Reading
    from zoo.contracts.task import Task
    from zoo.data.arrays import array_names, read_array
    from zoo.data.cache import Fields, cache_folder, cached_map, on_all_cores, optional_write
    from zoo.data.columns import ArrayRecords
    from zoo.data.decoding import MIN_SIDE
    from zoo.data.items import Annotation, Attributes, Clip, Image
    from zoo.data.pairs import Batch, Pairs, Penalty, Truth, size_of
    from zoo.data.pictures import IMAGE_RULES, decode_image, decoders, image_bytes, read_image, stored
    from zoo.data.records import Data, Records, Split, check_split, summary
    from zoo.data.solids import read_shape, solid_of, voxel_picture
    from zoo.data.splits import check_alike, divided, held_out
    from zoo.data.tables import table_records
    from zoo.fitting.recipe import History, Recipe, Step, Training, Turns
    from zoo.running.result import RunResult
    from zoo.running.run import run
    from zoo.searching.tune import tune
    from zoo.searching.tunes import TuneResult
    from zoo.utils.bounds import afford, whole
    from zoo.utils.colours import colour_wheel
    from zoo.utils.config import above, at_least, make_config, share
    from zoo.utils.device import pick
    from zoo.utils.errors import RequestError, ZooError, border, cause, nearest
    from zoo.utils.files import read_bytes, read_text, regular, user_path, whole_file
    from zoo.utils.noise import Noise, new_seed
    from zoo.utils.progress import progress
    from zoo.utils.words import one_line

bound_spinning()  # while it can still be heard: libgomp listens when torch is imported

_HOMES = {
    "zoo.benching.bench": "bench",
    "zoo.benching.result": "BenchResult",
    "zoo.searching.tune": "tune",
    "zoo.searching.tunes": "TuneResult",
    "zoo.catalog.loaded": "Loaded",
    "zoo.catalog.loading": "load",
    "zoo.catalog.samples": "Samples",
    "zoo.contracts.make": "Preset",
    "zoo.contracts.metric": "Fitted Metric Needs NotApplicable Score",
    "zoo.contracts.model": "Model",
    "zoo.contracts.reading": "Reading",
    "zoo.contracts.task": "Task",
    "zoo.data.arrays": "array_names read_array",
    "zoo.data.cache": "Fields cache_folder cached_map on_all_cores optional_write",
    "zoo.data.columns": "ArrayRecords",
    "zoo.data.decoding": "MIN_SIDE",
    "zoo.data.pairs": "Batch Pairs Penalty Truth size_of",
    "zoo.data.pictures": "IMAGE_RULES decode_image decoders image_bytes read_image stored",
    "zoo.data.items": "Annotation Attributes Clip Image",
    "zoo.data.records": "Data Records Split check_split summary",
    "zoo.data.solids": "read_shape solid_of voxel_picture",
    "zoo.data.splits": "check_alike divided held_out",
    "zoo.data.tables": "table_records",
    "zoo.fitting.recipe": "History Recipe Step Training Turns",
    "zoo.running.result": "RunResult",
    "zoo.running.run": "run",
    "zoo.utils.bounds": "afford whole",
    "zoo.utils.colours": "colour_wheel",
    "zoo.utils.config": "above at_least make_config share",
    "zoo.utils.device": "pick",
    "zoo.utils.errors": "RequestError ZooError border cause nearest",
    "zoo.utils.files": "read_bytes read_text regular user_path whole_file",
    "zoo.utils.noise": "Noise new_seed",
    "zoo.utils.progress": "progress",
    "zoo.utils.words": "one_line",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "IMAGE_RULES",
    "MIN_SIDE",
    "Annotation",
    "ArrayRecords",
    "Attributes",
    "Batch",
    "BenchResult",
    "Clip",
    "Data",
    "Fields",
    "Fitted",
    "History",
    "Image",
    "Loaded",
    "Metric",
    "Model",
    "Needs",
    "Noise",
    "NotApplicable",
    "Pairs",
    "Penalty",
    "Preset",
    "Reading",
    "Recipe",
    "Records",
    "RequestError",
    "RunResult",
    "Samples",
    "Score",
    "Split",
    "Step",
    "Task",
    "Training",
    "Truth",
    "TuneResult",
    "Turns",
    "ZooError",
    "__version__",
    "above",
    "afford",
    "array_names",
    "at_least",
    "bench",
    "border",
    "cache_folder",
    "cached_map",
    "cause",
    "check_alike",
    "check_split",
    "colour_wheel",
    "decode_image",
    "decoders",
    "divided",
    "held_out",
    "image_bytes",
    "load",
    "make_config",
    "nearest",
    "new_seed",
    "on_all_cores",
    "one_line",
    "optional_write",
    "pick",
    "progress",
    "read_array",
    "read_bytes",
    "read_image",
    "read_shape",
    "read_text",
    "regular",
    "run",
    "share",
    "size_of",
    "solid_of",
    "stored",
    "summary",
    "table_records",
    "tune",
    "user_path",
    "voxel_picture",
    "whole",
    "whole_file",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from zoo.utils.version import own_version

        value: Any = own_version()
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
