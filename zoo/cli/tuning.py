"""The command that searches settings: tune."""

from typing import Annotated

from typer import Option

from zoo.cli.app import Device, app, print_json, stdout_is_kept, table
from zoo.cli.doing import SplitSeed, settings_of
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.words import say

FIRST = 5
"""Fits of each model that are printed, the best ones."""


@app.command()
def tune(
    models: Annotated[
        str | None, Option("--models", "--model", help="The models; see zoo list models.", metavar="NAME,...")
    ] = None,
    task: Annotated[str | None, Option(help="The task; see zoo list tasks.", metavar="NAME")] = None,
    data: Annotated[str | None, Option(help="The data; by default the task's own.", metavar="KIND[:PATH]")] = None,
    fits: Annotated[int, Option(help="Fits of each model.")] = 20,
    seconds: Annotated[float, Option(help="Processor seconds of each fit.", metavar="SECONDS")] = 60.0,
    by: Annotated[str | None, Option(help="The metric to search by; by default the energy score.", metavar="NAME")] = None,
    over: Annotated[
        list[str] | None,
        Option(help="Search this setting too (KEY, or MODEL.KEY): values, or a range.", metavar="KEY=A,B,...|KEY=LOW..HIGH"),
    ] = None,
    settings: Annotated[
        list[str] | None, Option("--set", help="A setting that stays, named as for zoo bench.", metavar="KEY=VALUE")
    ] = None,
    seed: Annotated[int, Option(help="Decides everything random.")] = 0,
    split_seed: SplitSeed = 0,
    n: Annotated[int, Option("-n", "--samples", help="Samples of each pair that is scored.")] = 30,
    items: Annotated[int | None, Option(help="Held-out pairs that are scored, at most; by default 200.")] = None,
    workers: Annotated[int, Option(help="Processes at a time; 0 for none but this.")] = 1,
    device: Device = "auto",
    out: Annotated[str | None, Option(help="A folder, which a later call goes on with.", metavar="DIR")] = None,
    json: Annotated[bool, Option("--json", help="Print tune.json instead of tables.")] = False,
) -> None:
    """Search the settings of models on held-out training pairs, the same number of fits and seconds for each.

    The same command again goes on where it was stopped. Test items are not read.
    """
    from zoo.searching.space import read_space
    from zoo.searching.tunes import TuneRequest

    for name, given in (("model", models), ("task", task)):
        if given is None:
            raise RequestError(f"no {name} is named: --{name} NAME")
    asked = {"over": read_space(over or ()), "settings": settings_of(settings), "models": (models or "").split(",")}
    asked |= {"task": task, "data": data, "fits": fits, "seconds": seconds, "by": by, "seed": seed, "n": n, "items": items}
    request = TuneRequest(**asked, workers=workers, device=device, out=out, split_seed=split_seed)  # type: ignore[arg-type]
    from zoo.reporting.pages import number
    from zoo.searching.tune import execute

    with stdout_is_kept(json):
        result = execute(request)
    if json:
        print_json(result.tune)
    for model in () if json else request.models:
        own = [trial for trial in result.tune["trials"] if trial["model"] == model]
        rows = [("FIT", str(own[0]["metric"] or "score").upper(), "95 % INTERVAL", "SETTINGS")]
        for trial in own[:FIRST]:
            done = trial["status"] == "done"
            value, ends = (
                (number(trial["value"]), f"{number(trial['low'])} to {number(trial['high'])}") if done else ("failed", "")
            )
            rows.append((str(trial["number"]), value, ends, trial["words"] or "none"))
        say(f"{model}, the best of {len(own)} fits:\n\n{table(*rows)}\n", lines=True)
        if model in result.commands:
            say(result.commands[model], end="\n\n")
    say(f"all fits: {result.out / 'tune.md'}", err=json)
    if lost := [model for model in request.models if model not in result.commands]:
        why = next(trial["reason"] for trial in result.tune["trials"] if trial["model"] == lost[0])
        raise ZooError(f"no fit of {', '.join(lost)} was done: {why}")
