"""Data that a script has in memory, and files of arrays: what is taken, how it is split, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from datafiles import noise, refused
from safetensors.numpy import save_file
from torch.utils.data import Dataset, TensorDataset

import zoo
from zoo.benching.plan import BenchRequest
from zoo.contracts import make
from zoo.data.memory import records_of
from zoo.running.plan import Request

pytestmark = [pytest.mark.usefixtures("own_cache"), pytest.mark.filterwarnings("ignore:memory|arrays:UserWarning")]
X = np.arange(60, dtype=np.float32).reshape(30, 2)
Y = X.sum(1, keepdims=True)
PHOTOS = np.stack([noise(i) for i in range(12)])


def both(data: Any, split_seed: int = 0) -> list[zoo.Records]:
    made = make.data(data, split_seed)
    return [made.read("train", seed=7), made.read("test", seed=8)]


def test_pairs_without_a_split_are_split_by_their_content_and_that_is_said_once() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train, test = both((X, Y))
    assert [str(one.message).partition(",")[0] for one in caught] == [
        f"{make.data((X, Y))} has no split of its own: {len(test)} of its 30 items are for testing"
    ]
    assert sorted([*train.names, *test.names]) == [f"{i:02}" for i in range(30)]
    assert 3 <= len(test) < 15
    order = np.random.default_rng(0).permutation(30)
    shuffled = both((X[order], Y[order]))[1]
    assert sorted(shuffled.array("x")[:, 0]) == sorted(test.array("x")[:, 0])  # type: ignore[index]
    assert both((X, Y), split_seed=1)[1].digest != test.digest
    assert both({"train": (X, Y), "test": (X[:4], Y[:4])})[1].names == ["0", "1", "2", "3"]


def test_the_name_is_of_the_content() -> None:
    name = str(make.data((X, Y)))
    assert name == str(make.data((torch.from_numpy(X), Y.astype(np.float64))))
    assert name != str(make.data((X, Y + 1)))


def test_pairs_come_out_as_they_are_given() -> None:
    pool = torch.rand(30, 4, 1)
    given = zoo.Pairs(torch.from_numpy(X), torch.from_numpy(Y), guide=torch.rand(30, 2), pool=pool, groups=list("abcde") * 6)
    train, test = both(given)
    assert not {*train.groups} & {*test.groups}
    assert train.digest != test.digest
    assert str(make.data(given)) != str(make.data(zoo.Pairs(given.x, given.y, groups=given.groups)))
    settings = make.task("pairs").settings_of(make.data(given))
    pairs = make.task("pairs", **settings).pairs(make.data(given), "train", pool=3)
    assert pairs.guide is not None
    assert pairs.pool is not None
    assert (pairs.guide.shape, pairs.pool.shape) == ((len(train), 2), (len(train), 3, 1))
    assert 0 <= float(pairs.x.min()) <= float(pairs.x.max()) <= 1
    assert torch.equal(pairs.y.flatten(), torch.from_numpy(train.array("y")).flatten())  # type: ignore[arg-type]


def test_pictures_are_items_of_every_task_on_photos() -> None:
    photos = [PIL.Image.fromarray(photo[:, : 20 + i]) for i, photo in enumerate(PHOTOS)]
    for given in (PHOTOS, torch.from_numpy(PHOTOS).movedim(-1, 1), photos):
        train, test = both(given)
        image = test.image(0)
        assert (len(train) + len(test), image.dtype, image.shape[2]) == (12, np.uint8, 3)
        assert np.array_equal(image, PHOTOS[int(test.names[0])][:, : image.shape[1]])
        assert train.map(lambda image: {"mean": image.mean((0, 1))}, "mean-1")["mean"].shape == (len(train), 3)
    labelled = both(list(zip(photos, np.arange(12) % 3, strict=True)))[1].attributes
    assert labelled is not None
    assert (labelled.names, labelled.exclusive) == (("class_0", "class_1", "class_2"), True)
    train, _ = both((PHOTOS, 255 - PHOTOS))
    assert np.array_equal(train.source(2), 255 - train.image(2))
    assert make.data((PHOTOS, np.arange(12) % 3)).task == ""


def test_all_classes_are_those_of_both_splits() -> None:
    rare = np.array([*[0, 1] * 5, 2, 3])
    parts = [*both((PHOTOS, rare)), *both({"train": (PHOTOS, rare), "test": (PHOTOS[:3], rare[:3])})]
    photos = [PIL.Image.fromarray(photo) for photo in PHOTOS]
    pairs = [list(zip(photos, rare, strict=True)), list(zip(photos[:3], rare[:3], strict=True))]
    parts += both({"train": pairs[0], "test": pairs[1]})
    for part in parts:
        assert part.attributes is not None
        assert part.attributes.names == ("class_0", "class_1", "class_2", "class_3")
        assert part.attributes.values.shape == (len(part), 4)
    assert parts[-1].attributes.values.argmax(1).tolist() == [0, 1, 0]  # type: ignore[union-attr]


def test_numbers_of_an_item_are_kept_whatever_those_of_the_first_are() -> None:
    records = zoo.ArrayRecords(X, Y)
    assert records.digest == records_of([(x, y) for x, y in zip(X, Y, strict=True)]).digest
    cut = records_of([([0, 1], 0), ([0.5, 300], 1.5)])
    assert (cut.array("x").tolist(), cut.array("y").tolist()) == ([[0, 1], [0.5, 300]], [0, 1.5])  # type: ignore[union-attr]


class Noisy(Dataset[Any]):
    classes = ("cat", "dog")

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        return PIL.Image.fromarray(noise(np.random.default_rng().integers(1 << 30))), index % 2


def test_torch_datasets_are_read_once_and_random_ones_are_found_out() -> None:
    train, _ = both(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)))
    assert train.digest == both((X, Y))[0].digest
    records, _ = both(Noisy())
    assert records.attributes is not None
    assert records.attributes.names == ("cat", "dog")
    with pytest.raises(zoo.ZooError, match="is another picture each time"):
        records.image(0)


def test_files_of_arrays_are_the_same_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    save_file({"x_train": X, "y_train": Y, "x_test": X[:5].copy(), "y_test": Y[:5].copy()}, tmp_path / "b.safetensors")
    assert [part.digest for part in both(f"arrays:{tmp_path}/a.npz")] == [part.digest for part in both((X, Y))]
    assert [len(part) for part in both(f"arrays:{tmp_path}/b.safetensors")] == [30, 5]
    np.savez(tmp_path / "c.npz", x=X, y=Y, groups=np.arange(30) % 4)
    assert len({*both(f"arrays:{tmp_path}/c.npz")[1].groups}) == 1
    np.savez(tmp_path / "d.npz", inputs=X)
    np.savez(tmp_path / "e.npz", x_train=X, x_test=X[:, :1])
    (tmp_path / "f.safetensors").write_bytes(b"\xff" * 40)
    for file, words in (
        ("d.npz", "it has the arrays inputs"),
        ("e.npz", r"x is \(2,\) for training"),
        ("f.safetensors", "cannot"),
    ):
        with refused(words):
            both(f"arrays:{tmp_path / file}")
    for data in (make.data(f"arrays:{tmp_path}/b.safetensors"), make.data((X, Y))):
        with refused("split is 'val'"):
            data.read("val")  # type: ignore[arg-type]
    for words in ("arrays", "memory:x"):
        with refused(r"write arrays:FILE|arrays:FILE is meant"):
            make.data(words)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((X, Y[:-1]), r"x is \(30, 2\) and y is \(29, 1\)"),
        ((X, np.full_like(Y, np.nan)), "y of item 0 has a value"),
        ((X, np.array(["a"] * 30)), "an array of numbers"),
        (X, "no pictures"),
        ({"train": (X, Y), "test": (X[:, :1], Y)}, r"x is \(2,\) for training and \(1,\)"),
        ({"test": (X, Y)}, "no 'train'"),
        ((X[:1], Y[:1]), "two different items"),
        ([X[0], X], r"x of item 1 is"),
        ([], "no items"),
        (object(), "it must be text, KIND or KIND:PATH"),
        ((PHOTOS, np.arange(12) - 1), "classes are whole numbers"),
        ([([0.0], [1.0]), ([1.0],)], "item 1 of data is"),
        ([(PIL.Image.fromarray(photo), 0.5) for photo in PHOTOS], "are no classes"),
        ({"train": (PHOTOS, Y[:12]), "test": (PHOTOS * 1.0, Y[:12])}, "x is uint8 for training and float32 for testing"),
    ],
)
def test_nonsense_is_refused_in_a_line(given: Any, words: str) -> None:
    with refused(words):
        both(given)


def test_a_request_of_pairs_needs_no_task_and_fits_of_them_no_pairs() -> None:
    request = Request("nn", data=(X, Y))
    assert (request.task, str(request.data)) == ("pairs", str(make.data((X, Y))))
    bench = BenchRequest(models="nn", data=(X, Y))  # type: ignore[arg-type]
    assert (bench.tasks, bench.workers) == (["pairs"], 0)
    with refused("not sent to workers"):
        BenchRequest(data=(X, Y), workers=2)
    model = make.model("nn", (2,), (1,))
    model.fit((X, Y), progress=False)
    assert model.sample(torch.from_numpy(X[:3]), 2, seed=0).shape == (3, 2, 1)
