"""A registered name described in words: for ``zoo show`` and for the gallery of the documentation."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from zoo import registry
from zoo.contracts import make
from zoo.fitting.recipe import Recipe, Training
from zoo.utils.config import sampling


class Setting(NamedTuple):
    """One field of a config: its name, its default as text, its type, whether a preset sets it, what it is ("" if unknown).

    ``sampling`` says that only sampling reads it, so that it may be another in a fitted model.
    """

    name: str
    default: str
    kind: str
    preset: bool
    says: str
    sampling: bool = False


@dataclass(frozen=True)
class Description:
    """One model, task, metric or kind of data: its docstring, its facts by label, the settings of its config if it has one."""

    kind: str
    name: str
    text: str
    facts: tuple[tuple[str, str], ...]
    settings: tuple[Setting, ...] | None

    @property
    def summary(self) -> str:
        """The first line of the docstring, in which a Sphinx role is the name that it points to."""
        return re.sub(r":\w+:`~?([^`]+)`", r"\1", self.text.strip().splitlines()[0])


def describe(kind: str, name: str) -> Description:
    """The description of an entry, which is imported for it; an unknown name or one that is broken raises."""
    with registry.calling(kind, name, "it cannot be described"):
        return _describe(kind, name)


def of_training() -> tuple[Setting, ...]:
    """The settings of :class:`zoo.Training`; those of a model's own recipe have its default."""
    preset = {field.name: "the model's" for field in dataclasses.fields(Recipe)}
    return tuple(setting._replace(preset=False) for setting in _settings(Training, preset, sentences(Recipe)))


def sentences(cls: type) -> dict[str, str]:
    """Words for each attribute, without marks, from ``Attributes:`` in the docstrings of a class and of its bases."""
    said: dict[str, str] = {}
    for part in reversed(cls.__mro__):
        block = inspect.cleandoc(part.__dict__.get("__doc__") or "").partition("Attributes:\n")[2].partition("\n\n")[0]
        for names, text in re.findall(r"^    ([\w, ]+): (.*(?:\n     +.*)*)", block, re.M):
            said |= dict.fromkeys(re.split(r",\s*", names), re.sub(r"\s+", " ", re.sub(r":\w+:|`", "", text)))
    return said


def _describe(kind: str, name: str) -> Description:
    entry = registry.entry(kind, name)
    shown: Any
    shown, preset = make.model_class(name) if kind == "models" else (make.class_of(kind, name), {})
    facts = [("from", f"{entry.distribution} {entry.version}, {entry.value}")]
    match kind:
        case "models":
            facts += [("class", shown.__name__)]
        case "tasks":
            facts += [("x", shown.x_name), ("y", shown.y_name), ("data", f"{shown.data}, where none is named")]
        case "metrics":
            facts += [("unit", shown.unit), ("better", shown.better or "neither way"), ("source", shown.source)]
            facts += [("needs", f"a model with {shown.needs}")] if shown.needs != "samples" else []
        case _:
            facts += [("named as", f"{name} or {name}:PATH")]
            facts += [("layout", str(shown.layout))] if shown.layout else []
    settings = None
    if kind in ("models", "tasks"):
        settings = _settings(shown.Config, preset)
    text = (inspect.getdoc(shown) or "").strip() if shown.__doc__ else ""
    return Description(kind, name, text or "(not described)", tuple(facts), settings)


def _settings(config: type, preset: dict[str, Any], said: dict[str, str] | None = None) -> tuple[Setting, ...]:
    """The fields of a config in a preset, each with what the docstrings say of it, or else what is ``said``."""
    said = (said or {}) | sentences(config)
    found = []
    for field in dataclasses.fields(config):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        value = preset.get(field.name, default)
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        shown = "required" if value is dataclasses.MISSING else str(value)
        says, free = said.get(field.name, ""), field.name in sampling(config)
        found.append(Setting(field.name, shown, kind, field.name in preset, says, free))
    return tuple(found)
