"""Every kind of data: what it says where nothing, a wrong number, no folder or no split is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datafiles import KINDS, records_of, refused

from zoo_data.kinds import FolderData, GeneratedData

FOLDERS = [name for name, kind in KINDS.items() if issubclass(kind, FolderData)]
GENERATED = [name for name, kind in KINDS.items() if issubclass(kind, GeneratedData)]


def test_every_kind_is_in_a_folder_or_generated() -> None:
    assert {*FOLDERS, *GENERATED} >= {"folder", "celeba", "coco", "cub", "mnist", "paired", "video", "voxels"}
    assert {*GENERATED} >= {"scenes", "solids", "digits", "branches"}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_needed(name: str, tmp_path: Path) -> None:
    where = "; DIR has" if KINDS[name].layout else "$"
    with refused(f"^{name} needs .* write {name}:DIR" + (".*, where DIR has" if KINDS[name].layout else "$")):
        KINDS[name]("")
    with refused(f"absent: there is no such folder{where}"):
        records_of(name, tmp_path / "absent")
    (tmp_path / "file").touch()
    with refused(f"file: this is a file; a folder is needed{where}"):
        records_of(name, tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with refused("empty"):
        records_of(name, tmp_path / "empty", "test")


@pytest.mark.parametrize("name", KINDS)
def test_split_must_be_one(name: str, tmp_path: Path) -> None:
    with refused("split is 'val'; it must be 'train' or 'test'"):
        records_of(name, tmp_path if name in FOLDERS else "", "val")


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("path", ["abc", "0", "-5", "1.5", "²"])
def test_a_number_of_items_is_one(name: str, path: str) -> None:
    with refused(f"{name}:{path}: write {name}, or {name}:N for "):
        KINDS[name](path)


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_follows_from_seed_split_and_number(name: str) -> None:
    def told(count: int, split: str, seed: int) -> tuple[str, list[bytes]]:
        """The digest, and what is shown of the first items."""
        records = records_of(name, count, split, seed)
        shown = records.image if records.array("y") is None else records.array("y").__getitem__
        return records.digest, [shown(i).tobytes() for i in range(min(20, len(records)))]

    asked = [(20, "train", 1), (20, "train", 2), (20, "test", 1), (20, "test", -1), (19, "train", 1)]
    digests, contents = zip(*(told(*these) for these in asked), strict=True)
    np.random.seed(0)  # noqa: NPY002 (the global state must not matter)
    assert told(*asked[0]) == (digests[0], contents[0])
    assert len(set(digests)) == len(set(map(tuple, contents))) == 5
    assert not set(contents[0]) & set(contents[2])
    assert contents[4] == contents[0][:19]
    assert records_of(name, 19).names == records_of(name, 20).names[:19]
    assert len(records_of(name, 19, "test")) == len(records_of(name, "", "test"))
