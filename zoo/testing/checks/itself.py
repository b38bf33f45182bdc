"""Checks of what a subject says of itself, and of what importing it costs everybody who has it installed."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping
from typing import Any

from zoo.probing.outcome import Tried
from zoo.probing.watch import watch_apart
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import Broken, Subject, refused, require
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError

UNKNOWN = "a_setting_that_nobody_has"


class Itself(Subject):
    def it_is_registered(self) -> None:
        """One package alone registers the name, for a zoo.Model (or zoo.Preset), zoo.Task, zoo.Metric or zoo.Data."""
        cls = self.cls
        require(isinstance(cls, type), f"{self.entry.value} is no class")
        if self.kind in ("model", "task") and "__init__" in vars(cls):
            parameters = inspect.signature(cls.__init__).parameters.values()
            takes_config = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
            require(takes_config, f"{cls.__name__}.__init__ takes no **config; settings must reach it by keyword")

    def it_is_described(self) -> None:
        """Its class has a docstring of its own, whose first line is shown by ``zoo show`` and in the gallery."""
        cls = self.cls
        text = inspect.cleandoc(vars(cls).get("__doc__") or "").strip()
        require(text, f"{cls.__name__} has no docstring; its first line must say what it is")
        for name in ("x_name", "y_name") if self.kind == "task" else ():
            said = getattr(cls, name) not in ("", "x", "y")
            require(said, f"{cls.__name__}.{name} is not set; it must say what the field is, as a word for captions")

    def what_it_says_it_cannot_do_are_checks(self) -> None:
        """``expected_failures`` maps names of checks to reasons, and ``check_settings`` names settings of its Config."""
        said = self.cls.expected_failures
        require(isinstance(said, Mapping), f"expected_failures is {said!r}; it must be a mapping from checks to reasons")
        names = [name for name, *_ in self.contracts()]
        for name, reason in said.items():
            require(name in names, f"expected_failures names {name!r}, which is no check of {self.kind}")
            require(isinstance(reason, str) and reason.strip(), f"expected_failures gives no reason for {name}")
        if isinstance(self, ModelSubject):
            make_config(self.cls.Config, self.cls.check_settings, "check_settings")


class Configured(Subject):
    def its_config_is_frozen_and_plain(self) -> None:
        """Config is a frozen dataclass with a default for every field, and survives the way through JSON."""
        config = self.cls.Config
        frozen = dataclasses.is_dataclass(config) and vars(config)["__dataclass_params__"].frozen
        require(frozen, f"{config.__name__} is no frozen dataclass")
        try:
            own = self.config
        except TypeError as error:
            raise Broken(f"{config.__name__} cannot be made without settings: {error}; give every field a default") from error
        require(isinstance(own, config), f"its config is a {type(own).__name__}; it must be a {config.__name__}")
        try:
            plain = json.loads(json.dumps(dataclasses.asdict(own), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise Broken(f"its config is not of plain values: {error}") from error
        again = make_config(config, plain, config.__name__)
        require(again == own, f"its config is {own} before it is written as JSON, and {again} when it is read")

    def an_unknown_setting_is_refused(self) -> None:
        """A setting that its Config does not have is refused with a RequestError, not dropped."""
        refused(f"the unknown setting {UNKNOWN}=1", self.direct, **{UNKNOWN: 1})

    def a_setting_of_the_wrong_type_is_refused(self) -> None:
        """A value that cannot be brought to the type of its field is refused with a RequestError."""
        value = {"neither": ["number", "nor", "text"]}
        for field in dataclasses.fields(self.cls.Config):
            if field.type not in ("Any", Any, object):
                refused(f"{field.name}={value}", self.direct, **{field.name: value})

    def a_setting_has_an_effect_on_its_config(self) -> None:
        """A setting that is given is the one in its config, not the default."""
        own = self.config  # of a model that is made for it, each time
        for field in dataclasses.fields(self.cls.Config):
            for other in _others(getattr(own, field.name)):
                try:
                    got = getattr(self.make(**{field.name: other}).config, field.name)
                except RequestError:  # out of its range, or not together with the rest
                    continue
                require(got == other, f"{field.name}={other} was given, and its config says {got}")
                break


class Importing(Subject):
    def importing_it_is_quick(self) -> None:
        """Importing its module takes less than two seconds beyond the core, and brings no heavy package along."""
        imported, module = _imported(self), self.entry.module
        heavy = ", ".join(imported.heavy)
        require(not heavy, f"importing {module} imports {heavy}; import them inside the functions that use them")
        # A busy machine can make any import slow once, so a slow one is tried again.
        seconds = imported.seconds
        if seconds >= 2:
            seconds = min(seconds, watch_apart.__wrapped__(module).seconds)  # not what is kept of the first time
        slow = f"importing {module} took {seconds:.1f} s; it must take less than 2: do the work when it is used"
        require(seconds < 2, slow)

    def importing_it_prints_nothing(self) -> None:
        """Importing its module writes nothing to the standard streams."""
        printed = " ".join(_imported(self).printed.split())
        require(not printed, f"importing {self.entry.module} printed {printed[:80]!r}; it must print nothing")

    def importing_it_changes_nothing_global(self) -> None:
        """Importing its module leaves the random states, torch's defaults, the environment and the search path alone."""
        changed = ", ".join(_imported(self).effects)
        require(not changed, f"importing {self.entry.module} changed {changed}; it must change nothing of others")


def _others(own: Any) -> tuple[Any, ...]:
    if isinstance(own, bool):
        return (not own,)
    if isinstance(own, int):
        return own + 1, own - 1
    return (own / 2, own + 0.25) if isinstance(own, float) else ()


def _imported(subject: Subject) -> Tried:
    if subject.imported is None:
        subject.imported = watch_apart(subject.entry.module)
    imported: Tried = subject.imported
    require(not imported.reason, f"importing {subject.entry.module} raised {imported.reason}")
    return imported
