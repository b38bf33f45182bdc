"""The Hub's own client, set up: the one place where it is made."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def api() -> HfApi:
    """The client, which asks ``HF_ENDPOINT`` (by default huggingface.co) with the user's token if there is one."""
    from huggingface_hub import HfApi

    from zoo.utils.version import own_version

    return HfApi(library_name="cond-zoo", library_version=own_version())


def is_offline() -> bool:
    """Whether the user wants no network: ``HF_HUB_OFFLINE`` is set."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def say(line: str) -> None:
    """One line on stderr, where a person sees it at the command line and in Python alike, however often it is said."""
    print(f"zoo: {line}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within it the client logs and warns of nothing, and shows its bars on a terminal alone.

    What it would say (each of several tries that failed, a disk that may be too small) is in the error that is raised then.
    """
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    logger = logging.getLogger("huggingface_hub")
    level, as_is = logger.level, sys.stderr.isatty() or are_progress_bars_disabled()
    logger.setLevel(logging.CRITICAL)
    if not as_is:
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        if not as_is:
            enable_progress_bars()
