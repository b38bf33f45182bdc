"""The commands that tell what there is: list, show."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from zoo import registry
from zoo.cli.app import Help, app
from zoo.cli.output import table
from zoo.utils.errors import RequestError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRIES = ("models", "tasks", "metrics", "data")
KINDS = (*ENTRIES, "checkpoints", "suites", "plugins")


@app.command(
    "list",
    add_help_option=False,
    context_settings={"allow_extra_args": True},
    options_metavar="[models|tasks|metrics|data|checkpoints|suites|plugins]",
)
def list_(
    context: typer.Context,
    hub: Annotated[bool, Option("--hub", help="List the checkpoints on the Hub; words narrow the search.")] = False,
    help: Help = False,
) -> None:
    """List what is installed, by name; nothing of it is imported."""
    kind, *more = words = context.args or [""]
    if hub:
        _list_hub(context.args)
    elif not kind:
        print("\n\n".join([_entries(ENTRIES), _checkpoints(), _suites()]))
    elif more:
        raise RequestError(f"list one kind at a time, not {' '.join(words)!r}: {', '.join(KINDS)}")
    elif kind == "checkpoints":
        print(_checkpoints())
    elif kind == "suites":
        print(_suites())
    elif kind == "plugins":
        from zoo.cli.plugins import plugin_table

        print(plugin_table())
    elif kind in ENTRIES:
        print(_entries((kind,)))
    else:
        raise RequestError(f"there is nothing to list called {kind!r}: {nearest(kind, KINDS)}")


def _entries(kinds: Sequence[str]) -> str:
    from zoo.cli.plugins import fault, tried_before

    for plugin in registry.plugins():
        if plugin.trouble:
            print(f"zoo: {plugin.name} is broken: {plugin.trouble}", file=sys.stderr)
    tried = tried_before()
    rows = [
        (kind, name, entry.value, entry.distribution, entry.version, fault(entry, tried))
        for kind in kinds
        for name, entries in registry.entries(kind).items()
        for entry in entries
    ]
    return table(("KIND", "NAME", "OBJECT", "DISTRIBUTION", "VERSION", ""), *rows)


def _checkpoints() -> str:
    from zoo.catalog.checkpoints import WEIGHTS, known, largest, place_of

    registered = known()
    _say_broken(registered.broken)
    if not registered.named:
        return "no checkpoints are registered"
    claims = [(claim, len(several) > 1) for several in registered.named.values() for claim in several]
    columns = list(dict.fromkeys(column for claim, _ in claims for column in largest(claim.scores)))
    rows = []
    for claim, twice in claims:
        folder = place_of(claim)
        here = "no" if folder is None else "cached" if claim.source.startswith("hf:") else "yes"
        size = claim.size if folder is None else (folder / WEIGHTS).stat().st_size
        scores = [f"{claim.scores[column]:.4g}" if column in claim.scores else "-" for column in columns]
        weight = f"{size / 1e6:.1f} MB" if size else "-"
        facts = (claim.name, claim.task, claim.model, claim.source, weight, here)
        rows.append((*facts, *scores, claim.owner, "unusable: two plugins bring it" if twice else ""))
    heads = ("CHECKPOINT", "TASK", "MODEL", "SOURCE", "SIZE", "HERE", *(column.upper() for column in columns), "FROM", "")
    return table(heads, *rows)


def _suites() -> str:
    from zoo.catalog.suites import known

    registered = known()
    _say_broken(registered.broken)
    rows = []
    for name, claims in registered.named.items():
        for claim in claims:
            note = "unusable: two plugins bring it" if len(claims) > 1 else ""
            models, tasks = str(len(claim.models) or "as named"), ", ".join(claim.tasks) or "as named"
            rows.append((name, models, tasks, claim.title, claim.owner, note))
    return table(("SUITE", "MODELS", "TASKS", "TITLE", "FROM", ""), *rows) if rows else "no suites are registered"


def _say_broken(reasons: "Mapping[str, str]") -> None:
    for reason in reasons.values():
        print(f"zoo: {reason}", file=sys.stderr)


def _list_hub(words: list[str]) -> None:
    from zoo.hub.search import search

    hits, more = search(words)
    if not hits:
        print(f"no checkpoint on the Hub has the words {' '.join(words)!r}" if words else "no checkpoint is on the Hub")
        return
    rows = [
        (hit.repo_id, hit.model, hit.task, hit.changed, f"{hit.size / 1e6:.1f} MB" if hit.size else "-", hit.licence or "-")
        for hit in hits
    ]
    print(table(("REPOSITORY", "MODEL", "TASK", "UPDATED", "SIZE", "LICENCE"), *rows))
    if more:
        print(f"zoo: there are more than these {len(hits)}, the newest; words narrow the search", file=sys.stderr)


@app.command()
def show(name: Annotated[str, Argument(help="Of a model, task, metric, kind of data or checkpoint.")]) -> None:
    """Show what is known of one name: settings, units, sources."""
    from zoo.catalog import checkpoints, suites

    blocks = [_about_entry(kind, name) for kind in ENTRIES if name in registry.names(kind)]
    weights, benches = checkpoints.known().named, suites.known().named
    if name in weights:
        blocks.append(_about_checkpoint(name))
    if name in benches:
        blocks.append(_about_suite(name))
    if not blocks:
        everything = {known for kind in ENTRIES for known in registry.names(kind)} | weights.keys() | benches.keys()
        raise RequestError(f"nothing is called {name!r}: {nearest(name, everything)}")
    print("\n\n".join(blocks))


def _about_entry(kind: str, name: str) -> str:
    from zoo.contracts.describe import describe
    from zoo.probing.outcome import known

    entry = registry.entry(kind, name)
    if reason := known(entry).reason:
        raise entry.broken(reason)
    about = describe(kind, name)
    lines = [f"{name}: {registry.singular(kind)}", about.summary, "", table(*about.facts)]
    if about.settings:
        rows = [(s.name, s.default, s.kind, "set by this preset" if s.preset else "") for s in about.settings]
        lines += ["", table(("SETTING", "DEFAULT", "TYPE", ""), *rows)]
    elif about.settings is not None:
        lines += ["", "no settings"]
    return "\n".join(lines)


def _about_checkpoint(name: str) -> str:
    from zoo.catalog import checkpoints

    checkpoint = checkpoints.find(name)
    labels = ("model", "task", "source", "sha256", "owner", "licence", "data", "made_by")
    words = {"owner": "from", "made_by": "made by"}
    facts = [(words.get(label, label), getattr(checkpoint, label)) for label in labels]
    facts += [(metric, f"{value:.4g}") for metric, value in checkpoint.scores.items()]
    return "\n".join([f"{name}: checkpoint", "", table(*((label, value) for label, value in facts if value))])


def _about_suite(name: str) -> str:
    from zoo.catalog import suites

    suite = suites.find(name)
    tasks = "; ".join(f"{task} (data: {', '.join(kinds) or 'every kind'})" for task, kinds in suite.tasks.items())
    quick = {"seeds": suite.quick.seeds, "n": suite.quick.n, "items": suite.quick.items, **suite.quick.settings}
    facts = [
        ("models", ", ".join(suite.models) or "as named by --models"),
        ("tasks", tasks or "as named by --tasks"),
        ("metrics", ", ".join(suite.metrics) or "all"),
        ("data", f"{suite.data or 'of the task'}, where none is named"),
        ("seeds", str(suite.seeds)),
        ("samples", f"{suite.n} an item"),
        ("items", "all of the test split" if suite.items is None else f"at most {suite.items} of the test split"),
        ("settings", ", ".join(f"{key}={value}" for key, value in suite.settings.items())),
        ("quick", ", ".join(f"{key}={value}" for key, value in quick.items() if value is not None)),
        ("from", suite.owner),
    ]
    return "\n".join([f"{name}: suite", suite.title, "", table(*((label, value) for label, value in facts if value))])
