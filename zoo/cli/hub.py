"""``zoo pull``, ``zoo push`` and ``zoo list --hub``."""

from __future__ import annotations

import json as json_format
import shutil
import sys
from pathlib import Path

from zoo.cli.table import table
from zoo.errors import RequestError


def pull_main(repo: str, out: str | None, json: bool) -> None:
    """Fetch a checkpoint, check it, and print where it lies and how to load it.

    Raises:
        RequestError: it names nothing, or ``out`` holds something.
        ZooError: the Hub failed, or what came is damaged.
    """
    from zoo import checkpoints
    from zoo.files import sha256_of, whole_folder
    from zoo.hub.cache import FILES, WEIGHTS
    from zoo.hub.pull import pull
    from zoo.hub.source import parse

    folder = None if out is None else Path(out)
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} already holds something; name a new folder")
    registered = checkpoints.known().checkpoints.get(repo)
    if registered is not None:
        one = checkpoints.find(repo)
        if not one.source.startswith("hf:"):
            raise RequestError(f"checkpoint {repo!r} needs no pull: its source is {one.source}")
        source, sha256 = parse(one.source), one.sha256
    else:
        source, sha256 = parse(repo), None
    pulled = pull(source, sha256)
    place = pulled.folder
    if folder is not None:
        with whole_folder(folder) as part:
            for name in FILES:
                if (place / name).is_file():
                    shutil.copyfile(place / name, part / name)
        place = folder
    facts = {
        "repo": source.repo_id,
        "commit": pulled.revision,
        "sha256": sha256_of(place / WEIGHTS),
        "folder": str(place),
        "cached": pulled.from_cache,
        "load": f"dir:{folder}" if folder is not None else f"hf:{source.repo_id}@{pulled.revision}",
    }
    if json:
        print(json_format.dumps(facts, indent=2))
        return
    print(f"{source.repo_id} at {pulled.revision}{', as it was cached' if pulled.from_cache else ''}")
    print(f"sha256  {facts['sha256']}\nfolder  {place}\nuse     zoo.load({facts['load']!r}).sample(photo, 20)")


def push_main(folder: str, repo: str, private: bool, licence: str | None, message: str | None, json: bool) -> None:
    """Push a checkpoint and print its commit, and the lines that register it.

    Raises:
        RequestError: the folder holds no checkpoint, or there is no right to push.
        ZooError: the Hub failed.
    """
    from zoo.hub.push import push

    pushed = push(Path(folder), repo, private=private, licence=licence, message=message)
    if json:
        facts = {"repo": pushed.source.repo_id, "commit": pushed.source.revision, "url": pushed.url, "sha256": pushed.sha256}
        print(json_format.dumps({**facts, "registry": pushed.registry_block()}, indent=2))
        return
    print(f"{pushed.url} is at {pushed.source.revision}")
    print(f"\nTo give it a name, write into a registry.toml:\n\n{pushed.registry_block()}", end="")


def list_main(words: list[str]) -> None:
    """Print the checkpoints on the Hub.

    Raises:
        ZooError: the Hub cannot be reached.
    """
    from zoo.hub.search import search

    found, more = search(" ".join(words))
    if not found:
        print("no checkpoint of the zoo on the Hub has these words in its name" if words else "no checkpoint is on the Hub")
        return
    rows = [(one.repo_id, one.model, one.task, one.licence, one.changed) for one in found]
    print(table(("REPOSITORY", "MODEL", "TASK", "LICENCE", "CHANGED"), rows))
    if more:
        print(f"zoo: these are the newest {len(found)}; words narrow the search", file=sys.stderr)
