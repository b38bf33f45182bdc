"""Models with one fault each in what they sample, and in where its randomness comes from."""

from __future__ import annotations

from typing import Any

import torch
from planted_right import Right, fault
from torch import Tensor

from zoo.utils.noise import Noise

# Samples


@fault(
    "samples_have_the_documented_shape",
    "one_sample_is_enough",
    "a_thousand_samples_fit_into_memory",
    "samples_of_no_x_are_none",
    "x_as_a_vector_works_or_is_refused",
    "y_as_a_vector_works_or_is_refused",
    "fields_that_are_not_square_work_or_are_refused",
    "other_channels_and_sizes_work_or_are_refused",
    "motions_in_pixels_work_or_are_refused",
)
class FlatSamples(Right):
    """Its samples are (B, n, D), whatever the shape of y is."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        return super().sample(x, n, **known).flatten(2)[..., None]


@fault("one_sample_is_enough")
class DropsTheOne(Right):
    """One sample comes without the dimension of samples."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        samples = super().sample(x, n, **known)
        return samples[:, 0] if n == 1 else samples


@fault("a_thousand_samples_fit_into_memory")
class AtMostAHundred(Right):
    """Of more than 256 samples it gives 256."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        return super().sample(x, min(n, 256), **known)


@fault("samples_are_float32")
class Doubles(Right):
    """Its samples are of the kind of x."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        return super().sample(x, n, **known).to(x.dtype)


@fault("samples_are_finite")
class LostFarOff(Right):
    """Far from what it was fitted to it has no answer."""

    def encode(self, x: Tensor) -> Tensor:
        far = x.flatten(1).mean(1) > 5
        return torch.where(far[:, None], torch.full_like(super().encode(x), float("nan")), super().encode(x))


@fault("samples_of_no_x_are_none")
class NeedsAnX(Right):
    """An empty batch ends in an error."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        return torch.stack(list(super().sample(x, n, **known)))


@fault("samples_carry_no_gradient")
class KeepsTheGraph(Right):
    """Its samples hang on the graph."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        samples = super().sample(x, n, **known)
        return samples + 0 * self.log_scale if torch.is_grad_enabled() else samples


@fault("sampling_does_not_change_x")
class ChangesX(Right):
    """It clips x in place."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        with torch.no_grad():
            if torch.isfinite(x).all() and x.shape[1:] == self.x_shape:
                x.mul_(1.0).copy_((x * 50).round() / 50)
        return super().sample(x, n, **known)


@fault("sampling_does_not_change_the_model")
class CountsSamples(Right):
    """It counts what it has drawn, in a buffer."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.register_buffer("drawn", torch.zeros((), dtype=torch.int64))

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        self.drawn += n
        return super().sample(x, n, **known)


@fault("sampling_keeps_the_mode_and_ignores_it")
class TurnsTrainingOff(Right):
    """After sampling it is in eval mode, whatever it was before."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        samples = super().sample(x, n, **known)
        self.eval()
        return samples


@fault("sampling_keeps_the_mode_and_ignores_it")
class DropsOutWhileSampling(Right):
    """Dropout is at work while it samples in training mode."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        samples = super().sample(x, n, **known)
        return samples * 0.5 if self.training else samples


@fault("another_x_gives_other_samples")
class Blind(Right):
    """It does not look at x."""

    def encode(self, x: Tensor) -> Tensor:
        return super().encode(torch.full_like(x, 0.5))


@fault("a_pool_has_spread")
class AllAlike(Right):
    """Its samples hardly differ."""

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        mean = self.mean + self.scale * code[:, None].unflatten(2, self.y_shape)
        return mean + 1e-3 * (super().draw(code, n, noise) - mean)


# Randomness


@fault("sampling_does_not_read_the_global_random_state", "a_generator_takes_the_place_of_a_seed")
class ReadsTheGlobalState(Right):
    """The global random state has a part in its samples, and is put back."""

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            return super().draw(code, n, noise) + 1e-3 * torch.randn(())


@fault("sampling_leaves_the_global_random_state_alone")
class SeedsEverybody(Right):
    """Sampling seeds torch for everybody."""

    def sample(self, x: Tensor, n: int, *, seed: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        samples = super().sample(x, n, seed=seed, generator=generator)
        if seed is not None:
            torch.manual_seed(seed)
        return samples


@fault("another_seed_gives_other_samples", "without_a_seed_every_call_is_new")
class OneSeed(Right):
    """Every seed is the same to it."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        return super().sample(x, n, **{**known, "seed": 0, "generator": None})


@fault("without_a_seed_every_call_is_new")
class NoSeedIsZero(Right):
    """Without a seed it takes 0."""

    def sample(self, x: Tensor, n: int, *, seed: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        return super().sample(x, n, seed=0 if seed is None and generator is None else seed, generator=generator)


@fault("a_generator_takes_the_place_of_a_seed")
class NoGenerator(Right):
    """It does not look at the generator."""

    def sample(self, x: Tensor, n: int, *, seed: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        return super().sample(x, n, seed=seed)


@fault(
    "the_same_seed_gives_the_same_bits",
    "a_generator_takes_the_place_of_a_seed",
    "sampling_keeps_the_mode_and_ignores_it",
    "sampling_does_not_read_the_global_random_state",
    "samples_do_not_depend_on_the_rest_of_the_batch",
    "samples_follow_the_order_of_the_batch",
    "save_load_sample_gives_the_same_bits",
    "saving_changes_nothing",
    "a_loaded_model_depends_on_nothing_else",
    "the_inference_half_gives_the_same_samples",
)
class NeverTheSame(Right):
    """Every call has a part in what the next one gives."""

    calls = 0

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        self.calls += 1
        return super().draw(code, n, noise) + 1e-3 * self.calls


@fault("any_integer_is_a_seed")
class PositiveSeeds(Right):
    """A negative seed ends in an error."""

    def sample(self, x: Tensor, n: int, *, seed: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        if seed is not None and seed < 0:
            raise ValueError("Seed must be between 0 and 2**32 - 1")
        return super().sample(x, n, seed=seed, generator=generator)


@fault("samples_do_not_depend_on_the_rest_of_the_batch")
class Centred(Right):
    """The mean over the batch is taken from every code."""

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return super().draw(code - 0.1 * code.mean(0), n, noise)


@fault("samples_do_not_depend_on_the_rest_of_the_batch", "samples_follow_the_order_of_the_batch")
class NoiseByPlace(Right):
    """The noise of an x depends on its place in the batch."""

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        place = torch.arange(len(code)).view(-1, *[1] * (1 + len(self.y_shape)))
        return super().draw(code, n, noise) + 0.01 * self.scale * place
