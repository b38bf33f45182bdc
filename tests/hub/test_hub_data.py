"""``hf:ORG/DATASET``, fetched by the package datasets from a Hub on the loopback: from a name to pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hubworld import World
from PIL import Image

from zoo.contracts import make
from zoo.utils.errors import RequestError
from zoo_data import hub

datasets = pytest.importorskip("datasets")
NAME = "datasets/org/pictures"


def parquet(levels: list[int]) -> bytes:
    """Plain pictures of these levels, each of the class of its place."""
    pictures = [Image.fromarray(np.full((20, 20, 3), level, np.uint8)) for level in levels]
    kinds = datasets.ClassLabel(names=["cat", "dog"])
    features = datasets.Features({"photo": datasets.Image(), "kind": kinds})
    rows = {"photo": pictures, "kind": [i % 2 for i in range(len(levels))]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(file := io.BytesIO())
    return file.getvalue()


def test_a_data_set_is_fetched_as_it_was_when_it_was_named(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HF_ENDPOINT": here.hub.url, "HF_DATASETS_CACHE": here.home, "HF_MODULES_CACHE": here.home}.items():
        monkeypatch.setattr(datasets.config, name, value)
    first = {f"data/{split}-00000-of-00001.parquet": parquet(levels) for split, levels in (("train", [9, 99]), ("test", [7]))}
    hub._pinned.cache_clear()
    sha = here.hub.put(NAME, first)
    data = make.data("hf:org/pictures")
    here.hub.put(NAME, {"data/train-00000-of-00001.parquet": parquet([200, 201, 202])})
    assert str(data) == f"hf:org/pictures@{sha}"
    train, test = data.read("train"), data.read("test")
    assert [int(part.image(i).max()) for part in (train, test) for i in range(len(part))] == [9, 99, 7]
    assert train.attributes is not None
    assert train.attributes.names == ("cat", "dog")
    asked = {path for _, path in here.hub.requests if "/resolve/" in path}
    assert asked
    assert all(f"/{sha}/" in path for path in asked), "no file of another revision was asked for"
    with pytest.raises(RequestError, match=r"^cannot find hf:org/none: [^\n]*404"):
        make.data("hf:org/none")
