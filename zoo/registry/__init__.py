"""Models, tasks, metrics and kinds of data by name: found through entry points, loaded on use, inside a guard."""

from zoo.registry.entries import (
    GROUPS,
    OWN,
    Entry,
    clash,
    create,
    distributions,
    entries,
    entries_of,
    entry,
    forget,
    load,
    looking_first,
    names,
    plugins,
    singular,
    trouble,
)
from zoo.registry.installed import Installed, normal
from zoo.registry.moved import reason

__all__ = [
    "GROUPS",
    "OWN",
    "Entry",
    "Installed",
    "clash",
    "create",
    "distributions",
    "entries",
    "entries_of",
    "entry",
    "forget",
    "load",
    "looking_first",
    "names",
    "normal",
    "plugins",
    "reason",
    "singular",
    "trouble",
]
