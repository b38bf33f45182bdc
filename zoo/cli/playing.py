"""The command that shows the page to play with."""

from typing import Annotated

from typer import Argument, Option

from zoo.cli.app import Device, app
from zoo.utils.bounds import whole


@app.command("app")
def page(
    checkpoint: Annotated[
        str | None, Argument(help="The one to begin with, or its task; by default the first that is recommended.")
    ] = None,
    port: Annotated[int | None, Option(help="By default the first that is free from 7860 on.", metavar="PORT")] = None,
    browser: Annotated[bool, Option("--open", help="Open it in the browser.")] = False,
    device: Device = "auto",
) -> None:
    """Show a page to play with, in the browser of this machine alone: drop photos in, and choose among their samples."""
    from zoo.app.serve import serve

    serve(checkpoint, device=device, port=None if port is None else whole(port, "port", 1, 65535), browser=browser)
