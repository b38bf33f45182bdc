"""What the tests' Hub keeps: repositories, their commits, branches and files."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import Any

LARGE = (".safetensors", ".png")
"""Names of files that are kept as large ones, by how they end."""


@dataclass
class Repo:
    """One repository; a commit is the whole of its files."""

    name: str
    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    modified: str = "2026-01-02T03:04:05.000Z"

    def commit(self, files: dict[str, bytes], branch: str = "main", message: str = "") -> str:
        """A new commit of exactly these files; gives its name."""
        parent = self.branches.get(branch, "")
        text = parent + "".join(f"{path}\0{hashlib.sha256(content).hexdigest()}" for path, content in sorted(files.items()))
        sha = hashlib.sha1(f"{self.name}{len(self.commits)}{text}".encode()).hexdigest()
        self.commits[sha], self.branches[branch] = dict(files), sha
        self.messages.append(message)
        return sha

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, a tag or a commit's name means."""
        if revision in self.commits:
            return revision
        return self.branches.get(revision) or self.tags.get(revision)

    def head(self) -> dict[str, bytes]:
        """The files at main."""
        return dict(self.commits[self.branches["main"]])

    def info(self, sha: str, blobs: bool = True) -> dict[str, Any]:
        """What the API says of a commit."""
        card = self.commits[sha].get("README.md", b"").decode()
        data = front_matter(card)
        tags = list(data.get("tags", [])) + ([f"license:{data['license']}"] if "license" in data else [])
        return {
            "id": self.name,
            "_id": hashlib.sha1(self.name.encode()).hexdigest()[:24],
            "modelId": self.name,
            "author": self.name.partition("/")[0],
            "sha": sha,
            "tags": tags,
            "private": self.private,
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "lastModified": self.modified,
            "createdAt": self.modified,
            "cardData": data,
            "siblings": [sibling(path, content, blobs) for path, content in sorted(self.commits[sha].items())],
        }


class Store:
    """All repositories, the large files that were uploaded, and the tokens: ``{token: (user, role)}``."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.large: dict[str, bytes] = {}
        self.tokens = {"hf_writer": ("ours", "write"), "hf_reader": ("ours", "read"), "hf_other": ("theirs", "write")}
        self.lock = threading.RLock()

    def repo(self, name: str, files: dict[str, bytes] | None = None, private: bool = False) -> Repo:
        """The repository of that name; made if it is not there, and given a commit of ``files`` if there are any."""
        with self.lock:
            if name not in self.repos:
                self.repos[name] = Repo(name, private)
                self.repos[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"}, message="initial commit")
            if files is not None:
                self.repos[name].commit(files)
            return self.repos[name]


def is_large(path: str) -> bool:
    return path.endswith(LARGE)


def digest(path: str, content: bytes) -> str:
    """The ETag of a file: its sha256 where it is a large one, else its git blob id."""
    return hashlib.sha256(content).hexdigest() if is_large(path) else git_id(content)


def git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sibling(path: str, content: bytes, blobs: bool) -> dict[str, Any]:
    """A file as the model's page lists it."""
    if not blobs:
        return {"rfilename": path}
    made: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": git_id(content)}
    if is_large(path):
        made["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return made


def entry(path: str, content: bytes) -> dict[str, Any]:
    """A file as the tree lists it."""
    made: dict[str, Any] = {"type": "file", "path": path, "oid": git_id(content), "size": len(content)}
    if is_large(path):
        made["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return made


def front_matter(card: str) -> dict[str, Any]:
    """The YAML at the head of a card; ``{}`` where there is none that can be read."""
    import yaml

    found = re.match(r"---\r?\n(.*?)\n---\r?\n", card, re.DOTALL)
    try:
        values = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError:
        return {}
    return values if isinstance(values, dict) else {}
