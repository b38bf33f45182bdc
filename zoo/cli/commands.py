"""The commands of everyday use: run, bench, sample, list, show. Each imports what it needs when it is called."""

from typing import Annotated

import typer

from zoo.cli.app import Help, app


@app.command("run")
def _run(
    model: Annotated[str | None, typer.Option(help="The model's name; see zoo list models.", metavar="NAME")] = None,
    task: Annotated[str | None, typer.Option(help="The task's name; see zoo list tasks.", metavar="NAME")] = None,
    data: Annotated[
        str | None, typer.Option(help="The data, e.g. folder:photos/; by default the task's own.", metavar="KIND[:PATH]")
    ] = None,
    n: Annotated[int, typer.Option("-n", "--samples", help="Samples of each test item.")] = 100,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pairs; by default the model's own.")] = None,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting of the model (key=), the task (task.key=) or training (training.key=).",
            metavar="KEY=VALUE",
        ),
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Score this checkpoint instead of fitting a model.", metavar="NAME|dir:PATH")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be repeated.", metavar="NAME")] = None,
    items: Annotated[int | None, typer.Option(help="Score only so many test items, spread evenly; by default all.")] = None,
    out: Annotated[
        str | None, typer.Option(help="A new folder; by default runs/<time>-<model>-<task>.", metavar="DIR")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was stopped in --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print metrics.json instead of a table.")] = False,
) -> None:
    """Fit a model to a task, sample, measure, and write a report."""
    from zoo.cli import run

    run.main(model, task, data, n, epochs, seed, device, settings or [], checkpoint, metric, items, out, resume, json)


@app.command("bench")
def _bench(
    suite: Annotated[str | None, typer.Argument(help="A suite; see zoo list suites.", metavar="SUITE")] = None,
    data: Annotated[
        str | None, typer.Option(help="The data, which also chooses among the suite's tasks.", metavar="KIND[:PATH]")
    ] = None,
    models: Annotated[str | None, typer.Option(help="These models of the suite, or these models.", metavar="NAME,...")] = None,
    tasks: Annotated[str | None, typer.Option(help="These tasks of the suite, or these tasks.", metavar="NAME,...")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds, from 0 on; by default the suite's.")] = None,
    n: Annotated[
        int | None, typer.Option("-n", "--samples", help="Samples of each test item; by default the suite's.")
    ] = None,
    items: Annotated[int | None, typer.Option(help="Test items scored, at most; by default the suite's.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes at a time; by default one a core, or one on a GPU; 0 for none but this.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The suite's quick form: minutes, to see that all of it works.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting of all models (key=) or tasks (task.key=) that have it, of one (NAME.key=), or of training.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help="A folder, which a later call goes on with; by default runs/bench-<suite>-<data>.", metavar="DIR"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print bench.json instead of tables.")] = False,
) -> None:
    """Compare models on tasks, over seeds, in one table.

    The same command again goes on where it was stopped, and takes what is done already as it is.
    """
    from zoo.cli import bench

    bench.main(suite, data, models, tasks, seeds, n, items, workers, quick, device, settings or [], out, json)


@app.command("sample")
def _sample(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint: a name of zoo list checkpoints, or dir:PATH.")],
    items: Annotated[
        list[str] | None, typer.Argument(help="Photos, or what else the task starts from.", metavar="[IMAGE]...")
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(help="What the picture is to have; a name with ! before it, what not.", metavar="NAME,NAME..."),
    ] = None,
    n: Annotated[int, typer.Option("-n", "--samples", help="Samples of each photo.")] = 20,
    out: Annotated[
        str | None, typer.Option(help="A new folder; by default runs/<time>-sample-<checkpoint>.", metavar="DIR")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same samples; by default a new one.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
) -> None:
    """Give n different photos for each photo, or n pictures with the attributes that are named."""
    from zoo.cli import sample

    sample.main(checkpoint, items or [], attributes, n, out, seed, device)


@app.command(
    "list",
    add_help_option=False,
    context_settings={"allow_extra_args": True},
    options_metavar="[models|tasks|metrics|data|checkpoints|suites|plugins]",
)
def _list(
    context: typer.Context,
    hub: Annotated[bool, typer.Option("--hub", help="List the checkpoints on the Hub; words narrow the search.")] = False,
    help: Help = False,
) -> None:
    """List what is installed, by name; nothing of it is imported."""
    from zoo.cli import listing

    listing.main(context.args, hub)


@app.command("show")
def _show(name: Annotated[str, typer.Argument(help="Of a model, task, metric, kind of data or checkpoint.")]) -> None:
    """Show what is known of one name: settings, units, sources."""
    from zoo.cli import show

    show.main(name)
