"""Folders held by one process at a time, and folders and files that appear and go in one step."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from zoo.utils import files, lock
from zoo.utils.claim import LOCK, claimed, content, sweep
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import discard, whole_file, whole_folder

posix = pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")


def no_locks(*_: object) -> None:
    raise OSError(errno.ENOSYS, "Function not implemented")


@pytest.fixture(params=[True, pytest.param(False, marks=posix)], ids=["locks", "no locks"])
def locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With the locks of the file system, and where it has none."""
    if not request.param:
        monkeypatch.setattr("fcntl.flock", no_locks)
    return bool(request.param)


def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_folder_is_held_by_one_and_is_as_it_was_when_nothing_was_put_into_it(tmp_path: Path, locks: bool) -> None:
    folder = tmp_path / "above" / "a"
    with claimed(folder, "bench") as held:
        assert (held, content(folder)) == (folder, [])
        match = rf"another bench works in .*above/a \(process {os.getpid()}\)"
        with pytest.raises(RequestError, match=match), claimed(folder, "bench"):
            pass
        assert (folder / LOCK).exists(), "who is refused lets go of nothing"
    assert list(tmp_path.iterdir()) == []
    with claimed(folder):
        (folder / "result").touch()
    assert [path.name for path in folder.iterdir()] == ["result"]
    with claimed(folder):
        pass
    assert folder.exists(), "it was there before"


def test_the_lock_of_a_process_that_has_ended_hinders_nobody(tmp_path: Path, locks: bool) -> None:
    (tmp_path / LOCK).write_text(f"{gone()}\n")
    with claimed(tmp_path):
        assert (tmp_path / LOCK).read_text().splitlines()[0] == str(os.getpid())
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize(
    ("text", "age", "free"),
    [
        ("", 0, False),  # it is being written
        ("", 60, True),
        ("\x1b[2J" + "9" * 300, 60, True),
        ("{me}\n", 0, False),
        ("{me}\n", 10**6, True),  # the number is that of a younger process
        ("1\nelsewhere\n", 10**6, False),  # nobody here can know
    ],
)
def test_where_there_are_no_locks_the_file_says_whose_the_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, age: int, free: bool
) -> None:
    monkeypatch.setattr("fcntl.flock", no_locks)
    path = tmp_path / LOCK
    path.write_text(text.format(me=os.getpid()))
    os.utime(path, (time.time() - age,) * 2)
    if free:
        with claimed(tmp_path):
            pass
        assert not path.exists()
    else:
        with pytest.raises(RequestError, match="another run works in") as caught, claimed(tmp_path):
            pass
        assert path.exists()
        assert ("on elsewhere; if it has ended there, remove" in str(caught.value)) == ("elsewhere" in text)


def test_a_new_folder_is_numbered_where_its_name_is_taken(tmp_path: Path) -> None:
    for taken in ("a", "a-2"):
        (tmp_path / taken).mkdir()
    (tmp_path / "a-3").touch()
    with claimed(tmp_path / "a", fresh=True) as first, claimed(tmp_path / "a", fresh=True) as second:
        assert (first.name, second.name) == ("a-4", "a-5")


@posix
def test_no_link_is_followed_to_a_lock(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all of it")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / LOCK).symlink_to("../thesis.tex")
    with pytest.raises(RequestError, match="cannot be claimed"), claimed(tmp_path / "a"):
        pass
    (tmp_path / "a" / LOCK).unlink()
    os.mkfifo(tmp_path / "a" / LOCK)
    with pytest.raises(RequestError, match=r"\.lock is no file; name another folder"), claimed(tmp_path / "a"):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "all of it"


@pytest.mark.parametrize(("number", "kind"), [(errno.EROFS, RequestError), (errno.ENOSPC, ZooError)])
def test_a_folder_in_which_no_lock_can_be_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[ZooError]
) -> None:
    def refuse(*_: object) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock, "_opened", refuse)
    with pytest.raises(ZooError, match=os.strerror(number)) as caught, claimed(tmp_path / "a"):
        pass
    assert type(caught.value) is kind
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_copy_of_the_process_neither_holds_the_folder_nor_lets_go_of_it(tmp_path: Path) -> None:
    with claimed(tmp_path / "a"):
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            os.read(reader, 1)
            os._exit(0)
    try:
        with claimed(tmp_path / "a"):
            pass
    finally:
        os.write(writer, b"x")
        os.waitpid(child, 0)


def test_what_killed_processes_were_writing_is_swept_away(tmp_path: Path) -> None:
    for name in (".report.html.ab12_z9q.part", "cells/.m-s0.00000000.part", "kept.part", ".a.short.part"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "report.html").touch()
    (tmp_path / ".b.00000000.part").touch()
    sweep(tmp_path)
    assert sorted(content(tmp_path)) == [".a.short.part", "cells", "kept.part"]
    assert list((tmp_path / "cells").iterdir()) == []


def test_names_are_temporary_as_they_are_made(tmp_path: Path) -> None:
    name = "写" * 85  # the longest that a file may have
    with whole_file(tmp_path / name) as part:
        assert files.is_temporary(part.parent.name)
        part.touch()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_was_filled_meanwhile_stays_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def write(inner: str = "") -> None:
        with whole_folder(out, "save elsewhere") as part:
            (part / "first").write_text(inner)
            if not inner:
                write("inner")

    with pytest.raises(RequestError, match="out already holds something; save elsewhere"):
        write()
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("first", "inner")]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@posix
def test_a_link_to_an_empty_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    with whole_folder(tmp_path / "out") as part:
        (part / "a").touch()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["a"]
    assert (tmp_path / "out").is_symlink()


def test_a_folder_goes_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)  # killed on its way
        patch.setattr("tempfile.TemporaryDirectory.cleanup", lambda *_: None)
        discard(tmp_path / "a")
    assert content(tmp_path) == []
    sweep(tmp_path)
    discard(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
