"""How samples may be wished: how strong, how different, how large; and what is said of a photo beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import zoo
from zoo.catalog.choosing import most_different
from zoo.testing.subjects.task import photo
from zoo.utils.errors import RequestError


@pytest.fixture(scope="module")
def loaded() -> zoo.Loaded:
    return zoo.load("cvae/resaturate", device="cpu")


PHOTO = np.clip(photo(60, 80, 1) + np.random.default_rng(0).normal(scale=5, size=(60, 80, 3)), 0, 255).astype(np.uint8)


def test_strength_goes_from_the_photo_to_the_sample_and_beyond(loaded: zoo.Loaded) -> None:
    made = {s: loaded.sample(PHOTO, 3, seed=1, strength=s) for s in (0, 0.5, 1, 1.5)}
    _, context = loaded.task.condition(PHOTO)
    own = loaded.task.own_y(context)
    assert own is not None
    assert np.abs(made[0].images.astype(int) - PHOTO).max() <= 1
    assert torch.allclose(made[0.5].fields, (own + made[1].fields) / 2)
    assert torch.equal(made[1].fields, loaded.sample(PHOTO, 3, seed=1).fields)
    far = [np.abs(made[s].images.astype(int) - PHOTO).mean() for s in (0, 0.5, 1, 1.5)]
    assert far == sorted(far)


def test_distinct_keeps_the_most_different_of_the_same_samples(loaded: zoo.Loaded) -> None:
    every, few = loaded.sample(PHOTO, 12, seed=1), loaded.sample(PHOTO, 12, seed=1, distinct=3)
    places = most_different(every.fields, 3)
    assert torch.equal(few.fields, every.fields[places])
    assert np.array_equal(few.images, every.images[places.numpy()])
    assert torch.pdist(few.fields.flatten(1)).min() > torch.pdist(every.fields.flatten(1)).mean()
    assert sorted(most_different(torch.ones(4, 2), 4).tolist()) == [0, 1, 2, 3], "each once, where all are alike"


def test_a_photo_is_made_smaller_and_never_larger(loaded: zoo.Loaded) -> None:
    assert loaded.sample([PHOTO, PHOTO[:16, :20]], 1, seed=0, size=40)[0].images.shape == (1, 30, 40, 3)
    assert loaded.sample(PHOTO[:16, :20], 1, seed=0, size=40).images.shape == (1, 16, 20, 3)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"strength": -0.1}, "strength is -0.1; it must be a number from 0"),
        ({"strength": float("nan")}, "strength is nan"),
        ({"strength": True}, "strength is True"),
        ({"distinct": 4}, "distinct is 4; it must be a whole number, from 1 to 3"),
        ({"distinct": 0}, "distinct is 0"),
        ({"size": 15}, "size is 15; it must be a whole number, at least 16"),
        ({"size": 99.5}, "size is 99.5"),
    ],
)
def test_what_is_no_wish_is_refused(loaded: zoo.Loaded, wish: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        loaded.sample(PHOTO, 3, **wish)


@pytest.mark.usefixtures("toy_plugin")
def test_a_task_without_a_field_of_its_own_has_no_strength(made: Path) -> None:
    with pytest.raises(RequestError, match=r"task toy-shade knows of no .* of the item itself: leave out strength"):
        zoo.load(f"dir:{made}").sample(PHOTO, 3, strength=0.5)


def page() -> NDArray[np.uint8]:
    image = np.full((300, 240, 3), 255, np.uint8)
    image[20:280:12, 20:200] = 30
    return image


def grey() -> NDArray[np.uint8]:
    return np.repeat(PHOTO.mean(-1, keepdims=True), 3, -1).astype(np.uint8)


@pytest.mark.parametrize(
    ("task", "image", "said"),
    [
        ("resaturate", PHOTO, ""),
        ("resaturate", grey(), "it has no colours"),
        ("relight", PHOTO, ""),
        ("relight", page(), "% of it is white"),
        ("relight", np.where(page() > 99, 230, 40).astype(np.uint8), "it has flat areas"),
        ("relight", np.zeros((16, 1, 3), np.uint8), ""),
    ],
)
def test_a_task_says_of_which_photos_it_makes_little(task: str, image: NDArray[np.uint8], said: str) -> None:
    remark = zoo.load(f"cvae/{task}", device="cpu").sample(image, 1, seed=0).remark
    assert said in remark
    assert bool(said) == bool(remark)


def test_more_like_one_sample_is_near_it_for_every_photo_and_every_wish(loaded: zoo.Loaded) -> None:
    few = loaded.sample(PHOTO, 12, seed=1, distinct=3)
    near = loaded.sample([PHOTO, PHOTO[::-1].copy()], 12, seed=1, near=(few.places[2], 0.2))
    one, every = few.fields[2], loaded.sample(PHOTO, 12, seed=1).fields
    assert (near[0].fields - one).abs().mean() < 0.5 * (every - one).abs().mean()
    assert [samples.remark for samples in near] == ["", ""]
    with pytest.raises(RequestError, match="near counts among the samples of a seed: give that seed too"):
        loaded.sample(PHOTO, 12, near=(0, 0.2))


def test_where_like_noise_makes_no_like_samples_that_is_said(loaded: zoo.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    def jumping(code: Any, n: int, noise: zoo.Noise) -> torch.Tensor:
        return (noise.uniform(n, 1, 32, 32) * 1e6).frac()

    monkeypatch.setattr(loaded.model, "draw", jumping)
    assert "hardly more like the chosen one" in loaded.sample(PHOTO, 12, seed=1, near=(2, 0.2)).remark
