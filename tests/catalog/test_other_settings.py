"""A fitted checkpoint with other settings of sampling: sampled, drawn near, shown and scored with them, and left as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from calls import call_here
from PIL import Image

import zoo
from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.saving.checkpoint import save
from zoo.utils.errors import RequestError

PHOTO = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def fitted(**settings: Any) -> Model:
    model = make.model("flow", (1, 16, 16), (1, 16, 16), **{"widths": (16,), "steps": 2, "batch_size": 4, **settings})
    x = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    model.fit(Pairs(x, 1 - x), device="cpu", progress=False)
    return model


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of a small flow, ``plain``, and a photo."""
    folder = tmp_path_factory.mktemp("kept")
    save(fitted(), folder / "plain", task="relight", task_config={"size": 16})
    Image.fromarray(PHOTO).save(folder / "photo.png")
    return folder


def test_samples_are_those_of_a_model_that_was_fitted_with_them(kept: Path, tmp_path: Path) -> None:
    save(fitted(detail=0.5, temperature=0.7), tmp_path / "other", task="relight", task_config={"size": 16})
    name, other = f"dir:{kept / 'plain'}", zoo.load(f"dir:{tmp_path / 'other'}", "cpu")
    plain, same = zoo.load(name, "cpu"), zoo.load(name, "cpu", settings={"detail": "0.5", "temperature": np.float32(0.7)})
    theirs, changed, own = (loaded.sample(PHOTO, 2, seed=0).fields for loaded in (other, same, plain))
    assert torch.allclose(theirs, changed, atol=1e-6)  # 0.7 in single precision is nearly 0.7
    assert not torch.allclose(own, changed, atol=1e-3)
    assert (other.settings, plain.settings, list(same.settings)) == ({}, {}, ["detail", "temperature"])
    plain.model.set_sampling(detail=0.5, temperature=0.7)
    assert torch.equal(plain.sample(PHOTO, 2, seed=0).fields, theirs)
    assert repr(plain).endswith(": model 'flow', task 'relight', detail=0.5, temperature=0.7)")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"steps": 3},
            "model flow was fitted with its steps, which is not changed afterwards: those of sampling are detail, ",
        ),
        ({"task.size": 32}, "setting 'task.size' is of the fit, and a checkpoint is fitted already: leave it out"),
        ({"detial": 1}, "model flow has no setting 'detial': did you mean 'detail'?"),
        ({"detail": "a lot"}, "model flow: detail is 'a lot'; it must be a finite number"),
        ({"detail": 2}, "detail is 2.0; it must be from 0 to 1"),
        ({"self": 2}, "model flow has no setting 'self'"),
    ],
)
def test_what_is_none_of_sampling_is_refused(kept: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        zoo.load(f"dir:{kept / 'plain'}", "cpu", settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("words", [["sample", "photo.png"], ["run", "--checkpoint"]])
def test_commands_refuse_it_in_a_line_and_write_nothing(kept: Path, tmp_path: Path, words: list[str]) -> None:
    command, last = words
    name = f"dir:{kept / 'plain'}"
    given = [command, name, str(kept / last)] if command == "sample" else [command, last, name]
    for setting, message in (
        ("steps=3", "model flow was fitted with its steps"),
        ("task.size=32", "setting 'task.size'"),
    ):
        code, _, err, _ = call_here(*given, "--set", setting, "--out", str(tmp_path / "out"), "--device", "cpu")
        assert (code, err.count("\n"), err.startswith(f"zoo: {message}")) == (2, 1, True)
    assert list(tmp_path.iterdir()) == []


def test_settings_are_values_by_name(kept: Path) -> None:
    with pytest.raises(RequestError, match="settings are 'detail=1'; they must be values by name"):
        zoo.load(f"dir:{kept / 'plain'}", settings="detail=1")  # type: ignore[arg-type]


def test_what_was_drawn_with_them_is_drawn_near_with_them(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name, photo = f"dir:{kept / 'plain'}", str(kept / "photo.png")

    def sample(*words: str, out: str) -> tuple[int, str]:
        code, _, err, _ = call_here("sample", name, *words, "--device", "cpu", "--out", out)
        return code, err

    assert sample(photo, "-n", "2", "--seed", "3", "--set", "detail=0.5", "--set", "temperature=0.7", out="a") == (0, "")
    record = json.loads(Path("a/photo/drawn.json").read_text())
    assert record["settings"] == {"detail": 0.5, "shift": None, "solver_steps": None, "temperature": 0.7}
    like = ("--near", "a/photo/sample-02.png", "--spread", "0")
    assert sample(*like, "--set", "detail=0.50", out="b") == (0, "")  # as it was
    assert Path("b/photo/sample-01.png").read_bytes() == Path("a/photo/sample-02.png").read_bytes()
    assert json.loads(Path("b/photo/drawn.json").read_text())["settings"] == record["settings"]
    for words, refused in (
        ("detail=1", "detail 0.5, not 1.0: leave out detail"),
        ("shift=2", "shift None, not 2.0: leave out"),
    ):
        code, err = sample(*like, "--set", words, out="c")
        assert (code, err.count("\n"), f"was drawn with {refused}" in err) == (2, 1, True)
    Path("a/photo/drawn.json").write_text(json.dumps(record | {"settings": {"steps": 3}}))
    assert sample(*like, out="c")[1].startswith("zoo: a/photo/drawn.json: model flow was fitted with its steps")
    del record["settings"]  # as of before, when there were none
    Path("a/photo/drawn.json").write_text(json.dumps(record))
    assert sample(*like, out="d") == (0, "")
    assert Path("d/photo/sample-01.png").read_bytes() != Path("a/photo/sample-02.png").read_bytes()


@pytest.mark.usefixtures("no_figures")
def test_a_run_of_a_checkpoint_tells_them_and_leaves_its_files(kept: Path, tmp_path: Path) -> None:
    folder = kept / "plain"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    asked: dict[str, Any] = {"checkpoint": f"dir:{folder}", "n": 2, "items": 2, "metrics": ["error_of_best"], "device": "cpu"}
    asked |= {"data": "scenes:16", "progress": False}
    plain = zoo.run(**asked, out=tmp_path / "plain")
    result = zoo.run(**asked, settings={"detail": 0.5}, out=tmp_path / "run")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert result.scores != plain.scores
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["model"]["config"]["detail"], record["sampling"]) == (0.5, {"detail": 0.5})
    assert "sampling" not in json.loads((tmp_path / "plain" / "run.json").read_text())
    assert " --set detail=0.5 " in record["command"]
    assert ", sampled with detail 0.5" in (tmp_path / "run" / "report.html").read_text()
    with pytest.raises(RequestError, match=r"holds a run with config detail 0.5, not 0.25; ask for the same"):
        zoo.run(**asked, settings={"detail": 0.25}, out=tmp_path / "run", resume=True)
    assert zoo.run(**asked, settings={"detail": "0.5"}, out=tmp_path / "run", resume=True).scores == result.scores


def test_they_are_shown(kept: Path) -> None:
    words = "detail=1.0, shift=none, solver_steps=none, temperature=1.0 (others by --set of zoo sample)"
    assert words in call_here("show", f"dir:{kept / 'plain'}").out
    assert "sampling " in call_here("show", "flow/relight").out
    assert "sampling" not in call_here("show", "cvae/relight").out
    of_flow = call_here("show", "flow").out
    assert of_flow.count("(of sampling") == 4
    assert "zoo sample CHECKPOINT ... --set SETTING=VALUE" in of_flow
    assert "of sampling" not in call_here("show", "cvae").out
