"""The state that is everybody's: random generators, torch's defaults, the streams. Checks look at it and put it back."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from zoo.testing.checking import require


def random_state() -> dict[str, bytes]:
    """The states of the global generators of torch, numpy and Python, by name."""
    state = {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002 - the global state is what is looked at
        "Python": pickle.dumps(random.getstate()),
    }
    if torch.cuda.is_available():
        state["CUDA"] = b"".join(one.numpy().tobytes() for one in torch.cuda.get_rng_state_all())
    return state


def defaults() -> dict[str, object]:
    """Torch's global settings, the working folder and the environment, by name."""
    return {
        "default dtype": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "number of threads": torch.get_num_threads(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "anomaly detection": torch.is_anomaly_enabled(),
        "working folder": os.getcwd(),
        "recursion limit": __import__("sys").getrecursionlimit(),
    }


@contextlib.contextmanager
def untouched(what: str) -> Iterator[None]:
    """``what`` is done inside; no global random state may have changed after it.

    Raises:
        Broken: one has.
    """
    torch.rand(()), np.random.rand(), random.random()  # noqa: NPY002 - so that seeding once more with the same shows
    before = random_state()
    yield
    changed = [name for name, state in random_state().items() if state != before[name]]
    require(
        not changed,
        f"{what} changed the global random state of {' and '.join(changed)}; "
        "draw from the seed alone: zoo.Noise, Step.generator, or a generator of your own",
    )


@contextlib.contextmanager
def same_defaults(what: str) -> Iterator[None]:
    """``what`` is done inside; torch's defaults and the working folder must be as before after it.

    Raises:
        Broken: they are not.
    """
    before = defaults()
    yield
    changed = [f"{name} from {before[name]} to {now}" for name, now in defaults().items() if now != before[name]]
    require(not changed, f"{what} changed the {', the '.join(changed)}; leave what is everybody's as it was")


def stir(seed: int) -> None:
    """Another state for every global generator, so that what reads one of them shows it."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is to differ
    random.seed(seed)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Whatever is done inside, the global state is the same after it: one broken check must not break the next."""
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    dtype, threads, grad, folder = (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        os.getcwd(),
    )
    precision, deterministic = torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_grad_enabled(grad)
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(deterministic)
        os.chdir(folder)


def same_bits(one: Any, other: Any) -> bool:
    """Whether two tensors, or dictionaries of tensors, are the same to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_bits(one[name], other[name]) for name in one)
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)
