"""The files of a checkpoint in the cache of the Hub's client: found, checked, and thrown away where they are damaged.

The cache has ``snapshots/COMMIT/FILE``, links to ``blobs/DIGEST``, named by the content's sha256, or by its git blob id where
it is no large file. The client looks at no content.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path

from zoo.hub.source import HubSource, is_commit
from zoo.utils.files import read_bytes, read_text, sha256_of, write_text

WEIGHTS = "model.safetensors"
NEEDED = (WEIGHTS, "config.json")
FILES = ("samples.png", "golden.safetensors", "README.md", *NEEDED)
"""The files of a checkpoint, in the order in which they are fetched: where the last one is, the others are."""


def cached_folder(source: HubSource) -> Path | None:
    """The snapshot of a revision if all that it needs is cached, else None. The content is not looked at."""
    from huggingface_hub.constants import HF_HUB_CACHE  # and not its client, which takes longer than a whole list

    repository, commit = Path(HF_HUB_CACHE, f"models--{source.repo_id.replace('/', '--')}"), source.ref
    if not source.is_commit:
        with contextlib.suppress(OSError, ValueError):  # it is not cached, or what should say the commit is no text
            commit = read_text(repository / "refs" / source.ref, most=100)
    folder = repository / "snapshots" / commit
    return folder if is_commit(commit) and all((folder / name).is_file() for name in NEEDED) else None


def keep_ref(source: HubSource, folder: Path) -> None:
    """Remember which snapshot a branch or tag was at, once all of it is here: the client, asked for a commit, does not."""
    path = folder.parents[1] / "refs" / source.ref
    with contextlib.suppress(OSError, ValueError):
        if source.is_commit or read_text(path, most=100) == folder.name:
            return
    write_text(path, folder.name)


def damaged(folder: Path) -> list[str]:
    """The names of the files in a snapshot whose bytes are not those that their blob is named by."""
    return [name for name in FILES if (folder / name).is_file() and not matches(folder / name, blob(folder / name).name)]


def matches(path: Path, digest: str) -> bool:
    """Whether a file has this digest: a sha256, or the id of a git blob; where it is neither, nothing can be said: True."""
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return sha256_of(path) == digest
    if re.fullmatch(r"[0-9a-f]{40}", digest):
        return git_blob_id(path) == digest
    return True


def git_blob_id(path: Path) -> str:
    """The name that git gives to a file's content: the sha1 of ``blob SIZE``, a zero byte and the content."""
    content = read_bytes(path)
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def remove(path: Path) -> None:
    """Take a file of a snapshot out of the cache, its blob too, so that it is fetched anew.

    A blob may itself be a link, to one that several repositories share. What lies outside of the cache is left alone.
    """
    root, chain = path.parents[3].resolve(), [path]
    while chain[-1].is_symlink() and len(chain) < 4:
        chain.append(blob(chain[-1]))
    for link in chain:
        folder = link.parent.resolve()
        if link == path or (root in folder.parents and "blobs" in folder.relative_to(root).parts):
            link.unlink(missing_ok=True)


def blob(path: Path) -> Path:
    """The file that an entry of a snapshot points to; the entry itself where the file system has no links."""
    return path.parent / os.readlink(path) if path.is_symlink() else path
