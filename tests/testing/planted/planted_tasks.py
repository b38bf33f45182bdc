"""Tasks with one fault each."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from planted_right import RightTask, fault
from torch import Tensor

from zoo.data.pairs import Pairs
from zoo.data.records import Data, Image, Split


@fault("x_and_y_are_shares_unless_a_unit_is_named")
class BeyondOne(RightTask):
    """y goes beyond 1, and it does not say so."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        return replace(pairs, y=1.5 * pairs.y) if data.kind == "scenes" else pairs


@fault("pairs_are_finite_float32")
class DoublePairs(RightTask):
    """x is float64."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        return replace(pairs, x=pairs.x.double())


@fault("pairs_have_a_digest")
class NoDigest(RightTask):
    """Nobody can tell what its pairs were made of."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        return replace(super().pairs(data, split, seed, pool=pool), digest="")


@fault("every_pair_has_a_name")
class NoNames(RightTask):
    """Its pairs have no names but one."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        return replace(super().pairs(data, split, seed, pool=pool), names=["all"])


@fault("the_same_seed_gives_the_same_pairs")
class PairsByChance(RightTask):
    """Its pairs depend on the global random state, which it leaves as it was."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        if split == "train":
            with torch.random.fork_rng(devices=[]):
                pairs = replace(pairs, x=(pairs.x + 0.01 * torch.rand(())).clamp(0, 1))
        return pairs


@fault("reading_leaves_the_global_state_alone")
class ReadingSeeds(RightTask):
    """Reading its pairs seeds numpy for everybody."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        np.random.seed(seed)  # noqa: NPY002
        return super().pairs(data, split, seed, pool=pool)


@fault("no_test_pair_is_a_training_pair")
class TestsOnTraining(RightTask):
    """Its first test pair is a training pair."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        if split == "test" and data.kind == "scenes":
            other = super().pairs(data, "train", seed)
            pairs = replace(pairs, x=torch.cat([other.x[:1], pairs.x[1:]]), y=torch.cat([other.y[:1], pairs.y[1:]]))
        return pairs


@fault("an_unknown_split_is_refused")
class AnySplit(RightTask):
    """Every split but train is the test split."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        return super().pairs(data, "train" if split == "train" else "test", seed, pool=pool)


@fault("the_pool_has_spread")
class OneAnswer(RightTask):
    """Its true draws are all the same."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed)
        return replace(pairs, pool=pairs.y[:, None].repeat(1, pool, 1, 1, 1) if pool else None)


@fault("its_own_data_needs_no_network")
class CallsHome(RightTask):
    """Reading its pairs opens a connection."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        with socket.socket() as one:
            one.settimeout(0.1)
            with contextlib.suppress(OSError):
                one.connect(("127.0.0.1", 9))
        return super().pairs(data, split, seed, pool=pool)


@fault("compose_gives_photos_of_the_same_size", "photos_of_any_size_are_no_obstacle")
class EvenSizes(RightTask):
    """Its photos lose a row where their height is odd."""

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        made = super().compose(context, y)
        return made[:, : made.shape[1] // 2 * 2]


@fault("photos_of_one_colour_are_no_obstacle")
class NoBlack(RightTask):
    """A black photo ends in an error."""

    def condition(self, image: Image) -> tuple[Tensor, Any]:
        if image.size and image.max() == 0:
            raise ZeroDivisionError("float division by zero")
        return super().condition(image)


@fault("another_field_gives_another_photo", "a_photos_own_field_gives_the_photo_back")
class GivesItBack(RightTask):
    """Whatever y is, the photo comes back as it was."""

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        return super().compose(context, torch.ones_like(y))


@fault("what_is_no_photo_is_refused")
class TakesGrey(RightTask):
    """A grey image is taken for a photo."""

    def condition(self, image: Image) -> tuple[Tensor, Any]:
        return super().condition(np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image)


@fault("condition_and_compose_change_nothing")
class DarkensThePhoto(RightTask):
    """Composing darkens y in place."""

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        made = super().compose(context, y)
        y.clamp_(0.2, 0.4)
        return made


@fault("a_field_composes_alone_as_among_others", "a_photos_own_field_gives_the_photo_back")
class Evens(RightTask):
    """The fields are made equally bright among each other before they are composed."""

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        super().compose(context, y)
        return super().compose(context, y / y.max().clamp_min(0.01))


@fault("it_is_registered", "an_unknown_setting_is_refused")
class NoSettings(RightTask):
    """It cannot be given settings."""

    def __init__(self) -> None:
        super().__init__()


@fault("its_shapes_are_known_when_it_is_made")
class ListsForShapes(RightTask):
    """Its shapes are lists."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape = list(self.x_shape)  # type: ignore[assignment]


@fault("pairs_have_the_documented_shapes", "a_model_can_be_fitted_to_it")
class OtherShapes(RightTask):
    """Its x is smaller than it says."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        return replace(pairs, x=pairs.x[..., :4]) if data.kind == "scenes" else pairs


@fault("x_and_y_vary")
class NothingToSee(RightTask):
    """Its x is always grey."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        return replace(pairs, x=torch.full_like(pairs.x, 0.5)) if data.kind == "scenes" else pairs


@fault("the_pool_has_the_documented_shape")
class OneDrawMore(RightTask):
    """It gives one true draw more than it was asked for."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        return super().pairs(data, split, seed, pool=pool + 1 if pool else 0)


@fault("the_guide_is_one_vector_a_pair")
class GuideOfNumbers(RightTask):
    """Its guide is a number a pair."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        return replace(pairs, guide=pairs.x.flatten(1).mean(1))


@fault("a_model_can_be_fitted_to_it")
class WideOfOtherChannels(RightTask):
    """The fields that training crops from have a channel more."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        pairs = super().pairs(data, split, seed, pool=pool)
        return replace(pairs, wide=(pairs.x.repeat(1, 2, 2, 2), pairs.y.repeat(1, 1, 2, 2)))


@fault("condition_gives_x_of_a_photo")
class DoubleConditions(RightTask):
    """x of a photo is float64."""

    def condition(self, image: Image) -> tuple[Tensor, Any]:
        x, context = super().condition(image)
        return x.double(), context


@fault("compose_takes_a_reconstruction")
class NoReconstruction(RightTask):
    """A reconstruction of x ends in an error."""

    def compose(self, context: Any, y: Tensor) -> Tensor:  # type: ignore[override]
        return super().compose(context, y)


@fault("fields_of_another_shape_are_refused")
class AnyField(RightTask):
    """It takes the middle of fields that are too wide."""

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        return super().compose(context, y[..., :8])


@fault("a_photos_own_field_gives_the_photo_back")
class Dims(RightTask):
    """Every photo comes back darker."""

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        return (super().compose(context, y) * 0.9).to(torch.uint8)


@fault("x_is_the_same_in_pairs_and_from_a_photo")
class OtherWayRound(RightTask):
    """x of a photo is upside down."""

    def condition(self, image: Image) -> tuple[Tensor, Any]:
        x, context = super().condition(image)
        return x.flip(1), context
