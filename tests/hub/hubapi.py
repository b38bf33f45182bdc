"""The Hub's API: one function a request, found by method and path; each returns status, content and headers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlencode

from hubstore import ATTRIBUTES, HubError, Json, Repo, etag, front_matter, is_lfs

if TYPE_CHECKING:
    from loopback import Hub

Answer = tuple[int, Any, Mapping[str, str]]

# What a listing shows of a model unless asked for more.
BRIEF = ("_id", "id", "modelId", "likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    headers: Mapping[str, str]  # names in lower case

    @property
    def json(self) -> Json:
        """The body's object, be it JSON or a form (whose values are lists)."""
        if "form" in (self.headers.get("content-type") or ""):
            return dict(parse_qs(self.body.decode()))
        return json.loads(self.body or b"{}")

    def says(self, key: str) -> bool:
        return self.query.get(key, [""])[0].lower() in ("true", "1")

    def user(self, hub: Hub) -> str | None:
        """The name that belongs to the token; None without a token."""
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        if token and token not in hub.users:
            raise HubError(401, "", "Invalid credentials in Authorization header")
        return hub.users[token] if token else None

    def role(self) -> str:
        return "read" if (self.headers.get("authorization") or "").endswith("read-only") else "write"

    def readable(self, hub: Hub, repo: str) -> Repo:
        """The repository, if it is there and this user may know."""
        user, held = self.user(hub), hub.repos.get(repo)
        if held is None or (held.private and (user != repo.split("/")[0] or self.role() == "read")):
            raise HubError(404 if user else 401, "RepoNotFound", "Repository not found")
        return held

    def may_write(self, hub: Hub, namespace: str) -> None:
        user = self.user(hub)
        if user is None:
            raise HubError(401, "", "Invalid username or password.")
        if user != namespace or self.role() == "read":
            raise HubError(403, "", f"You don't have the rights to write to the namespace {namespace}")

    def writable(self, hub: Hub, repo: str) -> Repo:
        held = self.readable(hub, repo)
        self.may_write(hub, repo.split("/")[0])
        return held


def answer(hub: Hub, request: Request) -> Answer:
    """The answer of the route that fits, or HubError."""
    for method, pattern, route in ROUTES:
        if method == request.method and (found := re.fullmatch(pattern, request.path)):
            made = route(hub, request, *(unquote(each or "") for each in found.groups()))
            return made if isinstance(made, tuple) else (200, made, {})
    raise HubError(404, "", f"Sorry, there is no {request.method} {request.path}")


def whoami(hub: Hub, request: Request) -> Json:
    user = request.user(hub)
    if user is None:
        raise HubError(401, "", "Invalid username or password.")
    token = {"displayName": "test", "role": request.role()}
    return {"type": "user", "name": user, "fullname": user, "orgs": [], "auth": {"type": "access_token", "accessToken": token}}


def validate(hub: Hub, request: Request) -> Json:
    missing = not front_matter(request.json["content"].encode())
    return {"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}] if missing else []}


def _named(hub: Hub, request: Request) -> str:
    asked = request.json
    if asked.get("type") not in (None, "model"):
        raise HubError(400, "", "This Hub has models only")
    namespace = asked.get("organization") or request.user(hub) or ""
    request.may_write(hub, namespace)
    return f"{namespace}/{asked['name']}"


def create(hub: Hub, request: Request) -> Json:
    repo, asked = _named(hub, request), request.json
    url = f"{hub.url}/{repo}"
    if repo in hub.repos:
        raise HubError(409, "", "You already created this model repo", url=url)
    hub.repos[repo] = Repo(repo, private=bool(asked.get("private")) or asked.get("visibility") == "private")
    hub.repos[repo].commit({".gitattributes": ATTRIBUTES}, "initial commit")
    return {"url": url, "name": repo, "id": repo}


def remove(hub: Hub, request: Request) -> bytes:
    del hub.repos[request.writable(hub, _named(hub, request)).id]
    return b""


def settings(hub: Hub, request: Request, repo: str) -> Json:
    held, asked = request.writable(hub, repo), request.json
    if "private" in asked or "visibility" in asked:
        held.private = bool(asked.get("private")) or asked.get("visibility") == "private"
    return {"private": held.private}


def preupload(hub: Hub, request: Request, repo: str, revision: str) -> Json:
    there = request.writable(hub, repo).at(revision).files
    made = []
    for each in request.json["files"]:
        path = each["path"]
        known = {"oid": etag(path, there[path])} if path in there else {}
        made.append({"path": path, "uploadMode": "lfs" if is_lfs(path) else "regular", "shouldIgnore": False, **known})
    return {"files": made}


def batch(hub: Hub, request: Request, repo: str) -> Json:
    held, made = request.writable(hub, repo), []
    for each in request.json["objects"]:
        oid = each["oid"]
        upload = {"href": f"{hub.content_url}/{quote(repo)}/{oid}"}
        verify = {"href": f"{hub.url}/{quote(repo)}.git/info/lfs/verify"}
        missing = oid not in held.objects
        made.append({**each, **({"actions": {"upload": upload, "verify": verify}} if missing else {})})
    return {"transfer": "basic", "objects": made}


def verify(hub: Hub, request: Request, repo: str) -> Json:
    held, asked = request.writable(hub, repo), request.json
    if len(held.objects.get(asked["oid"], b"")) != asked["size"]:
        raise HubError(404, "", "The object was not uploaded")
    return {}


def commit(hub: Hub, request: Request, repo: str, revision: str) -> Json:
    held = request.writable(hub, repo)
    if request.says("create_pr"):
        raise HubError(400, "", "This Hub has no pull requests")
    if revision not in held.branches:
        raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    files, header = held.at(revision).files.copy(), {}
    for line in request.body.splitlines():
        key, value = (asked := json.loads(line))["key"], asked["value"]
        if key == "header":
            header = value
        elif key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile" and value["oid"] in held.objects:
            files[value["path"]] = held.objects[value["oid"]]
        elif key == "deletedFile" and value["path"] in files:
            del files[value["path"]]
        elif key == "deletedFolder":
            files = {path: data for path, data in files.items() if not path.startswith(value["path"].rstrip("/") + "/")}
        elif key == "deletedFile":
            raise HubError(404, "EntryNotFound", "A file with this name doesn't exist")
        else:
            raise HubError(400, "", f"Bad line of a commit: {key} {value.get('path')}")
    if header.get("parentCommit") not in (None, held.branches[revision]):
        raise HubError(412, "", "A commit has happened since. Please refresh and try again.")
    made = held.commit(files, header.get("summary", ""), header.get("description", ""), revision)
    return {"success": True, "commitOid": made.sha, "commitUrl": f"{hub.url}/{repo}/commit/{made.sha}"}


def _expanded(request: Request, info: Json, usual: tuple[str, ...] | None) -> Json:
    """Of a model's properties those asked for by ``expand``, else the usual ones, else all."""
    wanted = ("_id", "id", "modelId", *request.query["expand"]) if "expand" in request.query else usual
    return info if wanted is None else {key: value for key, value in info.items() if key in wanted}


def info(hub: Hub, request: Request, repo: str, revision: str = "") -> Json:
    return _expanded(request, request.readable(hub, repo).info(revision or "main", blobs=request.says("blobs")), None)


def listing(hub: Hub, request: Request) -> Answer:
    """Models by author, tags and a part of their names, a page at a time."""

    def first(key: str) -> str:
        return request.query.get(key, [""])[0]

    user, found = request.user(hub), []
    for repo in hub.repos.values():
        mine = user == repo.id.split("/")[0] and request.role() == "write"
        if first("author") in ("", repo.id.split("/")[0]) and first("search").lower() in repo.id.lower():
            found += [repo.info("main")] if mine or not repo.private else []
    tags = {*request.query.get("filter", []), *request.query.get("pipeline_tag", [])}
    found = [each for each in found if tags <= set(each["tags"])]
    if first("sort") in ("lastModified", "createdAt"):
        found.sort(key=lambda each: each[first("sort")], reverse=True)
    usual = None if request.says("full") else BRIEF + (("cardData",) if request.says("cardData") else ())
    start, size = int(first("cursor") or 0), min(int(first("limit") or hub.page_size), hub.page_size)
    headers = {}
    if start + size < len(found):
        query = urlencode({**request.query, "cursor": start + size}, doseq=True)
        headers = {"Link": f'<{hub.url}{request.path}?{query}>; rel="next"'}
    return 200, [_expanded(request, each, usual) for each in found[start : start + size]], headers


def tree(hub: Hub, request: Request, repo: str, revision: str, folder: str = "") -> list[Json]:
    return request.readable(hub, repo).tree(revision, folder, recursive=request.says("recursive"))


def paths(hub: Hub, request: Request, repo: str, revision: str) -> list[Json]:
    return request.readable(hub, repo).paths(revision, request.json["paths"])


def refs(hub: Hub, request: Request, repo: str) -> Json:
    return request.readable(hub, repo).refs()


def commits(hub: Hub, request: Request, repo: str, revision: str) -> list[Json]:
    author = [{"user": repo.split("/")[0]}]
    return [
        {"id": each.sha, "title": each.title, "message": each.description, "authors": author, "date": each.date}
        for each in request.readable(hub, repo).history(revision)
    ]


def _name(names: dict[str, str], name: str, sha: str, kind: str) -> bytes:
    if name in names:
        raise HubError(409, "", f"{kind} reference exists already")
    names[name] = sha
    return b""


def _forget(names: dict[str, str], name: str) -> bytes:
    if name not in names:
        raise HubError(404, "RevisionNotFound", f"Invalid rev id: {name}")
    del names[name]
    return b""


def tag(hub: Hub, request: Request, repo: str, revision: str) -> bytes:
    held = request.writable(hub, repo)
    return _name(held.tags, request.json["tag"], held.at(revision).sha, "Tag")


def branch(hub: Hub, request: Request, repo: str, name: str) -> bytes:
    held = request.writable(hub, repo)
    return _name(held.branches, name, held.at(request.json.get("startingPoint") or "main").sha, "Branch")


def untag(hub: Hub, request: Request, repo: str, name: str) -> bytes:
    return _forget(request.writable(hub, repo).tags, name)


def unbranch(hub: Hub, request: Request, repo: str, name: str) -> bytes:
    return _forget(request.writable(hub, repo).branches, name)


MODEL = "/api/models/([^/]+/[^/]+)"
LFS = r"/([^/]+/[^/]+)\.git/info/lfs"

ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "/api/whoami-v2", whoami),
    ("POST", "/api/validate-yaml", validate),
    ("POST", "/api/repos/create", create),
    ("DELETE", "/api/repos/delete", remove),
    ("GET", "/api/models", listing),
    ("GET", MODEL, info),
    ("GET", f"{MODEL}/revision/([^/]+)", info),
    ("GET", f"{MODEL}/tree/([^/]+)(?:/(.*))?", tree),
    ("GET", f"{MODEL}/refs", refs),
    ("GET", f"{MODEL}/commits/([^/]+)", commits),
    ("PUT", f"{MODEL}/settings", settings),
    ("POST", f"{MODEL}/paths-info/([^/]+)", paths),
    ("POST", f"{MODEL}/preupload/([^/]+)", preupload),
    ("POST", f"{LFS}/objects/batch", batch),
    ("POST", f"{LFS}/verify", verify),
    ("POST", f"{MODEL}/commit/([^/]+)", commit),
    ("POST", f"{MODEL}/tag/([^/]+)", tag),
    ("DELETE", f"{MODEL}/tag/([^/]+)", untag),
    ("POST", f"{MODEL}/branch/([^/]+)", branch),
    ("DELETE", f"{MODEL}/branch/([^/]+)", unbranch),
]
