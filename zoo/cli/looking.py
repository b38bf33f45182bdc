"""The commands that tell what there is: list, show."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from zoo import registry
from zoo.cli.app import Help, app, table
from zoo.utils.errors import RequestError, nearest
from zoo.utils.words import one_line, say

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.checkpoints import Claims
    from zoo.contracts.describe import Setting
    from zoo.probing.outcome import Outcome

ENTRIES = ("models", "tasks", "metrics", "data")
KINDS = (*ENTRIES, "checkpoints", "suites", "plugins")
MOST = 8  # names of what a distribution brings, up to which they are listed


@app.command(
    "list",
    add_help_option=False,
    context_settings={"allow_extra_args": True},
    options_metavar=f"[{'|'.join(KINDS)}]",
)
def list_(
    context: typer.Context,
    hub: Annotated[bool, Option("--hub", help="List the checkpoints on the Hub; words narrow the search.")] = False,
    help: Help = False,
) -> None:
    """List what is installed, by name; nothing of it is imported."""
    kind, *more = words = context.args or [""]
    tables = {"checkpoints": _checkpoints, "suites": _suites, "plugins": _plugins}
    if hub:
        _list_hub(context.args)
    elif more:
        raise RequestError(f"list one kind at a time, not {' '.join(words)!r}: {', '.join(KINDS)}")
    elif not kind:
        say("\n\n".join([_entries(ENTRIES), _checkpoints(), _suites()]), lines=True)
    elif kind in tables:
        say(tables[kind](), lines=True)
    elif kind in ENTRIES:
        say(_entries((kind,)), lines=True)
    else:
        raise RequestError(f"there is nothing to list called {kind!r}: {nearest(kind, KINDS)}")


def _entries(kinds: Sequence[str]) -> str:
    from zoo.probing.outcome import kept

    for plugin in registry.plugins():
        if plugin.trouble:
            say(f"zoo: {plugin.name} is broken: {plugin.trouble}", err=True)
    tried = {plugin.name: outcome for plugin in _third_parties() if (outcome := kept(plugin)) is not None}
    rows = [
        (kind, name, entry.value, entry.distribution, entry.version, _fault(entry, tried))
        for kind in kinds
        for name, entries in registry.entries(kind).items()
        for entry in entries
    ]
    return table(("KIND", "NAME", "OBJECT", "DISTRIBUTION", "VERSION", ""), *rows)


def _third_parties() -> list[registry.Installed]:
    return [plugin for plugin in registry.plugins() if plugin.name != registry.OWN and not plugin.trouble]


def _fault(entry: registry.Entry, tried: "Mapping[str, Outcome]") -> str:
    """A clause on what is wrong with an entry, by its metadata and by what came of trying; "" where nothing is known."""
    if entry.distribution == registry.OWN:
        return ""
    if clash := registry.clash(entry):
        return clash
    outcome = tried.get(entry.distribution, {}).get((entry.kind, entry.name))
    if broken := registry.trouble(entry) or (outcome.reason if outcome else ""):
        return f"broken: {broken}"
    return ", ".join(outcome.faults) if outcome else ""


def _claims(known: "Claims[Any]") -> Iterator[tuple[Any, str]]:
    """All that is registered, with what makes it unusable; says which files are broken."""
    for reason in known.broken.values():
        say(f"zoo: {reason}", err=True)
    for claims in known.named.values():
        for claim in claims:
            yield claim, "unusable: two plugins bring it" if len(claims) > 1 else ""


def _checkpoints() -> str:
    from zoo.catalog.checkpoints import WEIGHTS, known, largest, place_of

    claims = list(_claims(known()))
    if not claims:
        return "no checkpoints are registered"
    columns = list(dict.fromkeys(column for claim, _ in claims for column in largest(claim.scores)))
    rows = []
    for claim, note in claims:
        folder = place_of(claim)
        here = "no" if folder is None else "cached" if claim.source.startswith("hf:") else "yes"
        size = claim.size if folder is None else (folder / WEIGHTS).stat().st_size
        scores = [f"{claim.scores[column]:.4g}" if column in claim.scores else "-" for column in columns]
        facts = (claim.name, claim.task, claim.model, claim.source, _megabytes(size), here)
        notes = (note, "recommended" if claim.recommended else "", claim.note)
        rows.append((*facts, *scores, claim.owner, "; ".join(filter(None, notes))))
    heads = ("CHECKPOINT", "TASK", "MODEL", "SOURCE", "SIZE", "HERE", *(column.upper() for column in columns), "FROM", "")
    return table(heads, *rows)


def _megabytes(size: int | None) -> str:
    return f"{size / 1e6:.1f} MB" if size else "-"


def _suites() -> str:
    from zoo.catalog.suites import known

    rows = []
    for suite, note in _claims(known()):
        models, tasks = str(len(suite.models) or "as named"), ", ".join(suite.tasks) or "as named"
        rows.append((suite.name, models, tasks, suite.title, suite.owner, note))
    return table(("SUITE", "MODELS", "TASKS", "TITLE", "FROM", ""), *rows) if rows else "no suites are registered"


def _plugins() -> str:
    """The table of all distributions that bring something; what was not tried yet is tried, elsewhere."""
    from zoo.catalog import checkpoints, suites
    from zoo.probing.probe import lacking, outcomes

    tried = outcomes(_third_parties())
    files = (checkpoints.known().broken, suites.known().broken)
    rows = []
    for plugin in sorted(registry.plugins(), key=lambda plugin: (plugin.name != registry.OWN, plugin.name)):
        own, entries = plugin.name == registry.OWN, registry.entries_of(plugin)
        clauses = [plugin.trouble] if plugin.trouble else []
        wrong = [f"broken: {clause}" for clause in (*clauses, *([] if own else lacking(plugin)))]
        owner = f"{plugin.name} {plugin.version}"
        wrong += [broken[owner] for broken in files if owner in broken]
        faults: dict[str, list[str]] = {}  # one module that cannot be imported is one fault, whatever it would bring
        for entry in entries:
            if clause := _fault(entry, tried):
                faults.setdefault(clause, []).append(_words(entry))
        wrong += [f"{', '.join(names)}: {clause}" for clause, names in faults.items()]
        if not own and not plugin.trouble and plugin.name not in tried:
            wrong.append("it could not be tried")
        brings = list(dict.fromkeys(map(_words, entries)))
        if len(brings) > MOST:
            counts = Counter("kinds of data" if entry.kind == "data" else entry.kind for entry in entries)
            brings = [kind if kind == "checkpoints" else f"{count} {kind}" for kind, count in counts.items()]
        state = "; ".join(wrong) or ("built in" if own else "sound")
        rows.append((plugin.name, plugin.version, ", ".join(brings) or "?", state))
    return table(("PLUGIN", "VERSION", "BRINGS", "STATE"), *rows)


def _words(entry: registry.Entry) -> str:
    # What an entry of checkpoints is called says nothing; that there are some does.
    return "checkpoints" if entry.kind == "checkpoints" else f"{registry.singular(entry.kind)} {entry.name}"


def _list_hub(words: list[str]) -> None:
    from zoo.hub.search import search

    hits, more = search(words)
    if not hits:
        say(f"no checkpoint on the Hub has the words {' '.join(words)!r}" if words else "no checkpoint is on the Hub")
        return
    rows = [(hit.repo_id, hit.model, hit.task, hit.changed, _megabytes(hit.size), hit.licence or "-") for hit in hits]
    say(table(("REPOSITORY", "MODEL", "TASK", "UPDATED", "SIZE", "LICENCE"), *rows), lines=True)
    if more:
        say(f"zoo: there are more than these {len(hits)}, the newest; words narrow the search", err=True)


@app.command()
def show(
    name: Annotated[str, Argument(help="Of a model, task, metric, kind of data, suite or checkpoint; or training.")],
) -> None:
    """Show what is known of one name: settings, units, sources."""
    from zoo.catalog import checkpoints, suites

    blocks = [_about_entry(kind, name) for kind in ENTRIES if name in registry.names(kind)]
    weights, benches = checkpoints.known().named, suites.known().named
    if name in weights:
        checkpoint = checkpoints.find(name)
        labels = ("model", "task", "source", "sha256", "owner", "licence", "data", "made_by")
        words = {"owner": "from", "made_by": "made by"}
        facts = [(words.get(label, label), getattr(checkpoint, label)) for label in labels]
        facts += [("note", checkpoint.note), ("recommended", f"for {checkpoint.task}" if checkpoint.recommended else "")]
        facts.append(_sampling(checkpoints.place_of(checkpoint)))
        facts += [(metric, f"{value:.4g}") for metric, value in checkpoint.scores.items()]
        blocks.append(f"{name}: checkpoint\n\n{_facts(facts)}")
    if name.startswith(checkpoints.BY_PLACE):
        blocks.append(_about_files(name))
    if name in benches:
        blocks.append(_about_suite(name))
    if name == "training":
        blocks.append(_about_training())
    if not blocks:
        everything = {known for kind in ENTRIES for known in registry.names(kind)} | weights.keys() | benches.keys()
        everything.add("training")
        raise RequestError(f"nothing is called {name!r}: {nearest(name, everything)}")
    say("\n\n".join(blocks), lines=True)


def _about_entry(kind: str, name: str) -> str:
    from zoo.contracts.describe import describe
    from zoo.probing.outcome import known

    entry = registry.entry(kind, name)
    if reason := known(entry).reason:
        raise entry.broken(reason)
    about = describe(kind, name)
    lines = [f"{name}: {registry.singular(kind)}", one_line(about.summary), "", table(*about.facts)]
    if about.settings:
        lines += ["", _settings(about.settings)]
    elif about.settings is not None:
        lines += ["", "no settings"]
    return "\n".join(lines)


def _about_files(name: str) -> str:
    from zoo.catalog.found import facts_of, folder_of

    facts, data = facts_of(name), facts_of(name).data or {}
    known = [("model", facts.model), ("task", facts.task["name"] if facts.task else ""), ("folder", str(folder_of(name)))]
    known += [("from", " ".join(facts.plugin.values())), ("data", str(data.get("name", "")))]
    known += [_sampling(folder_of(name))]
    known += [(metric, f"{score['value']:.4g}") for metric, score in facts.scores.items()]
    return f"{name}: checkpoint\n\n{_facts(known)}"


def _sampling(folder: "Path | None") -> tuple[str, str]:
    """A row with the settings that only sampling reads, as a checkpoint has them; without words where that cannot be told."""
    from zoo.catalog.found import sampled_by
    from zoo.running.plan import written

    free = ", ".join(f"{key}={written(value)}" for key, value in sampled_by(folder).items()) if folder else ""
    return "sampling", free and f"{free} (others by --set of zoo sample)"


def _about_training() -> str:
    from zoo.contracts.describe import of_training

    about = "training: settings of the loop that fits models, given as --set training.SETTING=VALUE"
    return f"{about}\n\n{_settings(of_training())}"


def _settings(settings: "Sequence[Setting]") -> str:
    """The table of settings, each with what it is."""
    from textwrap import wrap

    rows = [("SETTING", "DEFAULT", "TYPE", "")]
    for setting in settings:
        marks = " (set by this preset)" * setting.preset + " (of sampling alone)" * setting.sampling
        first, *more = wrap(setting.says + marks, 80) or [""]
        rows += [(setting.name, setting.default, setting.kind, first.strip()), *(("", "", "", line) for line in more)]
    how = "those of sampling alone may be others for what is fitted: zoo sample CHECKPOINT ... --set SETTING=VALUE"
    return table(*rows) + (f"\n\n{how}" if any(setting.sampling for setting in settings) else "")


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
    return f"{name}: suite\n{one_line(suite.title)}\n\n{_facts(facts)}"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return table(*((label, value) for label, value in facts if value))
