"""Models with one fault each in what they say of themselves, and in the shapes that they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from planted_right import Right, fault
from torch import Tensor
from torch.nn import functional as F

from zoo.contracts.model import Preset
from zoo.data.pairs import Pairs
from zoo.utils.config import make_config
from zoo.utils.noise import Noise

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
