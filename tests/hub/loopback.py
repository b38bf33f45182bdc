"""A Hub on the loopback: what the real client asks, answered by the standard library, with faults on demand.

``with Hub() as hub:`` starts it. Then ``hub.attach(monkeypatch, tmp_path)`` turns the client of this process to it, and
``env={**os.environ, **hub.environment(tmp_path)}`` that of another process.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from hubapi import Request, answer
from hubstore import HubError, Repo, etag, is_lfs

if TYPE_CHECKING:
    import pytest

WORDS = {401: "Invalid credentials in Authorization header", 403: "Forbidden", 412: "A commit has happened since"}


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

    def reset(self) -> None:
        """All off."""
        self.__dict__.update(Faults().__dict__)

    def raised_by(self, method: str, path: str) -> None:
        """Raises the HubError that was ordered for such a request, if any."""
        status = next((status for part, status in self.status.items() if part in path), None)
        if status is not None:
            raise HubError(status, _code(status, path), WORDS.get(status, f"Ordered to fail with {status}"))
        if self.stale and method == "POST" and "/commit/" in path:
            raise HubError(412, "", WORDS[412])


def _code(status: int, path: str) -> str:
    if status != 404:
        return ""
    return {"/resolve/": "EntryNotFound", "/revision/": "RevisionNotFound"}.get(
        next((part for part in ("/resolve/", "/revision/") if part in path), ""), "RepoNotFound"
    )


class Hub:
    """The server. ``users`` maps tokens to names: each writes in its own namespace. The token ``read-only`` writes nowhere."""

    page_size = 100

    def __init__(self, *, users: Mapping[str, str] | None = None) -> None:
        self.users = {"read-only": "reader", **({"token-of-org": "org"} if users is None else users)}
        self.repos: dict[str, Repo] = {}
        self.faults = Faults()
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._servers = [_Server(self, _Front), _Server(self, _Content)]
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

    def put(
        self, repo: str, files: Mapping[str, bytes], *, message: str = "", tags: tuple[str, ...] = (), private: bool = False
    ) -> str:
        """A commit of ``files`` upon those that are there, made directly; its sha. Names may be anything; tags are moved."""
        with self.lock:
            held = self.repos.setdefault(repo, Repo(repo))
            held.private |= private
            made = held.commit({**self.files(repo), **files}, message or "put")
            held.tags.update(dict.fromkeys(tags, made.sha))
            return made.sha

    def head(self, repo: str) -> str | None:
        """The sha of main; None if there is no such repository."""
        held = self.repos.get(repo)
        return held.branches.get("main") if held else None

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        """The files at a revision by their paths; none if nothing was committed yet."""
        held = self.repos[repo]
        return dict(held.at(revision).files) if held.commits else {}

    def delete(self, repo: str) -> None:
        """The repository is gone, with all that it held."""
        with self.lock:
            del self.repos[repo]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub: Hub, handler: type[_Handler]) -> None:
        self.hub = hub
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), handler)

    def server_bind(self) -> None:
        # HTTPServer asks for the host's full name here, which may take seconds where no name server answers.
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a fault of this file, and shown."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Ends connections that a client keeps for later, so that it finds the server down."""
        for each in list(self.open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at Hub.requests."""

    def handle_any(self) -> None:
        hub = self.server.hub
        hub.requests.append((self.command, self.path))
        body = self._body()
        try:
            hub.faults.raised_by(self.command, self.path)
            self.respond(hub, body)
        except HubError as error:
            headers = {"X-Error-Message": error.message, **({"X-Error-Code": error.code} if error.code else {})}
            self.send(error.status, {"error": error.message, **error.more}, headers)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

    def respond(self, hub: Hub, body: bytes) -> None:
        raise NotImplementedError

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def send(self, status: int, content: Any = b"", headers: Mapping[str, str] | None = None) -> None:
        """One answer; anything but bytes goes as JSON."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._head(status, len(data), {"Content-Type": "application/json", **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _head(self, status: int, size: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(size), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_file(self, path: str, data: bytes, headers: Mapping[str, str]) -> None:
        """A file or the range of it asked for, with the faults that were ordered for it."""
        faults = self.server.hub.faults
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
        size, status = len(data), 200
        if path in faults.corrupt and data:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
            if first >= size:
                self.send(416, b"", {"Content-Range": f"bytes */{size}"})
                return
            data, status = data[first : last + 1], 206
            headers = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
        half = len(data) // 2
        if self.command == "HEAD":
            self._head(status, len(data), headers)
            return
        if path in faults.halved:
            data = data[:half]
        self._head(status, len(data), headers)
        self.wfile.write(data[:half])
        if path in faults.drop:
            self.abort()
        elif path in faults.short:
            self.close_connection = True
        else:
            self.server.hub.closing.wait(faults.slow.get(path, 0))
            self.wfile.write(data[half:])

    def abort(self) -> None:
        """The connection is reset: the client reads an error, not an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.open.discard(self.connection)
        self.rfile.close()
        self.connection.close()


class _Front(_Handler):
    """The Hub itself: its API, the LFS negotiation, and the files; those of LFS by a redirect."""

    def respond(self, hub: Hub, body: bytes) -> None:
        parts = urlsplit(self.path)
        if hub.faults.die_at_commit and self.command == "POST" and "/commit/" in parts.path:
            self.abort()
            return
        request = Request(self.command, parts.path, parse_qs(parts.query), body, self.headers)
        with hub.lock:
            found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", parts.path)
            if not found:
                self.send(*answer(hub, request))
                return
            repo = request.readable(hub, unquote(found[1]))
            commit, path = repo.at(unquote(found[2])), unquote(found[3])
        headers = {"X-Repo-Commit": commit.sha}
        if path not in commit.files:
            raise HubError(404, "EntryNotFound", "Entry not found")
        data = commit.files[path]
        if not is_lfs(path):
            self.send_file(path, data, {**headers, "ETag": f'"{etag(path, data)}"'})
            return
        place = f"{hub.content_url}/{quote(repo.id)}/{etag(path, data)}?{urlencode({'name': path})}"
        linked = {"X-Linked-Etag": f'"{etag(path, data)}"', "X-Linked-Size": str(len(data))}
        self.send(302, b"", {**headers, **linked, "Location": place})


class _Content(_Handler):
    """The other origin, where the content of LFS files lies; it must never be shown a token."""

    def respond(self, hub: Hub, body: bytes) -> None:
        parts = urlsplit(self.path)
        if self.headers.get("Authorization"):
            raise HubError(400, "", "Only one auth mechanism allowed")
        repo, _, oid = unquote(parts.path.strip("/")).rpartition("/")
        if repo not in hub.repos:
            raise HubError(404, "", "No such bucket")
        objects = hub.repos[repo].objects
        if self.command == "PUT":
            if hub.faults.refuse_lfs:
                raise HubError(403, "", "Access denied")
            if etag("x.bin", body) != oid:
                raise HubError(400, "", "The bytes are not those of the id")
            objects[oid] = body
            self.send(200, b"", {"ETag": f'"{oid}"'})
        elif oid in objects:
            name = parse_qs(parts.query).get("name", [""])[0]
            self.send_file(name, objects[oid], {"ETag": f'"{oid}"'})
        else:
            raise HubError(404, "", "No such key")
