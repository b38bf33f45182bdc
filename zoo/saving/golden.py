"""What a checkpoint gave when it was made, kept beside its weights: a few samples and one small score, to be given again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.contracts import make
from zoo.measuring.evaluate import evaluate
from zoo.saving.checkpoint import CONFIG, load
from zoo.saving.facts import read_facts
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import whole_file
from zoo.utils.version import own_version

if TYPE_CHECKING:
    from zoo.contracts.model import Model
    from zoo.data.pairs import Pairs

GOLDEN = "golden.safetensors"
SCHEMA = 1
ITEMS, SAMPLES = 2, 4
"""How many x are kept, and how many samples of each."""
SCORE_ITEMS, SCORE_SAMPLES = 32, 10
"""Test items and samples an item of the small score."""


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


def keep_golden(folder: Path, metric: str | None = None, *, seed: int = 0) -> Golden:
    """Sample from the checkpoint in ``folder`` as it is stored, and keep the samples beside it.

    The x are the first test items of the task's embedded data, so that nothing of anybody's own data is kept; without a
    task, or with settings that the embedded data does not fit (another set's attributes), they are uniform noise.

    Args:
        folder: a saved checkpoint.
        metric: the entry-point name of the metric for the small score; its last value is kept (``error_of_best@10``).
        seed: of the samples.

    Raises:
        ZooError: the file system refused; nothing is left behind.
    """
    from safetensors.torch import save_file

    model, task = load(folder), read_facts(folder / CONFIG).task
    x, score = torch.rand(ITEMS, *model.x_shape, generator=torch.Generator().manual_seed(seed)), None
    if task is not None:
        data = make.task_class(task["name"]).data
        with contextlib.suppress(RequestError):
            pairs = scored_pairs(task, data)
            x, score = pairs.x[:ITEMS], None if metric is None else _small_score(model, pairs, data, metric)
    x = x.float().contiguous()
    versions = {"cond-zoo": own_version(), "torch": torch.__version__}
    made = Golden(x, model.sample(x, SAMPLES, seed=seed), seed, 1e-3, score, versions)
    facts = {
        "schema": SCHEMA,
        "seed": made.seed,
        "tolerance": made.tolerance,
        "score": None if made.score is None else dataclasses.asdict(made.score),
        "made_with": made.made_with,
    }
    with whole_file(folder / GOLDEN) as part:
        try:
            save_file({"x": made.x, "samples": made.samples}, part, metadata={"golden": json.dumps(facts)})
            part.chmod(0o644)
        except Exception as error:  # safetensors has an error of its own for a full disk
            raise ZooError(f"cannot write {folder / GOLDEN}: {error}") from error
    return made


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
        made = Golden(**tensors, **facts, score=None if score is None else SmallScore(**score))
        ok = all(isinstance(value, (int, float)) for value in (made.seed, made.tolerance))
    except RequestError:
        raise
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestError(f"{path} holds no golden samples: {error}") from error
    if not ok or not all(torch.isfinite(value).all() for value in tensors.values()):
        raise RequestError(f"{path} holds no golden samples: its numbers are not finite")
    return made


def scored_pairs(task: Mapping[str, Any], data: str) -> Pairs:
    """The test pairs of a checkpoint's task (``name`` and ``config``) on ``data``."""
    return make.task(task["name"], **task["config"]).pairs(make.data(data), "test", 0)


def small_scores(model: Model, pairs: Pairs, metric: str, *, items: int, n: int, seed: int) -> dict[str, float]:
    """The values of one metric on the first ``items`` of ``pairs``, from n samples an item; {} if the model has none."""
    few = pairs.subset(torch.arange(min(items, len(pairs))))
    scores = evaluate(model, few, {metric: make.metric(metric)}, n, seed=seed).scores
    return {name: score.value for name, score in scores.items()}


def _small_score(model: Model, pairs: Pairs, data: str, metric: str) -> SmallScore | None:
    found = small_scores(model, pairs, metric, items=SCORE_ITEMS, n=SCORE_SAMPLES, seed=0)
    if not found:
        return None
    name, value = list(found.items())[-1]
    return SmallScore(name, value, 0.01, data, pairs.digest, min(SCORE_ITEMS, len(pairs)), SCORE_SAMPLES, 0)
