"""What a Hub holds: repositories with commits, branches and tags, and how the Hub's JSON describes them. No HTTP here."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import Any

Json = dict[str, Any]

BINARY = (".safetensors", ".png", ".npz", ".pt", ".bin")
ATTRIBUTES = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in BINARY).encode()

_numbers = itertools.count()


class HubError(Exception):
    """An answer other than success: its status, the Hub's word for it (may be empty), and the sentence shown."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.more = status, code, message, more


def is_lfs(path: str) -> bool:
    """Whether the Hub keeps a file of this name beside git, by its sha256."""
    return path.endswith(BINARY)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob_id(data: bytes) -> str:
    """The id that git gives to a blob of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def pointer(data: bytes) -> bytes:
    """What git keeps in place of an LFS file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(data)}\nsize {len(data)}\n".encode()


def etag(path: str, data: bytes) -> str:
    return sha256(data) if is_lfs(path) else blob_id(data)


def _plain(value: str) -> str:
    return value.strip().strip("\"'")


def front_matter(readme: bytes) -> Json:
    """The top-level strings and lists of strings of a README's YAML; anything nested deeper is left out."""
    found = re.match(r"---\r?\n(.*?)\r?\n---\s*(?:\n|$)", readme.decode(errors="replace"), re.DOTALL)
    card: Json = {}
    key = ""
    for line in found[1].splitlines() if found else ():
        if item := re.match(r"\s*-\s+([^:]+|\S+)$", line):
            if isinstance(card.setdefault(key, []), list):
                card[key].append(_plain(item[1]))
        elif pair := re.match(r"([\w-]+):\s*(.*)$", line):
            key, value = pair[1], pair[2]
            if value.startswith("["):
                card[key] = [_plain(each) for each in value.strip("[] ").split(",") if each.strip()]
            elif value:
                card[key] = _plain(value)
        elif line and not line[0].isspace():
            key = ""
    return card


@dataclass(frozen=True)
class Commit:
    sha: str
    parent: str | None
    title: str
    description: str
    date: str
    files: dict[str, bytes]


@dataclass
class Repo:
    """One model repository: every commit by its sha, and the names that point at some."""

    id: str
    private: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], title: str, description: str = "", branch: str = "main") -> Commit:
        """A commit of exactly these files, at the head of the branch."""
        parent = self.branches.get(branch)
        date = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        listing = "".join(f"{path}\0{blob_id(data)}\n" for path, data in sorted(files.items()))
        sha = hashlib.sha1(f"{self.id} {parent} {title} {date} {next(_numbers)}\n{listing}".encode()).hexdigest()
        self.commits[sha] = made = Commit(sha, parent, title, description, date, dict(files))
        self.objects.update({sha256(data): data for path, data in files.items() if is_lfs(path)})
        self.branches[branch] = sha
        return made

    def at(self, revision: str) -> Commit:
        """The commit that a branch, a tag or a sha (seven digits suffice) names."""
        sha = self.branches.get(revision) or self.tags.get(revision)
        if sha is None and re.fullmatch(r"[0-9a-f]{7,40}", revision):
            sha = next((each for each in self.commits if each.startswith(revision)), None)
        if sha is None:
            raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return self.commits[sha]

    def history(self, revision: str) -> list[Commit]:
        """The commit and its ancestors, the newest first."""
        made = [self.at(revision)]
        while made[-1].parent:
            made.append(self.commits[made[-1].parent])
        return made

    def info(self, revision: str, *, blobs: bool = False) -> Json:
        """What the Hub says of a model. Sizes and hashes of files only with ``blobs``, as there."""
        commit = self.at(revision)
        card = front_matter(commit.files.get("README.md", b""))
        return {
            "_id": blob_id(self.id.encode())[:24],
            "id": self.id,
            "modelId": self.id,
            "author": self.id.split("/")[0],
            "sha": commit.sha,
            "createdAt": next(iter(self.commits.values())).date,
            "lastModified": commit.date,
            "private": self.private,
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": _tags(card, commit.files),
            **{key: card[key] for key in ("library_name", "pipeline_tag") if key in card},
            "cardData": card,
            "siblings": [_sibling(path, data, blobs) for path, data in sorted(commit.files.items())],
            "usedStorage": sum(map(len, commit.files.values())),
        }

    def refs(self) -> Json:
        def named(kind: str, names: dict[str, str]) -> list[Json]:
            return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha} for name, sha in names.items()]

        return {"branches": named("heads", self.branches), "tags": named("tags", self.tags), "converts": []}

    def tree(self, revision: str, folder: str, *, recursive: bool) -> list[Json]:
        """Files and folders under a folder (the root if empty), with all below it if recursive."""
        files = self.at(revision).files
        start = f"{folder.strip('/')}/" if folder.strip("/") else ""
        inside = {path: data for path, data in files.items() if path.startswith(start)}
        if start and not inside:
            raise HubError(404, "EntryNotFound", f'{folder} does not exist on "{revision}"')
        folders = {str(up) for path in inside for up in PurePosixPath(path).parents if str(up) not in (".", "/")}
        entries = [_folder(path) for path in folders if path.startswith(start)] + [_file(*each) for each in inside.items()]
        shown = [each for each in entries if recursive or "/" not in each["path"][len(start) :]]
        return sorted(shown, key=lambda each: each["path"])

    def paths(self, revision: str, wanted: Iterable[str]) -> list[Json]:
        """What there is at each path wanted; those that don't exist are left out, as on the Hub."""
        entries = {each["path"]: each for each in self.tree(revision, "", recursive=True)}
        return [entries[path] for path in wanted if path in entries]


def _tags(card: Json, files: dict[str, bytes]) -> list[str]:
    """The tags that the Hub makes of a card, those of its own among them."""
    own = card.get("tags", [])
    tags = [card.get("library_name", ""), "safetensors" if any(path.endswith(".safetensors") for path in files) else ""]
    tags += [card.get("pipeline_tag", ""), *([own] if isinstance(own, str) else own)]
    for key, word in (("datasets", "dataset"), ("license", "license")):
        values = card.get(key, [])
        tags += [f"{word}:{value}" for value in ([values] if isinstance(values, str) else values)]
    return list(dict.fromkeys(filter(None, [*tags, "region:us"])))


def _sibling(path: str, data: bytes, blobs: bool) -> Json:
    if not blobs:
        return {"rfilename": path}
    made: Json = {"rfilename": path, "size": len(data)}
    if not is_lfs(path):
        return {**made, "blobId": blob_id(data)}
    lfs = {"sha256": sha256(data), "size": len(data), "pointerSize": len(pointer(data))}
    return {**made, "blobId": blob_id(pointer(data)), "lfs": lfs}


def _file(path: str, data: bytes) -> Json:
    made: Json = {"type": "file", "path": path, "size": len(data)}
    if not is_lfs(path):
        return {**made, "oid": blob_id(data)}
    lfs = {"oid": sha256(data), "size": len(data), "pointerSize": len(pointer(data))}
    return {**made, "oid": blob_id(pointer(data)), "lfs": lfs}


def _folder(path: str) -> Json:
    return {"type": "directory", "path": path, "size": 0, "oid": blob_id(path.encode())}
