"""Metrics with one fault each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from planted_right import RightMetric, fault
from torch import Tensor


@fault("it_says_its_unit_direction_and_source")
class NoSource(RightMetric):
    """Nobody knows where it is defined."""

    source = ""


@fault("the_truth_is_at_least_as_good_as_noise")
class WrongWay(RightMetric):
    """It says that more error is better."""

    better = "higher"


@fault(
    "it_gives_one_number_an_item",
    "y_of_any_shape_is_measured",
    "few_samples_are_measured_or_refused",
    "the_order_of_the_samples_does_not_matter",
)
class NumberASample(RightMetric):
    """It gives a number for each sample."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {"": (samples - y[:, None]).flatten(2).square().mean(2)}


@fault("a_value_does_not_depend_on_the_rest_of_the_batch")
class Ranked(RightMetric):
    """Values are taken in units of the batch's mean."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        value = super().__call__(samples, y)[""]
        return {"": value / (1e-6 + value.mean())}


@fault("the_order_of_the_samples_does_not_matter")
class FirstOnly(RightMetric):
    """It looks at the first sample alone."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return super().__call__(samples[:, :1], y)


@fault("flat_pools_are_no_obstacle", "the_truth_is_at_least_as_good_as_noise")
class DividesBySpread(RightMetric):
    """It divides by the spread of the pool."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        value = super().__call__(samples, y)[""]
        return {"": value / (samples.std(1, correction=0).flatten(1).mean(1) if samples.shape[1] > 3 else 1.0)}


@fault("few_samples_are_measured_or_refused")
class NeedsTwoSamples(RightMetric):
    """One sample has no variance, and it does not say so."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        value = super().__call__(samples, y)[""]
        return {"": value + 0 * samples.flatten(2).var(1).mean(1)}


@fault("measuring_does_not_change_its_inputs")
class ClipsSamples(RightMetric):
    """It clips the samples in place."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        value = super().__call__(samples, y)
        samples.clamp_(0.2, 0.8)
        return value


@fault("the_same_pools_have_the_same_values")
class ByChance(RightMetric):
    """It draws from the global random state, which it leaves as it was."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        with torch.random.fork_rng(devices=[]):
            return {"": super().__call__(samples, y)[""] + 1e-4 * torch.rand(())}


@fault("its_suffixes_are_names")
class OddNames(RightMetric):
    """Its suffix would not be one word."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {" of the mean": super().__call__(samples, y)[""]}


@fault("it_takes_what_it_does_not_use")
class NeedsX(RightMetric):
    """Without x it ends in an error."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        x = known["x"]
        return {"": super().__call__(samples, y)[""] + 0 * x.flatten(1).mean(1)}  # type: ignore[union-attr]


@fault("it_needs_what_there_is", "without_what_it_needs_it_says_so")
class NeedsTheMoon(RightMetric):
    """It needs what nobody has."""

    needs = "the moon"  # type: ignore[assignment]


@fault("without_what_it_needs_it_says_so")
class NeedsADensity(RightMetric):
    """Without a density it ends in an error."""

    needs = "joint_log_prob"

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {"": -known["joint_log_prob"]}  # type: ignore[operator]


@fault("its_suffixes_do_not_depend_on_the_items")
class NamesTheItems(RightMetric):
    """Its suffix is the number of items."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {f"@{len(samples)}": super().__call__(samples, y)[""]}


@fault("many_samples_are_measured")
class FewSamples(RightMetric):
    """A hundred samples and more are too many for it."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {"": super().__call__(samples, y)[""] * (float("nan") if samples.shape[1] > 100 else 1)}


@fault("large_numbers_are_measured")
class Exponential(RightMetric):
    """Large numbers are beyond it."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {"": super().__call__(samples, y)[""] + y.flatten(1).amax(1).exp()}


@fault("measuring_leaves_the_global_state_alone")
class SeedsTorch(RightMetric):
    """Measuring seeds torch for everybody."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        torch.manual_seed(0)
        return super().__call__(samples, y)


@fault("measuring_prints_nothing")
class TalksOfIt(RightMetric):
    """Measuring prints."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        print("measuring")
        return super().__call__(samples, y)


@fault("values_carry_no_gradient")
class HangsOnAGraph(RightMetric):
    """Its values require a gradient."""

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {"": super().__call__(samples, y)[""].clone().requires_grad_()}
