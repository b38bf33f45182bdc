"""The contract of a model: p(y | x), fitted to pairs, drawn from in batches, saved without pickle."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from zoo.contracts.abilities import ABILITIES, Abilities
from zoo.contracts.sampling import check_ready, checked_x, sampled
from zoo.data.given import of_given
from zoo.data.pairs import Batch, Pairs
from zoo.fitting.loop import train
from zoo.fitting.recipe import Callback, History, Recipe, Step, Turns
from zoo.registry import refuse_old
from zoo.saving import checkpoint
from zoo.utils.bounds import whole
from zoo.utils.config import NoConfig, make_config, resampled
from zoo.utils.errors import RequestError
from zoo.utils.near import steps_of
from zoo.utils.neutral import guard, single
from zoo.utils.noise import Noise, new_seed, noise_seed

if TYPE_CHECKING:
    from zoo.hub.push import Pushed


class Model(Abilities, nn.Module):
    """A conditional generative model, registered under ``zoo.models``.

    A gradient model has a :class:`zoo.Recipe` for its config and defines :meth:`losses`, :meth:`encode` and :meth:`draw`; the
    loop that trains it belongs to the core. One that is trained in turns, or by optimizers of its own, defines :meth:`turns`
    and :meth:`optimizers`. A model that is not trained by gradient overrides :meth:`fit`.

    What is set in the process (torch's default type and device, autocast, NumPy's errors, ...) is neither changed nor read: a
    model is made, fitted, sampled and asked for its other abilities within :func:`zoo.utils.neutral.neutral`.

    Args:
        x_shape: the shape of one x.
        y_shape: the shape of one y.
        **config: fields of :attr:`Config`; an unknown one is refused.

    Attributes:
        Config: a frozen dataclass of plain values.
        training_only: names of submodules that sampling does not need; a checkpoint may leave them out.
        expected_failures: the checks of :mod:`zoo.testing` that it cannot pass by its nature, each with the reason.
        cites: the papers behind it, by their keys in the ``references.bib`` beside the ``__init__`` of its package.
        check_settings: settings that make it small and quick to fit, for checking; those of a preset win over them.
        tunable: settings that are worth searching, the most telling first, each with the values to try; all of them are for
            any data, and a preset's own settings are not searched.
        needs_truth: whether its samples are true draws, which a run has to :meth:`reveal` to it.
        name: the entry-point name it was made under, "" if it was made directly.
        fitted: whether :meth:`fit` or :meth:`load` has been done.

    Examples:
        >>> from zoo import Noise, Pairs, Recipe
        >>> class Mean(Model):
        ...     Config = Recipe
        ...
        ...     def __init__(self, x_shape, y_shape, /, **config):
        ...         super().__init__(x_shape, y_shape, **config)
        ...         self.mean = nn.Parameter(torch.zeros(y_shape))
        ...
        ...     def losses(self, batch, step):
        ...         return {"total": (batch.y - self.mean).square().mean()}
        ...
        ...     def draw(self, code, n, noise):
        ...         return self.mean + noise.normal(n, *self.y_shape).expand(len(code), -1, -1)
        >>> model = Mean((3,), (2,), steps=20, learning_rate=0.1)
        >>> history = model.fit(Pairs(torch.zeros(8, 3), torch.ones(8, 2)), device="cpu", progress=False)
        >>> history.steps, model.sample(torch.zeros(4, 3), 5, seed=0).shape
        (20, torch.Size([4, 5, 2]))
    """

    Config: ClassVar[type] = NoConfig
    training_only: ClassVar[tuple[str, ...]] = ()
    expected_failures: ClassVar[Mapping[str, str]] = {}
    cites: ClassVar[tuple[str, ...]] = ()
    check_settings: ClassVar[Mapping[str, Any]] = {}
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        refuse_old(cls)
        _guard(cls)

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__()
        self.x_shape, self.y_shape = tuple(x_shape), tuple(y_shape)
        self.config: Any = make_config(self.Config, config, f"model {type(self).__name__}")
        self.name = ""
        self.fitted = False
        self.inference_only = False

    # Fitting

    def fit(
        self,
        pairs: Pairs,
        *,
        seed: int = 0,
        device: str | torch.device = "auto",
        epochs: int | None = None,
        progress: bool = True,
        resume: Path | None = None,
        callback: Callback | None = None,
        **training: Any,
    ) -> History:
        """Fit from scratch to ``pairs``; everything random in it follows from ``seed``.

        Args:
            pairs: the training pairs; or (x, y), a torch Dataset of them, or what else of x and y :func:`zoo.run` takes.
            seed: decides the first weights, the order of the data, crops and noise.
            device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
            epochs: passes over the pairs; None for the model's own recipe.
            progress: show it.
            resume: a folder for the state of training, written while it runs; if it holds one, training goes on from there.
            callback: called some hundred times with the step, the means of the losses by name (``validation`` and what
                :meth:`diagnose` says among them, where that was found at this step), and the learning rate. Where it returns
                True the fit ends, and is finished: ``resume`` finds it as it is. An error in it ends the fit too, and
                ``resume`` goes on from there. Of several processes the main one calls it, and a model that is not trained by
                steps never.
            **training: settings of :class:`zoo.Training` (``validation``, ``ema``, ``batch_size``, ...).

        Raises:
            RequestError: the pairs are not of this model's shapes, or are none.
            ZooError: training diverged, or the callback failed.
        """
        seed = whole(seed, "seed", -(2**63), 2**64 - 1)
        given: dict[str, Any] = {"epochs": epochs, "resume": resume, "callback": callback, **training}
        return train(self, pairs, seed=seed, device=device, progress=progress, **given)

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Learn what has to be known of the data before the first step (means, embeddings), and keep it in buffers."""

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """The optimizers by name; AdamW over all that learns, called ``"all"``, where the config is a :class:`zoo.Recipe`."""
        if not isinstance(self.config, Recipe):
            raise NotImplementedError(f"{type(self).__name__} has no optimizers(), and its Config is no zoo.Recipe")
        learning = [p for p in self.parameters() if p.requires_grad]
        adam = torch.optim.AdamW(learning, lr=self.config.learning_rate, weight_decay=self.config.weight_decay)
        return {"all": adam}

    def turns(self, batch: Batch, step: Step) -> Turns:
        """The turns of one step: yields an optimizer's name and its losses, and goes on when that optimizer has stepped.

        By default ``"all"`` has one turn, with :meth:`losses`. An alternating scheme yields several; what they share is
        computed once, before the first.
        """
        yield "all", self.losses(batch, step)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The loss of a model that has one turn a step (scalar ``"total"``), and its parts for the record."""
        raise NotImplementedError(f"{type(self).__name__} is not trained by gradient")

    def lr_factor(self, progress: float) -> float:
        """The factor of every learning rate at this progress of training, in [0, 1)."""
        return self.config.lr_factor(progress) if isinstance(self.config, Recipe) else 1.0

    # Sampling

    @torch.no_grad()
    def sample(
        self,
        x: Tensor,
        n: int,
        *,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        near: tuple[int, float] | Sequence[tuple[int, float]] | None = None,
    ) -> Tensor:
        """n samples of y for each x.

        The same seed gives the same samples, to the bit on the same machine. The global random state is neither read nor
        changed, and the samples for one x do not depend on the rest of its batch.

        Args:
            x: (B, *x_shape).
            n: samples an x, at least 1.
            seed: any integer; None for new randomness.
            generator: where to draw the seed from instead.
            near: (place, amount) for samples near one: near that at the place, from 0, among the n that there are for this
                seed without it. 0 is that one itself, and 1 is nothing of it. Of several, each counts in the pool that the
                ones before it give. It is the noise that is near; where samples hang on it in jumps, they are not alike.

        Returns:
            (B, n, *y_shape) float32, on the device of x.

        Raises:
            RequestError: x has another shape or is not finite, n is below 1 or more than the memory holds, the model is not
                fitted, or ``near`` is wrong, or the model makes its samples of no noise of their own.
            ZooError: a sample is not finite; says for which x.
        """
        x = self._check_x(x)
        n = whole(n, "n", 1)
        name = self.name or type(self).__name__
        check_ready(self, name)
        seed = new_seed(generator) if seed is None else noise_seed(seed)
        return sampled(self, x, n, seed, name, steps_of(near, n) if near is not None else ())

    def encode(self, x: Tensor) -> Any:
        """Everything that the samples for each x share, computed once an x: tensors with leading B."""
        return x

    def draw(self, code: Any, n: int, noise: Noise) -> Tensor:
        """The next n samples for each x, (B, n, *y_shape), from :meth:`encode`'s code and ``noise``."""
        raise NotImplementedError(f"{type(self).__name__} does not draw")

    # Saving

    def save(self, folder: Path | str, **more: Any) -> None:
        """Save to a new folder: ``config.json``, ``model.safetensors``, ``README.md`` (:func:`zoo.saving.checkpoint.save`)."""
        checkpoint.save(self, folder, **more)

    def prove(self) -> None:
        """See that it can be saved as it is, fitted or not, and loaded again (:func:`zoo.saving.checkpoint.prove`).

        Raises:
            ZooError: it could not; says which setting or tensor is in the way.
        """
        if self.name:  # who makes a model directly may never save it
            checkpoint.prove(self)

    def push_to_hub(
        self, repo: str, *, private: bool = False, licence: str | None = None, message: str | None = None, **save: Any
    ) -> Pushed:
        """Push this model to ``ORG/REPO`` on the Hub, in one commit; see :func:`zoo.hub.push.push`.

        Args:
            repo: ``ORG/REPO``; it is made if it is not there.
            private: make a new repository private.
            licence: an SPDX name, for the card.
            message: of the commit.
            **save: as for :meth:`save`: ``task``, ``half``, ``scores``, ...
        """
        from zoo.hub.push import push_model

        return push_model(self, repo, save, private=private, licence=licence, message=message)

    @classmethod
    def load(cls, folder: Path | str, device: str | torch.device = "cpu") -> Model:
        """The model saved in ``folder``, strictly; see :func:`zoo.saving.checkpoint.load`."""
        model = checkpoint.load(folder, device)
        if not isinstance(model, cls):
            raise RequestError(f"{folder} holds a {type(model).__name__}, not a {cls.__name__}")
        return model

    def set_sampling(self, /, **settings: Any) -> None:
        """Draw with other settings from here on; RequestError for one that a fit reads (:func:`zoo.utils.config.sampling`)."""
        self.config = resampled(self.config, settings, f"model {self.name or type(self).__name__}")

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Make buffers whose size depends on the data, before a state of these shapes is loaded."""

    def drop_training_parts(self) -> None:
        """Remove what sampling does not need (:attr:`training_only`)."""
        for name in self.training_only:
            setattr(self, name, None)
        self.inference_only = True

    # Small things

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next((tensor.device for tensor in (*self.parameters(), *self.buffers())), torch.device("cpu"))

    def config_dict(self) -> dict[str, Any]:
        """The config as plain values."""
        return dataclasses.asdict(self.config)

    def check_pairs(self, pairs: Pairs) -> None:
        """Refuse pairs that cannot be fitted to; every ``fit`` begins with it.

        Raises:
            RequestError: the pairs are not of this model's shapes, or are none.
        """
        if not len(pairs):
            raise RequestError("there are no pairs to fit to; at least one is needed")
        if (pairs.x_shape, pairs.y_shape) != (self.x_shape, self.y_shape):
            raise RequestError(
                f"pairs have shapes {pairs.x_shape} -> {pairs.y_shape}; the model is for {self.x_shape} -> {self.y_shape}"
            )

    def _check_x(self, x: Tensor) -> Tensor:
        return checked_x(x, self.x_shape)


def _guard(cls: type[Model]) -> None:
    guard(cls, "fit", around=of_given)
    guard(cls, "__init__", "sample", "diagnose")
    guard(cls, *ABILITIES, around=single)


_guard(Model)
