"""The commands for sharing: pull, push, verify, check, new. Each imports what it needs when it is called."""

from typing import Annotated

import typer

from zoo.cli.app import app

_JSON = typer.Option("--json", help="Print the outcome as JSON.")


@app.command("pull")
def _pull(
    repo: Annotated[str, typer.Argument(help="Of the Hub, or a checkpoint's name.", metavar="ORG/REPO[@REV]|NAME")],
    out: Annotated[
        str | None, typer.Option(help="A new folder for a copy; by default it stays in the cache alone.", metavar="DIR")
    ] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Fetch a checkpoint from the Hub into the cache, and check every byte of it."""
    from zoo.cli import hub

    hub.pull_main(repo, out, json)


@app.command("push")
def _push(
    folder: Annotated[str, typer.Argument(help="A checkpoint's folder, or that of a finished run.", metavar="DIR")],
    repo: Annotated[str, typer.Argument(help="Where to; it is made if it is not there.", metavar="ORG/REPO")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    licence: Annotated[str | None, typer.Option(help="An SPDX name, for the card.", metavar="NAME")] = None,
    message: Annotated[str | None, typer.Option("-m", "--message", help="What changed, in one line.")] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Push a checkpoint to the Hub, in one commit: weights, config, card, pictures."""
    from zoo.cli import hub

    hub.push_main(folder, repo, private, licence, message, json)


@app.command("verify")
def _verify(
    checkpoints: Annotated[
        list[str] | None, typer.Argument(help="Names, hf:ORG/REPO@REV or dir:PATH.", metavar="CHECKPOINT...")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every registered checkpoint that is here or cached.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "cpu",
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Check that checkpoints are what they were: their hash, their golden samples, one small score."""
    from zoo.cli import verify

    verify.main(checkpoints or [], all_, device, json)


@app.command("check")
def _check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Of models, tasks and metrics, or KIND:NAME where one name is of two kinds.", metavar="NAME..."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything that is installed.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this check; may be repeated.", metavar="CHECK")] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Check that models, tasks and metrics keep the contracts of the zoo."""
    from zoo.cli import check

    check.main(names or [], all_, only or [], json)


@app.command("new")
def _new(
    what: Annotated[str, typer.Argument(help="What to make: plugin.", metavar="plugin")],
    name: Annotated[str, typer.Argument(help="Of the plugin, for example zoo-tides.")],
    out: Annotated[str | None, typer.Option(help="A new folder; by default NAME, here.", metavar="DIR")] = None,
) -> None:
    """Write a whole plugin package to start from: a model, a task and a metric of your own, with tests that pass."""
    from zoo.cli import new

    new.main(what, name, out)
