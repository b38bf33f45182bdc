"""The model card of a checkpoint: ``README.md`` in the form that model hubs read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from zoo.saving.facts import Facts

LIBRARY = "cond-zoo"
"""The name of the library on model hubs, and the tag by which its checkpoints are found there."""
HERE = "dir:PATH/OF/THIS/FOLDER"
"""The name that a card says to load, until the checkpoint has a place of its own."""
PICTURE = "samples.png"
SIZE = "weights_bytes"
"""The key of the front matter that says how large the weights are."""

_LOAD = re.compile(rf'zoo\.load\("(?:{re.escape(HERE)}|hf:[^"]*)"\)(?:  # or @ .*)?')


def write_card(facts: Facts, words: Mapping[str, str]) -> str:
    """The text of the card: YAML front matter, what the model is, its data, scores and how it was made.

    Args:
        facts: what ``config.json`` says.
        words: ``about``, ``licence`` (an SPDX name), ``data`` and ``command``; what is missing is left out.
    """
    import jinja2

    environment = jinja2.Environment(loader=jinja2.PackageLoader("zoo.saving", "."), trim_blocks=True)
    environment.filters["json"] = json.dumps
    body = environment.get_template("card.md.jinja").render(facts=facts, words=words, here=HERE)
    return _front(facts, words.get("licence", "")) + body.rstrip() + "\n"


def hub_card(text: str, facts: Facts, repo: str, licence: str | None, picture: bool, size: int) -> str:
    """The card for the Hub: the front matter with scores and all tags, and the words of the card that is there.

    Args:
        text: the card beside the checkpoint, "" if it has none.
        facts: what ``config.json`` says.
        repo: ``ORG/REPO``, which the card then says to load.
        licence: an SPDX name; None for the one in ``text``.
        picture: whether ``samples.png`` lies beside the card.
        size: of the weights in bytes.
    """
    body, own = text or write_card(facts, {}), licence_of(text)
    if body.startswith("---\n"):
        body = body.partition("\n---\n")[2]
    body = _LOAD.sub(f'zoo.load("hf:{repo}@main")  # or @ a commit of this repository, to pin it', body.strip())
    if picture and f"({PICTURE})" not in body:
        title, _, rest = body.partition("\n")
        body = f"{title}\n\n![x, the truth, and samples of test items]({PICTURE})\n{rest}"
    return _front(facts, licence or own, repo, size) + body + "\n"


def licence_of(card: str) -> str:
    """The licence that a card's front matter names, "" if none."""
    front = card.removeprefix("---\n").partition("\n---\n")[0] if card.startswith("---\n") else ""
    line = re.search(r"^license:\s*(.+)$", front, re.M)
    return line[1].strip("'\" ") if line else ""


def tag_value(tags: Iterable[str], key: str) -> str:
    """The ``model`` or ``task`` that a repository's tags name; "" if none."""
    prefix = f"{LIBRARY}-{key}="
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")


def _front(facts: Facts, licence: str, repo: str = "", size: int = 0) -> str:
    """The front matter; with ``repo`` the scores too, in the form that the Hub reads."""
    from huggingface_hub import EvalResult, ModelCardData

    task = facts.task["name"] if facts.task else None
    kind = "image-to-image" if task else "other"  # whatever its fields are, a task takes a photo and gives photos
    data = str((facts.data or {}).get("name") or "unknown")
    results = [
        EvalResult(
            task_type=kind,
            task_name=task or facts.model,
            dataset_type=data.partition(":")[0],
            dataset_name=data,
            metric_type=name.partition("@")[0],
            metric_name=name,
            metric_value=score["value"],
        )
        for name, score in facts.scores.items()
    ]
    more: dict[str, Any] = {SIZE: size} if size else {}
    words = ["conditional-generation", facts.model, LIBRARY, f"{LIBRARY}-model={facts.model}"]
    front = ModelCardData(
        library_name=LIBRARY,
        license=licence.lower() or None,
        pipeline_tag=kind if task else None,
        tags=words + ([task, f"{LIBRARY}-task={task}"] if task else []),
        model_name=repo.partition("/")[2] or None,
        eval_results=results if repo and results else None,
        **more,
    )
    return f"---\n{front.to_yaml()}\n---\n\n"
