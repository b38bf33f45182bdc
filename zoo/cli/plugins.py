"""Faults of third parties' distributions: those that are known, and ``zoo list plugins``, which finds out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from zoo import registry
from zoo.cli.output import table
from zoo.probing.outcome import Outcome, kept
from zoo.registry import Installed

MOST = 8
"""Names of what a distribution brings, up to which they are listed."""


def fault(entry: registry.Entry, tried: Mapping[str, Outcome]) -> str:
    """A clause on what is wrong with an entry, by its metadata and by what came of trying; "" where nothing is known."""
    if entry.distribution == registry.OWN:
        return ""
    if clash := registry.clash(entry):
        return clash
    if trouble := registry.trouble(entry):
        return f"broken: {trouble}"
    outcome = tried.get(entry.distribution, {}).get((entry.kind, entry.name))
    if outcome is None:
        return ""
    return f"broken: {outcome.reason}" if outcome.reason else ", ".join(outcome.faults)


def tried_before() -> dict[str, Outcome]:
    """The outcomes of trying third parties' distributions, by their names, as far as it is kept; imports nothing of theirs."""
    return {plugin.name: outcome for plugin in _third_parties() if (outcome := kept(plugin)) is not None}


def plugin_table() -> str:
    """The table of all distributions that bring something; what was not tried yet is tried, elsewhere."""
    from zoo.catalog import checkpoints, suites
    from zoo.probing.probe import outcomes
    from zoo.probing.requirements import lacking

    tried = outcomes(_third_parties())
    files = (checkpoints.known().broken, suites.known().broken)
    rows = []
    for plugin in sorted(registry.plugins(), key=lambda plugin: (plugin.name != registry.OWN, plugin.name)):
        wrong = [f"broken: {plugin.trouble}"] if plugin.trouble else []
        if plugin.name != registry.OWN:
            wrong += [f"broken: {clause}" for clause in lacking(plugin)]
        owner = f"{plugin.name} {plugin.version}"
        wrong += [broken[owner] for broken in files if owner in broken]
        for entry in registry.entries_of(plugin):
            if clause := fault(entry, tried):
                wrong.append(f"{_words(entry)}: {clause}")
        state = "built in" if plugin.name == registry.OWN else "sound"
        if state == "sound" and not plugin.trouble and plugin.name not in tried:
            wrong.append("it could not be tried")
        rows.append((plugin.name, plugin.version, _brings(plugin), "; ".join(wrong) or state))
    return table(("PLUGIN", "VERSION", "BRINGS", "STATE"), *rows)


def _third_parties() -> list[Installed]:
    """The distributions of others whose metadata can be read."""
    return [plugin for plugin in registry.plugins() if plugin.name != registry.OWN and not plugin.trouble]


def _brings(plugin: Installed) -> str:
    """The things that a distribution brings, by name, or counted where that is much."""
    entries = registry.entries_of(plugin)
    words = list(dict.fromkeys(map(_words, entries)))
    if len(words) > MOST:
        counts = Counter("kinds of data" if entry.kind == "data" else entry.kind for entry in entries)
        words = [kind if kind == "checkpoints" else f"{count} {kind}" for kind, count in counts.items()]
    return ", ".join(words) or "?"


def _words(entry: registry.Entry) -> str:
    # What an entry of checkpoints is called says nothing; that there are some does.
    return "checkpoints" if entry.kind == "checkpoints" else f"{registry.singular(entry.kind)} {entry.name}"
