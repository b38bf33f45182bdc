"""What a Hub holds, and its API: one function a request, found by method and path; each returns what goes as JSON."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

import yaml

if TYPE_CHECKING:
    from loopback import Hub

Json = dict[str, Any]
LARGE = (".safetensors", ".png", ".bin")
SPACES = "spaces/"
_numbers = itertools.count()


class HubError(Exception):
    """An answer other than success: its status, the Hub's word for it (may be empty), and the sentence shown."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.more = status, code, message, more


def owner(repo: str) -> str:
    return repo.removeprefix(SPACES).split("/")[0]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def etag(path: str, data: bytes) -> str:
    """The sha256 of what the Hub keeps beside git as a large file, else the blob's id."""
    return sha256(data) if path.endswith(LARGE) else blob_id(data)


class Loader(yaml.SafeLoader):
    def check_printable(self, data: object) -> None:
        """Take what a stranger's card holds as it is."""


def front_matter(readme: bytes) -> Json:
    parts = readme.decode(errors="replace").split("---\n", 2)
    return yaml.load(parts[1], Loader) if len(parts) == 3 and not parts[0] else {}


@dataclass(frozen=True)
class Commit:
    sha: str
    date: str
    files: dict[str, bytes]


@dataclass
class Repo:
    """One model repository: every commit by its sha, the branches (and tags), and the large files by sha256."""

    id: str
    private: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes]) -> Commit:
        date = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sha = hashlib.sha1(f"{self.id} {date} {next(_numbers)}".encode()).hexdigest()
        self.commits[sha] = made = Commit(sha, date, dict(files))
        self.objects.update({sha256(data): data for path, data in files.items() if path.endswith(LARGE)})
        self.branches["main"] = sha
        return made

    def at(self, revision: str) -> Commit:
        sha = self.branches.get(revision, revision)
        if sha not in self.commits:
            raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return self.commits[sha]

    def info(self, revision: str, *, blobs: bool = False) -> Json:
        """What the Hub says of a model. Sizes and hashes of files only with ``blobs``, as there."""
        commit = self.at(revision)
        card = front_matter(commit.files.get("README.md", b""))
        tags = [card.get("library_name"), "safetensors", card.get("pipeline_tag"), *card.get("tags", []), "region:us"]
        tags += [f"license:{card['license']}"] if "license" in card else []
        return {
            "id": self.id,
            "sha": commit.sha,
            "createdAt": commit.date,
            "lastModified": commit.date,
            "private": self.private,
            "downloads": 0,
            "likes": 0,
            "tags": list(dict.fromkeys(filter(None, tags))),
            "cardData": card,
            "siblings": [_sibling(path, data, blobs) for path, data in sorted(commit.files.items())],
        }


def _sibling(path: str, data: bytes, blobs: bool) -> Json:
    if not blobs:
        return {"rfilename": path}
    lfs = {"lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 130}} if path.endswith(LARGE) else {}
    return {"rfilename": path, "size": len(data), "blobId": blob_id(data), **lfs}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    token: str

    def first(self, key: str) -> str:
        return self.query.get(key, [""])[0]

    def user(self, hub: Hub) -> str | None:
        if self.token and self.token not in hub.users:
            raise HubError(401, "", "Invalid credentials in Authorization header")
        return hub.users.get(self.token)

    def readable(self, hub: Hub, repo: str) -> Repo:
        user, held = self.user(hub), hub.repos.get(repo)
        if held is None or (held.private and user != owner(repo)):
            raise HubError(404 if user else 401, "RepoNotFound", "Repository not found")
        return held

    def may_write(self, hub: Hub, namespace: str) -> None:
        if self.user(hub) != namespace:
            raise HubError(403, "", f"You don't have the rights to write to the namespace {namespace}")

    def writable(self, hub: Hub, repo: str) -> Repo:
        held = self.readable(hub, repo)
        self.may_write(hub, owner(repo))
        return held


def answer(hub: Hub, request: Request) -> tuple[Any, Mapping[str, str]]:
    """Content and headers of the answer of the route that fits, or HubError."""
    for method, pattern, route in ROUTES:
        if method == request.method and (fits := re.fullmatch(pattern, request.path)):
            content = route(hub, request, *map(unquote, fits.groups()))
            return content if isinstance(content, tuple) else (content, {})
    raise HubError(404, "", f"Sorry, there is no {request.method} {request.path}")


def create(hub: Hub, request: Request) -> Json:
    asked = json.loads(request.body)
    namespace = asked.get("organization") or request.user(hub) or ""
    request.may_write(hub, namespace)
    repo = f"{SPACES if asked.get('type') == 'space' else ''}{namespace}/{asked['name']}"
    if repo in hub.repos:
        raise HubError(409, "", "You already created this model repo", url=f"{hub.url}/{repo}")
    hub.repos[repo] = Repo(repo, private=bool(asked.get("private")) or asked.get("visibility") == "private")
    hub.repos[repo].commit({".gitattributes": b""})
    return {"url": f"{hub.url}/{repo}", "name": repo, "id": repo}


def preupload(hub: Hub, request: Request, repo: str) -> Json:
    there, files = request.writable(hub, repo).at("main").files, []
    for asked in json.loads(request.body)["files"]:
        path = asked["path"]
        known = {"oid": etag(path, there[path])} if path in there else {}
        mode = "lfs" if path.endswith(LARGE) else "regular"
        files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, **known})
    return {"files": files}


def batch(hub: Hub, request: Request, repo: str) -> Json:
    held, objects = request.writable(hub, repo), []
    for asked in json.loads(request.body)["objects"]:
        href = f"{hub.content_url}/{quote(repo)}/{asked['oid']}"
        objects.append({**asked, **({} if asked["oid"] in held.objects else {"actions": {"upload": {"href": href}}})})
    return {"transfer": "basic", "objects": objects}


def commit(hub: Hub, request: Request, repo: str) -> Json:
    held = request.writable(hub, repo)
    files, header = held.at("main").files.copy(), {}
    for line in map(json.loads, request.body.splitlines()):
        key, value = line["key"], line["value"]
        if key == "header":
            header = value
        elif key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            files[value["path"]] = held.objects[value["oid"]]
        else:
            assert key == "deletedFile"
            del files[value["path"]]
    if header.get("parentCommit") not in (None, held.branches["main"]):
        raise HubError(412, "", "A commit has happened since. Please refresh and try again.")
    made = held.commit(files)
    return {"success": True, "commitOid": made.sha, "commitUrl": f"{hub.url}/{repo}/commit/{made.sha}"}


def info(hub: Hub, request: Request, repo: str, revision: str = "main") -> Json:
    return request.readable(hub, repo).info(revision, blobs=request.first("blobs").lower() in ("true", "1"))


def listing(hub: Hub, request: Request) -> tuple[list[Json], Mapping[str, str]]:
    user, tags = request.user(hub), set(request.query.get("filter", []))
    models = [repo for name, repo in hub.repos.items() if not name.startswith(SPACES)]
    infos = [repo.info("main") for repo in models if not repo.private or user == owner(repo.id)]
    infos = sorted((info for info in infos if tags <= set(info["tags"])), key=lambda info: info["lastModified"], reverse=True)
    start, size = int(request.first("cursor") or 0), min(int(request.first("limit") or hub.page_size), hub.page_size)
    query = urlencode({**request.query, "cursor": start + size}, doseq=True)
    more = {"Link": f'<{hub.url}{request.path}?{query}>; rel="next"'} if start + size < len(infos) else {}
    return infos[start : start + size], more


def tree(hub: Hub, request: Request, repo: str, revision: str, path: str) -> list[Json]:
    """The files in a folder of a data set, and the folders in it, as paths from the top."""
    files, above = request.readable(hub, repo).at(revision).files, f"{path.strip('/')}/".lstrip("/")
    inside = [name for name in sorted(files) if name.startswith(above)]
    if not inside:
        raise HubError(404, "EntryNotFound", "Entry not found")
    folders = dict.fromkeys(above + name[len(above) :].split("/")[0] for name in inside if "/" in name[len(above) :])
    found = [{"type": "directory", "path": folder, "oid": "0" * 40, "size": 0} for folder in folders]
    own = [name for name in inside if "/" not in name[len(above) :]]
    return found + [{"type": "file", "path": name, "oid": blob_id(files[name]), "size": len(files[name])} for name in own]


MODEL, DATASET = "/api/models/([^/]+/[^/]+)", "/api/(datasets/[^/]+/[^/]+)"


def of_space(route: Callable[..., Any]) -> Callable[..., Any]:
    """A route of a model's, for a Space: it is kept under its path on the Hub."""
    return lambda hub, request, repo: route(hub, request, SPACES + repo)


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("POST", "/api/validate-yaml", lambda hub, request: {"errors": [], "warnings": []}),
    ("POST", "/api/repos/create", create),
    ("GET", "/api/models", listing),
    ("GET", MODEL, info),
    ("GET", f"{MODEL}/revision/([^/]+)", info),
    ("POST", f"{MODEL}/preupload/main", preupload),
    ("POST", r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", batch),
    ("POST", f"{MODEL}/commit/main", commit),
    ("GET", DATASET, info),
    ("GET", f"{DATASET}/revision/([^/]+)", info),
    ("GET", f"{DATASET}/tree/([^/]+)/?(.*)", tree),
    *(
        (method, MODEL.replace("models", "spaces") + more, of_space(route))
        for method, more, route in (
            ("GET", "", info),
            ("POST", "/preupload/main", preupload),
            ("POST", "/commit/main", commit),
        )
    ),
]
