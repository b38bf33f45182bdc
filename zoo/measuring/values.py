"""The values of every test item, as a run keeps them: two runs on the same items can be compared item by item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from zoo.saving.strict import SCHEMA, Count, Schema, Strict, parse
from zoo.utils.errors import border
from zoo.utils.files import whole_file
from zoo.utils.words import visible

if TYPE_CHECKING:  # whoever only asks where the values are does not wait for torch
    from torch import Tensor

    from zoo.contracts.metric import Score
    from zoo.data.pairs import Pairs
    from zoo.utils.tensors import Stored

VALUES = "values.safetensors"
LARGEST_VALUES = 500_000_000
"""A file may hold so many bytes of values."""
_KEY = "values"


class Direction(Strict, frozen=True):
    """The unit of a score, and which way is better, None where neither is."""

    unit: str
    better: Literal["lower", "higher"] | None


class Origin(Strict, frozen=True):
    """Of what the values are, as the file's metadata have it.

    ``digest`` is of the test pairs that were scored, x and y to the bit: where it is the same, the items are. ``groups`` has
    the number of what each item is of, where several are of one video, scene or photo; None where each stands alone.
    """

    schema: Schema
    model: str
    task: str
    data: str
    seed: int
    n: Count
    digest: str
    groups: list[int] | None
    scores: dict[str, Direction]

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.digest):
            raise ValueError("digest must be a sha256 in hexadecimal")


@dataclass(frozen=True)
class Values:
    """The values of N test items by the name of the score, (N,) float64 each, and of what they are."""

    scores: dict[str, Tensor]
    origin: Origin

    @property
    def groups(self) -> Tensor | None:
        """(N,) int64, the number of what each item is of; None where each stands alone."""
        import torch

        return None if self.origin.groups is None else torch.tensor(self.origin.groups, dtype=torch.int64)


def keep_values(
    folder: Path,
    values: Mapping[str, Tensor],
    scores: Mapping[str, Score],
    pairs: Pairs,
    *,
    model: str,
    task: str,
    data: str,
    seed: int,
    n: int,
) -> None:
    """Write the ``values`` (N,) of ``pairs`` by each of ``scores`` to the folder of their run, whole or not at all.

    Raises:
        ZooError: the file system refused.
    """
    from zoo.utils.tensors import apart, digest_of, write

    of = {visible(name): Direction(unit=visible(scores[name].unit), better=scores[name].better) for name in values}
    digest = digest_of(apart({"x": pairs.x, "y": pairs.y}), "pairs")
    numbers = {name: i for i, name in enumerate(dict.fromkeys(pairs.groups))}
    groups = [numbers[name] for name in pairs.groups] if len(numbers) < len(pairs.groups) else None
    words = {"model": visible(model), "task": visible(task), "data": visible(data)}
    origin = Origin(schema=SCHEMA, **words, seed=seed, n=n, digest=digest, groups=groups, scores=of)
    with whole_file(folder / VALUES) as part:
        tensors = apart({visible(name): value.double() for name, value in values.items()})
        write(part, tensors, {}, {_KEY: msgspec.json.encode(origin).decode()}, folder / VALUES)


def read_values(folder: Path) -> Values | None:
    """The values in the folder of a run; None if it has none, as runs of before had not.

    Raises:
        ZooError: the file is not whole, or not of this form.
    """
    path = folder / VALUES
    if not path.exists():
        return None
    from zoo.utils.tensors import finite, read

    with border(f"{path} holds no values of test items"):
        scores, metadata = read(path, lambda stored, metadata: _allow(stored, _origin(metadata, path)))
        if not all(finite(value) for value in scores.values()):
            raise ValueError("a value is not a finite number")
        return Values(scores, _origin(metadata, path))


def _origin(metadata: Mapping[str, str], path: Path) -> Origin:
    return parse(metadata[_KEY].encode(), Origin, path)


def _allow(stored: Mapping[str, Stored], origin: Origin) -> None:
    """Raise where a header is not that of one number an item for each score."""
    if stored.keys() != origin.scores.keys():
        raise ValueError("it must hold the scores that its metadata name")
    shapes = {tensor.shape for tensor in stored.values()}
    if any(tensor.dtype != "F64" for tensor in stored.values()) or any(len(shape) != 1 or not shape[0] for shape in shapes):
        raise ValueError("it must hold one number an item, in float64")
    counts = {shape[0] for shape in shapes} | ({len(origin.groups)} if origin.groups is not None and shapes else set())
    if len(counts) > 1:
        raise ValueError(f"it is of {' and '.join(map(str, sorted(counts)))} items; all must be of the same")
    if sum(8 * tensor.shape[0] for tensor in stored.values()) > LARGEST_VALUES:
        raise ValueError(f"it has more than {LARGEST_VALUES:,} bytes")
