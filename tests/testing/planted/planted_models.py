"""Models with one fault each in what they say of themselves, in how they are fitted, and in the shapes that they take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from planted_right import Right, first, hidden_state, model, then
from torch import nn

from zoo import Preset, make_config

INIT, FIT, PREPARE, LOSSES = Right.__init__, Right.fit, Right.prepare, Right.losses
narrow = Preset(Right, width=4)


@dataclass
class SoftConfig:
    width: int = 8
    learning_rate: float = 1e-2


def setting(name, *checks, keep):
    """A model that hands on those settings alone for which ``keep`` of name and value is true."""

    def init(self, x_shape, y_shape, **config):
        INIT(self, x_shape, y_shape, **{key: value for key, value in config.items() if keep(key, value)})

    model(name, *checks, __init__=init)


def forgets(self, x_shape, y_shape, **config):
    make_config(self.Config, config, "model ForgetsSettings")
    INIT(self, x_shape, y_shape)


model("without-words", "it_is_described", __doc__=None)
model("soft-settings", "its_config_is_frozen_and_plain", Config=SoftConfig)
setting(
    "drops-settings",
    "an_unknown_setting_is_refused",
    keep=lambda key, value: key in ("width", "learning_rate"),
)
setting("any-type", "a_setting_of_the_wrong_type_is_refused", keep=lambda key, value: not isinstance(value, dict))
model("forgets-settings", "a_setting_has_an_effect_on_its_config", __init__=forgets)
model("expects-nobody", "what_it_says_it_cannot_do_are_checks", expected_failures={"it_flies": "there are no wings"})
model("expects-too-much", "samples_are_float32", expected_failures={"samples_are_float32": "they were float64"})

# Fitting


def takes_no_resume(self, pairs, *, epochs=None, **known):
    if known.pop("resume", None) is not None:
        raise TypeError("fit() got an unexpected keyword argument 'resume'")
    return FIT(self, pairs, epochs=epochs or 10, **known)


def stays_in_training(history, self, *given, **known):
    self.train()
    return history


def with_noise(self, batch, step):
    return LOSSES(self, replace(batch, x=batch.x + hidden_state(lambda: 0.01 * torch.randn_like(batch.x))), step)


def needs_two(self, batch, step):
    if len(batch.x) < 2:
        raise ValueError("expected more than 1 value per channel when training")


def any_device(self, pairs, *, device="auto", **known):
    return FIT(self, pairs, device=device if device in ("auto", "cpu", "cuda") else "cpu", **known)


def fits_once(self, *given):
    assert not self.fitted


def all_but_one(self):
    return {"all": torch.optim.Adam([p for name, p in self.named_parameters() if name != "log_scale"], lr=1e-2)}


def after_preparing(name, *checks, do, **members):
    """A model that does this too when it has seen the pairs."""
    model(name, *checks, prepare=then(PREPARE, lambda nothing, *given: do(*given)), **members)


def with_parameter(name, *checks, of):
    """A model with one more parameter, or one in the place of another: its name, and what makes it."""
    key, make = of
    model(name, *checks, __init__=then(INIT, lambda nothing, self, *given, **config: setattr(self, key, make())))


model("fit-takes-no-resume", "fit_takes_the_contracts_arguments", fit=takes_no_resume)
model("fit-gives-nothing", "fit_gives_a_history", fit=then(FIT, lambda history, *given, **known: None))
model("stays-in-training", "fit_leaves_the_model_ready_to_sample", fit=then(FIT, stays_in_training))
model("any-device", "a_device_that_is_not_there_is_refused", fit=any_device)
model("takes-any-pairs", "pairs_that_do_not_fit_are_refused", check_pairs=lambda self, pairs: None)
model("never-learns", "fitting_moves_the_weights_of_every_optimizer", lr_factor=lambda self, progress: 0.0)
model("forgets-a-parameter", "every_parameter_has_one_optimizer", optimizers=all_but_one)
model("losses-by-chance", "fit_follows_its_seed_to_the_bit", "losses_draw_from_the_steps_generator", losses=with_noise)
model(
    "loss-of-many-numbers",
    "losses_are_finite_numbers",
    losses=then(LOSSES, lambda losses, *given: {**losses, "error": losses["error"].view(1)}),
)
model("needs-two", "a_last_batch_of_one_is_no_obstacle", losses=first(LOSSES, needs_two))
with_parameter(
    "first-weights-by-chance",
    "fit_follows_its_seed_to_the_bit",
    of=("log_scale", lambda: nn.Parameter(0.01 * torch.randn(()))),
)
with_parameter("dead-parameter", "the_gradient_reaches_every_parameter", of=("unused", lambda: nn.Parameter(torch.zeros(3))))
model("fits-once", "fit_can_be_done_again", prepare=first(PREPARE, fits_once))
after_preparing(
    "fit-seeds-everybody",
    "fit_leaves_the_global_random_state_alone",
    do=lambda self, pairs, seed: torch.manual_seed(seed) and None,
)
after_preparing(
    "changes-torch",
    "making_fitting_and_sampling_keep_torchs_defaults",
    do=lambda self, pairs, seed: torch.set_float32_matmul_precision("high"),
)
after_preparing("centres-the-pairs", "fit_does_not_change_the_pairs", do=lambda self, pairs, seed: pairs.x.mul_(0.999))
after_preparing(
    "talks", "fit_and_sample_are_silent_without_progress", do=lambda self, pairs, seed: print("fitting", len(pairs))
)
after_preparing(
    "divides-by-nothing",
    "fields_without_content_are_no_obstacle",
    do=lambda self, pairs, seed: setattr(self, "flat", float(pairs.x.std()) == 0),
    flat=False,
    draw=then(Right.draw, lambda y, self, *given: y / 0 if self.flat else y),
)

# Other shapes


def square_only(self, pairs, seed):
    if len(self.y_shape) == 3:
        side = self.y_shape[1]
        nn.functional.unfold(pairs.y.reshape(len(pairs), -1, side, side), 1)


after_preparing("square-only", "fields_that_are_not_square_work_or_are_refused", do=square_only)
after_preparing("fields-only", "x_as_a_vector_works_or_is_refused", do=lambda self, pairs, seed: pairs.x.mean((1, 2, 3)))
model("shares-only", "y_off_zero_is_learnt", draw=then(Right.draw, lambda y, *given: y.clamp(-50, 50)))


def remembers_the_type(cls, *given, **config):
    new = nn.Module.__new__(cls)
    object.__setattr__(new, "kind", torch.get_default_dtype())
    return new


model(
    "remembers-the-type",
    "what_is_set_in_the_process_is_not_read",
    __new__=remembers_the_type,
    draw=then(Right.draw, lambda y, self, *given: y.to(self.kind) * 1.0000001),
)
