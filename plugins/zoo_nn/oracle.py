"""The oracle: true draws of p(y | x), which a run shows it. What it scores is what there is to be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from zoo import History, Model, Noise, Pairs, RequestError, pick

SAMPLING = """
fit_follows_its_seed_to_the_bit making_fitting_and_sampling_keep_torchs_defaults what_is_set_in_the_process_is_not_read
fit_and_sample_are_silent_without_progress fields_without_content_are_no_obstacle fit_can_be_done_again
samples_have_the_documented_shape samples_are_float32 samples_are_finite one_sample_is_enough
a_thousand_samples_fit_into_memory samples_carry_no_gradient sampling_does_not_change_x sampling_does_not_change_the_model
sampling_keeps_the_mode_and_ignores_it another_x_gives_other_samples a_pool_has_spread the_same_seed_gives_the_same_bits
any_integer_is_a_seed another_seed_gives_other_samples without_a_seed_every_call_is_new a_generator_takes_the_place_of_a_seed
sampling_leaves_the_global_random_state_alone sampling_does_not_read_the_global_random_state
samples_do_not_depend_on_the_rest_of_the_batch samples_follow_the_order_of_the_batch save_load_sample_gives_the_same_bits
saving_changes_nothing a_loaded_model_depends_on_nothing_else the_inference_half_gives_the_same_samples
weights_in_half_precision_still_sample a_copy_gives_the_same_bits x_as_a_vector_works_or_is_refused
y_as_a_vector_works_or_is_refused fields_that_are_not_square_work_or_are_refused other_channels_and_sizes_work_or_are_refused
motions_in_pixels_work_or_are_refused y_off_zero_is_learnt
"""
"""The checks that sample for x of their own."""


@dataclass
class _Place:
    """Where sampling stands: the numbers (B,) of the x, and how many draws of each have been given."""

    index: Tensor
    given: int = 0


class Oracle(Model):
    """The true draws of p(y | x) that :meth:`reveal` has shown it, in order; it learns nothing, and knows no other x.

    No model can have a better energy score in expectation. The draws are not kept in a checkpoint: ``zoo run`` shows them
    anew, and elsewhere it refuses every x.
    """

    needs_truth: ClassVar[bool] = True
    expected_failures: ClassVar[Mapping[str, str]] = dict.fromkeys(
        SAMPLING.split(), "it has no samples for x that nobody knows"
    )

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self._places: dict[bytes, int] = {}
        self._draws = torch.zeros(0, 0, *self.y_shape)

    def fit(self, pairs: Pairs, *, device: str | torch.device = "auto", **training: Any) -> History:
        """There is nothing to learn of training pairs."""
        self.check_pairs(pairs)
        pick(device)
        self.fitted = True
        self.eval()
        return History(0, 0.0)

    def reveal(self, x: Tensor, draws: Tensor) -> None:
        """Take these draws for the truth, in place of those shown before.

        Args:
            x: (B, *x_shape).
            draws: (B, n, *y_shape), true draws of p(y | x); of equal x, those of the first count.

        Raises:
            RequestError: the shapes are others.
        """
        if (len(x), *self.x_shape, *self.y_shape) != (len(draws), *x.shape[1:], *draws.shape[2:]):
            raise RequestError(f"draws are {tuple(draws.shape)} for x {tuple(x.shape)}; they must be (B, n, *y_shape)")
        self._places, self._draws = {}, draws.cpu()
        for i, row in enumerate(x.cpu()):
            self._places.setdefault(_key(row), i)

    def encode(self, x: Tensor) -> _Place:
        """The places of the draws of each x."""
        places = [self._places.get(_key(row)) for row in x.cpu()]
        if None in places:
            raise RequestError(
                f"the oracle knows true draws of {len(self._places)} x, and x[{places.index(None)}] is none of them: zoo run "
                "shows it those of the test items, where the data has any"
            )
        return _Place(torch.tensor([place for place in places if place is not None], dtype=torch.long))

    def draw(self, code: _Place, n: int, noise: Noise) -> Tensor:
        first, code.given = code.given, code.given + n
        if code.given > self._draws.shape[1]:
            raise RequestError(
                f"the oracle knows {self._draws.shape[1]} true draws of each x, not {code.given}: take fewer samples (-n)"
            )
        return self._draws[code.index, first : code.given]


def _key(x: Tensor) -> bytes:
    return x.float().contiguous().numpy().tobytes()
