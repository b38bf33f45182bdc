"""The two origins of the tests' Hub as HTTP servers: the Hub itself, and the place of its large files."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from hubapi import LARGE, HubError, Request, answer, etag

if TYPE_CHECKING:
    from loopback import Hub


class Server(ThreadingHTTPServer):
    """One origin on a port of its own; it knows its connections, to end them."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub: Hub, handler: type[Handler]) -> None:
        self.hub = hub
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), handler)

    def server_bind(self) -> None:
        # HTTPServer asks for the host's full name here, which may take seconds where no name server answers.
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that went away is no news
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """What both origins do alike: read a body, keep a record, send answers and files, with the faults ordered."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

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

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

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
            data, status = data[first : last + 1], 206
            headers = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
        half = len(data) // 2
        if path in faults.halved and self.command != "HEAD":
            data = data[:half]
        self._head(status, len(data), headers)
        if self.command == "HEAD":
            return
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


class Front(Handler):
    """The Hub itself: its API, the LFS negotiation, and the files; those of LFS by a redirect."""

    def respond(self, hub: Hub, body: bytes) -> None:
        parts = urlsplit(self.path)
        if hub.faults.die_at_commit and self.command == "POST" and "/commit/" in parts.path:
            self.abort()
            return
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        request = Request(self.command, parts.path, parse_qs(parts.query), body, token)
        with hub.lock:
            resolve = re.fullmatch(r"/((?:datasets/)?[^/]+/[^/]+)/resolve/([^/]+)/(.+)", parts.path)
            if not resolve:
                self.send(200, *answer(hub, request))
                return
            repo, revision, path = map(unquote, resolve.groups())
            commit = request.readable(hub, repo).at(revision)
        headers = {"X-Repo-Commit": commit.sha}
        if path not in commit.files:
            raise HubError(404, "EntryNotFound", "Entry not found")
        data = commit.files[path]
        digest = etag(path, data)
        if not path.endswith(LARGE):
            self.send_file(path, data, {**headers, "ETag": f'"{digest}"'})
            return
        place = f"{hub.content_url}/{quote(repo)}/{digest}?{urlencode({'name': path})}"
        self.send(302, b"", {**headers, "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(data)), "Location": place})


class Content(Handler):
    """The other origin, where the content of LFS files lies; it must never be shown a token."""

    def respond(self, hub: Hub, body: bytes) -> None:
        parts = urlsplit(self.path)
        if self.headers.get("Authorization"):
            raise HubError(400, "", "Only one auth mechanism allowed")
        repo, _, oid = unquote(parts.path.strip("/")).rpartition("/")
        objects = hub.repos[repo].objects
        if self.command != "PUT":
            self.send_file(parse_qs(parts.query)["name"][0], objects[oid], {"ETag": f'"{oid}"'})
        elif hub.faults.refuse_lfs:
            raise HubError(403, "", "Access denied")
        elif etag("x.bin", body) != oid:
            raise HubError(400, "", "The bytes are not those of the id")
        else:
            objects[oid] = body
            self.send(200, b"", {"ETag": f'"{oid}"'})
