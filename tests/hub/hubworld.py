"""A small world around a Hub: a folder, a checkpoint in it, and the client's cache."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from calls import call_here
from loopback import Hub

REPO, TOKEN = "org/model", "token-of-org"
NAMES = ("HUGGINGFACE_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN", "TRANSFORMERS_OFFLINE")


class World:
    """One test's Hub, folder and checkpoint; the client's cache is in ``home`` in the folder."""

    def __init__(self, hub: Hub, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.hub, self.path, self.patch, self.capsys = hub, path, monkeypatch, capsys
        self.home = path / "home"
        self.cache = self.home / "hub"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in NAMES}
        return {**kept, **self.hub.environment(self.home, TOKEN)}

    def zoo(self, *words: str) -> tuple[int, str, str]:
        """The command line, in this process: its exit code, stdout and stderr."""
        return call_here(*words)[:3]

    def checkpoint(self, name: str = "weights", **more: Any) -> Path:
        import torch

        from zoo.contracts.make import model as create
        from zoo.data.pairs import Pairs
        from zoo.saving.checkpoint import save

        model = create("toy-wide", (1, 4, 4), (1, 4, 4))
        x = torch.rand(12, 1, 4, 4, generator=torch.Generator().manual_seed(0))
        model.fit(Pairs(x, 1 - x))
        scores = {"toy-best@3": {"value": 0.0123, "low": 0.01, "high": 0.02, "unit": "squared error", "better": "lower"}}
        data = {"name": "folder:photos", "digest": "ab", "items": 12}
        given = {"task": "toy-shade", "task_config": {"size": 4}, "seed": 3, "data": data, "scores": scores, **more}
        save(model, self.path / name, **given)
        return self.path / name

    def files(self, folder: Path | None = None) -> dict[str, bytes]:
        """The files of a checkpoint by name; of the one in ``weights`` if no folder is named."""
        folder = folder or self.path / "weights"
        return {path.name: path.read_bytes() for path in (folder if folder.exists() else self.checkpoint()).iterdir()}

    def put(self, **changed: bytes | None) -> str:
        """A good checkpoint is on the Hub, except that the files named like ``config_json`` are changed or left out."""
        files: dict[str, bytes | None] = dict(self.files())
        files |= {re.sub(r"_(json|safetensors|png|md)$", r".\1", name): content for name, content in changed.items()}
        return self.hub.put(REPO, {name: content for name, content in files.items() if content is not None})

    def whole(self) -> bool:
        """Whether nothing in the cache is half-written: every blob is what its name says, and no snapshot lacks a file."""
        from zoo.hub.cache import damaged

        snapshots = list(self.cache.glob("models--*/snapshots/*"))
        links = [entry for folder in snapshots for entry in folder.iterdir()]
        return not any(damaged(folder) for folder in snapshots) and all(entry.is_file() for entry in links)

    def plain(self, said: str) -> str:
        said = re.sub(r"/\S*/snapshots/[0-9a-f]{40}", "FOLDER", said)
        said = said.replace(str(self.path), "FOLDER").replace(REPO, "ORG/REPO")
        said = re.sub(r"\bweights\b(?=/| ORG| other)", "DIR", said)
        return re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", said)
