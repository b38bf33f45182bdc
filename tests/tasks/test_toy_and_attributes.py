"""Tasks whose items are no photos: the toy's numbers, and pictures from attributes by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo.contracts import make
from zoo.data.holding import apart
from zoo.data.items import Attributes
from zoo.data.records import Data, Split, check_split
from zoo.testing.checking import checks
from zoo.testing.outcome import run_one
from zoo.testing.subjects.task import FewPhotos, FewRecords, TaskSubject
from zoo.utils.errors import RequestError
from zoo_tasks.attributes import AttributesToPicture
from zoo_tasks.fields import square
from zoo_tasks.toy import MARK, Toy


def test_pairs_are_the_points_of_the_data_and_x_is_a_share() -> None:
    data = make.data("branches:40")
    records, pairs = data.read("test"), Toy().pairs(data, "test", pool=5)
    np.testing.assert_allclose(2 * pairs.x - 1, records.array("x"), atol=1e-6)
    np.testing.assert_array_equal(pairs.y, records.array("y"))
    np.testing.assert_array_equal(pairs.pool, records.pool("y", 5))
    np.testing.assert_array_equal(pairs.pool, records.pool("y", 25)[:, :5])
    upper = pairs.pool[..., 0] * (2 * pairs.x - 1) > 0
    assert torch.equal(pairs.truth.modes == 1, upper)
    assert torch.equal(pairs.truth.y_mode == 1, pairs.y[:, 0] * (2 * pairs.x[:, 0] - 1) > 0)
    assert torch.equal(pairs.truth.weights, torch.full((512, 2), 0.5))
    assert Toy().pairs(data, "train").pool is None


def test_an_item_is_a_number() -> None:
    task = Toy()
    assert task.read("0.3") == task.read(0.3) == 0.3
    torch.testing.assert_close(task.condition("-1")[0], torch.zeros(1))
    for wrong in ("a", "1.5", None, "nan", [0.1], True, 10**400, np.zeros((300, 300)), "1" * 10**6, torch.zeros(2)):
        with pytest.raises(RequestError, match="a number from -1 to 1") as caught:
            task.read(wrong)
        assert len(str(caught.value)) < 120
        assert "\n" not in str(caught.value)


def test_points_are_marked_on_their_branch() -> None:
    task = Toy()
    _, context = task.condition(0.5)
    y = torch.tensor([[2.0, 1, 0.5], [-2, -1, -0.5], [0, 0, 0], [1e9, -1e9, 3]])
    made = task.compose(context, y).numpy()
    assert made.shape == (4, 176, 320, 3)
    middles = []
    for picture in made:
        rows, columns = np.nonzero((picture == MARK).all(-1))
        panel = columns // 107
        assert set(panel) == {0, 1, 2}
        middles.append([rows[panel == one].mean() for one in range(3)])
    up, down, none, beyond = np.array(middles)
    assert ((up < none - 5) & (down > none + 5)).all()
    np.testing.assert_allclose(up - none, none - down, atol=0.6)
    assert (beyond[0] < up[0], beyond[1] > down[1]) == (True, True)  # what lies beyond the panel is on its edge
    with pytest.raises(RequestError, match="not finite"):
        task.compose(context, torch.full((1, 3), torch.nan))


class Grey(Toy):
    """Its pictures are grey, and its items are taken for shares."""

    def condition(self, item: float) -> tuple[torch.Tensor, float]:
        return torch.tensor([abs(item)]), item

    def compose(self, context: float, y: torch.Tensor, *, x_hat: torch.Tensor | None = None) -> torch.Tensor:
        return super().compose(context, y)[..., 0]


def test_checks_find_faults_where_no_photo_is_taken() -> None:
    found = {}
    for cls in (Toy, Grey):
        subject = TaskSubject("toy")
        subject.__dict__["task"] = cls()
        these = [check for check in checks("task") if check.function.__module__.endswith("task_photos")]
        found[cls] = {name: state for name, state, _ in (run_one(check, subject) for check in these)}
    assert set(found[Toy].values()) == {"ran", "skipped"}
    failed = {name for name, state in found[Grey].items() if state == "failed"}
    assert {"x_is_the_same_in_pairs_and_from_a_photo", "compose_gives_photos_of_the_same_size"} <= failed
    skipped = {name for name, state in found[Toy].items() if state == "skipped"}
    assert len(skipped) == 5
    assert not skipped & failed


def test_data_without_such_numbers_is_refused() -> None:
    with pytest.raises(RequestError, match="the toy needs branches"):
        Toy().pairs(make.data("scenes:4"), "test")


NAMES = ("Eyeglasses", "Blond_Hair", "Male", "5_o_Clock_Shadow")


class FewFaces(Data):
    kind = "few-faces"

    def read(self, split: Split, *, seed: int = 0) -> FewRecords:
        records = FewRecords(check_split(split))
        values = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1]], np.float32)
        records.attributes = Attributes(NAMES, values)  # type: ignore[assignment]
        return records


def faces(**config: Any) -> AttributesToPicture:
    return AttributesToPicture(**AttributesToPicture().settings_of(FewFaces()), **config)


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("Eyeglasses,Blond_Hair", [1, 1, 0, 0]),
        (" eyeglasses , BLOND hair ", [1, 1, 0, 0]),
        ("!Male, 5 o clock_shadow", [0, 0, 0, 1]),
        (["Male"], [0, 0, 1, 0]),
        ({"male": 0.5, "Eyeglasses": np.float32(1)}, [1, 0, 0.5, 0]),
        (np.array([0, 1, 0, 0.25]), [0, 1, 0, 0.25]),
        ("", [0, 0, 0, 0]),
    ],
)
def test_attributes_by_name(given: Any, values: list[float]) -> None:
    assert faces().read(given).tolist() == faces().condition(given)[0].tolist() == values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("Eyeglases", "no attribute is called 'Eyeglases': did you mean 'Eyeglasses'"),
        ("BLONDHAIR", "did you mean 'Blond_Hair'"),
        ("zzz", "known: 5_o_Clock_Shadow, Blond_Hair"),
        ("Male,male", "'Male' is named twice"),
        ({"Male": 2}, "outside 0 to 1"),
        ({"Male": float("nan")}, "outside 0 to 1"),
        (np.array([0, 1, 0]), r"they must be \(4,\)"),
        (np.array([0, 1, 0, 7]), "outside 0 to 1"),
        (np.array(list("abcd")), r"type <U1; they must be \(4,\)"),
        (np.zeros(4, complex), "one number each"),
        ({"Male": "yes"}, "outside 0 to 1"),
        (3, "names with commas"),
        ([[0] * 1000] * 1000, "names with commas"),
        ([1, 2], "names with commas"),
    ],
)
def test_what_is_no_attribute_is_refused(given: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        faces().read(given)


def test_exactly_one_class_is_named() -> None:
    task = AttributesToPicture()
    assert task.read("Three").tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    for wrong in ("", "three,four", "!three"):
        with pytest.raises(RequestError, match="exactly one of zero, one"):
            task.read(wrong)


def test_pairs_are_attributes_and_pictures() -> None:
    task = faces(size=24)
    pairs = task.pairs(FewFaces(), "train")
    records = FewFaces().read("train")
    for i in range(4):
        assert torch.equal(task.condition(task.item_of(records, i))[0], pairs.x[i])
        np.testing.assert_array_equal(pairs.y[i], square(records.image(i)[:, 8:56], 24))  # the middle square of 48 x 64
    whole = faces(size=24, cut=False).pairs(FewFaces(), "train")
    np.testing.assert_array_equal(whole.y[0], square(records.image(0), 24))
    assert faces(channels=1).pairs(FewFaces(), "train").y_shape == (1, 32, 32)


def test_mirror_images_are_for_training_alone() -> None:
    pairs = faces(flip=True).pairs(FewFaces(), "train")
    assert len(pairs) == len(set(pairs.names)) == 8
    assert torch.equal(pairs.x[:4], pairs.x[4:])
    assert torch.equal(pairs.y[:4], pairs.y[4:].flip(-1))
    assert len(faces(flip=True).pairs(FewFaces(), "test")) == 4
    fitted, held = apart(pairs, 0.25, 0, "to hold out")
    assert len(held) == 2, "a picture and its mirror image"
    assert torch.equal(held.y[0], held.y[1].flip(-1))
    assert len(fitted) == 6


def test_data_with_other_attributes_is_refused() -> None:
    with pytest.raises(RequestError, match=r"few-faces has 4 attributes and the task 10, not the same .*leave out names"):
        AttributesToPicture().pairs(FewFaces(), "train")
    turned = AttributesToPicture(names=NAMES[::-1], exclusive=False)
    with pytest.raises(RequestError, match="in another order"):
        turned.pairs(FewFaces(), "train")
    for ask in (lambda: AttributesToPicture().settings_of(FewPhotos()), lambda: faces().pairs(FewPhotos(), "test")):
        with pytest.raises(RequestError, match="few-photos has no attributes"):
            ask()
    with pytest.raises(RequestError, match="no two alike"):
        AttributesToPicture(names=("a_b", "A b"))


def test_its_own_names_are_those_of_its_own_data() -> None:
    task, data = AttributesToPicture(), make.data("digits:50")
    assert task.settings_of(data) == {"names": task.config.names, "exclusive": task.config.exclusive}
    assert torch.equal(task.pairs(data, "train").x.sum(1), torch.ones(50))


@pytest.mark.parametrize(("size", "side"), [(32, 128), (28, 140), (64, 128), (200, 200)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_large_enough_to_look_at(size: int, side: int, channels: int) -> None:
    y = torch.stack([torch.full((channels, size, size), level) for level in (0.0, 100 / 255, 1.5)])
    made = AttributesToPicture(size=size, channels=channels).compose(None, y)
    assert made.shape == (3, side, side, 3)
    assert [picture.unique().tolist() for picture in made] == [[0], [100], [255]]
