"""The subject of checks: a registered model, task or metric, with what its checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import isfunction
from typing import Any, ClassVar

from zoo import registry
from zoo.testing.verdicts import Kind


class Subject:
    """Something registered, by name; nothing of it is imported before a check asks.

    Attributes:
        name: its entry-point name.
        kind: what it is.
        cls: its class; that of a preset's model.
        make: of a model or a task, gives a new one with these settings.
        imported: what importing its module did, where that is known.
    """

    kind: ClassVar[Kind]
    cls: Any
    make: Any
    imported: Any = None

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
        return registry.entry(f"{self.kind}s", self.name)

    @property
    def config(self) -> Any:
        """Its config where it is given no settings."""
        return self.make().config

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """The checks that it says it cannot pass, each with the reason; none where it cannot be asked."""
        try:
            said = self.cls.expected_failures
        except (Exception, SystemExit):
            return {}
        return said if isinstance(said, Mapping) else {}
