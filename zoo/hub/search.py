"""The checkpoints of the zoo that are on the Hub, found by the tag that every pushed card has."""

from __future__ import annotations

from typing import NamedTuple

from zoo.card import LIBRARY, tag_value
from zoo.hub.client import api, is_offline
from zoo.hub.errors import HubFailedError, translated

MOST = 200
"""Repositories listed, at most."""


class Found(NamedTuple):
    """One repository: its name, what its tags say of it, and when it last changed (ISO date)."""

    repo_id: str
    model: str
    task: str
    licence: str
    changed: str


def search(words: str = "", most: int = MOST) -> tuple[list[Found], bool]:
    """The repositories with the zoo's tag whose names have ``words``, newest first, and whether there are more than ``most``.

    Raises:
        ZooError: the Hub cannot be reached.
    """
    if is_offline():
        raise HubFailedError("HF_HUB_OFFLINE is set: unset it to list what is on the Hub")
    found = []
    with translated("the Hub", doing="listing"):
        for one in api().list_models(filter=LIBRARY, search=words or None, sort="last_modified", full=True, limit=most + 1):
            tags = list(one.tags or [])
            changed = one.last_modified.date().isoformat() if one.last_modified else ""
            licence = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
            found.append(Found(str(one.id), tag_value(tags, "model"), tag_value(tags, "task"), licence, changed))
    return found[:most], len(found) > most
