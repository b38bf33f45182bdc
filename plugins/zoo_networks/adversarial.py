"""Shared by adversarial models: a player that is held fixed, and the steepness of a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


def held_fixed(module: nn.Module, *arguments: Tensor) -> Any:
    """``module(*arguments)``, through which gradients reach the arguments but none of its parameters."""
    return functional_call(module, {name: p.detach() for name, p in module.named_parameters()}, arguments)


def steepness(judge: Callable[..., Tensor], fields: Tensor, condition: Tensor) -> Tensor:
    """The squared norm of the gradient of each field's score by the field, (B,), in full precision, itself differentiable.

    Args:
        judge: from fields and their conditions to scores (B,), or (B, patches) whose mean counts, each of its own field alone.
        fields: (B, *shape), where the gradient is taken.
        condition: (B, ...).
    """
    with torch.autocast(fields.device.type, enabled=False), torch.enable_grad():
        fields = fields.detach().requires_grad_()
        scores = judge(fields, condition)
        (gradient,) = torch.autograd.grad((scores if scores.ndim == 1 else scores.mean(1)).sum(), fields, create_graph=True)
    return gradient.square().flatten(1).sum(1)
