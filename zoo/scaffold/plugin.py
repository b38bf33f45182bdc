"""A whole plugin from one name: all the names that it needs, and the templates filled in with them."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path
from typing import NamedTuple

from zoo import registry
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import read_text, whole_folder, write_text

TEMPLATES = Path(__file__).parent / "template"
"""Files whose names end in ``.template``, without which tools would take them for code; ``@TASK@`` is ``Names.task``."""


class Names(NamedTuple):
    """The names of a new plugin: for pip, for imports, of the model, and the beginning of those of classes."""

    distribution: str
    package: str
    stem: str
    prefix: str

    @property
    def task(self) -> str:
        return f"{self.stem}-task"

    @property
    def metric(self) -> str:
        return f"{self.stem.replace('-', '_')}_error"


def names_of(name: str) -> Names:
    """The names of a plugin to be called ``name`` (``zoo-rain``); refuses (RequestError) what cannot be or is taken."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        raise RequestError(
            f"{name!r} is no name of a distribution: write letters, digits, and dashes between them, for example zoo-rain"
        )
    words = re.split(r"[._-]+", name.lower())
    stem = words[1:] if words[0] == "zoo" and len(words) > 1 else words
    names = Names("-".join(words), "_".join(words), "-".join(stem), "".join(word.capitalize() for word in stem))
    taken = names.package in {*sys.stdlib_module_names, *keyword.kwlist, "zoo", "torch", "numpy"}
    if taken or not names.package.isidentifier() or not names.prefix.isidentifier():
        raise RequestError(
            f"{name!r} makes the package {names.package!r}, which cannot be imported under that name; choose another, "
            "for example zoo-rain"
        )
    for kind, own in (("models", names.stem), ("tasks", names.task), ("metrics", names.metric)):
        for entry in registry.entries(kind).get(own, []):
            raise RequestError(
                f"{names.distribution!r} would bring a {registry.singular(kind)} called {own!r}, and {entry.owner} has that "
                "name; choose another"
            )
    if any(plugin.name == names.distribution for plugin in registry.plugins()):
        raise RequestError(f"a plugin called {names.distribution!r} is installed; choose another name")
    return names


def write_plugin(names: Names, folder: Path) -> list[Path]:
    """Write a plugin with these names to a new ``folder``, whole or not at all; gives the files, relative to it."""
    templates = list(TEMPLATES.rglob("*.template"))
    if not templates:
        raise ZooError("this installation of cond-zoo lacks the templates of zoo.scaffold; install it again")
    written = []
    with whole_folder(folder) as part:
        for template in templates:
            parts = template.relative_to(TEMPLATES).with_suffix("").parts
            path = Path(*(names.package if name == "package" else name for name in parts))
            text = read_text(template)
            write_text(part / path, re.sub("@([A-Z]+)@", lambda mark: str(getattr(names, mark[1].lower())), text))
            written.append(path)
    return sorted(written)
