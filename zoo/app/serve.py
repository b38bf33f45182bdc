"""The page served: to this machine alone, or, where it runs as a Space of the Hugging Face Hub, to those who visit it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.app.offers import offers
from zoo.catalog.loading import load
from zoo.utils.errors import RequestError, ZooError, terminable
from zoo.utils.words import say

HOST = "127.0.0.1"
LIMIT = 100_000_000
"""Bytes of a photo that is uploaded, at most."""
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1,localhost"}
"""No telemetry, and this machine is not asked for by way of another one."""
CREDIT = "Examples: china.jpg by danielbuechele and flower.jpg by vultilion, CC BY 2.0, from scikit-learn."


def serve(checkpoint: str | None = None, *, device: str = "auto", port: int | None = None, browser: bool = False) -> None:
    """Serve the page until the process is stopped; see :func:`served`. With ``browser`` it is opened there."""
    with terminable(), served(checkpoint, device=device, port=port) as url:
        say(f"the page is at {url} for this machine alone; Ctrl-C ends it" if not _is_space() else "the page is served")
        if browser:
            import webbrowser

            webbrowser.open(url)
        while True:
            time.sleep(3600)


@contextlib.contextmanager
def served(checkpoint: str | None = None, *, device: str = "auto", port: int | None = None) -> Iterator[str]:
    """Within it the page is served, at the address that it gives; its files are removed at the end.

    Args:
        checkpoint: what :func:`zoo.load` takes: the one that is chosen at first.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        port: None for the first that is free from 7860 on.

    Raises:
        RequestError: there is no such checkpoint, the page cannot show it, or the port is not free.
        ZooError: Gradio is not installed.
    """
    scratch = tempfile.TemporaryDirectory(prefix="zoo-app-", ignore_cleanup_errors=True)
    with scratch as folder, _environment({**QUIET, "GRADIO_TEMP_DIR": folder}):
        page = _launched(checkpoint, device, port, Path(folder))
        try:
            yield page.local_url
        finally:
            page.close(verbose=False)


def _launched(checkpoint: str | None, device: str, port: int | None, folder: Path) -> Any:
    try:
        import gradio
    except ImportError as error:
        raise ZooError(f"package gradio cannot be imported ({error}): pip install 'cond-zoo[app]'") from error
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from zoo.app.page import Page

    offered = offers(load(checkpoint, device) if checkpoint is not None else None)
    where = "Photos are removed an hour after the last click." if _is_space() else "Nothing leaves this machine."
    page = Page(offered, examples(), folder, device, f"{CREDIT} {where}")
    page.loaded(offered[0].name)  # so that the first visitor does not wait for it
    here = [] if _is_space() else [Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])]
    look = gradio.themes.Default(
        primary_hue="orange",
        neutral_hue="stone",
        radius_size="lg",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    try:
        page.blocks.launch(
            server_name=None if _is_space() else HOST,
            server_port=port,
            app_kwargs={"middleware": here},  # no page of another name that leads here may speak to this one
            max_file_size=LIMIT,
            share=False,
            ssr_mode=False,
            prevent_thread_lock=True,
            quiet=True,
            footer_links=[],
            css_paths=Path(__file__).with_name("look.css"),
            theme=look,
        )
    except OSError as error:
        instead = f"port {port} is taken: name another one with --port" if port else "the ports from 7860 on are taken"
        raise RequestError(f"the page cannot be served: {instead}") from error
    return page.blocks


def examples() -> list[tuple[Path, str]]:
    """Photos to begin with, each with a caption: those that come with scikit-learn."""
    from importlib.resources import files

    folder = Path(str(files("sklearn.datasets") / "images"))
    return [(path, "Example") for name in ("china.jpg", "flower.jpg") if (path := folder / name).is_file()]


def _is_space() -> bool:
    return "SPACE_ID" in os.environ


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
