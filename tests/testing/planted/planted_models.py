"""Models with one fault each."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from planted_right import Right, fault
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.config import make_config
from zoo.errors import RequestError
from zoo.model import Model, Preset
from zoo.noise import Noise
from zoo.pairs import Batch, Pairs
from zoo.training import History, Step

# What it says of itself


@fault("it_is_described")
class WithoutWords(Right):
    __doc__ = None


@dataclass
class SoftConfig:
    width: int = 8
    learning_rate: float = 1e-2


@fault("its_config_is_frozen_and_plain")
class SoftSettings(Right):
    """Its config can be changed after it was made."""

    Config = SoftConfig


@fault("an_unknown_setting_is_refused", "an_unknown_setting_in_a_checkpoint_is_refused")
class DropsSettings(Right):
    """Settings that it does not know are dropped."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        known = {key: value for key, value in config.items() if key in ("width", "learning_rate")}
        super().__init__(x_shape, y_shape, **known)


@fault("a_setting_has_an_effect_on_its_config")
class ForgetsSettings(Right):
    """It goes on with the default whatever it is told."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        make_config(self.Config, config, "model ForgetsSettings")
        super().__init__(x_shape, y_shape)


@fault("a_setting_of_the_wrong_type_is_refused")
class AnyType(Right):
    """A setting of the wrong type is taken for the default."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **{key: value for key, value in config.items() if not isinstance(value, dict)})


@fault("what_it_says_it_cannot_do_are_checks")
class ExpectsNobody(Right):
    """It names a check that there is not."""

    expected_failures: ClassVar[Mapping[str, str]] = {"it_flies": "no wings"}


@fault("samples_are_float32")
class ExpectsTooMuch(Right):
    """It says that it cannot do what it can."""

    expected_failures: ClassVar[Mapping[str, str]] = {"samples_are_float32": "it used to give float64"}


# Fitting


@fault("fit_takes_the_contracts_arguments")
class FitTakesNoResume(Right):
    """Its fit does not know ``resume``."""

    def fit(self, pairs: Pairs, *, seed: int = 0, device: str = "cpu", epochs: int | None = None, **known: Any) -> History:  # type: ignore[override]
        if known.pop("resume", None) is not None:
            raise TypeError("fit() got an unexpected keyword argument 'resume'")
        return super().fit(pairs, seed=seed, device=device, epochs=epochs or 10, **known)


@fault("fit_gives_a_history")
class FitGivesNothing(Right):
    """Its fit returns None."""

    def fit(self, pairs: Pairs, **known: Any) -> History:  # type: ignore[override]
        super().fit(pairs, **known)
        return None  # type: ignore[return-value]


@fault("fit_follows_its_seed_to_the_bit")
class FirstWeightsByChance(Right):
    """A parameter of its own is drawn when it is made, and never again."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.log_scale = nn.Parameter(0.01 * torch.randn(()))


@fault("fit_follows_its_seed_to_the_bit", "losses_draw_from_the_steps_generator")
class LossesByChance(Right):
    """Its losses read the global random state."""

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        with torch.random.fork_rng(devices=[]):
            x = batch.x + 0.01 * torch.randn_like(batch.x)
        return super().losses(Batch(x, batch.y), step)


@fault("fit_leaves_the_global_random_state_alone")
class FitSeedsEverybody(Right):
    """Its fit seeds torch for everybody."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        torch.manual_seed(seed)


@fault("making_fitting_and_sampling_keep_torchs_defaults")
class ChangesTorch(Right):
    """It sets the precision of everybody's products."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        torch.set_float32_matmul_precision("high")


@fault("fit_does_not_change_the_pairs")
class CentresThePairs(Right):
    """It darkens the x that it is given in place."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        pairs.x.mul_(0.999)


@fault("fit_leaves_the_model_ready_to_sample")
class StaysInTraining(Right):
    """After fit it is still in training mode."""

    def fit(self, pairs: Pairs, **known: Any) -> History:  # type: ignore[override]
        history = super().fit(pairs, **known)
        self.train()
        return history


@fault("pairs_that_do_not_fit_are_refused")
class TakesAnyPairs(Right):
    """Pairs of another shape end in whatever torch says."""

    def check_pairs(self, pairs: Pairs) -> None:
        return


@fault("fit_and_sample_are_silent_without_progress")
class Talks(Right):
    """It tells of its fit whether or not one wants to hear."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        print("fitting", len(pairs), "pairs")


@fault("fields_without_content_are_no_obstacle")
class DividesByNothing(Right):
    """It divides by the spread of what does not vary."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        self.rare = float(pairs.x.std())

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        y = super().draw(code, n, noise)
        return y / 0 if getattr(self, "rare", 1.0) == 0 else y


@fault("fit_can_be_done_again")
class FitsOnce(Right):
    """A second fit ends in an error."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        assert not self.fitted
        super().prepare(pairs, seed)


@fault("a_device_that_is_not_there_is_refused")
class AnyDevice(Right):
    """A device that it does not know is the CPU to it."""

    def fit(self, pairs: Pairs, *, device: str = "auto", **known: Any) -> History:  # type: ignore[override]
        return super().fit(pairs, device=device if device in ("auto", "cpu", "cuda") else "cpu", **known)


@fault("every_parameter_has_one_optimizer")
class ForgetsAParameter(Right):
    """One parameter is in no optimizer."""

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        some = [p for name, p in self.named_parameters() if name != "log_scale"]
        return {"all": torch.optim.Adam(some, lr=1e-2)}


@fault("the_gradient_reaches_every_parameter")
class DeadParameter(Right):
    """A parameter that nothing uses."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.unused = nn.Parameter(torch.zeros(3))


@fault("losses_are_finite_numbers")
class LossOfManyNumbers(Right):
    """A part of its losses is a number an item, which the record then sums up."""

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        losses = super().losses(batch, step)
        return {**losses, "error": losses["error"].view(1)}


@fault("fitting_moves_the_weights_of_every_optimizer")
class NeverLearns(Right):
    """Its learning rate is 0."""

    def rate(self, share: float) -> float:
        return 0.0


@fault("a_last_batch_of_one_is_no_obstacle")
class NeedsTwo(Right):
    """A batch of one ends its fit."""

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        if len(batch.x) < 2:
            raise ValueError("expected more than 1 value per channel when training")
        return super().losses(batch, step)


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


# Refusals


@fault("x_of_another_shape_is_refused")
class TakesAnyShape(Right):
    """x of another shape ends in whatever torch says."""

    def _check_x(self, x: Tensor) -> None:
        if not torch.isfinite(x).all():
            raise RequestError("x has values that are not finite")


@fault("x_that_is_not_finite_is_refused")
class TakesNotANumber(Right):
    """NaN in, NaN out."""

    def _check_x(self, x: Tensor) -> None:
        with contextlib.suppress(RequestError):
            super()._check_x(x)
            return
        if tuple(x.shape[1:]) != self.x_shape or x.ndim != len(self.x_shape) + 1:
            super()._check_x(x)


@fault("fewer_than_one_sample_is_refused")
class NoSamples(Right):
    """Of fewer than one sample it gives none."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        samples = super().sample(x, max(n, 1), **known)
        return samples if n > 0 else samples[:, :0]


@fault("a_model_that_is_not_fitted_is_refused")
class AlwaysFitted(Right):
    """It says that it is fitted from the beginning."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.fitted = True


@fault("it_has_a_repr")
class NoWords(Right):
    """Its repr ends in an error."""

    def __repr__(self) -> str:
        return f"NoWords({self.nothing})"


# Saving


@fault(
    "save_load_sample_gives_the_same_bits",
    "the_inference_half_gives_the_same_samples",
    "a_loaded_model_depends_on_nothing_else",
)
class KeepsANumber(Right):
    """What it learnt of y is an attribute, not a buffer."""

    level = 0.0

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        self.level = float(pairs.y.mean())

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return super().draw(code, n, noise) + 0.01 * self.level


@fault("a_loaded_model_depends_on_nothing_else")
class KeepsItInTheClass(Right):
    """What it learnt of y is its class's, so that the last fit is everybody's."""

    level = 0.0

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        type(self).level = float(pairs.y.mean())

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return super().draw(code, n, noise) + 0.01 * self.level


@fault("a_checkpoint_is_three_files_without_a_pickle")
class SavesAPickle(Right):
    """It leaves a pickle beside its weights."""

    def save(self, folder: Path | str, **more: Any) -> None:
        super().save(folder, **more)
        torch.save({"level": 1}, Path(folder) / "extra.pt")


@fault("an_extra_tensor_is_refused")
class MakesRoom(Right):
    """Whatever a checkpoint holds, it makes a buffer for it."""

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        for name, shape in shapes.items():
            if "." not in name and not hasattr(self, name):
                self.register_buffer(name, torch.zeros(shape))


@fault("a_missing_tensor_is_refused")
class NeedsItsScale(Right):
    """A checkpoint without its scale ends in a KeyError."""

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        for name in ("first.bias", "scale", "second.weight", "log_scale"):
            shapes[name]


@fault("a_tensor_of_another_shape_is_refused")
class TakesAnyTensor(Right):
    """Its bias takes the shape of whatever is loaded."""

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if "first.bias" in shapes:
            self.first.bias = nn.Parameter(torch.zeros(shapes["first.bias"]))


@fault("saving_changes_nothing")
class SavingMoves(Right):
    """After saving it is another model."""

    def save(self, folder: Path | str, **more: Any) -> None:
        super().save(folder, **more)
        self.mean = self.mean + 0.01


@fault("a_loaded_model_is_its_class_with_its_settings")
class LoadsInTraining(Right):
    """What is loaded is in training mode."""

    @classmethod
    def load(cls, folder: Path | str, device: str | torch.device = "cpu") -> Model:
        return super().load(folder, device).train()


@fault("loading_leaves_the_global_random_state_alone")
class LoadingDraws(Right):
    """Loading draws from numpy's global state."""

    def load_state_dict(self, *given: Any, **known: Any) -> Any:
        import numpy as np

        np.random.rand()  # noqa: NPY002
        return super().load_state_dict(*given, **known)


@fault("the_inference_half_gives_the_same_samples")
class NeedsItsHelper(Right):
    """It samples with what it says it does not need."""

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        more = 0.0 if self.helper is None else 0.01 * float(self.helper.bias.detach())
        return super().draw(code, n, noise) + more


@fault("a_copy_gives_the_same_bits", "the_inference_half_gives_the_same_samples")
class CannotBeCopied(Right):
    """A copy is a new model with other weights."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        with torch.random.fork_rng(devices=[]):
            model = type(self)(self.x_shape, self.y_shape, **self.config_dict())
        model.load_state_dict(self.state_dict())
        model.fitted, model.name = self.fitted, self.name
        model.mean = self.mean + 0.01
        return model.eval()


@fault("weights_in_half_precision_still_sample")
class LargeNumbers(Right):
    """It keeps a number that half precision does not hold."""

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.register_buffer("large", torch.tensor(1e6))


# Abilities


@fault("log_prob_is_one_number_an_item")
class DensityOfColumns(Right):
    """Its log_prob is (B, 1)."""

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        found = super().log_prob(y, x, seed=seed)
        assert found is not None
        return found[:, None]

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        return None


@fault("joint_log_prob_follows_its_seed_alone")
class DensityOfTheBatch(Right):
    """Its joint_log_prob is the mean over the batch."""

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        found = super().log_prob(y, x, seed=seed)
        assert found is not None
        return found.mean().expand(len(found))


@fault("log_prob_follows_its_seed_alone")
class DensityByChance(Right):
    """Its log_prob reads the global random state."""

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        found = super().log_prob(y, x, seed=seed)
        assert found is not None
        with torch.random.fork_rng(devices=[]):
            return found + torch.randn(len(found)).to(found)

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        return None


@fault("joint_log_prob_is_one_number_an_item")
class JointDensityOfColumns(Right):
    """Its joint_log_prob is (B, 1)."""

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        found = super().log_prob(y, x, seed=seed)
        assert found is not None
        return found[:, None]


@fault("log_prob_is_lower_far_from_the_data")
class DensityUpsideDown(Right):
    """Its log_prob has the wrong sign."""

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        found = super().log_prob(y, x, seed=seed)
        assert found is not None
        return -found


@fault("features_are_one_vector_an_item")
class FeaturesOfPixels(Right):
    """Its features are (B, D, 1)."""

    def features(self, x: Tensor) -> Tensor | None:
        return self.hidden(x)[..., None]


@fault("reconstructions_have_the_shape_of_x")
class FlatReconstructions(Right):
    """It reconstructs x as a vector."""

    def reconstruct(self, x: Tensor) -> Tensor | None:
        return x.flatten(1)


# Other shapes


@fault("fields_that_are_not_square_work_or_are_refused")
class SquareOnly(Right):
    """Fields that are not square end in an error when it is fitted."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        if len(self.y_shape) == 3:
            side = self.y_shape[1]
            F.unfold(pairs.y.reshape(len(pairs), -1, side, side), 1)


@fault("x_as_a_vector_works_or_is_refused")
class FieldsOnly(Right):
    """x as a vector ends in an error when it is fitted."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        super().prepare(pairs, seed)
        pairs.x.mean((1, 2, 3))


@fault("y_off_zero_is_learnt")
class SharesOnly(Right):
    """It clips its samples to [-50, 50], whatever y is."""

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return super().draw(code, n, noise).clamp(-50, 50)


narrow = Preset(Right, width=4)
