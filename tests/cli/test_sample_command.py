"""``zoo sample``: what it saves, what it draws more like, and what it refuses before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from calls import call_here
from PIL import Image

import zoo
from zoo.contracts.make import model as create
from zoo.saving.checkpoint import save

pytestmark = pytest.mark.usefixtures("toy_plugin")


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    model = create("toy", (1, 4, 4), (1, 4, 4))
    model.fit(zoo.Pairs(torch.rand(6, 1, 4, 4), torch.rand(6, 1, 4, 4)))
    save(model, tmp_path / "weights", task="toy-shade", task_config={"size": 4})
    return f"dir:{tmp_path / 'weights'}"


def test_sample_saves_every_photo(tmp_path: Path, checkpoint: str) -> None:
    paths = []
    for width in (30, 31):
        (tmp_path / str(width)).mkdir()
        paths.append(str(tmp_path / str(width) / "photo.png"))
        Image.fromarray(np.full((20, width, 3), 90, np.uint8)).save(paths[-1])
    out = tmp_path / "out"
    code, text, _, _ = call_here("sample", checkpoint, *paths, "-n", "3", "--out", str(out), "--seed", "1")
    assert code == 0
    assert sorted(p.name for p in out.iterdir()) == ["photo", "photo-2"]
    assert sorted(p.name for p in (out / "photo").iterdir())[-1] == "sample-03.png"
    assert str(out / "photo-2") in text
    assert Image.open(out / "photo-2" / "sample-01.png").size == (31, 20)
    words = [str(tmp_path / "30"), *("-n", "1", "--gif", "--out", str(tmp_path / "more"), "--jpeg")]
    assert call_here("sample", checkpoint, *words, str(tmp_path / "31" / "*.png"))[0] == 0  # which is no quality
    code, text, _, _ = call_here(
        "sample", checkpoint, *words, "30", "--size=20", "-n3", "--distinct=2", "--out", str(tmp_path / "less")
    )
    assert (code, ": 2 of 3 samples in " in text) == (0, True)
    assert Image.open(tmp_path / "less" / "photo" / "sample-02.jpg").size == (20, 13)
    big, small = (tmp_path / name / "photo" / "sample-01.jpg" for name in ("more", "less"))
    assert big.stat().st_size > small.stat().st_size
    assert (tmp_path / "more" / "photo-2" / "samples.gif").is_file()
    like, chosen = tmp_path / "like", out / "photo" / "sample-02.png"
    assert call_here("sample", checkpoint, "--near", str(chosen), "--spread", "0", "--out", str(like))[0] == 0
    assert [path.read_bytes() == chosen.read_bytes() for path in (like / "photo").glob("sample-*.png")] == [True] * 3
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "deep" / "er", target_is_directory=True)
    linked = tmp_path / "runs" / "out"
    assert call_here("sample", checkpoint, *paths[:1], "-n", "2", "--seed", "1", "--out", str(linked))[0] == 0
    words = ["--near", str(linked / "photo" / "sample-01.png"), "--out", str(tmp_path / "near")]
    assert call_here("sample", checkpoint, *words)[0] == 0, "its photo is found by a path that goes through no link"
    code, _, err, _ = call_here("sample", checkpoint, "--near", str(chosen), "-n", "4", "--out", str(tmp_path / "no"))
    assert (code, "was drawn with n 3, not 4: leave out n" in err) == (2, True)
    code, _, err, _ = call_here("sample", checkpoint, paths[0], "--out", str(out))
    assert code == 2
    assert "already holds" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["good.png", "bad.jpg"], "bad.jpg"),
        ([], "zoo: there is nothing to sample for; name at least one photo\n"),
        (["good.png", "--jpeg", "101"], "the quality of --jpeg is 101; it must be a whole number, from 1 to 100"),
        (["good.png", "x"], "there is no photo in x: bad.jpg (not an image, or one of an unknown format)"),
        (["good.png", "--strength", "2"], "strength is 2.0; it must be a number from 0 (the photo itself) to 1.5"),
        (["good.png", "--distinct", "21"], "distinct is 21; it must be a whole number, from 1 to 20"),
        (["good.png", "--size", "0"], "size is 0; it must be a whole number, at least 16"),
        (["good.png", "--near", "3"], "--near counts among the samples of a seed: give that too (--seed), or name a file"),
        (["good.png", "--near", "21", "--seed", "1"], "--near is 21; it must be a whole number, from 1 to 20"),
        (["good.png", "--spread", "0.3"], "--spread says how far from the one that --near names: name that too"),
        (["--near", "good.png"], "good.png is no picture of zoo sample; name one (FOLDER/sample-04.png), or its number"),
        (["--attributes", "Smiling"], "starts from a photo, not from attributes: leave out --attributes"),
    ],
)
def test_sample_refuses_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: str, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save("good.png")
    Path("x").mkdir()
    Path("x/bad.jpg").write_bytes(b"no image at all")
    Path("bad.jpg").write_bytes(b"no image at all")
    code, out, err, _ = call_here("sample", checkpoint, *words, "--out", "out")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("out").exists()
