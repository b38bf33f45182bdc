"""Models with one fault each in what they sample and where its randomness comes from, refuse, save, and are able to do."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch
from planted_right import Right, first, hidden_state, model, then
from torch import nn

from zoo import RequestError

INIT, PREPARE, SAMPLE, DRAW, ENCODE = Right.__init__, Right.prepare, Right.sample, Right.draw, Right.encode
LOOKS = itertools.count()
CHECK_X, SAVE, DENSITY = Right._check_x, Right.save, Right.log_prob


def samples(name, *checks, are):
    """A model whose samples are these of its right ones, itself, x and n."""
    model(name, *checks, sample=then(SAMPLE, lambda right, self, x, n, **known: are(right, self, x, n)))


samples(
    "flat-samples",
    "samples_have_the_documented_shape",
    "one_sample_is_enough",
    "a_thousand_samples_fit_into_memory",
    "samples_of_no_x_are_none",
    "x_as_a_vector_works_or_is_refused",
    "y_as_a_vector_works_or_is_refused",
    "fields_that_are_not_square_work_or_are_refused",
    "other_channels_and_sizes_work_or_are_refused",
    "motions_in_pixels_work_or_are_refused",
    are=lambda right, *given: right.flatten(2)[..., None],
)
samples("drops-the-one", "one_sample_is_enough", are=lambda right, self, x, n: right[:, 0] if n == 1 else right)
samples("at-most-a-hundred", "a_thousand_samples_fit_into_memory", are=lambda right, *given: right[:, :256])
samples("doubles", "samples_are_float32", are=lambda right, self, x, n: right.to(x.dtype))
samples("needs-an-x", "samples_of_no_x_are_none", are=lambda right, *given: torch.stack(list(right)))
samples(
    "keeps-the-graph",
    "samples_carry_no_gradient",
    are=lambda right, self, x, n: right + 0 * self.log_scale if torch.is_grad_enabled() else right,
)
samples("turns-training-off", "sampling_keeps_the_mode_and_ignores_it", are=lambda right, self, x, n: (right, self.eval())[0])
samples(
    "drops-out-while-sampling",
    "sampling_keeps_the_mode_and_ignores_it",
    are=lambda right, self, x, n: right * 0.5 if self.training else right,
)


@torch.no_grad()
def rounds_in_place(self, x, n, **known):
    if torch.isfinite(x).all() and x.shape[1:] == self.x_shape:
        x.copy_((x * 50).round() / 50)


def lost_far_off(code, self, x):
    return torch.where((x.flatten(1).mean(1) > 5)[:, None], torch.full_like(code, float("nan")), code)


def hardly_differing(y, self, code, *given):
    mean = self.mean + self.scale * code[:, None].unflatten(2, self.y_shape)
    return mean + 1e-3 * (y - mean)


def buffer(name, value):
    """What makes the buffer ``name`` when the model is made."""
    return then(INIT, lambda nothing, self, *given, **config: self.register_buffer(name, value.clone()))


model("changes-x", "sampling_does_not_change_x", sample=first(SAMPLE, rounds_in_place))
model("lost-far-off", "samples_are_finite", encode=then(ENCODE, lost_far_off))
model("blind", "another_x_gives_other_samples", encode=lambda self, x: ENCODE(self, torch.full_like(x, 0.5)))
model("all-alike", "a_pool_has_spread", draw=then(DRAW, hardly_differing))
model(
    "counts-samples",
    "sampling_does_not_change_the_model",
    __init__=buffer("drawn", torch.zeros((), dtype=torch.int64)),
    sample=first(SAMPLE, lambda self, x, n, **known: self.drawn.add_(n)),
)

# Randomness


def seeds_everybody(samples, self, x, n, *, seed=None, generator=None):
    if seed is not None:
        torch.manual_seed(seed)
    return samples


def no_seed_is_zero(self, x, n, *, seed=None, generator=None):
    return SAMPLE(self, x, n, seed=0 if seed is None and generator is None else seed, generator=generator)


def positive_seeds(self, x, n, *, seed=None, generator=None):
    if seed is not None and seed < 0:
        raise ValueError("Seed must be between 0 and 2**32 - 1")


def never_the_same(y, self, *given):
    self.calls += 1
    return y + 1e-3 * self.calls


def noise_by_place(y, self, code, *given):
    return y + 0.01 * self.scale * torch.arange(len(code)).view(-1, *[1] * (1 + len(self.y_shape)))


model(
    "reads-the-global-state",
    "sampling_does_not_read_the_global_random_state",
    "a_generator_takes_the_place_of_a_seed",
    draw=then(DRAW, lambda y, *given: y + hidden_state(lambda: 1e-3 * torch.randn(()))),
)
model("seeds-everybody", "sampling_leaves_the_global_random_state_alone", sample=then(SAMPLE, seeds_everybody))
model(
    "one-seed",
    "another_seed_gives_other_samples",
    "without_a_seed_every_call_is_new",
    sample=lambda self, x, n, **known: SAMPLE(self, x, n, seed=0),
)
model("no-seed-is-zero", "without_a_seed_every_call_is_new", sample=no_seed_is_zero)
model(
    "no-generator",
    "a_generator_takes_the_place_of_a_seed",
    sample=lambda self, x, n, *, seed=None, generator=None: SAMPLE(self, x, n, seed=seed),
)
model(
    "never-the-same",
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
    calls=0,
    draw=then(DRAW, never_the_same),
)
model("positive-seeds", "any_integer_is_a_seed", sample=first(SAMPLE, positive_seeds))
model(
    "centred",
    "samples_do_not_depend_on_the_rest_of_the_batch",
    draw=lambda self, code, n, noise: DRAW(self, code - 0.1 * code.mean(0), n, noise),
)
model(
    "noise-by-place",
    "samples_do_not_depend_on_the_rest_of_the_batch",
    "samples_follow_the_order_of_the_batch",
    draw=then(DRAW, noise_by_place),
)

# Refusals


def takes_any_shape(self, x):
    if not torch.isfinite(x).all():
        raise RequestError("x has values that are not finite")
    return x.float()


def takes_not_a_number(self, x):
    return CHECK_X(self, torch.nan_to_num(x))


def no_samples(self, x, n, **known):
    return SAMPLE(self, x, max(n, 1), **known)[:, : max(n, 0)]


model("takes-any-shape", "x_of_another_shape_is_refused", _check_x=takes_any_shape)
model("takes-not-a-number", "x_that_is_not_finite_is_refused", _check_x=takes_not_a_number)
model("no-samples", "fewer_than_one_sample_is_refused", sample=no_samples)
model("no-words", "it_has_a_repr", __repr__=lambda self: self.nothing)
model(
    "always-fitted",
    "a_model_that_is_not_fitted_is_refused",
    __init__=then(INIT, lambda nothing, self, *given, **config: setattr(self, "fitted", True)),
)

# Saving


def saves_a_pickle(nothing, self, folder, **how):
    torch.save({"level": 1}, Path(folder) / "extra.pt")


def makes_room(self, shapes):
    for name, shape in shapes.items():
        if "." not in name and not hasattr(self, name):
            self.register_buffer(name, torch.zeros(shape))


def takes_any_tensor(self, shapes):
    if "first.bias" in shapes:
        self.first.bias = nn.Parameter(torch.zeros(shapes["first.bias"]))


def another_copy(self, memo):
    model = hidden_state(lambda: type(self)(self.x_shape, self.y_shape, **self.config_dict()))
    model.load_state_dict(self.state_dict())
    model.fitted, model.name = self.fitted, self.name
    model.mean = self.mean + 0.01
    return model.eval()


def moved_by(level):
    """Samples that are moved by what was learnt of y, which ``level`` of the model gives."""
    return then(DRAW, lambda y, self, *given: y + 0.01 * level(self))


model(
    "keeps-a-number",
    "save_load_sample_gives_the_same_bits",
    "the_inference_half_gives_the_same_samples",
    "a_loaded_model_depends_on_nothing_else",
    level=0.0,
    prepare=then(PREPARE, lambda nothing, self, pairs, seed: setattr(self, "level", float(pairs.y.mean()))),
    draw=moved_by(lambda self: self.level),
)
model(
    "keeps-it-in-the-class",
    "a_loaded_model_depends_on_nothing_else",
    level=0.0,
    prepare=then(PREPARE, lambda nothing, self, pairs, seed: setattr(type(self), "level", float(pairs.y.mean()))),
    draw=moved_by(lambda self: self.level),
)
model(
    "needs-its-helper",
    "the_inference_half_gives_the_same_samples",
    draw=moved_by(lambda self: 0.0 if self.helper is None else float(self.helper.bias.detach())),
)
model("saves-a-pickle", "a_checkpoint_is_three_files_without_a_pickle", save=then(SAVE, saves_a_pickle))
model(
    "saving-moves",
    "saving_changes_nothing",
    save=then(SAVE, lambda nothing, self, *given, **how: setattr(self, "mean", self.mean + 0.01)),
)
model("makes-room", "an_extra_tensor_is_refused", allocate=makes_room)
model("takes-any-tensor", "a_tensor_of_another_shape_is_refused", allocate=takes_any_tensor)
model(
    "loads-in-training",
    "a_loaded_model_is_its_class_with_its_settings",
    load=classmethod(lambda cls, folder, device="cpu": Right.load.__func__(cls, folder, device).train()),
)
model(
    "loading-draws",
    "loading_leaves_the_global_random_state_alone",
    load_state_dict=first(Right.load_state_dict, lambda *given, **known: np.random.rand()),  # noqa: NPY002
)
model("cannot-be-copied", "a_copy_gives_the_same_bits", "the_inference_half_gives_the_same_samples", __deepcopy__=another_copy)
model("large-numbers", "weights_in_half_precision_still_sample", __init__=buffer("large", torch.tensor(1e6)))

# Abilities


def density(name, *checks, log_prob=lambda right: right, joint_log_prob=lambda right: None):
    """A model whose densities are these of its right ones, and none of (x, y) where it is not said."""
    model(
        name,
        *checks,
        log_prob=then(DENSITY, lambda right, *given, **known: log_prob(right)),
        joint_log_prob=then(DENSITY, lambda right, *given, **known: joint_log_prob(right)),
    )


density("density-of-columns", "log_prob_is_one_number_an_item", log_prob=lambda right: right[:, None])
density("density-upside-down", "log_prob_is_lower_far_from_the_data", log_prob=lambda right: -right)
density(
    "density-by-chance",
    "log_prob_follows_its_seed_alone",
    log_prob=lambda right: right + hidden_state(lambda: torch.randn(len(right))),
)
density(
    "density-of-the-batch",
    "joint_log_prob_follows_its_seed_alone",
    joint_log_prob=lambda right: right.mean().expand(len(right)),
)
density("joint-density-of-columns", "joint_log_prob_is_one_number_an_item", joint_log_prob=lambda right: right[:, None])
model("features-of-pixels", "features_are_one_vector_an_item", features=lambda self, x: self.hidden(x)[..., None])
model(  # two abilities in one, since each planted model costs all checks
    "flat-reconstructions-and-another-diagnosis-each-time",
    "reconstructions_have_the_shape_of_x",
    "a_diagnosis_is_finite_numbers_by_name",
    reconstruct=lambda self, x: x.flatten(1),
    diagnose=lambda self, pairs: {"looks": float(next(LOOKS))},
)
