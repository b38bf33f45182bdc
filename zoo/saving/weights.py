"""A file of weights, read strictly: what it says it holds is compared with the model before anything large is made."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules import module as registration

from zoo.utils import tensors
from zoo.utils.errors import RequestError, ZooError, cause
from zoo.utils.tensors import Stored

ROOM, TIMES = 1 << 28, 100
"""A model may take so many bytes, or so many times those of its weights, for what is not stored with them."""
PARTS, PARTS_A_TENSOR = 10_000, 100
"""A model may have so many parts, or so many for each stored tensor."""


def read_header(path: Path) -> dict[str, Stored]:
    """The tensors that a safetensors file says it holds, none of them read; anything else (a pickle, ...) is refused."""
    with _reading(path):
        return tensors.read_header(path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file whose header has been read; every number in them is finite."""
    with _reading(path):
        found, _ = tensors.read(path)
    for name, tensor in found.items():
        if not tensors.finite(tensor):
            raise RequestError(f"{path}: tensor {name} has numbers that are not finite")
    return found


def check_tied(own: Mapping[str, Tensor], given: Mapping[str, Tensor], path: Path) -> None:
    """Raise where tensors of a file differ that are one in a model's state (with ``keep_vars``)."""
    for name, first in tensors.unique(own)[1].items():
        if not torch.equal(*(given[key].reshape(-1).view(torch.uint8) for key in (name, first))):
            raise RequestError(f"{path}: tensors {first} and {name} are one in the model, and differ there")


def check_header(own: Mapping[str, Tensor], given: Mapping[str, Stored], path: Path, half: bool) -> None:
    """Raise unless a file with the header ``given`` holds exactly the tensors of a model's state, which need no memory."""
    for what, names in (("lacks", own.keys() - given.keys()), ("has the unknown", given.keys() - own.keys())):
        if names:
            some = sorted(names)
            more = f" and {len(some) - 3} more" if len(some) > 3 else ""
            raise RequestError(f"{path} {what} {'tensors' if len(some) > 1 else 'tensor'} {', '.join(some[:3])}{more}")
    for name, want in own.items():
        dtype = tensors.word(torch.float16 if half and want.is_floating_point() else want.dtype)
        if given[name].shape != tuple(want.shape):
            raise RequestError(f"{path}: tensor {name} has shape {given[name].shape}; it must be {tuple(want.shape)}")
        if given[name].dtype != dtype:
            raise RequestError(f"{path}: tensor {name} is of type {given[name].dtype}; it must be {dtype}")


def check_size(model: Any, given: Mapping[str, Stored], path: Path) -> None:
    """Raise if a model, made without memory, would take far more of it than its file explains."""
    needed = sum(tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers()))
    most = max(ROOM, TIMES * sum(4 * math.prod(tensor.shape) for tensor in given.values()))
    if needed > most:
        raise RequestError(f"{path} makes a model of {needed:,} bytes, far more than its weights hold: it is not built")


@contextlib.contextmanager
def few_parts(given: Mapping[str, Stored], path: Path) -> Iterator[None]:
    """Within it, this thread cannot make a model of far more parts than a file has tensors."""
    most, parts, thread = max(PARTS, PARTS_A_TENSOR * len(given)), 0, threading.get_ident()

    def count(*_: Any) -> None:
        nonlocal parts
        if threading.get_ident() == thread:
            parts += 1
            if parts > most:
                raise RequestError(f"{path} makes a model of more than {most:,} parts for {len(given)} stored tensors")

    with (
        registration.register_module_parameter_registration_hook(count),
        registration.register_module_module_registration_hook(count),
    ):
        yield


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except ZooError:
        raise
    except FileNotFoundError as error:
        raise RequestError(f"{path} is missing; a checkpoint holds config.json, {path.name} and README.md") from error
    except Exception as error:  # safetensors has an error of its own, and others for what it did not foresee
        reason = cause(error)
        raise RequestError(f"{path} is damaged or no safetensors file, and nothing else is ever loaded: {reason}") from error
