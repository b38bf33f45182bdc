"""A Hub on the loopback, which answers what the real client asks, with faults on demand; and a small world around it."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from calls import call_here
from hubapi import HubError, Repo
from hubhttp import Content, Front, Server

REPO, TOKEN = "org/model", "token-of-org"
NAMES = ("HUGGINGFACE_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN", "TRANSFORMERS_OFFLINE")


@dataclass
class Faults:
    """What goes wrong, all off at first. A file is named by its whole path in the repository."""

    status: dict[str, int] = field(default_factory=dict)  # a part of the path asked for -> the status answered
    corrupt: set[str] = field(default_factory=set)  # the last bit of the bytes served is wrong
    short: set[str] = field(default_factory=set)  # half the body, then the connection's regular end
    halved: set[str] = field(default_factory=set)  # half the body, and a Content-Length that says no more either
    drop: set[str] = field(default_factory=set)  # half the body, then the connection is reset
    slow: dict[str, float] = field(default_factory=dict)  # seconds of pause in the middle of the body
    refuse_lfs: bool = False
    die_at_commit: bool = False
    stale: bool = False

    def raised_by(self, method: str, path: str) -> None:
        status = next((status for part, status in self.status.items() if part in path), None)
        if status is not None:
            raise HubError(status, "", "Forbidden" if status == 403 else f"Ordered to fail with {status}")
        if self.stale and method == "POST" and "/commit/" in path:
            raise HubError(412, "", "A commit has happened since")


class Hub:
    """The server. ``users`` maps tokens to names: each writes in its own namespace. The token ``read-only`` writes nowhere."""

    page_size = 100

    def __init__(self) -> None:
        self.users = {"read-only": "reader", "token-of-org": "org"}
        self.repos: dict[str, Repo] = {}
        self.faults = Faults()
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._servers = [Server(self, Front), Server(self, Content)]
        front, content = (each.server_address[1] for each in self._servers)
        self.url, self.content_url = f"http://127.0.0.1:{front}", f"http://localhost:{content}"

    def __enter__(self) -> Hub:
        for server in self._servers:
            threading.Thread(target=partial(server.serve_forever, poll_interval=0.02), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
            server.hang_up()

    def environment(self, home: Path, token: str = "") -> dict[str, str]:
        """The variables by which a client, started anew, speaks to this Hub only; what it keeps lies in ``home``."""
        home_of_hub = {"HF_HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), "HF_TOKEN_PATH": str(home / "token")}
        switches = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"}
        return {"HF_ENDPOINT": self.url, "HF_TOKEN": token, **home_of_hub, **switches}

    def attach(self, monkeypatch: pytest.MonkeyPatch, home: Path, token: str = "") -> None:
        """The same for this process, where the client may have been imported, and have read its variables, long ago."""
        from huggingface_hub import constants, file_download

        variables = self.environment(home, token)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        for name in ("HF_HOME", "HF_HUB_CACHE", "HF_TOKEN_PATH"):
            monkeypatch.setattr(constants, name, variables[name])
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        for module in (constants, file_download):  # clients before 1.0 keep a second one
            place = self.url + "/{repo_id}/resolve/{revision}/{filename}"
            monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", place, raising=False)

    def put(self, repo: str, files: Mapping[str, bytes], *, tags: tuple[str, ...] = ()) -> str:
        """A commit of ``files`` upon those that are there, made directly; its sha. Names may be anything; tags are moved."""
        with self.lock:
            held = self.repos.setdefault(repo, Repo(repo))
            made = held.commit({**self.files(repo), **files})
            held.refs.update(dict.fromkeys(tags, made.sha))
            return made.sha

    def head(self, repo: str) -> str | None:
        return self.repos[repo].refs.get("main") if repo in self.repos else None

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        held = self.repos[repo]
        return dict(held.at(revision).files) if held.commits else {}


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
