"""The checkpoints of the zoo that are on the Hub, found by the tag that every pushed card has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from zoo.hub.client import HubFailedError, api, is_offline, translated
from zoo.saving.facts import LIBRARY, SIZE
from zoo.utils.config import names_in

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

SEEN = 5000
"""Repositories looked at, at most."""


class Found(NamedTuple):
    """One repository: its name, what its card says of it, the date of its last change, the bytes of its weights or 0."""

    repo_id: str
    model: str
    task: str
    changed: str
    size: int
    licence: str


def search(words: Sequence[str] = (), most: int = 100) -> tuple[list[Found], bool]:
    """The repositories with the zoo's tag, newest first, and whether there are more than ``most``.

    Each of the words must be in a repository's name, its model, its task or its licence.
    """
    words = names_in(words, "words") or []
    if is_offline():
        raise HubFailedError("HF_HUB_OFFLINE is set: unset it to list what is on the Hub")
    with translated("the Hub", doing="listing the checkpoints"):
        listed = api().list_models(filter=LIBRARY, sort="last_modified", full=True, cardData=True, limit=SEEN)
        wanted = (
            entry
            for entry in filter(None, map(_read, listed))
            if all(word.lower() in " ".join((entry.repo_id, entry.model, entry.task, entry.licence)).lower() for word in words)
        )
        repositories = list(islice(wanted, most + 1))
    return repositories[:most], len(repositories) > most


def _read(listed: ModelInfo) -> Found | None:
    """One repository as the Hub lists it; None where its card is not as a card is, which costs no other anything."""
    try:
        return _found(listed)
    except Exception:
        return None


def _found(listed: ModelInfo) -> Found:
    tags = list(listed.tags or ())

    def tagged(prefix: str) -> str:
        return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")

    size = str(listed.card_data.to_dict().get(SIZE, "")) if listed.card_data is not None else ""
    return Found(
        repo_id=str(listed.id),
        model=tagged(f"{LIBRARY}-model="),
        task=tagged(f"{LIBRARY}-task="),
        changed=listed.last_modified.date().isoformat() if listed.last_modified else "",
        size=int(size) if size.isdecimal() and len(size) < 16 else 0,
        licence=tagged("license:"),
    )
