"""The facts in the ``config.json`` of a checkpoint, read strictly, and its model card in the form that model hubs read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from zoo.saving.strict import LARGEST, Schema, Strict, read
from zoo.utils.errors import RequestError
from zoo.utils.files import read_bytes
from zoo.utils.templates import fill
from zoo.utils.words import one_line, visible

LIBRARY = "cond-zoo"
"""The name of the library on model hubs, and the tag by which its checkpoints are found there."""
HERE = "dir:PATH/OF/THIS/FOLDER"  # what a card says to load, until the checkpoint has a place of its own
PICTURE, SIZE = "samples.png", "weights_bytes"
SHOWN = "![x, the truth, and samples of test items](samples.png)"
_LOAD = re.compile(rf'zoo\.load\("(?:{re.escape(HERE)}|hf:[^"]*)"\)(?:  # or @ .*)?')

Side = Annotated[int, Meta(gt=0, description="a positive whole number")]


class Facts(Strict, frozen=True):
    """One checkpoint's facts: the model's entry-point name, every setting of it, and what it was fitted to.

    ``plugin`` has ``distribution`` and ``version``, ``task`` has ``name`` and ``config``, ``data`` has ``name``, ``digest``
    and ``items``; ``scores`` are as in ``metrics.json``; of the ``parts`` ``inference`` leaves out what only training needs.
    """

    schema: Schema
    model: str
    plugin: dict[str, str]
    x_shape: list[Side]
    y_shape: list[Side]
    config: dict[str, Any]
    task: dict[str, Any] | None
    seed: int | None
    data: dict[str, Any] | None
    scores: dict[str, dict[str, Any]]
    parts: Literal["whole", "inference"]
    dtype: Literal["float32", "float16"]

    def __repr__(self) -> str:
        return f"Facts(model {self.model!r}, task {self.task and self.task['name']!r}, {len(self.scores)} scores)"

    def __post_init__(self) -> None:
        for key, inner in (("plugin", {"distribution", "version"}), ("task", {"name", "config"})):
            value = getattr(self, key)
            if value is not None and set(value) != inner:
                raise ValueError(f"{key} must have exactly the keys {', '.join(sorted(inner))}")
        task = self.task or {"name": "", "config": {}}
        if not isinstance(task["name"], str) or not isinstance(task["config"], dict):
            raise ValueError("task must be named in text, and its config must be a table of keys and values")
        for name, score in self.scores.items():
            numbers = {key: type(value) in (int, float) for key, value in score.items()}
            if not numbers.get("value"):
                raise ValueError(f"scores must be numbers: the value of {name!r} is {score.get('value')!r}")
            if not all(score.get(key) is None or numbers[key] for key in ("low", "high")):
                raise ValueError(f"scores must have two numbers or null for an interval, unlike {name!r}")


def read_facts(path: Path) -> Facts:
    """The facts in the file ``path``; a RequestError where it is missing or not exactly of this form."""
    if not path.exists():
        raise RequestError(f"{path.parent} is no checkpoint: it has no {path.name}")
    return read(path, Facts)


def read_card(path: Path) -> str:
    """The text of a card, in which bytes that are no UTF-8 are written out; "" where there is none to be read."""
    try:
        return read_bytes(path, LARGEST).decode("utf-8", "backslashreplace")
    except OSError:
        return ""


def write_card(facts: Facts, words: Mapping[str, str]) -> str:
    """The text of the card; of ``words`` it takes ``about``, ``licence`` (an SPDX name), ``data``, ``command``, ``larger``."""
    told = {part: words.get(part, "") for part in ("about", "data", "command", "larger")}
    body = fill("zoo.saving", ".", "card.md.jinja", {"json": json.dumps}, facts=facts, words=told, here=HERE)
    return _front(facts, words.get("licence", "")) + body.rstrip() + "\n"


def hub_card(text: str, facts: Facts, repo: str, licence: str | None, picture: bool, size: int) -> str:
    """The card for the Hub: the front matter with scores and all tags, and the words of the card ``text`` that is there.

    It says to load ``repo`` (``ORG/REPO``) and shows ``samples.png`` where that lies beside it; without a ``licence`` (an SPDX
    name) it keeps its own.
    """
    text = text.replace("\r\n", "\n")
    body, own = text or write_card(facts, {}), licence_of(text)
    if body.startswith("---\n"):
        body = body.partition("\n---\n")[2]
    body = _LOAD.sub(f'zoo.load("hf:{repo}@main")  # or @ a commit of this repository, to pin it', body.strip())
    if picture and f"({PICTURE})" not in body:
        title, _, rest = body.partition("\n")
        body = f"{title}\n\n{SHOWN}\n{rest}"
    return _front(facts, licence or own, repo, size) + body + "\n"


def licence_of(card: str) -> str:
    """The licence that a card's front matter names, "" if none."""
    front = card.removeprefix("---\n").partition("\n---\n")[0] if card.startswith("---\n") else ""
    line = re.search(r"^license:\s*(.+)$", front, re.M)
    return visible(line[1].strip("'\" \r")) if line else ""


def _front(facts: Facts, licence: str, repo: str = "", size: int = 0) -> str:
    """The front matter; with ``repo`` the scores too, in the form that the Hub reads."""
    from huggingface_hub import EvalResult, ModelCardData

    model, task = visible(facts.model), visible(facts.task["name"]) if facts.task else None
    kind = "image-to-image" if task else "other"  # whatever its fields are, a task takes a photo and gives photos
    data = visible((facts.data or {}).get("name") or "unknown")
    results = [
        EvalResult(
            task_type=kind,
            task_name=task or model,
            dataset_type=data.partition(":")[0],
            dataset_name=data,
            metric_type=visible(name).partition("@")[0],
            metric_name=visible(name),
            metric_value=score["value"],
        )
        for name, score in facts.scores.items()
    ]
    more: dict[str, Any] = {SIZE: size} if size else {}
    words = ["conditional-generation", model, LIBRARY, f"{LIBRARY}-model={model}"]
    front = ModelCardData(
        library_name=LIBRARY,
        license=one_line(licence).lower() or None,
        pipeline_tag=kind if task else None,
        tags=words + ([task, f"{LIBRARY}-task={task}"] if task else []),
        model_name=repo.partition("/")[2] or None,
        eval_results=results if repo and results else None,
        **more,
    )
    return f"---\n{front.to_yaml()}\n---\n\n"
