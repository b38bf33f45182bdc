"""A Hub on the loopback, which answers what the real client asks, with faults on demand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hubapi import HubError, Repo
from hubhttp import Content, Front, Server

if TYPE_CHECKING:
    import pytest


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
            held.branches.update(dict.fromkeys(tags, made.sha))
            return made.sha

    def head(self, repo: str) -> str | None:
        return self.repos[repo].branches.get("main") if repo in self.repos else None

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        held = self.repos[repo]
        return dict(held.at(revision).files) if held.commits else {}
