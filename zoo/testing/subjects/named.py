"""The subject of a registered name."""

from __future__ import annotations

from zoo import registry
from zoo.testing.subjects.metric import MetricSubject
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.subjects.subject import Subject
from zoo.testing.subjects.task import TaskSubject
from zoo.testing.verdicts import KINDS
from zoo.utils.errors import RequestError, nearest

_CLASSES: dict[str, type[Subject]] = {"model": ModelSubject, "task": TaskSubject, "metric": MetricSubject}


def subject_of(name: str, kind: str | None = None) -> Subject:
    """What is registered under ``name``, which may be written ``KIND:NAME``.

    Raises:
        RequestError: nothing has this name (says the nearest ones), or things of two kinds have it and no kind is given.
    """
    before, colon, after = name.partition(":")
    if colon and kind is None and before in KINDS:
        name, kind = after, before
    if kind is not None and kind not in KINDS:
        raise RequestError(f"the kind is {kind!r}: {nearest(kind, KINDS)}")
    known = {each: registry.names(f"{each}s") for each in _CLASSES if kind in (None, each)}
    kinds = [each for each, names in known.items() if name in names]
    if not kinds:
        what = kind or "model, task or metric"
        raise RequestError(f"no {what} is called {name!r}: {nearest(name, {n for names in known.values() for n in names})}")
    if len(kinds) > 1:
        both = " and ".join(f"a {each}" for each in kinds)
        raise RequestError(f"{both} are called {name!r}; write {' or '.join(f'{each}:{name}' for each in kinds)}")
    return _CLASSES[kinds[0]](name)
