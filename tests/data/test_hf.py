"""Data sets of the package datasets, from folders and from the Hub, which is a stand-in here."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from datafiles import noise, refused

from zoo.contracts import make
from zoo.data import memory, tables
from zoo_data import hub

pytestmark = [pytest.mark.usefixtures("own_cache"), pytest.mark.filterwarnings("ignore:memory|hf:UserWarning")]
SHA = "0123456789abcdef0123456789abcdef01234567"


def stored(seed: int) -> dict[str, Any]:
    file = io.BytesIO()
    PIL.Image.fromarray(noise(seed)).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


@pytest.fixture(scope="module")
def datasets() -> Any:
    """The package, imported where it is used: not by every process that collects the tests."""
    return pytest.importorskip("datasets", reason="datasets is not installed: pip install -e '.[dev]'")


@pytest.fixture(scope="module")
def table(datasets: Any) -> Any:
    """Twelve pictures with classes, of which one is broken."""
    rows = [{"img": stored(i), "sketch": stored(i + 50), "kind": i % 2} for i in range(12)]
    rows[3]["img"] = {"bytes": b"junk", "path": None}
    kinds = datasets.ClassLabel(names=["cat", "dog"])
    features = datasets.Features({"img": datasets.Image(), "sketch": datasets.Image(), "kind": kinds})
    return datasets.Dataset.from_list(rows, features=features)


def test_columns_are_found_or_named_and_broken_rows_left_out(datasets: Any, table: Any, tmp_path: Path) -> None:
    table.save_to_disk(tmp_path / "one")
    data = make.data(f"hf:{tmp_path}/one?source=sketch")
    with pytest.warns(UserWarning, match=r"left out 1 of 12 rows of hf:.*: train/row 03 \(not an image"):
        records = data.read("train")
    assert data.skipped == {"train/row 03": "not an image, or one of an unknown format"}
    assert len(records) + len(data.read("test")) == 11
    place = int(records.names[0])
    assert np.array_equal(records.image(0), noise(place))
    assert np.array_equal(records.source(0), noise(place + 50))
    assert records.attributes is not None
    assert (records.attributes.names, records.attributes.values[0].argmax()) == (("cat", "dog"), place % 2)
    assert make.data(table).read("train").digest == make.data(f"hf:{tmp_path}/one").read("train").digest
    for options, words in (("image=imgs", "did you mean"), ("image=kind", "no pictures"), ("imag=img", "no option")):
        with refused(words):
            make.data(f"hf:{tmp_path}/one?{options}").read("train")
    secret = table.remove_columns(["sketch", "kind"]).add_column("label", [-1] * 12)
    with pytest.warns(UserWarning, match="the column 'label' is left aside"):
        assert make.data({"train": table, "test": secret}).read("test").attributes is None
    numbers = datasets.Dataset.from_dict({"x": [[0.0, 1.0]] * 9, "y": [[float(i)] for i in range(9)]})
    pairs = make.data({"train": numbers, "test": numbers}).read("test").pairs()
    assert pairs is not None
    assert (pairs.x_shape, pairs.y_shape, len(pairs)) == ((2,), (1,), 9)


def test_a_revision_of_the_hub_is_pinned(datasets: Any, table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def info(self: Any, repository: str, revision: str | None = None) -> Any:
        return type("Info", (), {"sha": SHA})

    def load(repository: str, config: str | None, revision: str) -> Any:
        asked.append((repository, config, revision))
        return datasets.DatasetDict(train=table.select(range(3)), validation=table.select(range(4, 9)))

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", info)
    monkeypatch.setattr(datasets, "load_dataset", load)
    data = make.data("hf:org/photos?config=small")
    assert str(data) == f"hf:org/photos@{SHA}?config=small"
    assert [len(data.read(split)) for split in ("train", "test")] == [3, 5]
    assert asked == [("org/photos", "small", SHA)]
    with refused("it has no split 'tests', but train, validation"):
        make.data("hf:org/photos?test=tests").read("train")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with refused(r"needs the package datasets: pip install 'cond-zoo\[datasets\]'"):
        make.data("hf:org/photos").read("train")
    with refused("there is no such folder"):
        make.data("hf:a/b/c")


def test_columns_and_splits_are_called_as_in_tables_and_memory() -> None:
    assert (hub.ROLES, hub.TEST) == (tables.ROLES, memory.TEST)
