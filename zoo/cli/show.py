"""``zoo show``: what is known of one name."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from zoo import make, registry
from zoo.cli.table import table
from zoo.errors import RequestError, nearest

KINDS = ("models", "tasks", "metrics", "data")


def main(name: str) -> None:
    """Print what every model, task, metric, kind of data, checkpoint or suite of that name is.

    Raises:
        RequestError: nothing has that name.
        ZooError: what has it is broken.
    """
    from zoo import checkpoints

    blocks = [_entry(kind, name) for kind in KINDS if name in registry.names(kind)]
    known = checkpoints.known().checkpoints
    if name in known:
        blocks.append(_checkpoint(name))
    suites = checkpoints.suites()
    if name in suites:
        blocks.append(_suite(name))
    if not blocks:
        everything = {one for kind in KINDS for one in registry.names(kind)} | known.keys() | suites.keys()
        raise RequestError(f"nothing is called {name!r}: {nearest(name, everything)}")
    print("\n\n".join(blocks))


def _entry(kind: str, name: str) -> str:
    entry = registry.entry(kind, name)
    facts = [("from", f"{entry.distribution} {entry.version}, {entry.value}")]
    settings: tuple[type, dict[str, Any]] | None = None
    shown: type
    if kind == "models":
        shown, preset = make.model_class(name)
        settings = (shown.Config, preset)
        facts += [("class", shown.__name__)]
    elif kind == "tasks":
        task = make.task_class(name)
        shown, settings = task, (task.Config, {})
        facts += [("x", task.x_name), ("y", task.y_name), ("data", f"{task.data}, where none is named")]
    elif kind == "metrics":
        metric = make.metric(name)
        shown = type(metric)
        facts += [("unit", metric.unit), ("better", metric.better), ("source", metric.source)]
        if metric.needs != "samples":
            facts += [("needs", f"a model with {metric.needs}")]
    else:
        shown = make.data_class(name)
        facts += [("named as", f"{name} or {name}:PATH")]
    word = kind if kind == "data" else kind[:-1]
    lines = [f"{name}: {word}", _first_line(shown), "", _facts(facts)]
    if settings is not None:
        lines += ["", _settings(*settings)]
    return "\n".join(lines)


def _checkpoint(name: str) -> str:
    from zoo import checkpoints

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
    from zoo import checkpoints

    one = checkpoints.find_suite(name)
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


def _settings(config: type, preset: dict[str, Any]) -> str:
    """The fields of a config with their defaults, a preset's own values first among them."""
    rows = []
    for field in dataclasses.fields(config):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        value = preset.get(field.name, default)
        note = "set by this preset" if field.name in preset else ""
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        rows.append((field.name, "required" if value is dataclasses.MISSING else str(value), kind, note))
    return table(("SETTING", "DEFAULT", "TYPE", ""), rows) if rows else "no settings"


def _first_line(shown: type) -> str:
    text = inspect.getdoc(shown) if shown.__doc__ else None
    return (text or "(not described)").strip().splitlines()[0]
