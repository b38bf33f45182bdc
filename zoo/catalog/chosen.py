"""One of the pictures that ``zoo sample`` has saved, chosen by its file: what it was drawn by, to draw more like it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, field
from msgspec.structs import asdict, replace

from zoo.catalog.choosing import Wishes
from zoo.saving.checkpoint import WEIGHTS
from zoo.saving.strict import Count, Number, Schema, Strict, read
from zoo.utils.config import plain, sampling
from zoo.utils.errors import RequestError
from zoo.utils.files import sha256_of, user_path, write_json

if TYPE_CHECKING:
    from zoo.catalog.loaded import Loaded

RECORD = "drawn.json"
"""Beside the pictures of one item: what they were drawn by."""
_PICTURE = re.compile(r"sample-(\d+)\.(?:png|jpg)")
Place = Annotated[int, Meta(ge=0, description="a whole number, at least 0")]


class Drawn(Strict, frozen=True):
    """The record of what drew the pictures in a folder; ``places`` are their places among the ``n`` of this seed and ``near``.

    ``item`` is the item as it was named, a file by its path from here; "" where that is no text. ``settings`` are all those of
    sampling that the model has; a record of before has none, and means the checkpoint's own.
    """

    schema: Schema
    checkpoint: str
    sha256: str
    item: str
    seed: int
    n: Count
    near: list[tuple[Place, Number]]
    places: list[Place]
    strength: Number
    size: Count | None
    settings: dict[str, Any] = field(default_factory=dict)


def keep(folder: Path, loaded: Loaded, item: str, seed: int, n: int, wishes: Wishes, places: list[int]) -> None:
    """Write down, beside the pictures of an item, what they were drawn by."""
    if (path := user_path(item)).exists():
        with contextlib.suppress(ValueError):  # on another drive
            item = os.path.relpath(os.path.realpath(path), os.path.realpath(folder))
    item = item if item.encode("utf-8", "replace").decode() == item else ""
    config = loaded.model.config
    drawn = Drawn(
        schema=1,
        checkpoint=loaded.name,
        sha256=_weights(loaded.folder),
        item=item,
        seed=seed,
        n=n,
        near=[(step.place, step.amount) for step in wishes.near],
        places=places,
        strength=wishes.strength,
        size=wishes.size,
        settings={key: plain(getattr(config, key)) for key in sorted(sampling(config))},
    )
    write_json(folder / RECORD, asdict(drawn))


@lru_cache(1)
def _weights(folder: Path) -> str:
    """The sha256 of a checkpoint's weights: read once, however many photos are sampled."""
    return sha256_of(folder / WEIGHTS)


def chosen(word: str) -> tuple[Drawn, int]:
    """The record beside the picture in the file ``word``, and the picture's place.

    Raises:
        RequestError: it is none that ``zoo sample`` has saved, or its record is gone.
    """
    path = user_path(word)
    found = _PICTURE.fullmatch(path.name)
    if found is None or not path.is_file():
        raise RequestError(f"{path} is no picture of zoo sample; name one (FOLDER/sample-04.png), or its number with --seed")
    drawn = read(path.with_name(RECORD), Drawn)
    if (item := path.parent / drawn.item).exists():
        drawn = replace(drawn, item=os.path.realpath(item) if drawn.item else "")
    if not 1 <= (number := int(found[1])) <= len(drawn.places):
        raise RequestError(f"{path.with_name(RECORD)} knows of {len(drawn.places)} pictures, and not of {path.name}")
    return drawn, drawn.places[number - 1]


def agree(drawn: Drawn, loaded: Loaded, word: str, settings: Mapping[str, Any], **given: Any) -> None:
    """See (RequestError) that more like a picture is asked of who drew it, and that what was ``given`` is as it was then.

    From here on ``loaded`` draws by the settings of then; those of sampling that were given are ``settings``.
    """
    if drawn.sha256 != _weights(loaded.folder):
        raise RequestError(f"{word} was drawn by {drawn.checkpoint}: {loaded.name} has other weights")
    for name, value in given.items():
        if value is not None and value != (was := getattr(drawn, name)):
            raise RequestError(f"{word} was drawn with {name} {was}, not {value}: leave out {name}")
    try:
        loaded.model.set_sampling(**drawn.settings)
    except RequestError as error:
        raise RequestError(f"{user_path(word).with_name(RECORD)}: {error}") from error
    then = loaded.model.config
    loaded.model.set_sampling(**settings)
    for name in settings:
        if (value := getattr(loaded.model.config, name)) != (was := getattr(then, name)):
            raise RequestError(f"{word} was drawn with {name} {was}, not {value}: leave out {name}")
