"""Checks of what a model, task or metric says of itself: its entry, its words, its config, what it cannot do."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping
from typing import Any

from zoo.contracts import make
from zoo.testing.checking import KNOWN, contract
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.subjects.subject import Subject
from zoo.testing.verdicts import Broken, refused, require
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError

_UNKNOWN = "a_setting_that_nobody_has"


@contract("model", "task", "metric")
def it_is_registered(subject: Subject) -> None:
    """One package alone registers the name, for a subclass of zoo.Model, zoo.Task or zoo.Metric (or a zoo.Preset)."""
    require(isinstance(subject.cls, type), f"{subject.entry.value} is no class")
    if subject.kind != "metric":
        require(
            "__init__" not in vars(subject.cls) or _takes_config(subject.cls),
            f"{subject.cls.__name__}.__init__ takes no **config; settings must reach it by keyword",
        )


@contract("model", "task", "metric")
def it_is_described(subject: Subject) -> None:
    """Its class has a docstring of its own, whose first line is shown by ``zoo show`` and in the gallery."""
    text = inspect.cleandoc(vars(subject.cls).get("__doc__") or "").strip()
    require(text, f"{subject.cls.__name__} has no docstring; its first line must say what it is")
    if subject.kind == "task":
        for attribute in ("x_name", "y_name"):
            require(
                getattr(subject.cls, attribute) not in ("", "x", "y"),
                f"{subject.cls.__name__}.{attribute} is not set; it must say what the field is, as a word for captions",
            )


@contract("model", "task", "metric")
def what_it_says_it_cannot_do_are_checks(subject: Subject) -> None:
    """``expected_failures`` maps names of checks to reasons, and ``check_settings`` names settings of its Config."""
    said = subject.cls.expected_failures
    require(isinstance(said, Mapping), f"expected_failures is {said!r}; it must be a mapping from checks to reasons")
    known = KNOWN[subject.kind]
    for name, reason in said.items():
        require(name in known, f"expected_failures names {name!r}, which is no check of a {subject.kind}")
        require(isinstance(reason, str) and reason.strip(), f"expected_failures gives no reason for {name}")
    if isinstance(subject, ModelSubject):
        make_config(subject.cls.Config, subject.cls.check_settings, "check_settings")


@contract("model", "task")
def its_config_is_frozen_and_plain(subject: Subject) -> None:
    """Config is a frozen dataclass with a default for every field, and survives the way through JSON."""
    config = subject.cls.Config
    require(
        dataclasses.is_dataclass(config) and vars(config)["__dataclass_params__"].frozen,
        f"{config.__name__} is no frozen dataclass",
    )
    try:
        own = _config(subject)
    except TypeError as error:
        raise Broken(f"{config.__name__} cannot be made without settings: {error}; give every field a default") from error
    require(isinstance(own, config), f"its config is a {type(own).__name__}; it must be a {config.__name__}")
    try:
        plain = json.loads(json.dumps(dataclasses.asdict(own), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise Broken(f"its config is not of plain values: {error}") from error
    again = make_config(config, plain, config.__name__)
    require(again == own, f"its config is {own} before it is written as JSON, and {again} when it is read")


@contract("model", "task")
def an_unknown_setting_is_refused(subject: Subject) -> None:
    """A setting that its Config does not have is refused with a RequestError, not dropped."""
    refused(lambda: _made(subject, **{_UNKNOWN: 1}), f"the unknown setting {_UNKNOWN}=1")


@contract("model", "task")
def a_setting_of_the_wrong_type_is_refused(subject: Subject) -> None:
    """A value that cannot be brought to the type of its field is refused with a RequestError."""
    for field in dataclasses.fields(subject.cls.Config):
        if field.type not in ("Any", Any, object):
            value = {"neither": ["number", "nor", "text"]}
            refused(lambda name=field.name, value=value: _made(subject, **{name: value}), f"{field.name}={value}")  # type: ignore[misc]


@contract("model", "task")
def a_setting_has_an_effect_on_its_config(subject: Subject) -> None:
    """A setting that is given is the one in its config, not the default."""
    for field in dataclasses.fields(subject.cls.Config):
        own = getattr(_config(subject), field.name)
        if isinstance(own, (bool, int, float)):
            for other in _others(own):
                try:
                    made = _made(subject, **{field.name: other})
                except RequestError:  # out of its range, or not together with the rest
                    continue
                got = getattr(made.config, field.name)
                require(got == other, f"{field.name}={other} was given, and its config says {got}")
                break


def _others(own: float) -> tuple[float, ...]:
    if isinstance(own, bool):
        return (not own,)
    return (own + 1, own - 1) if isinstance(own, int) else (own / 2, own + 0.25)


def _takes_config(cls: type) -> bool:
    parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
    return any(one.kind is one.VAR_KEYWORD for one in parameters)


def _made(subject: Subject, **config: Any) -> Any:
    if isinstance(subject, ModelSubject):
        return subject.make(**config)
    return make.task(subject.name, **config)


def _config(subject: Subject) -> Any:
    if isinstance(subject, ModelSubject):
        return make.model(subject.name, *subject.shapes).config
    return make.task(subject.name).config
