"""The command that tells what to cite."""

from typing import Annotated

from typer import Argument

from zoo.cli.app import app
from zoo.utils.words import say


@app.command()
def cite(
    names: Annotated[
        list[str] | None,
        Argument(help="Of models, tasks, metrics or checkpoints (hf: and dir: too).", metavar="NAME..."),
    ] = None,
) -> None:
    """Print what to cite, as BibTeX: the papers behind what is named, and this package."""
    from zoo.catalog.citing import cited, own

    entries: dict[str, None] = {}
    for name in names or ():
        found = cited(name)
        if not found:
            say(f"{name}: no paper is named for it", err=True)
        entries |= dict.fromkeys(found)
    say("\n\n".join([*entries, own()]), lines=True)
