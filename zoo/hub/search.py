"""The checkpoints of the zoo that are on the Hub, found by the tag that every pushed card has."""

from __future__ import annotations

from typing import NamedTuple

from zoo.card import LIBRARY, tag_value
from zoo.errors import ZooError
from zoo.hub.client import api, failures, offline
from zoo.hub.errors import translated
from zoo.hub.source import HubSource

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
    if offline():
        raise ZooError("HF_HUB_OFFLINE is set: unset it to list what is on the Hub")
    found = []
    try:
        for one in api().list_models(filter=LIBRARY, search=words or None, sort="last_modified", full=True, limit=most + 1):
            tags = list(one.tags or [])
            changed = one.last_modified.date().isoformat() if one.last_modified else ""
            licence = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
            found.append(Found(str(one.id), tag_value(tags, "model"), tag_value(tags, "task"), licence, changed))
    except failures() as error:
        raise translated(error, HubSource("the/Hub"), "listing") from error
    return found[:most], len(found) > most
