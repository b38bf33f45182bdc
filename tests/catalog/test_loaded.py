"""From a photo to n photos: what is taken, what comes back, what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import zoo
from zoo.catalog import loading as catalog
from zoo.catalog.samples import SamplesList
from zoo.contracts.make import model as create
from zoo.data.pairs import Pairs
from zoo.saving import checkpoint
from zoo.saving.checkpoint import save
from zoo.utils.errors import RequestError, ZooError

pytestmark = pytest.mark.usefixtures("toy_plugin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = create("toy", (1, 4, 4), (1, 4, 4))
    x = torch.rand(12, 1, 4, 4)
    model.fit(Pairs(x, x))
    save(model, tmp_path / "weights", task="toy-shade", task_config={"size": 4})
    return tmp_path / "weights"


def photo(width: int = 40, height: int = 30, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_photo_gives_n_photos_of_its_own_size(folder: Path) -> None:
    loaded = zoo.load(f"dir:{folder}")
    samples = loaded.sample(photo(), 5, seed=1)
    assert samples.images.shape == (5, 30, 40, 3)
    assert samples.images.dtype == np.uint8
    assert samples.fields.shape == (5, 1, 4, 4)
    assert len(samples) == len(list(samples)) == 5
    assert np.array_equal(np.asarray(samples), samples.images)
    assert np.array_equal(samples[2], samples.images[2])
    assert np.asarray(samples, dtype=np.float32).dtype == np.float32
    assert not np.array_equal(samples[0], samples[1])
    assert np.array_equal(loaded.sample(photo(), 5, seed=1).images, samples.images)
    assert not np.array_equal(loaded.sample(photo(), 5).images, loaded.sample(photo(), 5).images)
    assert "toy" in loaded.card


def test_a_folder_is_found_again_from_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    loaded = zoo.load("dir:weights")
    monkeypatch.chdir("/")
    assert (loaded.name, loaded.folder) == ("dir:weights", folder)


def test_every_form_of_a_photo_means_the_same(folder: Path, tmp_path: Path) -> None:
    loaded = zoo.load(f"dir:{folder}")
    Image.fromarray(photo()).save(tmp_path / "photo.png")
    forms: list[Any] = [photo(), Image.fromarray(photo()), tmp_path / "photo.png", str(tmp_path / "photo.png")]
    first, *others = loaded.sample(forms, 3, seed=2)
    for other in others:
        assert np.array_equal(first.images, other.images)


def test_a_list_may_hold_photos_of_many_sizes_and_one_colour(folder: Path) -> None:
    loaded = zoo.load(f"dir:{folder}")
    black, white = np.zeros((16, 16, 3), np.uint8), np.full((9, 9, 3), 255, np.uint8)
    photos: list[Any] = [photo(40, 30), photo(20, 50, 1), black, white]
    made = loaded.sample(photos, 2, seed=0)
    assert [s.images.shape[1:3] for s in made] == [(30, 40), (50, 20), (16, 16), (9, 9)]
    alone = loaded.sample(photos[1], 2, seed=0)
    assert np.array_equal(alone.images, made[1].images), "a photo's samples do not depend on the others"
    assert loaded.sample([], 2) == []


@pytest.mark.parametrize(
    ("img", "message"),
    [
        ("nowhere.jpg", "nowhere.jpg"),
        (np.zeros((4, 4), np.uint8), "must be \\(H, W, 3\\) uint8"),
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (None, "NoneType"),
        (torch.zeros(3, 4, 4), "Tensor"),
    ],
)
def test_what_is_no_photo_is_refused(folder: Path, img: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        zoo.load(f"dir:{folder}").sample(img, 2)


def test_a_wrong_n_is_refused_and_every_file_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    for module, name in ((catalog, "read_facts"), (checkpoint, "read_header"), (checkpoint, "read_tensors")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda path, real=real: [read.append(path.name), real(path)][1])
    loaded = zoo.load(f"dir:{folder}")
    assert read == ["config.json", "model.safetensors", "model.safetensors"], "the facts, the header, the numbers"
    wrong: list[Any] = [0, -1, 1.5, "3", True]
    for n in wrong:
        with pytest.raises(RequestError, match="n is"):
            loaded.sample(photo(), n)


def test_a_checkpoint_that_is_not_there_or_has_no_task(folder: Path, tmp_path: Path) -> None:
    for name, message in (("dir:/nowhere", "there is no folder"), ("none/such", "no checkpoint is called")):
        with pytest.raises(RequestError, match=message):
            zoo.load(name)
    with pytest.raises(ZooError, match="the Hub cannot be reached"):
        zoo.load("hf:org/repo@main")
    model = zoo.Model.load(folder)
    save(model, tmp_path / "bare")
    with pytest.raises(RequestError, match="names no task"):
        zoo.load(f"dir:{tmp_path / 'bare'}")
    save(model, tmp_path / "other", task="toy-shade", task_config={"size": 8})
    with pytest.raises(RequestError, match="its task has"):
        zoo.load(f"dir:{tmp_path / 'other'}")


def test_samples_as_a_grid_a_folder_and_a_notebook_picture(folder: Path, tmp_path: Path) -> None:
    loaded = zoo.load(f"dir:{folder}")
    assert repr(loaded.facts) == f"Facts(model {loaded.facts.model!r}, task 'toy-shade', {len(loaded.facts.scores)} scores)"
    samples = loaded.sample(photo(), 5, seed=1)
    assert samples.grid(columns=2).size == (84, 98)
    assert samples.grid().size == (3 * 44 - 4, 2 * 34 - 4)
    assert samples.grid(width=100).size[0] <= 100
    assert np.array_equal(np.asarray(samples.grid(columns=5))[:, :40], samples[0])
    assert Image.open(io.BytesIO(samples._repr_jpeg_())).format == "JPEG"
    noise = np.random.default_rng(0).integers(0, 256, (16, 300, 400, 3), np.uint8)
    each = SamplesList([zoo.Samples(noise, torch.zeros(16, 1, 2, 2))] * 15)
    page = each._repr_html_()
    assert len(page) < 200_000
    assert (page.count("<img"), "and 3 more" in page) == (12, True)
    assert len(each[0]._repr_jpeg_()) <= 140_000
    with pytest.raises(RequestError, match="columns"):
        samples.grid(columns=0)
    out = samples.save(tmp_path / "out")
    names = sorted(p.name for p in out.iterdir())
    assert names == ["fields.npy", "grid.png", *(f"sample-0{i}.png" for i in range(1, 6))]
    assert {Image.open(out / name).info.get("srgb") for name in names[1:]} == {0}
    assert np.array_equal(np.asarray(Image.open(out / "sample-03.png")), samples[2])
    assert np.array_equal(np.load(out / "fields.npy"), samples.fields.numpy())
    with pytest.raises(RequestError, match="already holds"):
        samples.save(out)
