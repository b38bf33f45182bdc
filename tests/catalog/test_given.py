"""What words name: photos, folders and patterns; and the names of what is made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.catalog import given
from zoo.catalog.given import look, own_names
from zoo.data.pictures import photo_of
from zoo.utils.errors import RequestError


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for i, name in enumerate(("b.png", "a.jpg", ".hidden.png", "more/b.png")):
        Image.new("RGB", (20 + i, 20)).save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "notes.txt").write_text("no photo")


def found(*words: str) -> tuple[list[str], list[str]]:
    seen = look(words, photo_of, lambda item: None, folders=True)
    assert all(np.array_equal(item, photo_of(word)) for word, item in seen)
    return seen.words, seen.left_out


def test_a_folder_means_its_photos_and_what_is_left_out_is_told() -> None:
    words, left = found("photos")
    assert words == ["photos/a.jpg", "photos/b.png"]
    said = ".hidden.png (hidden), more (a folder, to be named itself), notes.txt (not an image, or one of an unknown format)"
    assert left == [f"photos: 3 left out: {said}"]


def test_a_pattern_means_what_fits_and_photos_are_read_again_where_many_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "KEPT", 0)
    assert found("photos/*.png", "photos/a.jpg") == (["photos/b.png", "photos/a.jpg"], [])
    assert found("photos/**/b.png")[0] == ["photos/b.png", "photos/more/b.png"]
    Path("a[1].png").write_bytes(Path("photos/b.png").read_bytes())
    assert found("a[1].png") == (["a[1].png"], []), "a file of this name is meant before a pattern"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("*.gif", "there is no photo in \\*.gif"),
        ("empty", "there is no photo in empty: notes"),
        ("photos/notes.txt", "not an image"),
    ],
)
def test_nothing_to_read_is_refused(word: str, message: str) -> None:
    Path("empty").mkdir()
    Path("photos/notes.txt").rename("empty/notes.txt")
    Path("photos/notes.txt").write_text("no photo")
    with pytest.raises(RequestError, match=message):
        found(word)


def test_no_two_names_are_one_on_any_file_system() -> None:
    assert own_names(["x/a.jpg", "y/A.jpg", "a.jpg-2", "cafe\u0301", "caf\xe9", ".."]) == [
        *("a.jpg", "A.jpg-2", "a.jpg-2-2", "cafe\u0301", "caf\xe9-2", "item"),
    ]


def test_a_long_name_ends_with_a_whole_character() -> None:
    (name,), (own,) = own_names(["\u3042" * 80 + ".png"]), own_names(["x" * 300])
    assert name == "\u3042" * len(name)
    assert 190 < len(name.encode()) <= len(own) == 200
    odd = "\udcff" * 210
    assert own_names([odd]) == [odd[:200]], "what is no character is somebody's own"
