"""From one name to all that a new package needs."""

from __future__ import annotations

import keyword
import re
import sys
from typing import NamedTuple

from zoo import registry
from zoo.utils.errors import RequestError


class Names(NamedTuple):
    """The names of a new plugin and of what is in it.

    Attributes:
        distribution: what pip installs.
        package: what Python imports.
        stem: the entry-point name of the model; the task and the metric are called after it.
        cls: the beginning of the names of classes.
    """

    distribution: str
    package: str
    stem: str
    cls: str

    @property
    def task(self) -> str:
        """The entry-point name of the task."""
        return f"{self.stem}-task"

    @property
    def metric(self) -> str:
        """The entry-point name of the metric."""
        return f"{self.stem.replace('-', '_')}_error"


def names_of(name: str) -> Names:
    """All names of a plugin that is to be called ``name``, a distribution's name such as ``zoo-rain``.

    Raises:
        RequestError: it is no name of a distribution, makes no name of a package, or something of that name is installed.
    """
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        raise RequestError(
            f"{name!r} is no name of a distribution: write letters, digits, and dashes between them, for example zoo-rain"
        )
    words = re.split(r"[._-]+", name.lower())
    stem = words[1:] if words[0] == "zoo" and len(words) > 1 else words
    names = Names("-".join(words), "_".join(words), "-".join(stem), "".join(word.capitalize() for word in stem))
    taken = names.package in sys.stdlib_module_names or names.package in {"zoo", "torch", "numpy"}
    if not names.package.isidentifier() or not names.cls.isidentifier() or keyword.iskeyword(names.package) or taken:
        raise RequestError(
            f"{name!r} makes the package {names.package!r}, which cannot be imported under that name; choose another, "
            "for example zoo-rain"
        )
    _check_free(names)
    return names


def _check_free(names: Names) -> None:
    for kind, name in (("models", names.stem), ("tasks", names.task), ("metrics", names.metric)):
        for entry in registry.entries(kind).get(name, []):
            raise RequestError(
                f"{names.distribution!r} would bring a {registry.singular(kind)} called {name!r}, and {entry.owner} has that "
                "name; choose another"
            )
    if any(plugin.name == names.distribution for plugin in registry.plugins()):
        raise RequestError(f"a plugin called {names.distribution!r} is installed; choose another name")
