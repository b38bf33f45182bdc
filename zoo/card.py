"""The model card of a checkpoint: ``README.md`` in the form that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zoo.facts import Facts

LIBRARY = "cond-zoo"


def write_card(facts: Facts, words: Mapping[str, str]) -> str:
    """The text of the card: YAML front matter, what the model is, its data, scores and how it was made.

    Args:
        facts: what ``config.json`` says.
        words: ``about``, ``licence`` (an SPDX name), ``data`` and ``command``; what is missing is left out.
    """
    task = facts.task["name"] if facts.task else None
    tags = ["conditional-generation", facts.model, *([task] if task else [])]
    front = ["---", f"library_name: {LIBRARY}"]
    if words.get("licence"):
        front.append(f"license: {json.dumps(words['licence'].lower())}")
    front += ["tags:", *(f"- {json.dumps(tag)}" for tag in tags), "---", ""]
    body = [f"# {facts.model}{f' for {task}' if task else ''}", ""]
    if words.get("about"):
        body += [words["about"].strip(), ""]
    stored = "16-bit" if facts.dtype == "float16" else "32-bit"
    parts = "what sampling needs, nothing that only training needs" if facts.parts == "inference" else "the whole model"
    body += [
        f"A conditional generative model p(y | x): x is {_shape(facts.x_shape)}, y is {_shape(facts.y_shape)}.",
        f"The weights are {stored} safetensors and hold {parts}.",
        f"The code is model `{facts.model}` of `{facts.plugin['distribution']}` {facts.plugin['version']}.",
        "",
    ]
    if task:
        body += _block(
            "Use",
            '```python\nimport zoo\n\nloaded = zoo.load("dir:PATH/OF/THIS/FOLDER")\n'
            'loaded.sample("photo.jpg", 20).save("samples")\n```',
        )
    if facts.data or words.get("data"):
        body += _block("Training data", _data(facts, words))
    if facts.scores:
        body += _block("Scores", _scores(facts.scores))
    if facts.config:
        body += _block("Settings", "\n".join(f"- `{key}`: {json.dumps(value)}" for key, value in facts.config.items()))
    if words.get("command"):
        seed = "" if facts.seed is None else f"\n\nSeed: {facts.seed}."
        body += _block("How it was made", f"```\n{words['command'].strip()}\n```{seed}")
    return "\n".join(front + body).rstrip() + "\n"


def _block(title: str, text: str) -> list[str]:
    return [f"## {title}", "", text, ""]


def _shape(shape: list[int]) -> str:
    return " x ".join(map(str, shape))


def _data(facts: Facts, words: Mapping[str, str]) -> str:
    lines = [words["data"].strip()] if words.get("data") else []
    for key, label in (("name", "Name"), ("items", "Pairs"), ("digest", "sha256")):
        value: Any = (facts.data or {}).get(key)
        if value not in (None, ""):
            lines.append(f"- {label}: `{value}`")
    return "\n".join(lines)


def _scores(scores: Mapping[str, Mapping[str, Any]]) -> str:
    rows = ["| metric | value | 95 % interval | better |", "|---|---|---|---|"]
    for name, score in scores.items():
        low, high = score.get("low"), score.get("high")
        interval = f"{low:.4g} to {high:.4g}" if low is not None and high is not None else ""
        rows.append(f"| {name} | {score['value']:.4g} | {interval} | {score.get('better', '')} |")
    return "\n".join(rows)
