"""The subject of a registered name, with all the checks of its kind: methods named after their contracts.

A check raises where the contract is broken; its docstring is one sentence, the contract. They are run in this order.
"""

from __future__ import annotations

from zoo import registry
from zoo.testing.checks.itself import Configured, Importing, Itself
from zoo.testing.checks.metric_facts import Facts, Form
from zoo.testing.checks.metric_values import Values
from zoo.testing.checks.model_abilities import Abilities, Shapes
from zoo.testing.checks.model_fit import Fitting
from zoo.testing.checks.model_gradient import Gradients
from zoo.testing.checks.model_input import Refusals
from zoo.testing.checks.model_random import Randomness
from zoo.testing.checks.model_sample import Samples
from zoo.testing.checks.model_save import Saving
from zoo.testing.checks.model_tensors import Checkpoints
from zoo.testing.checks.task_pairs import OwnPairs
from zoo.testing.checks.task_photos import Photos
from zoo.testing.subjects.subject import Subject
from zoo.testing.verdicts import KINDS, Kind
from zoo.utils.errors import RequestError, nearest


class CheckedModel(
    Itself, Configured, Importing, Fitting, Samples, Randomness, Refusals, Saving, Checkpoints, Gradients, Abilities, Shapes
):
    """A model with its checks."""


class CheckedTask(Itself, Configured, Importing, OwnPairs, Photos):
    """A task with its checks."""


class CheckedMetric(Itself, Importing, Facts, Form, Values):
    """A metric with its checks."""


CLASSES: dict[Kind, type[Subject]] = {"model": CheckedModel, "task": CheckedTask, "metric": CheckedMetric}


def subject_of(name: str, kind: str | None = None) -> Subject:
    """The subject registered under ``name``, which may be written ``KIND:NAME``.

    Raises:
        RequestError: nothing has this name (says the nearest ones), or things of two kinds have it and no kind is given.
    """
    before, colon, after = name.partition(":")
    if colon and kind is None and before in KINDS:
        name, kind = after, before
    if kind is not None and kind not in KINDS:
        raise RequestError(f"the kind is {kind!r}: {nearest(kind, KINDS)}")
    known = {each: registry.names(f"{each}s") for each in KINDS if kind in (None, each)}
    kinds = [each for each, names in known.items() if name in names]
    if not kinds:
        what = kind or "model, task or metric"
        raise RequestError(f"no {what} is called {name!r}: {nearest(name, {n for names in known.values() for n in names})}")
    if len(kinds) > 1:
        both = " and ".join(f"a {each}" for each in kinds)
        raise RequestError(f"{both} are called {name!r}; write {' or '.join(f'{each}:{name}' for each in kinds)}")
    return CLASSES[kinds[0]](name)
