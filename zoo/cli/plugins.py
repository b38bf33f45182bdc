"""What ``zoo list`` says of third parties: what is known to be wrong, and ``zoo list plugins``, which finds out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from zoo import registry
from zoo.cli.table import table
from zoo.probing.outcome import Outcome, kept
from zoo.registry import Installed

MOST = 8
"""Names of what a distribution brings, up to which they are listed."""


class Faults:
    """What is wrong with entries, as far as their metadata and what was tried before tell; imports nothing of theirs.

    Args:
        outcomes: what came of trying distributions, by their names; by default what is kept.
    """

    def __init__(self, outcomes: dict[str, Outcome] | None = None) -> None:
        self.outcomes = outcomes
        if outcomes is None:
            found = {plugin.name: kept(plugin) for plugin in third_parties()}
            self.outcomes = {name: outcome for name, outcome in found.items() if outcome is not None}

    def of(self, entry: registry.Entry) -> str:
        """What is wrong with one entry, as one clause; "" where nothing is known."""
        if entry.distribution == registry.OWN:
            return ""
        if clash := registry.clash(entry):
            return clash
        if trouble := registry.trouble(entry):
            return f"broken: {trouble}"
        tried = (self.outcomes or {}).get(entry.distribution, {}).get((entry.kind, entry.name))
        if tried is None:
            return ""
        return f"broken: {tried.reason}" if tried.reason else ", ".join(tried.faults)


def third_parties() -> list[Installed]:
    """The distributions of others whose metadata can be read."""
    return [plugin for plugin in registry.plugins() if plugin.name != registry.OWN and not plugin.trouble]


def unreadable() -> Iterator[str]:
    """A line for each distribution whose metadata cannot be read."""
    for plugin in registry.plugins():
        if plugin.trouble:
            yield f"{plugin.name} is broken: {plugin.trouble}"


def text() -> str:
    """The table of all distributions that bring something; what was not tried yet is tried, elsewhere."""
    from zoo.catalog import checkpoints, suites
    from zoo.probing.probe import outcomes
    from zoo.probing.requirements import lacking

    tried = outcomes(third_parties())
    faults, files = Faults(tried), (checkpoints.known().broken, suites.known().broken)
    rows = []
    for plugin in sorted(registry.plugins(), key=lambda plugin: (plugin.name != registry.OWN, plugin.name)):
        wrong = [f"broken: {plugin.trouble}"] if plugin.trouble else []
        if plugin.name != registry.OWN:
            wrong += [f"broken: {clause}" for clause in lacking(plugin)]
        owner = f"{plugin.name} {plugin.version}"
        wrong += [broken[owner] for broken in files if owner in broken]
        for entry in registry.entries_of(plugin):
            if fault := faults.of(entry):
                wrong.append(f"{_words(entry)}: {fault}")
        state = "built in" if plugin.name == registry.OWN else "sound"
        if state == "sound" and not plugin.trouble and plugin.name not in tried:
            wrong.append("it could not be tried")
        rows.append((plugin.name, plugin.version, _brings(plugin), "; ".join(wrong) or state))
    return table(("PLUGIN", "VERSION", "BRINGS", "STATE"), rows)


def _brings(plugin: Installed) -> str:
    """What a distribution brings: by name, or counted where that is much."""
    entries = registry.entries_of(plugin)
    words = list(dict.fromkeys(map(_words, entries)))
    if len(words) > MOST:
        counts = Counter("kinds of data" if entry.kind == "data" else entry.kind for entry in entries)
        words = [kind if kind == "checkpoints" else f"{count} {kind}" for kind, count in counts.items()]
    return ", ".join(words) or "?"


def _words(entry: registry.Entry) -> str:
    # What an entry of checkpoints is called says nothing; that there are some does.
    return "checkpoints" if entry.kind == "checkpoints" else f"{registry.singular(entry.kind)} {entry.name}"
