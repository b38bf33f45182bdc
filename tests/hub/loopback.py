"""A Hub on this machine, in threads of its own: the protocol that the real client speaks, and faults on request."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from store import Repo, Store, digest, entry, front_matter, git_id, is_large

ID = r"(?P<id>[^/]+/[^/]+)"
ROUTES = [
    ("POST", r"/api/repos/create", "create"),
    ("DELETE", r"/api/repos/delete", "delete"),
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/validate-yaml", "validate"),
    ("GET", r"/api/models", "list"),
    ("POST", rf"/api/models/{ID}/preupload/(?P<rev>.+)", "preupload"),
    ("POST", rf"/api/models/{ID}/commit/(?P<rev>.+)", "commit"),
    ("POST", rf"/api/models/{ID}/paths-info/(?P<rev>.+)", "paths"),
    ("GET", rf"/api/models/{ID}/tree/(?P<rev>[^/]+)(/.*)?", "tree"),
    ("GET", rf"/api/models/{ID}/refs", "refs"),
    ("GET", rf"/api/models/{ID}(/revision/(?P<rev>.+))?", "info"),
    ("POST", rf"/{ID}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", rf"/lfs/{ID}/(?P<oid>\w+)", "put"),
    ("POST", rf"/lfs/{ID}/verify", "verify"),
    ("GET|HEAD", rf"/{ID}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
    ("GET|HEAD", r"/elsewhere/(?P<oid>\w+)", "elsewhere"),
]


@dataclass
class Fault:
    """Something that goes wrong with each request (``METHOD PATH``) that a pattern is found in.

    Attributes:
        pattern: a regular expression.
        status, code, message: the answer instead.
        spoil: what becomes of the bytes of a body; they go out as they were announced for the whole ones.
        hold: the body waits in the middle for this.
        times: how often it happens; None for always.
    """

    pattern: str
    status: int = 0
    code: str = ""
    message: str = ""
    spoil: Callable[[bytes], bytes] | None = None
    hold: threading.Event | None = None
    times: int | None = None


class Loopback(ThreadingHTTPServer):
    """The Hub; ``with Loopback() as hub`` starts it, and ``hub.url`` is its ``HF_ENDPOINT``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.store, self.faults, self.requests, self.page = Store(), list[Fault](), list[str](), 2
        self.held = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Loopback:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for fault in self.faults:
            if fault.hold:
                fault.hold.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """A client that goes away in the middle is one of the things that are tested."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback

    def log_message(self, *_: Any) -> None:
        pass

    def answer_request(self) -> None:
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.body = self._read_body()
        asked = f"{self.command} {unquote(url.path)}"
        self.server.requests.append(asked)
        self.fault = self._fault(asked)
        if self.fault and self.fault.status:
            return self.refuse(self.fault.status, self.fault.code, self.fault.message)
        for methods, pattern, name in ROUTES:
            found = re.fullmatch(pattern, url.path)
            if found and self.command in methods.split("|"):
                given = {key: unquote(value or "") for key, value in found.groupdict().items()}
                self.given, self.repo = given, self.server.store.repos.get(given.get("id", ""))
                if "id" in given and not self._may_read():
                    return self.refuse(404 if self._user() else 401, "RepoNotFound", "Repository not found")
                with self.server.store.lock if name not in ("resolve", "elsewhere") else threading.Lock():
                    return getattr(self, f"on_{name}")()
        return self.refuse(404, "", f"no route for {asked}")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer_request

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _fault(self, asked: str) -> Fault | None:
        with self.server.store.lock:
            for fault in self.server.faults:
                if re.search(fault.pattern, asked) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def _user(self) -> tuple[str, str] | None:
        return self.server.store.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer ").strip())

    def _may_read(self) -> bool:
        return self.repo is not None and (not self.repo.private or self._user() is not None)

    def _may_write(self, name: str) -> bool:
        """Whether the token may; the answer is sent where it may not."""
        user = self._user()
        if user is None:
            self.refuse(401, "", "Invalid credentials in Authorization header")
        elif user[1] != "write" or user[0] != name.partition("/")[0]:
            self.refuse(403, "", "You don't have the rights to write to this namespace")
        else:
            return True
        return False

    # Answers

    def refuse(self, status: int, code: str = "", message: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self.reply({"error": message}, status, {key: value for key, value in headers.items() if value})

    def reply(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def send(self, content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        spoilt = self.fault.spoil(content) if self.fault and self.fault.spoil else content
        if self.fault and self.fault.hold:
            self.wfile.write(spoilt[: len(spoilt) // 2])
            self.wfile.flush()
            self.server.held.set()
            self.fault.hold.wait(60)
            spoilt = spoilt[len(spoilt) // 2 :]
        self.wfile.write(spoilt)
        self.close_connection = len(spoilt) < len(content)

    # Routes

    def on_create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'ours'}/{asked['name']}"
        if not self._may_write(name):
            return
        exists = name in self.server.store.repos
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        self.server.store.repo(name, private=private)
        self.reply({"url": f"{self.server.url}/{name}", "name": name, "id": name}, 409 if exists else 200)

    def on_delete(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked.get('organization')}/{asked['name']}"
        if self._may_write(name):
            gone = self.server.store.repos.pop(name, None)
            self.reply({}) if gone else self.refuse(404, "RepoNotFound")

    def on_whoami(self) -> None:
        user = self._user()
        if user is None:
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        token = {"accessToken": {"displayName": "t", "role": user[1]}}
        return self.reply({"type": "user", "name": user[0], "orgs": [], "auth": token})

    def on_validate(self) -> None:
        card = json.loads(self.body)["content"]
        data = front_matter(card)
        wrong = [] if data and isinstance(data.get("tags"), list) else ["the card has no front matter with tags"]
        wrong += [f'"{key}" must be text' for key in ("license", "library_name", "pipeline_tag") if not isinstance(data.get(key, ""), str)]
        for model in data.get("model-index", []):
            for result in model["results"]:
                if not result["task"]["type"] or not result["dataset"]["type"] or not result["metrics"]:
                    wrong.append("a result of model-index lacks its task, dataset or metrics")
        if data.get("license") == "not-a-licence":
            wrong.append('"license" must be one of the known ones')
        self.reply({"errors": [{"message": one} for one in wrong], "warnings": []}, 400 if wrong else 200)

    def on_list(self) -> None:
        wanted, word = self.query.get("filter", []), self.query.get("search", [""])[0]
        wanted = [one for part in wanted for one in part.split(",")]
        infos = [repo.info(repo.branches["main"]) for repo in self.server.store.repos.values() if not repo.private]
        found = [info for info in infos if set(wanted) <= set(info["tags"]) and word in info["id"]]
        start, headers = int(self.query.get("cursor", ["0"])[0]), {}
        end = start + self.server.page
        if end < len(found):
            base = "&".join(f"{key}={quote(one)}" for key, ones in self.query.items() if key != "cursor" for one in ones)
            headers["Link"] = f'<{self.server.url}/api/models?{base}&cursor={end}>; rel="next"'
        self.reply(found[start:end], 200, headers)

    def _commit(self) -> tuple[Repo, str] | None:
        assert self.repo is not None
        sha = self.repo.resolve(self.given.get("rev") or "main")
        if sha is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {self.given['rev']}")
        return None if sha is None else (self.repo, sha)

    def on_info(self) -> None:
        if at := self._commit():
            self.reply(at[0].info(at[1], "blobs" in self.query))

    def on_tree(self) -> None:
        if at := self._commit():
            self.reply([entry(path, content) for path, content in at[0].commits[at[1]].items()])

    def on_paths(self) -> None:
        wanted = json.loads(self.body)["paths"] if self.body[:1] == b"{" else parse_qs(self.body.decode()).get("paths", [])
        if at := self._commit():
            files = at[0].commits[at[1]]
            self.reply([entry(path, files[path]) for path in wanted if path in files])

    def on_refs(self) -> None:
        assert self.repo is not None
        named = {"branches": ("heads", self.repo.branches), "tags": ("tags", self.repo.tags)}
        made = {
            kind: [{"name": name, "ref": f"refs/{word}/{name}", "targetCommit": sha} for name, sha in ones.items()]
            for kind, (word, ones) in named.items()
        }
        self.reply({**made, "converts": []})

    def on_preupload(self) -> None:
        assert self.repo is not None
        if not self._may_write(self.repo.name):
            return
        head, answers = self.repo.head(), []
        for file in json.loads(self.body)["files"]:
            mode = "lfs" if is_large(file["path"]) else "regular"
            answer: dict[str, Any] = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            if file["path"] in head:
                content = head[file["path"]]
                answer["oid"] = hashlib.sha256(content).hexdigest() if mode == "lfs" else git_id(content)
            answers.append(answer)
        self.reply({"files": answers})

    def on_batch(self) -> None:
        assert self.repo is not None
        if not self._may_write(self.repo.name):
            return
        objects = []
        for one in json.loads(self.body)["objects"]:
            base = f"{self.server.url}/lfs/{self.repo.name}"
            actions = {"upload": {"href": f"{base}/{one['oid']}"}, "verify": {"href": f"{base}/verify"}}
            objects.append({**one, **({} if one["oid"] in self.server.store.large else {"actions": actions})})
        self.send(
            json.dumps({"transfer": "basic", "objects": objects}).encode(),
            headers={"Content-Type": "application/vnd.git-lfs+json"},
        )

    def on_put(self) -> None:
        if hashlib.sha256(self.body).hexdigest() != self.given["oid"]:
            return self.refuse(400, "", "the content has another sha256")
        self.server.store.large[self.given["oid"]] = self.body
        return self.reply({})

    def on_verify(self) -> None:
        asked = json.loads(self.body)
        there = self.server.store.large.get(asked["oid"])
        self.reply({}, 200 if there is not None and len(there) == asked["size"] else 404)

    def on_commit(self) -> None:
        repo = self.repo
        assert repo is not None
        if not self._may_write(repo.name):
            return None
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        if header.get("parentCommit") not in (None, repo.branches["main"]):
            return self.refuse(412, "", "A commit has happened since. Please refresh and try again.")
        files = repo.head()
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.server.store.large:
                    return self.refuse(400, "", f"LFS pointer of {value['path']} points to nothing")
                files[value["path"]] = self.server.store.large[value["oid"]]
            elif line["key"] == "deletedFile":
                files.pop(value["path"], None)
        sha = repo.commit(files, message=header["summary"])
        return self.reply({"success": True, "commitOid": sha, "commitUrl": f"{self.server.url}/{repo.name}/commit/{sha}"})

    def on_resolve(self) -> None:
        at = self._commit()
        if at is None:
            return None
        content = at[0].commits[at[1]].get(self.given["path"])
        if content is None:
            return self.refuse(404, "EntryNotFound", "Entry not found")
        tag = digest(self.given["path"], content)
        headers = {"X-Repo-Commit": at[1], "ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
        if not is_large(self.given["path"]):
            return self._ranged(content, headers)
        self.server.store.large[tag] = content
        elsewhere = f"http://localhost:{self.server.server_port}/elsewhere/{tag}"
        linked = {"X-Linked-Etag": f'"{tag}"', "X-Linked-Size": str(len(content)), "Location": elsewhere}
        self.fault = None  # it is the body that is spoilt
        return self.send(b"", 302, {**headers, **linked})

    def on_elsewhere(self) -> None:
        tag = self.given["oid"]
        self._ranged(self.server.store.large[tag], {"ETag": f'"{tag}"', "Accept-Ranges": "bytes"})

    def _ranged(self, content: bytes, headers: dict[str, str]) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found:
            return self.send(content, 200, headers)
        start, end = int(found[1]), int(found[2]) + 1 if found[2] else len(content)
        part = content[start:end]
        return self.send(part, 206, {**headers, "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(content)}"})
