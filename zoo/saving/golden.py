"""What a checkpoint gave when it was made, kept beside its weights: a few samples and one small score, to be given again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import whole_file
from zoo.utils.version import own_version

GOLDEN = "golden.safetensors"
SCHEMA = 1
ITEMS, SAMPLES = 2, 4
"""How many x are kept, and how many samples of each."""


@dataclass(frozen=True)
class SmallScore:
    """A score on the first test items of the task's embedded data, quick to measure anywhere.

    Attributes:
        name: of the value, for example ``error_of_best@10``.
        value: its mean over the items.
        tolerance: by how much it may differ, as a share of ``value``.
        data: the description of the data.
        digest: of the data's test split.
        items, n, seed: test items, samples an item, and the seed of the samples.
    """

    name: str
    value: float
    tolerance: float
    data: str
    digest: str
    items: int
    n: int
    seed: int


@dataclass(frozen=True)
class Golden:
    """Samples that the stored model gave.

    Attributes:
        x: (K, *x_shape).
        samples: (K, n, *y_shape), of ``x`` with ``seed``.
        seed: of the samples.
        tolerance: by how much they may differ: the root mean square difference, as a share of the samples' deviation.
        score: a small score, None where the task has no embedded data or no metric could be had.
        made_with: versions by name.
    """

    x: Tensor
    samples: Tensor
    seed: int
    tolerance: float
    score: SmallScore | None
    made_with: Mapping[str, str]


def write_golden(folder: Path, x: Tensor, samples: Tensor, seed: int, score: SmallScore | None = None) -> Golden:
    """Keep ``samples`` (K, n, *y_shape), which the model stored in ``folder`` gives of ``x`` (K, *x_shape) with ``seed``.

    Raises:
        ZooError: the file system refused; nothing is left behind.
    """
    from safetensors.torch import save_file

    golden = Golden(x, samples, seed, 1e-3, score, {"cond-zoo": own_version(), "torch": torch.__version__})
    facts = {
        "schema": SCHEMA,
        "seed": seed,
        "tolerance": golden.tolerance,
        "score": None if score is None else dataclasses.asdict(score),
        "made_with": golden.made_with,
    }
    tensors = {"x": x.float().contiguous(), "samples": samples.contiguous()}
    with whole_file(folder / GOLDEN) as part:
        try:
            save_file(tensors, part, metadata={"golden": json.dumps(facts)})
            part.chmod(0o644)
        except Exception as error:  # safetensors has an error of its own for a full disk
            raise ZooError(f"cannot write {folder / GOLDEN}: {error}") from error
    return golden


def read_golden(folder: Path) -> Golden | None:
    """The golden samples in a checkpoint's folder; None if it has none.

    Raises:
        RequestError: the file is not of this form.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / GOLDEN
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["golden"])
            tensors = {name: file.get_tensor(name) for name in ("x", "samples")}
        schema = facts.pop("schema")
        if schema != SCHEMA:
            raise RequestError(f"{path} has schema {schema!r}, and this version knows {SCHEMA}: upgrade cond-zoo to verify it")
        score = facts.pop("score")
        golden = Golden(**tensors, **facts, score=None if score is None else SmallScore(**score))
        ok = all(isinstance(value, (int, float)) for value in (golden.seed, golden.tolerance))
    except RequestError:
        raise
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestError(f"{path} holds no golden samples: {error}") from error
    if not ok or not all(torch.isfinite(value).all() for value in tensors.values()):
        raise RequestError(f"{path} holds no golden samples: its numbers are not finite")
    return golden
