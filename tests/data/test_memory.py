"""What is remembered of a folder's photos, and of what was computed of them, is never believed against the files."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import calls, mean, noise, records_of, save
from PIL import Image as PIL

from zoo import ZooError, cached_map
from zoo_data import folder, memory

read = partial(records_of, "folder")


@pytest.fixture
def looked(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are looked at; all but the newest are remembered at once."""
    names: list[str] = []
    judge = folder._judge

    def seen(path: Path) -> str:
        names.append(path.name)
        return judge(path)

    calls.clear()
    monkeypatch.setattr(folder, "_judge", seen)
    monkeypatch.setattr(memory, "_FRESH", 0)
    return names


@pytest.fixture
def photos(tmp_path: Path, looked: list[str]) -> Path:
    for i in range(6):
        save(tmp_path / f"photos/{i}.bmp", noise(i))
    time.sleep(0.02)  # a tick of the file system's clock
    read(tmp_path / "photos")
    assert len(looked) == 6
    looked.clear()
    return tmp_path / "photos"


def test_a_photo_is_looked_at_once(photos: Path, looked: list[str]) -> None:
    read(photos, "test")
    assert looked == []


def test_a_photo_that_took_the_place_of_one_of_its_size_and_date_is_seen(photos: Path, looked: list[str]) -> None:
    old = os.stat(photos / "3.bmp")
    save(photos / "3.bmp", noise(99))
    os.utime(photos / "3.bmp", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert os.stat(photos / "3.bmp").st_size == old.st_size
    for split in ("train", "test"):
        records = read(photos, split)
        assert [name for i, name in enumerate(records.names) if np.array_equal(records.image(i), noise(99))] in ([], ["3.bmp"])
    assert looked == ["3.bmp"]


def test_a_photo_written_just_now_is_looked_at_again(photos: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_FRESH", 10**12)
    save(photos / "9.bmp", noise(9))
    for _ in range(2):
        read(photos)
    assert looked == ["9.bmp"] * 2


@pytest.mark.parametrize("what", ["digit", "name", "stamp", "cut", "junk", "deep", "pipe"])
def test_a_memory_that_is_not_what_was_written_is_not_believed(
    photos: Path, looked: list[str], own_cache: Path, what: str
) -> None:
    digest = read(photos).digest
    (file,) = (own_cache / "folders").iterdir()
    head, rules, files = file.read_bytes().split(b"\n")
    known = json.loads(files)
    if what == "digit":
        known["2.bmp"][1] = ("0" if known["2.bmp"][1][0] != "0" else "1") + known["2.bmp"][1][1:]
    elif what == "name":
        known["7.bmp"] = known.pop("2.bmp")
    elif what == "stamp":
        known["2.bmp"][0][1] += 1
    text = {"cut": files[:-9], "junk": b"\xff\n\n\n", "deep": b"[" * 10**5}.get(what, json.dumps(known).encode())
    file.unlink()
    if what == "pipe":
        os.mkfifo(file)
    else:
        file.write_bytes(b"\n".join([head, rules, text]))
    assert read(photos).digest == digest
    assert len(looked) == 6


def test_a_newer_decoder_looks_again(photos: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read(photos).map(mean, "m")
    before = len(calls)
    for module in (memory, folder):
        monkeypatch.setattr(module, "decoders", lambda: "pillow 99")
    read(photos).map(mean, "m")
    assert len(looked) == 6
    assert len(calls) == 2 * before


def test_what_kept_a_photo_from_being_read_may_be_over(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = folder._judge

    def refuse(path: Path) -> str:
        raise {"4.bmp": OSError(24, "Too many open files"), "7.bmp": MemoryError()}.get(path.name) or ValueError("broken")

    save(photos / "7.bmp", noise(7))
    os.utime(photos / "4.bmp")
    monkeypatch.setattr(folder, "_judge", refuse)
    with pytest.warns(
        UserWarning, match=r"left out 2 of 7 .*4.bmp \(Too many open files\), 7.bmp \(there is not enough memory\)"
    ):
        read(photos)
    monkeypatch.setattr(folder, "_judge", judge)
    assert sum(len(read(photos, split)) for split in ("train", "test")) == 7


def test_names_that_are_no_utf8_are_remembered_too(photos: Path, looked: list[str]) -> None:
    os.rename(photos / "0.bmp", os.path.join(os.fsencode(photos), b"stra\xdfe\n.bmp"))
    for _ in range(2):
        names = [name for split in ("train", "test") for name in read(photos, split).names]
    assert os.fsdecode(b"stra\xdfe\n.bmp") in names
    assert len(looked) == 1


def test_a_photo_that_changes_after_it_was_listed_is_an_error_and_then_listed_again(photos: Path, looked: list[str]) -> None:
    old = read(photos)
    name = old.names[0]
    save(photos / name, noise(77))
    with pytest.raises(ZooError, match=f"{name} has changed since it was listed"):
        old.image(0)
    read(photos)
    assert len(looked) == 6


IDS = [bytes([i]) * 32 for i in range(4)]


def rows(i: int) -> dict[str, Any]:
    calls.append(i)
    return {"a": np.full((2, 3), i, np.float32), "b": np.full((2,), -i, np.float32)}


@pytest.mark.parametrize("what", ["shape", "type", "names", "key", "pipe"])
def test_fields_of_a_shard_whose_header_was_touched_are_computed_again(own_cache: Path, what: str) -> None:
    calls.clear()
    first = cached_map(rows, IDS, "k")
    (file,) = own_cache.rglob("*.safetensors")
    data = file.read_bytes()
    changed = {"shape": (b"[4,2,3]", b"[4,3,2]"), "type": (b'"F32"', b'"I32"'), "names": (b'"field.a"', b'"field.c"')}
    if what in changed:
        assert changed[what][0] in data
        file.write_bytes(data.replace(*changed[what]))
    elif what == "pipe":
        file.unlink()
        os.mkfifo(file)
    key = "k"
    if what == "key":  # of another computation
        key = "other"
        cached_map(rows, IDS[:1], key)
        (other,) = set(own_cache.rglob("*.safetensors")) - {file}
        calls.clear()
        file.rename(other.parent / file.name)
    again = cached_map(rows, IDS, key)
    assert {name: value.tolist() for name, value in again.items()} == {name: value.tolist() for name, value in first.items()}
    assert len(calls) == (3 if what == "key" else 8)


def test_a_folder_of_a_thousand_bad_files_beside_good_ones_is_said_in_one_line(tmp_path: Path, looked: list[str]) -> None:
    (tmp_path / "d").mkdir()
    for i in range(2):
        PIL.fromarray(noise(i)).save(tmp_path / f"d/{i}.PNG")
    for i in range(300):
        (tmp_path / f"d/x{i}.jpg").touch()
    with pytest.warns(UserWarning, match=r"left out 300 of 302 images .*\(the file is empty\), and 295 more$") as caught:
        assert len(read(tmp_path / "d")) == 1
    assert len(caught) == 1
