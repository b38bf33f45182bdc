"""Golden samples: a few that a checkpoint gave when it was made, with one small score, kept beside its weights."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch
from torch import Tensor

from zoo import registry
from zoo.saving.strict import SCHEMA, Count, Number, Schema, Seed, Share, Strict, parse
from zoo.utils.errors import RequestError, border
from zoo.utils.files import whole_file
from zoo.utils.tensors import Stored, finite, read, write
from zoo.utils.version import own_version

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs

GOLDEN = "golden.safetensors"
ITEMS, SAMPLES = 2, 4
"""How many x are kept, and how many samples of each."""
TOLERANCE, CHANGE = 1e-3, 0.01
"""How far samples and a small score may be from those kept, at most: what a file says may only be less."""
MOST_X, MOST_ITEMS, MOST_SAMPLES = 32, 32, 10_000
LARGEST_GOLDEN = 100_000_000
"""A file may hold so many bytes; so many x, and a small score be of so many items, and of so many samples in all."""


class SmallScore(Strict, frozen=True):
    """A score, such as ``error_of_best@10``, on the first test items of the task's embedded data, quick to measure anywhere.

    The tolerance is a share of ``value``, the digest that of the data's test split, ``n`` samples an item.
    """

    name: str
    value: Number
    tolerance: Share
    data: str
    digest: str
    items: Count
    n: Count
    seed: Seed

    def __post_init__(self) -> None:
        if self.items > MOST_ITEMS or self.items * self.n > MOST_SAMPLES:
            raise ValueError(f"items and n ask for {self.items} x {self.n} samples; at most {MOST_SAMPLES} are drawn")


class Origin(Strict, frozen=True):
    """How golden samples were made, as the file's metadata have it; no score where there is no embedded data or no metric.

    They may differ by the tolerance: the root mean square difference, as a share of the samples' deviation.
    """

    schema: Schema
    seed: Seed
    tolerance: Share
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
    origin = Origin(schema=SCHEMA, seed=seed, tolerance=TOLERANCE, score=score, made_with=versions)
    golden = Golden(x.float().contiguous(), samples.contiguous(), origin)
    with whole_file(folder / GOLDEN) as part:
        metadata = {"golden": msgspec.json.encode(origin).decode()}
        write(part, {"x": golden.x, "samples": golden.samples}, {}, metadata, folder / GOLDEN)
    return golden


def read_golden(folder: Path) -> Golden | None:
    """The golden samples in a checkpoint's folder; None if it has none."""
    path = folder / GOLDEN
    if not path.exists():
        return None
    with border(f"{path} holds no golden samples", RequestError):
        found, metadata = read(path, lambda stored, _: _allow(stored))
        text = metadata["golden"].encode()
        if not all(finite(value) for value in found.values()):
            raise ValueError("its numbers are not finite")
    return Golden(found["x"], found["samples"], parse(text, Origin, path))


def _allow(stored: Mapping[str, Stored]) -> None:
    """Raise where a header is not that of a few samples of a few x."""
    if stored.keys() != {"x", "samples"} or any(tensor.dtype != "F32" for tensor in stored.values()):
        raise ValueError("it must hold x and samples, in float32")
    x, samples = stored["x"].shape, stored["samples"].shape
    if not (len(x) > 0 and len(samples) > 1 and 0 < x[0] == samples[0] <= MOST_X and 0 < samples[1] <= MOST_SAMPLES // MOST_X):
        raise ValueError(f"it has {samples} samples of {x}; at most {MOST_X} x and {MOST_SAMPLES // MOST_X} samples are kept")
    if sum(4 * math.prod(tensor.shape) for tensor in stored.values()) > LARGEST_GOLDEN:
        raise ValueError(f"it has more than {LARGEST_GOLDEN:,} bytes")


def embedded_pairs(task: Mapping[str, Any], data: str, seed: int = 0) -> Pairs:
    """The test pairs of a checkpoint's task (``name`` and ``config``) on the ``data`` that it embeds.

    Raises:
        RequestError: that cannot be; other data are never read, whatever a checkpoint says.
    """
    own: str = registry.load("tasks", task["name"]).data
    if data != own:
        raise RequestError(f"the score is of other data ({data}): only {own!r}, which the task embeds, are read")
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
