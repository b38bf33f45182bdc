"""What is checked: a registered model, task or metric, with what its checks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from zoo import registry
from zoo.testing.checking import KINDS, Kind
from zoo.utils.errors import RequestError, nearest


class Subject:
    """Something registered, by name; nothing of it is imported before a check asks.

    Attributes:
        name: its entry-point name.
        kind: what it is.
    """

    kind: ClassVar[Kind]

    def __init__(self, name: str) -> None:
        self.name = name
        self.imported: Any = None

    @property
    def entry(self) -> registry.Entry:
        """Where it is registered."""
        return registry.entry(f"{self.kind}s", self.name)

    @property
    def module(self) -> str:
        """The module that is imported to use it."""
        return self.entry.value.partition(":")[0].strip()

    @property
    def cls(self) -> type[Any]:
        """Its class; that of a preset's model."""
        raise NotImplementedError

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """What it says that it cannot do: the reason, by check; nothing where it cannot be asked."""
        try:
            said = self.cls.expected_failures
        except (Exception, SystemExit):
            return {}
        return said if isinstance(said, Mapping) else {}


def subject_of(name: str, kind: str | None = None) -> Subject:
    """What is registered under ``name``, which may be written ``KIND:NAME``.

    Raises:
        RequestError: nothing has this name (says the nearest ones), or things of two kinds have it and no kind is given.
    """
    from zoo.testing.subjects.metric import MetricSubject
    from zoo.testing.subjects.model import ModelSubject
    from zoo.testing.subjects.task import TaskSubject

    before, colon, after = name.partition(":")
    if colon and kind is None and before in KINDS:
        name, kind = after, before
    if kind is not None and kind not in KINDS:
        raise RequestError(f"the kind is {kind!r}: {nearest(kind, KINDS)}")
    classes: dict[str, type[Subject]] = {"model": ModelSubject, "task": TaskSubject, "metric": MetricSubject}
    known = {one: registry.names(f"{one}s") for one in classes if kind in (None, one)}
    found = [one for one, names in known.items() if name in names]
    if not found:
        what = kind or "model, task or metric"
        raise RequestError(f"no {what} is called {name!r}: {nearest(name, {n for names in known.values() for n in names})}")
    if len(found) > 1:
        both = " and ".join(f"a {one}" for one in found)
        raise RequestError(f"{both} are called {name!r}; write {' or '.join(f'{one}:{name}' for one in found)}")
    return classes[found[0]](name)
