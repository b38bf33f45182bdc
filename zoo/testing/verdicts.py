"""Subjects, the ways in which a check of them can end, and its requirements, also on the state that is everybody's."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from inspect import isfunction
from typing import Any, ClassVar, Literal, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from zoo import registry
from zoo.probing.state import DEFAULTS, RANDOM, changed, draw, kept, snapshot
from zoo.utils.errors import RequestError, ZooError

Kind = Literal["model", "task", "metric", "data"]
KINDS: tuple[Kind, ...] = get_args(Kind)
F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")


class Subject:
    """Something registered, by name; nothing of it is imported before a check asks."""

    kind: ClassVar[Kind]
    cls: Any  # of a preset, its model's
    make: Any  # of a model or a task, gives a new one with these settings
    direct: Any  # the same, made of its class alone
    imported: Any = None  # what importing its module did, where that is known
    told = False  # whether pytest has shown its fault

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def contracts(cls) -> Iterator[tuple[str, Callable[[Any], None], tuple[str, ...]]]:
        """The checks of such subjects: the public methods of its bases, each with the reasons for skipping it."""
        for base in cls.__bases__:
            skips = vars(base).get("skips", ())
            for name, method in vars(base).items():
                if isfunction(method) and not name.startswith("_"):
                    yield name, method, getattr(method, "skips", skips)

    @property
    def entry(self) -> registry.Entry:
        return registry.entry(registry.plural(self.kind), self.name)

    @property
    def config(self) -> Any:
        return self.make().config

    @cached_property
    def fault(self) -> str:
        """Why it cannot be had at all, such as an import that fails: every check would say the same; "" where it can."""
        try:
            self.cls  # noqa: B018 - asking for it imports it
        except RequestError:  # nobody has this name, or two packages do
            return ""
        except ZooError as error:
            return str(error)
        return ""

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """The checks that it says it cannot pass, each with the reason; none where it cannot be asked."""
        try:
            said = self.cls.expected_failures
        except (Exception, SystemExit):
            return {}
        return said if isinstance(said, Mapping) else {}


class Broken(AssertionError):
    """A contract does not hold; the message says what was found and what would be right."""


class Skipped(Exception):
    """A check has nothing to look at in this subject, for a reason that it declares."""


def may_skip(*reasons: str) -> Callable[[F], F]:
    """Declare the reasons for which a check may be skipped; any other skip is a failure."""

    def declare(check: F) -> F:
        check.skips = reasons  # type: ignore[attr-defined]
        return check

    return declare


def require(holds: object, message: str) -> None:
    """Go on where the contract ``holds``; where it does not, ``message`` says what was found and what would be right."""
    if not holds:
        raise Broken(message)


def refused(what: str, request: Callable[..., object], *args: Any, **known: Any) -> None:
    """A request, which asks for ``what``, must be refused with a RequestError of one line."""
    try:
        request(*args, **known)
    except RequestError as error:
        require(str(error).strip(), f"{what} was refused without a word; the message must say what would be right")
        return
    except Exception as error:
        raise Broken(f"{what} ended in {type(error).__name__}: {error}; it must be refused with a zoo.RequestError") from error
    raise Broken(f"{what} was taken; it must be refused with a zoo.RequestError")


@contextlib.contextmanager
def untouched(what: str) -> Iterator[None]:
    """``what`` is done inside; no global random state may have changed after it."""
    draw()
    before = snapshot(RANDOM)
    yield
    rule = "draw from the seed alone: zoo.Noise, Step.generator, or a generator of your own"
    require(not (wrong := changed(before)), f"{what} changed {' and '.join(wrong)}, which is everybody's; {rule}")


@contextlib.contextmanager
def same_defaults(what: str) -> Iterator[None]:
    """``what`` is done inside; torch's defaults and the working folder must be as before after it."""
    before = snapshot(DEFAULTS)
    yield
    wrong = [f"{name} from {before[name]} to {now}" for name, now in changed(before).items()]
    require(not wrong, f"{what} changed {', '.join(wrong)}; leave what is everybody's as it was")


@contextlib.contextmanager
def unchanged(what: str, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """``what`` is done inside; these tensors must be to the bit what they were before it."""
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    yield
    for name, tensor in tensors.items():
        require(same_bits(before[name], tensor), f"{what} changed {name} in place; work on a copy")


@contextlib.contextmanager
def silent(what: str, more: str = "") -> Iterator[None]:
    """``what`` is done inside; nothing may be written to the standard streams."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        yield
    text = " ".join((out.getvalue() + err.getvalue()).split())
    require(not text, f"{what} printed {text[:80]!r}{more}")


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """Within it, the process is as somebody else's script may have set it: in all that is neither to be changed nor read."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        stack.enter_context(kept())
        os.chdir(folder)
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(np.errstate(all="raise"))
        stack.enter_context(torch.inference_mode())
        stack.enter_context(torch.autocast("cpu", torch.bfloat16))
        stack.enter_context(torch.device("meta"))
        warnings.simplefilter("error")
        torch.set_default_dtype(torch.float64)
        torch.use_deterministic_algorithms(True)
        torch.set_float32_matmul_precision("medium")
        yield


def same_elsewhere(what: str, work: Callable[..., Mapping[str, Tensor]], *given: object) -> None:
    """``work`` on copies of what is given gives tensors by what they are called, the same to the bit :func:`elsewhere`."""
    one, other = copy.deepcopy(given), copy.deepcopy(given)
    stir(0)
    here = work(*one)
    with elsewhere():
        stir(0)
        there = work(*other)
    wrong = [name for name, value in here.items() if not same_bits(value, there[name])]
    rule = "neither torch's defaults and modes nor the working folder may be read"
    require(not wrong, f"{' and '.join(wrong)} of {what} differ with what is set in the process; {rule}")


def stir(seed: int) -> None:
    """Another state for every global generator, so that what reads one of them shows it."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is to differ
    random.seed(seed)


def twice(work: Callable[[], T]) -> tuple[T, T]:
    """The outcomes of the same work under two states of the global generators."""
    stir(1)
    first = work()
    stir(2)
    return first, work()


def same_bits(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_bits(one[name], other[name]) for name in one)
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)


def shaped(what: str, value: Tensor, want: Sequence[int]) -> None:
    """``value`` must have this shape; ``what`` ends in "has" or "have"."""
    want = tuple(want)
    require(tuple(value.shape) == want, f"{what} shape {tuple(value.shape)}; it must be {want}")


def finite(what: str, value: Tensor, more: str = "") -> None:
    """Every number of ``value`` must be finite; ``what`` ends in "is" or "are"."""
    require(torch.isfinite(value).all(), f"{what} not finite{more}")


def finite_samples(what: str, samples: Tensor, want: Sequence[int]) -> None:
    shaped(f"{what} have", samples, want)
    finite(f"{what} are", samples)
