"""Where on the Hub a checkpoint is: ``ORG/REPO`` at a revision."""

from __future__ import annotations

import re
from typing import NamedTuple

from zoo.utils.errors import RequestError

PREFIX = "hf:"
_PART = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubSource(NamedTuple):
    """A repository ``ORG/REPO`` of the Hub at a commit, a tag or a branch; None where none was said, which means ``main``."""

    repo_id: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo_id}" + (f"@{self.revision}" if self.revision else "")

    @property
    def ref(self) -> str:
        return self.revision or "main"

    @property
    def is_commit(self) -> bool:
        return is_commit(self.ref)


def is_commit(revision: str) -> bool:
    """Whether ``revision`` is a commit's full name: 40 hexadecimal digits."""
    return _COMMIT.fullmatch(revision) is not None


def parse(text: str) -> HubSource:
    """The source that ``ORG/REPO[@REV]`` names, with or without ``hf:`` before it; a RequestError for any other form."""
    repo_id, at, revision = text.removeprefix(PREFIX).partition("@")
    parts = repo_id.split("/")
    named = len(parts) == 2 and len(repo_id) <= 96 and all(_PART.fullmatch(part) for part in parts)
    if not named or ".." in repo_id or "--" in repo_id or repo_id.endswith(".git"):
        raise RequestError(f"{text!r} names no repository of the Hub; it must be ORG/REPO or ORG/REPO@REVISION")
    steps = revision.split("/")  # what git takes as a name is a safe name of a file too
    right = all(re.fullmatch(r"\w[\w.+-]*", step, re.ASCII) and not step.endswith((".", ".lock")) for step in steps)
    if at and (not right or ".." in revision):
        raise RequestError(f"{text!r}: {revision!r} is no revision; after the @ comes a commit, a tag or a branch")
    return HubSource(repo_id, revision or None)
