"""What is cached of the Hub: found, checked and thrown away without its client and without a network.

The client's cache holds ``models--ORG--REPO/`` with ``refs/REVISION`` (a commit's name), ``snapshots/COMMIT/FILE`` (links) and
``blobs/DIGEST`` (what they point to, named by its sha256, or by its git blob id where it is no large file).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from zoo.hub.source import HubSource, is_commit
from zoo.utils.files import sha256_of, write_text

WEIGHTS = "model.safetensors"
OPTIONAL = ("samples.png", "golden.safetensors", "README.md")
NEEDED = (WEIGHTS, "config.json")
FILES = (*OPTIONAL, *NEEDED)
"""The files of a checkpoint, in the order in which they are fetched: where the last one is, the others are."""


def cached_folder(source: HubSource) -> Path | None:
    """The snapshot of a revision if all that it needs is cached, else None. The content is not looked at."""
    commit = _commit_of(source)
    if commit is None:
        return None
    folder = snapshot(source, commit)
    return folder if all((folder / name).is_file() for name in NEEDED) else None


def snapshot(source: HubSource, commit: str) -> Path:
    """Where the files of a commit lie."""
    return _repository(source) / "snapshots" / commit


def keep_ref(source: HubSource, commit: str) -> None:
    """Remember which commit a branch or tag was at, once all of it is here.

    Raises:
        ZooError: the file system refused.
    """
    if not source.is_commit and _commit_of(source) != commit:
        write_text(_repository(source) / "refs" / source.ref, commit)


def damaged(folder: Path, weights_sha256: str | None = None) -> list[str]:
    """The names of the files in a snapshot whose bytes are not those that were put there.

    Each is checked against the name of its blob; weights with a registered sha256 against that.
    """
    wrong = []
    for name in FILES:
        path = folder / name
        if not path.is_file():
            continue
        expected = weights_sha256 if name == WEIGHTS and weights_sha256 else _blob(path).name
        if not matches(path, expected):
            wrong.append(name)
    return wrong


def matches(path: Path, digest: str) -> bool:
    """Whether a file has this digest: a sha256, or the id of a git blob; where it is neither, nothing can be said: True."""
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return sha256_of(path) == digest
    if re.fullmatch(r"[0-9a-f]{40}", digest):
        return git_blob_id(path) == digest
    return True


def git_blob_id(path: Path) -> str:
    """The name that git gives to a file's content: the sha1 of ``blob SIZE``, a zero byte and the content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def remove(path: Path) -> None:
    """Take a file out of the cache, its blob too, so that it is fetched anew.

    A blob may itself be a link, to one that several repositories share. What lies outside of the cache is left alone.
    """
    root, chain = cache_root().resolve(), [path]
    while chain[-1].is_symlink() and len(chain) < 4:
        chain.append(_blob(chain[-1]))
    for one in chain:
        place = one.parent.resolve()
        if one == path or (root in place.parents and "blobs" in place.relative_to(root).parts):
            with contextlib.suppress(FileNotFoundError):
                one.unlink()


def cache_root(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the client's cache, by the variables that the client reads."""
    home = environment.get("HF_HOME") or os.path.join(environment.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    named = environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Path(os.path.expandvars(os.path.expanduser(named)))


def _repository(source: HubSource) -> Path:
    return cache_root() / f"models--{source.repo_id.replace('/', '--')}"


def _commit_of(source: HubSource) -> str | None:
    if source.is_commit:
        return source.ref
    try:
        with (_repository(source) / "refs" / source.ref).open(encoding="utf-8") as handle:
            commit = handle.read(100).strip()
    except (OSError, UnicodeDecodeError):
        return None
    return commit if is_commit(commit) else None


def _blob(path: Path) -> Path:
    """What an entry of a snapshot points to; the entry itself where the file system has no links."""
    return path.parent / os.readlink(path) if path.is_symlink() else path
