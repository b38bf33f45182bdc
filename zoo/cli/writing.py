"""The commands for who writes plugins: check, new."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from zoo import registry
from zoo.cli.app import AsJson, app, print_json
from zoo.utils.errors import RequestError, ZooError, nearest
from zoo.utils.words import say, typed, visible

if TYPE_CHECKING:
    from zoo.testing.outcome import Outcome, Result
    from zoo.testing.verdicts import Kind

    Wanted = list[tuple[str, Kind, tuple[str, ...]]]

PARTS = "ran", "skipped", "expected", "failed", "missing"
AT_ONCE = 4
"""Subjects checked at a time, at most: each loads torch."""


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        Argument(
            help="Of models, tasks, metrics and data (NAME:PATH), or KIND:NAME where one name is of two kinds.",
            metavar="NAME...",
        ),
    ] = None,
    all_: Annotated[bool, Option("--all", help="Everything that is installed.")] = False,
    only: Annotated[list[str] | None, Option(help="Only this check; may be repeated.", metavar="CHECK")] = None,
    json: AsJson = False,
) -> None:
    """Check that models, tasks, metrics and kinds of data keep the contracts of the zoo."""
    outcomes = _outcomes(_wanted(names or [], all_, tuple(only or ())))
    if json:
        rows = [
            {"kind": outcome.kind, "name": outcome.name, "ok": outcome.ok, "checks": len(outcome.should)}
            | {part: getattr(outcome, part) for part in PARTS}
            for outcome in outcomes
        ]
        print_json({"ok": all(outcome.ok for outcome in outcomes), "checked": rows})
    else:
        for outcome in outcomes:
            say(_block(outcome), lines=True)
        ran, skipped, expected, failed, missing, should = (
            sum(len(getattr(outcome, part)) for outcome in outcomes) for part in (*PARTS, "should")
        )
        say(
            f"{len(outcomes)} checked: {ran} ran, {skipped} skipped, {expected} expected to fail, {failed} failed, "
            f"{missing} did not run, of {should} checks"
        )
    wrong = [f"{outcome.kind} {outcome.name}" for outcome in outcomes if not outcome.ok]
    if wrong:
        raise ZooError(f"{', '.join(wrong)} {'does' if len(wrong) == 1 else 'do'} not keep the contracts of the zoo")


def _wanted(names: list[str], all_: bool, only: tuple[str, ...]) -> "Wanted":
    """The names, kinds and checks that are wanted. With ``all_``, things of whose kind no check is wanted are left out."""
    from zoo.testing.checking import checks, chosen, subject_of
    from zoo.testing.verdicts import KINDS

    if all_ == bool(names):
        raise RequestError(f"name what to check, or write --all{': not both' if names else ''}")
    if not all_:
        subjects = dict.fromkeys((subject.name, subject.kind) for subject in map(subject_of, names))
        return [(name, kind, only) for name, kind in subjects]
    mine = {kind: tuple(check.name for check in checks(kind) if check.name in only) for kind in KINDS}
    for name in only:
        if not any(name in of_kind for of_kind in mine.values()):
            chosen("model", (name,))
    return [
        (name, kind, mine[kind]) for kind in KINDS if mine[kind] or not only for name in registry.names(registry.plural(kind))
    ]


def _outcomes(wanted: "Wanted") -> "list[Outcome]":
    from concurrent.futures import ThreadPoolExecutor, wait

    from zoo.probing.children import stop_all
    from zoo.testing.apart import check_apart
    from zoo.testing.checking import chosen
    from zoo.utils.progress import progress

    total = sum(len(chosen(kind, only)) for _, kind, only in wanted)
    lock, stopped = threading.Lock(), threading.Event()
    with progress(total, "check") as bar:

        def run(name: str, kind: "Kind", only: tuple[str, ...]) -> "Outcome":
            def tell(result: "Result") -> None:
                if stopped.is_set():
                    raise KeyboardInterrupt
                with lock:
                    bar.update(bar.done + 1, now=f"{kind} {name}")

            return check_apart(name, kind, only, tell=tell)

        with ThreadPoolExecutor(max(1, min(AT_ONCE, os.cpu_count() or 1, len(wanted)))) as pool:
            checking = [pool.submit(run, *one) for one in wanted]
            try:
                return [one.result() for one in checking]
            except BaseException:  # Ctrl-C above all: who waits for the pool would wait for the checks that are on
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                while wait(checking, timeout=0.05).not_done:
                    stop_all()
                raise


def _block(outcome: "Outcome") -> str:
    """One subject: its counts, and a line for each check in the order of the list; one line alone where nothing could run."""
    if outcome.missing and len(outcome.failed) == 1 == len(outcome.should) - len(outcome.missing):
        (reason,) = outcome.failed.values()
        return f"{outcome.kind} {outcome.name}: FAILED, and none of its {len(outcome.should)} checks could run: {reason}"
    reasons = {
        "skipped   {}: {}": outcome.skipped,
        "expected  {}: it fails, as it says of itself: {}": outcome.expected,
        "FAILED    {}: {}": outcome.failed,
    }
    lines = [str(outcome)]
    for name in outcome.should:
        known = (line.format(name, reason[name]) for line, reason in reasons.items() if name in reason)
        lines.append("  " + next(known, f"{'ran    ' if name in outcome.ran else 'NOT RUN'}   {name}"))
    return "\n".join(lines) + "\n"


@app.command()
def new(
    what: Annotated[str, Argument(help="What to make: plugin.", metavar="plugin")],
    name: Annotated[str, Argument(help="Of the plugin, for example zoo-tides.")],
    out: Annotated[str | None, Option(help="A new folder; by default NAME, here.", metavar="DIR")] = None,
) -> None:
    """Write a whole plugin package to start from: a model, a task and a metric of your own, with tests that pass."""
    if what != "plugin":
        raise RequestError(f"zoo new makes no {what!r}: {nearest(what, ('plugin',))}")
    from zoo.running.folder import check_folder
    from zoo.scaffold.plugin import names_of, write_plugin
    from zoo.utils.files import user_path

    names = names_of(name)
    folder = Path(names.distribution) if out is None else user_path(out)
    check_folder(folder)
    files = write_plugin(names, folder)
    shown = "\n".join(f"  {file}" for file in files)
    say(
        f"{names.distribution}, in {visible(folder)}:\n\n{shown}\n\n"
        f"It is whole, and works as it stands:\n\n"
        f"  {typed(['pip', 'install', '-e', str(folder)])}\n"
        f"  zoo check model:{names.stem} task:{names.task} metric:{names.metric}\n"
        f"  zoo run --model {names.stem} --task {names.task}\n\n"
        f"Then put your own model into {visible(folder / names.package / 'model.py')}, at the lines that say so, and say in\n"
        f"{visible(folder / 'pyproject.toml')} who you are and under which licence it is.",
        lines=True,
    )
