"""Models with one fault each in how they are fitted."""

from __future__ import annotations

from typing import Any

import torch
from planted_right import Right, fault
from torch import Tensor, nn

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import History, Step
from zoo.utils.noise import Noise


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

    def lr_factor(self, progress: float) -> float:
        return 0.0


@fault("a_last_batch_of_one_is_no_obstacle")
class NeedsTwo(Right):
    """A batch of one ends its fit."""

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        if len(batch.x) < 2:
            raise ValueError("expected more than 1 value per channel when training")
        return super().losses(batch, step)
