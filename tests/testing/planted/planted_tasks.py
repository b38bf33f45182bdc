"""Tasks with one fault each."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace

import numpy as np
import torch
from planted_right import RightTask, first, hidden_state, of_the_folder, task, then

PAIRS, CONDITION, COMPOSE = RightTask.pairs, RightTask.condition, RightTask.compose


def plant(name, *checks, own=False, **change):
    """A task whose pairs are changed so, those of its own data alone or all: field by field, by functions of the pairs."""

    def pairs(right, self, data, split, seed=0, *, pool=0):
        if own and data.kind != "scenes":
            return right
        return replace(right, **{field: value(right) for field, value in change.items()})

    task(name, *checks, pairs=then(PAIRS, pairs))


plant("beyond-one", "x_and_y_are_shares_unless_a_unit_is_named", own=True, y=lambda pairs: 1.5 * pairs.y)
plant("double-pairs", "pairs_are_finite_float32", x=lambda pairs: pairs.x.double())
plant("no-digest", "pairs_have_a_digest", digest=lambda pairs: "")
plant("no-names", "every_pair_has_a_name", "a_model_can_be_fitted_to_it", names=lambda pairs: ["all"])
plant("nothing-to-see", "x_and_y_vary", own=True, x=lambda pairs: torch.full_like(pairs.x, 0.5))
plant("guide-of-numbers", "the_guide_is_one_vector_a_pair", guide=lambda pairs: pairs.x.flatten(1).mean(1))
plant(
    "other-shapes",
    "pairs_have_the_documented_shapes",
    "a_model_can_be_fitted_to_it",
    own=True,
    x=lambda pairs: pairs.x[..., :4],
)
plant(
    "wide-of-other-channels",
    "a_model_can_be_fitted_to_it",
    wide=lambda pairs: (pairs.x.repeat(1, 2, 2, 2), pairs.y.repeat(1, 1, 2, 2)),
)
plant(
    "one-answer",
    "the_pool_has_spread",
    pool=lambda pairs: None if pairs.pool is None else pairs.y[:, None].expand_as(pairs.pool),
)


def by_chance(pairs, self, data, split, seed=0, *, pool=0):
    return replace(pairs, x=(pairs.x + hidden_state(lambda: 0.01 * torch.rand(()))).clamp(0, 1)) if split == "train" else pairs


def trains_on_tests(pairs, self, data, split, seed=0, *, pool=0):
    if split == "train" or data.kind != "scenes":
        return pairs
    other = PAIRS(self, data, "train", seed)
    return replace(pairs, x=torch.cat([other.x[:1], pairs.x[1:]]), y=torch.cat([other.y[:1], pairs.y[1:]]))


def calls_home(*given, **known):
    with socket.socket() as connection, contextlib.suppress(OSError):
        connection.settimeout(0.1)
        connection.connect(("127.0.0.1", 9))


def any_split(self, data, split, seed=0, *, pool=0):
    return PAIRS(self, data, "train" if split == "train" else "test", seed, pool=pool)


def one_draw_more(self, data, split, seed=0, *, pool=0):
    return PAIRS(self, data, split, seed, pool=pool + 1 if pool else 0)


task("pairs-by-chance", "the_same_seed_gives_the_same_pairs", pairs=then(PAIRS, by_chance))
task("tests-on-training", "no_test_pair_is_a_training_pair", pairs=then(PAIRS, trains_on_tests))
task("calls-home", "its_own_data_needs_no_network", pairs=first(PAIRS, calls_home))
task("any-split", "an_unknown_split_is_refused", pairs=any_split)
task("one-draw-more", "the_pool_has_the_documented_shape", pairs=one_draw_more)
task(
    "reading-seeds",
    "reading_leaves_the_global_state_alone",
    pairs=first(PAIRS, lambda *given, **known: np.random.seed(0)),  # noqa: NPY002
)
task(
    "even-sizes",
    "compose_gives_photos_of_the_same_size",
    "photos_of_any_size_are_no_obstacle",
    compose=then(COMPOSE, lambda photos, *given, **known: photos[:, : photos.shape[1] // 2 * 2]),
)
task(
    "no-black",
    "photos_of_one_colour_are_no_obstacle",
    condition=first(CONDITION, lambda self, image: image.size == 0 or 1 / image.astype(int).max().item()),
)
task(
    "gives-it-back",
    "another_field_gives_another_photo",
    "a_photos_own_field_gives_the_photo_back",
    compose=lambda self, context, y, *, x_hat=None: COMPOSE(self, context, torch.ones_like(y)),
)
task(
    "takes-grey",
    "what_is_no_photo_is_refused",
    condition=lambda self, image: CONDITION(self, np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image),
)
task(
    "darkens-the-photo",
    "condition_and_compose_change_nothing",
    compose=then(COMPOSE, lambda photos, self, context, y, **known: (photos, y.clamp_(0.2, 0.4))[0]),
)
task(
    "evens",
    "a_field_composes_alone_as_among_others",
    "a_photos_own_field_gives_the_photo_back",
    compose=then(COMPOSE, lambda photos, self, context, y, **known: COMPOSE(self, context, y / y.max().clamp_min(0.01))),
)
task(
    "no-reconstruction-and-names-that-are-not-read",
    "compose_takes_a_reconstruction",
    "the_names_that_it_offers_are_read",
    compose=lambda self, context, y: COMPOSE(self, context, y),
    choices=lambda self: (("day", "night"), True),
)
task(
    "any-field",
    "fields_of_another_shape_are_refused",
    compose=lambda self, context, y, *, x_hat=None: COMPOSE(self, context, y[..., :8]),
)
task(
    "dims",
    "a_photos_own_field_gives_the_photo_back",
    compose=then(COMPOSE, lambda photos, *given, **known: (photos * 0.9).to(torch.uint8)),
)
task(
    "double-conditions",
    "condition_gives_x_of_a_photo",
    condition=then(CONDITION, lambda known, *given: (known[0].double(), known[1])),
)
task(
    "other-way-round",
    "x_is_the_same_in_pairs_and_from_a_photo",
    condition=then(CONDITION, lambda known, *given: (known[0].flip(1), known[1])),
)
task("no-settings", "it_is_registered", "an_unknown_setting_is_refused", __init__=lambda self: RightTask.__init__(self))
task(
    "lists-for-shapes",
    "its_shapes_are_known_when_it_is_made",
    __init__=lambda self, **config: (RightTask.__init__(self, **config), setattr(self, "x_shape", [*self.x_shape]))[1],
)
plant("lit-by-the-folder", "what_is_set_in_the_process_is_not_read", x=lambda pairs: pairs.x * (1 - 5e-6 * of_the_folder()))
