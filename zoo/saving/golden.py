"""Golden samples: a few that a checkpoint gave when it was made, with one small score, kept beside its weights."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch
from torch import Tensor

from zoo import registry
from zoo.saving.strict import SCHEMA, Number, Schema, Strict, parse
from zoo.saving.weights import write_tensors
from zoo.utils.errors import RequestError
from zoo.utils.files import whole_file
from zoo.utils.version import own_version

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs

GOLDEN = "golden.safetensors"
ITEMS, SAMPLES = 2, 4
"""How many x are kept, and how many samples of each."""


class SmallScore(Strict, frozen=True):
    """A score, such as ``error_of_best@10``, on the first test items of the task's embedded data, quick to measure anywhere.

    The tolerance is a share of ``value``, the digest that of the data's test split, ``n`` samples an item.
    """

    name: str
    value: Number
    tolerance: Number
    data: str
    digest: str
    items: int
    n: int
    seed: int


class Origin(Strict, frozen=True):
    """How golden samples were made, as the file's metadata have it; no score where there is no embedded data or no metric.

    They may differ by the tolerance: the root mean square difference, as a share of the samples' deviation.
    """

    schema: Schema
    seed: int
    tolerance: Number
    score: SmallScore | None
    made_with: dict[str, str]


class Golden(NamedTuple):
    """Samples that the stored model gave, (K, n, *y_shape), of x, (K, *x_shape), and how."""

    x: Tensor
    samples: Tensor
    origin: Origin


def write_golden(folder: Path, x: Tensor, samples: Tensor, seed: int, score: SmallScore | None = None) -> Golden:
    """Keep ``samples`` (K, n, *y_shape), which the model stored in ``folder`` gives of ``x`` (K, *x_shape) with ``seed``."""
    versions = {"cond-zoo": own_version(), "torch": str(torch.__version__)}
    origin = Origin(schema=SCHEMA, seed=seed, tolerance=1e-3, score=score, made_with=versions)
    golden = Golden(x.float().contiguous(), samples.contiguous(), origin)
    with whole_file(folder / GOLDEN) as part:
        metadata = {"golden": msgspec.json.encode(origin).decode()}
        write_tensors(part, {"x": golden.x, "samples": golden.samples}, metadata, folder / GOLDEN)
    return golden


def read_golden(folder: Path) -> Golden | None:
    """The golden samples in a checkpoint's folder; None if it has none."""
    from safetensors import SafetensorError, safe_open

    path = folder / GOLDEN
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {})["golden"]
            x, samples = (file.get_tensor(name) for name in ("x", "samples"))
    except (SafetensorError, OSError, KeyError) as error:
        raise RequestError(f"{path} holds no golden samples: {error}") from error
    origin = parse(text.encode(), Origin, path)
    if not all(torch.isfinite(value).all() for value in (x, samples)):
        raise RequestError(f"{path} holds no golden samples: its numbers are not finite")
    return Golden(x, samples, origin)


def embedded_pairs(task: Mapping[str, Any], data: str, seed: int = 0) -> Pairs:
    """The test pairs of a checkpoint's task (``name`` and ``config``) on ``data``; a RequestError if that cannot be."""
    kind, _, path = data.partition(":")
    fitted_to = registry.create("tasks", task["name"], **task["config"])
    pairs: Pairs = fitted_to.pairs(registry.create("data", kind, path), "test", seed)
    return pairs


def golden_x(x_shape: tuple[int, ...], task: Mapping[str, Any] | None, seed: int) -> tuple[Tensor, Pairs | None, str]:
    """The x of golden samples, (K, *x_shape), and the pairs and the description of the embedded data that they are of.

    They are the first test items of that data, so that nothing of anybody's own data is kept; without a task, or with
    settings that the embedded data does not fit (another set's attributes), they are uniform noise.
    """
    if task is not None:
        data: str = registry.load("tasks", task["name"]).data
        with contextlib.suppress(RequestError):
            pairs = embedded_pairs(task, data)
            return pairs.x[:ITEMS].float(), pairs, data
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(ITEMS, *x_shape, generator=generator, dtype=torch.float32, device="cpu"), None, ""
