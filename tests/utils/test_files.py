"""Files that end, paths as people write them, and parts of files that nobody can guess."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from zoo.utils.errors import RequestError
from zoo.utils.files import read_bytes, read_text, regular, user_path, whole_file


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "device", "link to a device"])
def test_what_is_no_file_is_not_waited_for(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            os.chdir(tmp_path)  # the name of a socket may not be long
            server.bind("a")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    for read in (regular, read_bytes, read_text):
        with pytest.raises(OSError, match=rf"it is a .*{kind.split()[-1]}, not a file"):
            read(path)


def test_texts_have_a_bound_and_may_have_a_mark(tmp_path: Path) -> None:
    (path := tmp_path / "a").write_bytes(b"\xef\xbb\xbfabc")
    assert read_text(path) == "abc"
    with pytest.raises(OSError, match="it has more than 5 bytes"):
        read_bytes(path, 5)


def test_paths_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert user_path("~/a") == Path("/home/me/a")
    for wrong in ("", "a\0b", "~nobody-is-called-so/a"):
        with pytest.raises(RequestError):
            user_path(wrong)


def test_the_name_of_a_part_cannot_be_guessed_and_links_are_not_followed(tmp_path: Path) -> None:
    (victim := tmp_path / "victim").write_text("mine")
    (link := tmp_path / "a.txt").symlink_to(victim)
    parts = []
    for text in "xy":
        with whole_file(link) as part:
            parts.append(part)
            assert part.parent.stat().st_mode & 0o777 == 0o700
            part.write_text(text)
    assert parts[0] != parts[1]
    assert (link.is_symlink(), link.read_text(), victim.read_text()) == (False, "y", "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "victim"]
