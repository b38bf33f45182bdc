"""Names that a terminal obeys, that end a block of Markdown, or that are no UTF-8: shown safely, and used as they are."""

from __future__ import annotations

import os

import msgspec
import numpy as np
import pytest
from PIL import Image

import zoo

FOLDER, STEM = b"d\xdf`\n```\n# \x1b]0;x\x07", b"stra\xdfe $x^$ <b>|\xe2\x80\xae"
"""A folder's name, and the beginning of those of the photos in it: Latin-1, and what turns text around."""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> zoo.RunResult:
    root = tmp_path_factory.mktemp("names")
    photos = os.path.join(os.fsencode(root), FOLDER)
    try:
        os.mkdir(photos)
        for i in range(12):
            path = os.path.join(photos, STEM + b"%02d.png" % i)
            with open(path, "wb") as file:
                Image.fromarray(np.random.default_rng(i).integers(0, 256, (33, 40, 3), dtype=np.uint8)).save(file, "PNG")
    except OSError:
        pytest.skip("this file system takes no such names")
    data = f"folder:{os.fsdecode(photos)}"
    return zoo.run(
        "nn", "resaturate", data, n=2, metrics=["error_of_best"], device="cpu", out=root / "out\udce4", progress=False
    )


def test_a_run_on_files_of_any_names_is_whole(result: zoo.RunResult) -> None:
    assert result.pairs is not None
    assert result.pairs.names[0].startswith(os.fsdecode(STEM))  # for use they are as they were
    for path in result.out.rglob("*.json"):
        msgspec.json.decode(path.read_bytes())  # which takes no half of a character
    data = zoo.load(f"dir:{result.out / 'checkpoint'}").facts.data
    assert data is not None
    assert data["name"].endswith(r"/d\xdf`\x0a```\x0a# \x1b]0;x\x07")


def test_nothing_that_is_written_obeys_a_name(result: zoo.RunResult) -> None:
    pages = [(result.out / name).read_text() for name in ("report.html", "checkpoint/README.md", "run.json", "metrics.json")]
    assert [page for page in pages if {"\x1b", "\x07", "\u202e"} & set(page)] == []
    page, card = pages[:2]
    assert r"stra\xdfe $x^$ &lt;b&gt;|\u202e0" in page
    assert "<b>|" not in page
    assert not [line for line in card.splitlines() if line.startswith("# ") and "nn" not in line]


def test_its_command_asks_for_the_same_data(result: zoo.RunResult) -> None:
    command = msgspec.json.decode((result.out / "run.json").read_bytes())["command"]
    assert command.splitlines() == [command]
    assert r"`\012```\012# \033]0;x\007'" in command
