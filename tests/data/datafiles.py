"""Shared by the tests of data: pictures to write, what is computed of them, and refusals in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PIL

from zoo import Attributes, Fields, Image, Records, RequestError

KINDS: dict[str, Any] = {entry.name: entry.load() for entry in entry_points(group="zoo.data")}
calls: list[int] = []
"""One entry for each image that :func:`mean` was computed of."""


def records_of(kind: str, path: object = "", split: str = "train", seed: int = 0) -> Any:
    """The records of ``kind:path``."""
    return KINDS[kind](str(path)).read(split, seed=seed)


def mean(image: Image) -> Fields:
    calls.append(1)
    turned = image[:4, :4].astype(np.float32).transpose(2, 0, 1)  # of another order in memory
    return {"mean": image.mean((0, 1), dtype=np.float32), "turned": turned}


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.fromarray(pixels).save(path, **({"quality": 100, "subsampling": 0} if path.suffix == ".jpg" else {}))
    return path


def noise(seed: int, side: int = 20) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def flat(level: int, width: int = 24) -> Image:
    return np.full((20, width, 3), level, np.uint8)


def known(records: Records) -> Attributes:
    assert records.attributes is not None
    assert records.attributes.values.dtype == np.float32
    assert len(records.attributes.values) == len(records)
    return records.attributes


@contextmanager
def refused(said: str) -> Iterator[None]:
    """A RequestError of one line that says so."""
    with pytest.raises(RequestError, match=said) as caught:
        yield
    assert "\n" not in str(caught.value)
