"""``zoo show``: what is known of one name."""

from __future__ import annotations

from zoo import registry
from zoo.cli.table import table
from zoo.contracts.describe import KINDS, describe
from zoo.utils.errors import RequestError, nearest


def main(name: str) -> None:
    """Print what every model, task, metric, kind of data, checkpoint or suite of that name is.

    Raises:
        RequestError: nothing has that name.
        ZooError: what has it is broken.
    """
    from zoo.catalog import checkpoints
    from zoo.catalog import suites as catalog_suites

    blocks = [_entry(kind, name) for kind in KINDS if name in registry.names(kind)]
    known = checkpoints.known().named
    if name in known:
        blocks.append(_checkpoint(name))
    suites = catalog_suites.known().named
    if name in suites:
        blocks.append(_suite(name))
    if not blocks:
        everything = {one for kind in KINDS for one in registry.names(kind)} | known.keys() | suites.keys()
        raise RequestError(f"nothing is called {name!r}: {nearest(name, everything)}")
    print("\n\n".join(blocks))


def _entry(kind: str, name: str) -> str:
    from zoo.probing.outcome import known

    entry = registry.entry(kind, name)
    if reason := known(entry).reason:
        raise entry.broken(reason)
    one = describe(kind, name)
    lines = [f"{name}: {kind if kind == 'data' else kind[:-1]}", one.summary, "", _facts(list(one.facts))]
    if one.settings:
        rows = [(s.name, s.default, s.kind, "set by this preset" if s.preset else "") for s in one.settings]
        lines += ["", table(("SETTING", "DEFAULT", "TYPE", ""), rows)]
    elif one.settings is not None:
        lines += ["", "no settings"]
    return "\n".join(lines)


def _checkpoint(name: str) -> str:
    from zoo.catalog import checkpoints

    one = checkpoints.find(name)
    facts = [
        ("model", one.model),
        ("task", one.task),
        ("source", one.source),
        ("sha256", one.sha256),
        ("from", one.owner),
        ("licence", one.licence),
        ("data", one.data),
        ("made by", one.made_by),
        *((metric, f"{value:.4g}") for metric, value in one.scores.items()),
    ]
    return "\n".join([f"{name}: checkpoint", "", _facts([fact for fact in facts if fact[1]])])


def _suite(name: str) -> str:
    from zoo.catalog import suites

    one = suites.find(name)
    tasks = "; ".join(f"{task} (data: {', '.join(kinds) or 'every kind'})" for task, kinds in one.tasks.items())
    quick = {"seeds": one.quick.seeds, "n": one.quick.n, "items": one.quick.items, **one.quick.settings}
    facts = [
        ("models", ", ".join(one.models) or "as named by --models"),
        ("tasks", tasks or "as named by --tasks"),
        ("metrics", ", ".join(one.metrics) or "all"),
        ("data", f"{one.data or 'of the task'}, where none is named"),
        ("seeds", str(one.seeds)),
        ("samples", f"{one.n} an item"),
        ("items", "all of the test split" if one.items is None else f"at most {one.items} of the test split"),
        ("settings", ", ".join(f"{key}={value}" for key, value in one.settings.items())),
        ("quick", ", ".join(f"{key}={value}" for key, value in quick.items() if value is not None)),
        ("from", one.owner),
    ]
    return "\n".join([f"{name}: suite", one.title, "", _facts([fact for fact in facts if fact[1]])])


def _facts(facts: list[tuple[str, str]]) -> str:
    width = max(len(label) for label, _ in facts)
    return "\n".join(f"{label.ljust(width)}  {value}" for label, value in facts)
