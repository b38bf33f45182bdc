"""A whole round trip in a process of its own, with the client that its path finds first; prints what came of it as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import huggingface_hub
import torch

from zoo.hub.cache import cached_folder
from zoo.hub.pull import pull
from zoo.hub.push import push
from zoo.hub.search import search
from zoo.hub.source import parse
from zoo.saving.checkpoint import load
from zoo.utils.errors import ZooError


def samples(folder: Path) -> list[float]:
    model = load(folder)
    x = torch.rand(2, *model.x_shape, generator=torch.Generator().manual_seed(0))
    return list(model.sample(x, 3, seed=1).flatten().tolist())


def refusal(source: str) -> list[str | int]:
    try:
        pull(parse(source))
    except ZooError as error:
        return [str(error), error.exit_code]
    return ["it was pulled", 0]


def main(folder: str, repo: str) -> None:
    pushed = push(Path(folder), repo, licence="mit")
    pulled = pull(parse(repo), pushed.sha256)
    again = pull(pushed.source)
    found = {
        "version": huggingface_hub.__version__,
        "pushed": samples(Path(folder)),
        "pulled": samples(pulled.folder),
        "commit": [pushed.source.revision, pulled.revision, again.revision],
        "cached": [pulled.from_cache, again.from_cache, cached_folder(parse(repo)) == pulled.folder],
        "listed": [one.repo_id for one in search(["toy"])[0]],
        "blobs": sorted(path.name for path in pulled.folder.parents[1].glob("blobs/*")),
        "refused": [refusal("org/nothing"), refusal(f"{repo}@v9"), refusal("org/damaged"), refusal("org/dropped")],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
