"""Metrics with one fault each."""

from __future__ import annotations

from functools import partialmethod

import torch
from planted_right import RightMetric, error, first, hidden_state, metric, of_the_folder

CALL = RightMetric.__call__


def plant(name, *checks, value=error):
    """A metric whose values are these of samples and y."""
    metric(name, *checks, __call__=lambda self, samples, y, **known: {"": value(samples, y)})


metric("no-source", "it_says_its_unit_direction_and_source", source="")
metric("wrong-way", "the_truth_is_at_least_as_good_as_noise", better="higher")
metric("needs-the-moon", "it_needs_what_there_is", "without_what_it_needs_it_says_so", needs="the moon")
metric("gains-departures", "it_gains_from_x_what_items_have", gains=True, right_at_zero=True)
plant(
    "number-a-sample",
    "it_gives_one_number_an_item",
    "its_scores_are_numbers_of_sets_of_items",
    "y_of_any_shape_is_measured",
    "few_samples_are_measured_or_refused",
    "the_order_of_the_samples_does_not_matter",
    value=lambda samples, y: (samples - y[:, None]).flatten(2).square().mean(2),
)
plant(
    "ranked",
    "a_value_does_not_depend_on_the_rest_of_the_batch",
    value=lambda samples, y: error(samples, y) / (1e-6 + error(samples, y).mean()),
)
metric(
    "measures-anything",
    "samples_that_are_not_finite_are_refused",
    __call__=partialmethod(lambda self, samples, y, **known: {"": error(samples.nan_to_num(), y).clamp_max(9)}),
)
plant("first-only", "the_order_of_the_samples_does_not_matter", value=lambda samples, y: error(samples[:, :1], y))


metric(
    "one-number-of-all-sets",
    "its_scores_are_numbers_of_sets_of_items",
    reduce=lambda self, values: {suffix: value.mean() for suffix, value in values.items()},
)


def spread(samples):
    return samples.std(1, correction=0).flatten(1).mean(1) if samples.shape[1] > 3 else 1.0


plant(
    "divides-by-spread",
    "flat_pools_are_no_obstacle",
    "the_truth_is_at_least_as_good_as_noise",
    value=lambda samples, y: error(samples, y) / spread(samples),
)
plant(
    "needs-two-samples",
    "few_samples_are_measured_or_refused",
    value=lambda samples, y: error(samples, y) * (1 if samples.shape[1] > 1 else float("nan")),
)
plant(
    "clips-samples",
    "measuring_does_not_change_its_inputs",
    value=lambda samples, y: (error(samples, y), samples.clamp_(0.2, 0.8))[0],
)
plant(
    "by-chance",
    "the_same_pools_have_the_same_values",
    value=lambda samples, y: error(samples, y) + hidden_state(lambda: 1e-4 * torch.rand(())),
)
plant(
    "few-samples",
    "many_samples_are_measured",
    value=lambda samples, y: error(samples, y) * (float("nan") if samples.shape[1] > 100 else 1),
)
plant("exponential", "large_numbers_are_measured", value=lambda samples, y: error(samples, y) + y.flatten(1).amax(1).exp())
plant("hangs-on-a-graph", "values_carry_no_gradient", value=lambda samples, y: error(samples, y).requires_grad_())
metric("odd-names", "its_suffixes_are_names", __call__=lambda self, samples, y, **known: {" of the mean": error(samples, y)})
metric(
    "names-the-items",
    "its_suffixes_do_not_depend_on_the_items",
    __call__=lambda self, samples, y, **known: {f"@{len(samples)}": error(samples, y)},
)
metric(
    "needs-x",
    "it_takes_what_it_does_not_use",
    __call__=lambda self, samples, y, x=None, **known: {"": error(samples, y) + 0 * x.flatten(1).mean(1)},
)
metric(
    "needs-a-density",
    "without_what_it_needs_it_says_so",
    needs="joint_log_prob",
    __call__=lambda self, samples, y, joint_log_prob=None, **known: {"": -joint_log_prob},
)
metric(
    "seeds-torch",
    "measuring_leaves_the_global_state_alone",
    __call__=first(CALL, lambda *given, **known: torch.manual_seed(0)),
)
metric("talks-of-it", "measuring_prints_nothing", __call__=first(CALL, lambda *given, **known: print("measuring")))
plant(
    "measures-the-folder",
    "what_is_set_in_the_process_is_not_read",
    value=lambda samples, y: error(samples, y) + of_the_folder(),
)
