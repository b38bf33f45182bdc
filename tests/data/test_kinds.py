"""Every kind of data: what it says where nothing, a wrong number, no folder or no split is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    asked = [(20, "train", 1), (20, "train", 2), (20, "test", 1), (20, "test", -1), (19, "train", 1)]
    first, *others, fewer = ((records_of(name, *these), records_of(name, *these)) for these in asked)
    np.random.seed(0)  # noqa: NPY002 (the global state must not matter)

    def contents(records: Any) -> list[bytes]:
        points = records.array("y")
        return [(records.image(i) if points is None else points[i]).tobytes() for i in range(min(20, len(records)))]

    assert len({records.digest for pair in (first, *others, fewer) for records in pair}) == 5
    assert contents(first[0]) == contents(first[1])
    assert len({tuple(contents(records)) for records, _ in (first, *others)}) == 4
    assert (fewer[0].names, contents(fewer[0])) == (first[0].names[:19], contents(first[0])[:19])
    assert len(records_of(name, 19, "test")) == len(records_of(name, "", "test"))
