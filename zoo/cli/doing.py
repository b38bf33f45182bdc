"""The commands that fit models and measure them: run, bench."""

import os
from typing import Annotated, Any

from typer import Argument, Option

from zoo.cli.app import Device, app, print_json, stdout_is_kept, table
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.words import say

SplitSeed = Annotated[
    int, Option(help="Chooses the test items of data without a split of its own; the same for every seed.", metavar="N")
]
Sweep = Annotated[
    list[str] | None,
    Option(
        "--sweep",
        help="A row for each value of a setting (as for --set); several give the grid.",
        metavar="KEY=A,B,...",
    ),
]


@app.command()
def run(
    model: Annotated[str | None, Option(help="The model's name; see zoo list models.", metavar="NAME")] = None,
    task: Annotated[str | None, Option(help="The task's name; see zoo list tasks.", metavar="NAME")] = None,
    data: Annotated[
        str | None,
        Option(
            help="The data, e.g. folder:photos/; 'A -> B' trains on A and tests on B; by default the task's own.",
            metavar="KIND[:PATH]",
        ),
    ] = None,
    n: Annotated[int, Option("-n", "--samples", help="Samples of each test item.")] = 100,
    epochs: Annotated[int | None, Option(help="Passes over the training pairs; by default the model's own.")] = None,
    seed: Annotated[int, Option(help="Decides everything random.")] = 0,
    split_seed: SplitSeed = 0,
    device: Device = "auto",
    settings: Annotated[
        list[str] | None,
        Option(
            "--set",
            help="A setting of the model (key=), the task (task.key=) or training (training.key=); with --checkpoint one that "
            "only sampling reads.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        Option(
            help="Score this checkpoint instead of fitting a model, or the one recommended for a task.",
            metavar="NAME|hf:ORG/REPO@REV|dir:PATH|TASK",
        ),
    ] = None,
    metrics: Annotated[list[str] | None, Option("--metric", help="Only this metric; may be repeated.", metavar="NAME")] = None,
    items: Annotated[int | None, Option(help="Score only so many test items, spread evenly; by default all.")] = None,
    sweep: Sweep = None,
    out: Annotated[str | None, Option(help="A new folder; by default runs/<time>-<model>-<task>.", metavar="DIR")] = None,
    resume: Annotated[bool, Option("--resume", help="Go on with the run that was stopped in --out.")] = False,
    track: Annotated[
        str | None, Option(help="Send the curves of the fit to tensorboard, wandb, mlflow or trackio.", metavar="NAME")
    ] = None,
    json: Annotated[bool, Option("--json", help="Print metrics.json instead of a table.")] = False,
) -> None:
    """Fit a model to a task, sample, measure, and write a report.

    With --sweep it is a bench of the model, a row for each setting.
    """
    given = locals() | {"settings": settings_of(settings), "metrics": metrics or None}
    del given["json"], given["sweep"]
    if sweep:
        _sweep(given, sweep, json)
        return
    from zoo.running.plan import Request

    request = Request(**given)
    from zoo.catalog.recommended import another, meant
    from zoo.measuring.standing import in_order
    from zoo.running.run import execute

    if checkpoint is not None and checkpoint != (named := meant(checkpoint)):
        say(f"checkpoint {named}", err=True)
    with stdout_is_kept(json):
        result = execute(request)
    if os.environ.get("RANK", "0") != "0":
        return
    for name, reason in result.skipped.items():
        say(f"{name} was left out: {reason}", err=True)
    if json:
        print_json(result.metrics)
    else:
        rows = [("METRIC", "VALUE", "95 % INTERVAL", "BETTER", "UNIT")]
        for name, s in ((name, result.scores[name]) for name in in_order(result.scores)):
            rows.append((name, f"{s.value:.5g}", f"{s.low:.5g} to {s.high:.5g}", s.better or "-", s.unit))
        say(table(*rows), lines=True)
        if result.verdict is not None:
            say(f"\n{result.verdict.text}\n", lines=True)
        if better := another(result.metrics["task"], result.metrics["model"]):
            say(better)
    from zoo.reporting.training import told
    from zoo.running.folder import plain

    if words := told(plain(result.history), str(request.parts["training"].get("validate_by", "energy_score"))):
        say(words, err=json)
    times = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in result.seconds.items())
    say(times, err=json)
    say(f"report: {result.out / 'report.html'}", err=json)


@app.command()
def bench(
    suite: Annotated[str | None, Argument(help="A suite; see zoo list suites.", metavar="SUITE")] = None,
    data: Annotated[
        str | None, Option(help="The data, which also chooses among the suite's tasks.", metavar="KIND[:PATH]")
    ] = None,
    models: Annotated[str | None, Option(help="These models of the suite, or these models.", metavar="NAME,...")] = None,
    tasks: Annotated[str | None, Option(help="These tasks of the suite, or these tasks.", metavar="NAME,...")] = None,
    seeds: Annotated[int | None, Option(help="How many seeds, from 0 on; by default the suite's.")] = None,
    split_seed: SplitSeed = 0,
    n: Annotated[int | None, Option("-n", "--samples", help="Samples of each test item; by default the suite's.")] = None,
    items: Annotated[int | None, Option(help="Test items scored, at most; by default the suite's.")] = None,
    workers: Annotated[
        int | None, Option(help="Processes at a time; by default one a core, or one on a GPU; 0 for none but this.")
    ] = None,
    fair: Annotated[
        float | None,
        Option(help="Fit every model for so many processor seconds, however many steps that are.", metavar="SECONDS"),
    ] = None,
    tune: Annotated[
        int, Option(help="Fits to choose the settings of each model by, on a split of its training pairs.", metavar="FITS")
    ] = 0,
    tune_by: Annotated[
        str | None,
        Option("--tune-by", help="The metric that they are chosen by; by default the energy score.", metavar="NAME"),
    ] = None,
    sweep: Sweep = None,
    metrics: Annotated[
        list[str] | None, Option("--metric", help="Only this metric; may be repeated; by default the suite's.", metavar="NAME")
    ] = None,
    references: Annotated[
        bool, Option(" /--no-references", help="Leave out the answers that the models are compared with.")
    ] = True,
    quick: Annotated[bool, Option("--quick", help="The suite's quick form: minutes, to see that all of it works.")] = False,
    engine: Annotated[
        str, Option(help="What does the runs: local, or dask:ADDRESS for a cluster (extra cluster).", metavar="ENGINE")
    ] = "local",
    shard: Annotated[
        str | None, Option(help="Do the I-th of N shares only, as one job of an array, in OUT/shards.", metavar="I/N")
    ] = None,
    collect: Annotated[
        str | None, Option(help="Make the tables of what the shards in this folder have done.", metavar="OUT")
    ] = None,
    device: Device = "auto",
    settings: Annotated[
        list[str] | None,
        Option(
            "--set",
            help="A setting of all models (key=) or tasks (task.key=) that have it, of one (NAME.key=), or of training.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    out: Annotated[
        str | None,
        Option(help="A folder, which a later call goes on with; by default runs/bench-<suite>-<data>.", metavar="DIR"),
    ] = None,
    json: Annotated[bool, Option("--json", help="Print bench.json instead of tables.")] = False,
) -> None:
    """Compare models on tasks, over seeds, in one table.

    The same command again goes on where it was stopped, and takes what is done already as it is.
    """
    from zoo.benching.sweep import read_sweep

    given = locals() | {"settings": settings_of(settings), "sweep": read_sweep(sweep or ()), "metrics": metrics or None}
    given |= {key: None if given[key] is None else given[key].split(",") for key in ("models", "tasks")}
    del given["json"], given["read_sweep"]
    _bench(given, json)


def _sweep(asked: dict[str, Any], sweep: list[str], json: bool) -> None:
    """Do the bench that a run over settings is."""
    from zoo.benching.sweep import read_sweep

    alone = ("checkpoint", "a checkpoint is scored as it is"), ("track", "the curves of one run are tracked, not of a sweep")
    for name, what in (*alone, ("seed", "seeds of a sweep are 0 and on")):
        if asked[name]:
            raise RequestError(f"{what}: leave out {name}" + ("; zoo bench --sweep has --seeds" if name == "seed" else ""))
    for name in ("model", "task"):
        if asked[name] is None:
            raise RequestError(f"no {name} is named, and a sweep is of one: --{name} NAME")
    given = {name: asked[name] for name in ("data", "n", "device", "items", "out", "metrics", "split_seed")}
    settings = asked["settings"] | ({} if asked["epochs"] is None else {"training.epochs": asked["epochs"]})
    given |= {"models": [asked["model"]], "tasks": [asked["task"]], "settings": settings, "seeds": 1, "references": False}
    _bench(given | {"sweep": read_sweep(sweep)}, json)


def _bench(given: dict[str, Any], json: bool) -> None:
    from zoo.benching.plan import BenchRequest

    request, shard = BenchRequest(**given), given.get("shard")
    from zoo.benching.bench import execute
    from zoo.benching.tables.shown import HOW_TIED, ranking, task_table

    with stdout_is_kept(json):
        result = execute(request)
    if json:
        print_json(result.bench)
    elif shard is None:
        for task in result.bench["tasks"]:
            shown = task_table(result.bench, task)
            heads, *rows = ([entry.text for entry in row if not entry.published] for row in (shown.heads, *shown.rows))
            say(table([task.upper(), *(head.upper() for head in heads[1:])], *rows), end="\n\n", lines=True)
            if HOW_TIED in shown.notes:
                say(HOW_TIED, end="\n\n")
            for line in (shown.headline, *(f"{model}: {said}" for model, said in shown.verdicts.items())):
                if line:
                    say(line, end="\n\n")
        if ranks := ranking(result.bench):
            say(table(("MODEL", "MEAN RANK"), *ranks[0]), end="\n\n", lines=True)
            say(ranks[1], end="\n\n")
    if shard is None:
        say(f"report: {result.out / 'report.html'}", err=json)
    else:
        done = len(result.bench["cells"]) - len(result.failed)
        say(f"shard {shard}: {done} runs are done; zoo bench --collect {result.out.parent.parent} makes the tables", err=json)
    if result.failed:
        count, total = len(result.failed), len(result.bench["cells"])
        raise ZooError(f"{count} of {total} runs failed: {'; '.join(result.failed)}")


def settings_of(words: list[str] | None) -> dict[str, str]:
    """``KEY=VALUE`` words as a dictionary; the later of two of one key counts."""
    settings = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise RequestError(f"--set {word!r}: write KEY=VALUE")
        settings[key.strip()] = value.strip()
    return settings
