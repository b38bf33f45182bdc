"""Models with one fault each in what they refuse, in what they save, and in their other abilities."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from planted_right import Right, fault
from torch import Tensor, nn

from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.utils.errors import RequestError
from zoo.utils.noise import Noise

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
