"""The optional abilities of models: a model defines those that it has, and gets the others, which give nothing, from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from zoo.data.pairs import Pairs

ABILITIES = ("log_prob", "joint_log_prob", "evidence", "features", "reconstruct", "reveal")
"""The methods of :class:`Abilities`."""


class Abilities:
    """The optional methods of a :class:`zoo.Model`; what a model does not define is nothing that it has."""

    needs_truth: ClassVar[bool] = False
    """Whether its samples are true draws of p(y | x), which a run has to :meth:`reveal` to it."""

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        """log p(y | x) or a lower bound of it in nats, (B,); None if the model has none."""
        return None

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor | None:
        """log p(x, y) or a lower bound of it in nats, (B,); None if the model has none."""
        return None

    def evidence(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Mapping[str, Tensor] | None:
        """The two terms of the evidence bound, each (B,); None if the model has none.

        ``mse`` is the squared error of y as it is rebuilt from its own code, summed over its numbers; ``kl`` is what the
        code tells, KL(q(z | x, y) || p(z | x)) in nats.
        """
        return None

    def features(self, x: Tensor) -> Tensor | None:
        """The code of each x, (B, D), for downstream tasks; None if the model has none."""
        return None

    def reconstruct(self, x: Tensor) -> Tensor | None:
        """x as the model itself renders it from its code, (B, *x_shape); None if it does not."""
        return None

    def diagnose(self, pairs: Pairs) -> Mapping[str, float]:
        """Finite numbers that tell how training goes besides its losses, by name: the rank of what codes rebuild, ...; or {}.

        The loop asks some twenty times a fit, and after the last step, in evaluation mode and without gradients; the fit stays
        as it is. They stand in :attr:`zoo.History.checks`, in ``run.json`` and as curves in the report.

        Args:
            pairs: at most 256 of those fitted to, spread over all, as they are, on the device of the model.
        """
        return {}

    def reveal(self, x: Tensor, draws: Tensor) -> None:
        """Learn true draws of p(y | x); a run calls it, before it samples, where :attr:`needs_truth` says so.

        Args:
            x: (B, *x_shape), the test items.
            draws: (B, n, *y_shape), independent of the draws that metrics compare samples with.
        """
