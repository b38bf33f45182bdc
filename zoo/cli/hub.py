"""``zoo pull``, ``zoo push`` and ``zoo list --hub``."""

from __future__ import annotations

import json as json_format
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.table import table
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from zoo.hub.source import HubSource


def pull_main(repo: str, out: str | None, json: bool) -> None:
    """Fetch a checkpoint, check it, and print where it lies and how to load it.

    Raises:
        RequestError: it names nothing, or ``out`` holds something.
        ZooError: the Hub failed, or what came is damaged.
    """
    from zoo.hub.cache import FILES, WEIGHTS
    from zoo.utils.files import sha256_of, whole_folder

    copy = None if out is None else Path(out)
    if copy is not None and copy.exists() and (not copy.is_dir() or any(copy.iterdir())):
        raise RequestError(f"{copy} already holds something; name a new folder")
    source, commit, cached, place = _have(repo)
    load = repo if source is None or commit is None else f"hf:{source.repo_id}@{commit}"
    if copy is not None:
        with whole_folder(copy) as part:
            for name in FILES:
                if (place / name).is_file():
                    shutil.copyfile(place / name, part / name)
        place, load = copy, f"dir:{copy}"
    sha256 = sha256_of(place / WEIGHTS)
    if json:
        named = None if source is None else source.repo_id
        facts = {"repo": named, "commit": commit, "sha256": sha256, "folder": str(place), "cached": cached, "load": load}
        print(json_format.dumps(facts, indent=2))
        return
    what = f"{repo} needs no pull" if source is None else f"{source.repo_id}{', which was cached' if cached else ''}"
    lines = [
        what,
        f"commit  {commit}" if commit else "",
        f"sha256  {sha256}",
        f"folder  {place}",
        f"use     zoo.load({load!r})",
    ]
    print("\n".join(line for line in lines if line))


def _have(repo: str) -> tuple[HubSource | None, str | None, bool, Path]:
    """A checkpoint by its name or its repository: its source on the Hub, commit, whether it was cached, and its folder."""
    from zoo.catalog import checkpoints
    from zoo.hub.pull import pull
    from zoo.hub.source import parse

    sha256 = None
    if repo in checkpoints.known().named:
        one = checkpoints.find(repo)
        if not one.source.startswith("hf:"):
            return None, None, True, checkpoints.folder_of(one)
        repo, sha256 = one.source, one.sha256
    source = parse(repo)
    pulled = pull(source, sha256)
    return source, pulled.revision, pulled.from_cache, pulled.folder


def push_main(folder: str, repo: str, private: bool, licence: str | None, message: str | None, json: bool) -> None:
    """Push a checkpoint and print its commit, and the lines that register it.

    Raises:
        RequestError: the folder holds no checkpoint, or there is no right to push.
        ZooError: the Hub failed.
    """
    from zoo.hub.push import push

    pushed = push(Path(folder), repo, private=private, licence=licence, message=message)
    block = pushed.registry_block()
    if json:
        facts = {"repo": pushed.source.repo_id, "commit": pushed.source.revision, "url": pushed.url, "sha256": pushed.sha256}
        print(json_format.dumps({**facts, "load": str(pushed.source), "registry": block}, indent=2))
        return
    print(f"{pushed.url}\ncommit  {pushed.source.revision}\nsha256  {pushed.sha256}\nuse     zoo.load({str(pushed.source)!r})")
    if block:
        print(f"\nTo give it a name, write into a registry.toml:\n\n{block}", end="")
    else:
        print("\nIt names no task, so it can be loaded as a model and not be registered by name.")


def list_main(words: list[str]) -> None:
    """Print the checkpoints on the Hub.

    Raises:
        ZooError: the Hub cannot be reached.
    """
    from zoo.hub.search import search

    found, more = search(words)
    if not found:
        print(f"no checkpoint on the Hub has the words {' '.join(words)!r}" if words else "no checkpoint is on the Hub")
        return
    rows = [
        (one.repo_id, one.model, one.task, one.changed, f"{one.size / 1e6:.1f} MB" if one.size else "-", one.licence or "-")
        for one in found
    ]
    print(table(("REPOSITORY", "MODEL", "TASK", "UPDATED", "SIZE", "LICENCE"), rows))
    if more:
        print(f"zoo: there are more than these {len(found)}, the newest; words narrow the search", file=sys.stderr)
