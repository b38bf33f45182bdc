"""The choices of the page: tasks in the words of a person, and their checkpoints, the recommended ones first."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from zoo.catalog import checkpoints
from zoo.catalog.files import Checkpoint
from zoo.catalog.loaded import Loaded
from zoo.contracts import make
from zoo.contracts.task import Task
from zoo.utils.errors import RequestError, ZooError


@dataclass(frozen=True)
class Offer:
    """A checkpoint that can be chosen.

    Attributes:
        name: to load it by.
        task: its task's name.
        does: what the task does, in the words of a person.
        label: of the checkpoint among those of its task.
        about: a sentence or two on it; maybe "".
    """

    name: str
    task: str
    does: str
    label: str
    about: str


def offers(first: Loaded | None = None) -> list[Offer]:
    """All that can be chosen: checkpoints that are here, of tasks that start from a photo or from choices.

    They are in the order in which they are shown: by task, that of most checkpoints before others; the recommended ones first,
    and those that serve for something else than sampling last; ``first``, which need not be registered, before all others.

    Raises:
        RequestError: there are none, or ``first`` is of a task that starts from something else.
    """
    known = [claims[0] for claims in checkpoints.known().named.values() if len(claims) == 1]
    many = Counter(one.task for one in known)
    known.sort(key=lambda one: (-many[one.task], one.task, not one.recommended, bool(one.note), one.name))
    found = [offer for one in known if checkpoints.place_of(one) is not None and (offer := _offer(one))]
    if first is not None:
        if not can_show(type(first.task)):
            raise RequestError(
                f"checkpoint {first.name} starts from a {first.task.item}, and the page takes photos and choices"
            )
        name = first.facts.task["name"] if first.facts.task else ""
        new = Offer(first.name, name, does(type(first.task), name), _short(first.name), about(first.facts.model, ""))
        mine = next((offer for offer in found if offer.name == first.name), new)
        found = [mine, *(offer for offer in found if offer != mine)]
        found.sort(key=lambda offer: offer.task != mine.task)
    if not found:
        raise RequestError("there is no checkpoint that the page could show; zoo list checkpoints tells of what there is")
    return found


def can_show(task: type[Task]) -> bool:
    """Whether the page can take an item of this task."""
    return task.item == "photo" or task.choices is not Task.choices


def does(task: type[Task], name: str) -> str:
    """The words for a task that a person would use: its own, or else its name."""
    return task.does or name.replace("-", " ").replace("_", " ").capitalize()


def _offer(one: Checkpoint) -> Offer | None:
    try:
        task = make.class_of("tasks", one.task)
    except ZooError:  # of a plugin that is broken, or not installed: it costs the others nothing
        return None
    if not can_show(task):
        return None
    label = _short(one.name) + (" (recommended)" if one.recommended else f" ({one.note})" if one.note else "")
    return Offer(one.name, one.task, does(task, one.task), label, about(one.model, one.data))


def about(model: str, data: str) -> str:
    """A line on a checkpoint of this model, fitted to data of which much is told: of that, what it begins with.

    Examples:
        >>> about("flow", "3,100 natural photos (ImageNet samples, BSDS500), scored on 200 others")
        'Model flow, fitted to 3,100 natural photos.'
    """
    begin = re.split(r"[;:,] | \(", data)[0]
    return f"Model {model}, fitted to {begin}." if begin else f"Model {model}."


def _short(name: str) -> str:
    """A checkpoint's name without the task that closes it."""
    return name if ":" in name else name.rpartition("/")[0]
