"""Every kind of data: what it says where nothing, a wrong number, no folder or no split is named."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from datafiles import refused

from zoo_data.kinds import FolderData, GeneratedData

KINDS: dict[str, Any] = {entry.name: entry.load() for entry in entry_points(group="zoo.data")}
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
        KINDS[name](str(tmp_path / "absent")).read("train")
    (tmp_path / "file").touch()
    with refused(f"file: this is a file; a folder is needed{where}"):
        KINDS[name](str(tmp_path / "file")).read("train")
    (tmp_path / "empty").mkdir()
    with refused("empty"):
        KINDS[name](str(tmp_path / "empty")).read("test")


@pytest.mark.parametrize("name", KINDS)
def test_split_must_be_one(name: str, tmp_path: Path) -> None:
    with refused("split is 'val'; it must be 'train' or 'test'"):
        KINDS[name](str(tmp_path) if name in FOLDERS else "").read("val")


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("path", ["abc", "0", "-5", "1.5", "²"])
def test_a_number_of_items_is_one(name: str, path: str) -> None:
    with refused(f"{name}:{path}: write {name}, or {name}:N for "):
        KINDS[name](path)


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_follows_from_seed_split_and_number(name: str) -> None:
    def digest(split: str, seed: int, path: str = "20") -> str:
        return KINDS[name](path).read(split, seed=seed).digest

    assert digest("train", 1) == digest("train", 1)
    assert len({digest("train", 1), digest("train", 2), digest("test", 1), digest("test", -1), digest("train", 1, "19")}) == 5
    few, more = (KINDS[name](path).read("train", seed=1) for path in ("19", "20"))
    assert few.names == more.names[:19]
    assert len(KINDS[name]("19").read("test")) == len(KINDS[name]("").read("test"))
