"""The state of a training run on disk: one safetensors file, no pickle, whole or not at all, checked before it is believed."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import torch
from torch import Tensor, nn

from zoo.fitting.course import Kept
from zoo.utils import tensors as files
from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError, ZooError, border, cause
from zoo.utils.files import regular, whole_file
from zoo.utils.words import say

T = TypeVar("T")
FILE = "training.safetensors"
LATER = {"accumulate": 1, "validation": None}
"""Parts of a fingerprint that files of before lack, with what they then were."""
UNTOLD = ("clip", "precision", "content")
"""Parts that they lack too, of which it is not known what they were."""
SUM = "sha256"
"""The key of the checksum in the file's metadata, over the record and every tensor."""


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """All that is no tensor: steps done, the fingerprint of the run, the groups of each optimizer and its plain values.

    Files of before, without a ``schema``, have neither a checksum nor ``plain``: there every value is a tensor.
    """

    done: int
    fingerprint: dict[str, Any]
    groups: dict[str, list[dict[str, Any]]]
    plain: dict[str, Any] = {}
    schema: Literal[0, 1] = 0
    threads: int | None = None
    processor: float = 0.0
    course: Kept = msgspec.field(default_factory=Kept)


class TrainingState:
    """Weights of ``modules``, optimizers and the number of steps done, kept in ``folder``.

    ``fingerprint`` is what a state must have in common with this run to be continued by it.

    Raises:
        ZooError: something of it could not be kept, which is seen before the first step.
    """

    def __init__(
        self, folder: Path, modules: dict[str, nn.Module], optimizers: dict[str, Any], fingerprint: dict[str, Any]
    ) -> None:
        self.path = Path(folder) / FILE
        self.modules, self.optimizers = modules, optimizers
        self.before = 0.0
        """Processor seconds of the steps that were done when the state was restored."""
        self.clock: Callable[[], float] = lambda: 0.0
        """Those since, when it is written."""
        self.found = Kept()
        """The course of the fit, as it was restored."""
        self.course: Callable[[], Kept] = Kept
        """The course, when it is written."""
        with border("the state of training cannot be kept"):
            self.fingerprint = json.loads(json.dumps(fingerprint))
        self.check()

    def check(self) -> None:
        """See that all of it can be kept; an optimizer has its values from the first step on."""
        with border("the state of training cannot be kept"):
            self._content(0)

    def write(self, done: int) -> None:
        """Write the state after ``done`` steps."""
        with border("the state of training cannot be kept"):
            named, text = self._content(done)
            kept, tied = files.unique(named)
            kept = files.apart(kept)
            digest = files.digest_of(kept | {name: kept[first] for name, first in tied.items()}, text)
        with whole_file(self.path) as part:
            files.write(part, kept, tied, {"zoo": text, SUM: digest}, self.path)

    def restore(self, defaults: Mapping[str, Any]) -> int:
        """Put the state on disk into place and give the number of steps done; 0 where there is none.

        Nothing is put into place before all of it has been looked at: the checksum, the record, names and shapes.
        ``defaults`` are settings of the config that the state may lack, with what they then were.

        Raises:
            RequestError: the state is that of another run (says what differs).
            ZooError: the file cannot be read or is damaged.
        """
        if not os.path.lexists(self.path):
            return 0
        with self._reading():
            found, metadata = files.read(self.path, lambda stored, _: self._allow(stored))
            record = msgspec.convert(json.loads(metadata["zoo"]), Record)
            if record.schema and files.digest_of(found, metadata["zoo"]) != metadata.get(SUM):
                raise ZooError("its checksum is not that of its content")
            known = {name: self.fingerprint.get(name) for name in UNTOLD} | LATER | record.fingerprint
            known["config"] = json.loads(json.dumps(defaults)) | dict(known["config"])
        for key, value in self.fingerprint.items():
            if known.get(key) != value:
                raise RequestError(
                    f"{self.path} belongs to another run: {key} was {known.get(key)}, now {value}; "
                    "repeat the first command, or name another folder"
                )
        with self._reading():
            if not 0 <= record.done <= self.fingerprint.get("total", record.done):
                raise ZooError(f"it says that {record.done} steps are done")
            states = {name: self._state_of(name, record, found) for name in self.optimizers}
            for name, module in self.modules.items():
                module.load_state_dict(_under(f"{name}.", found))
            for name, state in states.items():
                self.optimizers[name].load_state_dict({"state": state, "param_groups": record.groups[name]})
            self.before = record.processor if 0 <= record.processor < math.inf else 0.0
            self.found = record.course
        if not record.schema:
            say(f"zoo: {self.path} is of an older version without a checksum: it is used unchecked", err=True)
        return record.done

    def _content(self, done: int) -> tuple[dict[str, Any], str]:
        """Every tensor by name, and the record as JSON."""
        named, record = self._modules(), Record(done, self.fingerprint, {}, schema=1, threads=torch.get_num_threads())
        record.processor, record.course = self.before + self.clock(), self.course()
        for name, optimizer in self.optimizers.items():
            state = optimizer.state_dict()
            record.groups[name] = state["param_groups"]
            for index, values in state["state"].items():
                for key, value in values.items():
                    place = f"{_prefix(name)}{index}.{key}"
                    packed = _packed(value, place, named)
                    if not isinstance(value, Tensor):
                        record.plain[place] = packed
        files.unique(named)
        return named, json.dumps(msgspec.structs.asdict(record) | {"course": msgspec.to_builtins(record.course)})

    def _modules(self) -> dict[str, Any]:
        states = {name: module.state_dict(keep_vars=True) for name, module in self.modules.items()}
        return {f"{name}.{key}": value for name, state in states.items() for key, value in state.items()}

    def _allow(self, stored: Mapping[str, files.Stored]) -> None:
        """Raise where a header has other tensors of the modules, or some that no optimizer could have."""
        own = self._modules()
        if lacking := sorted(own.keys() - stored.keys()):
            raise ZooError(f"it lacks tensor {lacking[0]}")
        for name, tensor in stored.items():
            if name in own:
                if tensor != (right := files.header_of({name: own[name]}, {})[name]):
                    raise ZooError(f"tensor {name} is {tensor.dtype} {tensor.shape}; it must be {right.dtype} {right.shape}")
                continue
            of = next((optimizer for key, optimizer in self.optimizers.items() if name.startswith(_prefix(key))), None)
            if of is None:
                raise ZooError(f"tensor {name} is of nothing in this run")
            largest = max((max(p.numel(), *p.shape, *(side * side for side in p.shape)) for p in _parameters(of)), default=0)
            if math.prod(tensor.shape) > 4 * (1024 + largest):
                raise ZooError(f"tensor {name} has shape {tensor.shape}, too large for what it is of")

    def _state_of(self, name: str, record: Record, found: Mapping[str, Tensor]) -> dict[int, dict[str, Any]]:
        """The state of one optimizer by parameter, seen to be like its own."""
        optimizer = self.optimizers[name]
        own, given = optimizer.state_dict()["param_groups"], record.groups.get(name, [])
        if len(own) != len(given) or not all(map(_alike, own, given)):
            raise ZooError(f"the settings of optimizer {name!r} are of another kind")
        used, parameters, state = set[str](), _parameters(optimizer), dict[int, dict[str, Any]]()
        plain = {key: _unpacked(value, found, used) for key, value in _under(_prefix(name), record.plain).items()}
        inner = getattr(optimizer, "optimizer", optimizer)
        exact = type(inner).__module__.startswith("torch.optim") and type(inner).__name__ != "Adafactor"
        tensors = {key: value for key, value in _under(_prefix(name), found).items() if _prefix(name) + key not in used}
        for key, value in {**tensors, **plain}.items():
            index, _, part = key.partition(".")
            if not part or not index.isdecimal() or int(index) >= len(parameters):
                raise ZooError(f"optimizer {name!r} has no place for {key}")
            if exact and isinstance(value, Tensor) and value.numel() != 1 and value.shape != parameters[int(index)].shape:
                want = tuple(parameters[int(index)].shape)
                raise ZooError(f"tensor {_prefix(name)}{key} has shape {tuple(value.shape)}; it must be {want}")
            state.setdefault(int(index), {})[part] = value.clone() if isinstance(value, Tensor) else value
        if exact and len({frozenset(values) for values in state.values()}) > 1:
            raise ZooError(f"the state of optimizer {name!r} lacks tensors")
        return state

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise ZooError(f"{self.path} is damaged: {cause(error)}; remove it to start anew") from error


def _prefix(optimizer: str) -> str:
    return f"optimizer.{optimizer}."


def _parameters(optimizer: Any) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _packed(value: Any, place: str, named: dict[str, Any]) -> Any:
    """A value as JSON, with the tensors in it put into ``named`` and their names in their place."""
    if isinstance(value, Tensor):
        named[place] = value
        return {"tensor": place}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_packed(part, f"{place}.{i}", named) for i, part in enumerate(value)]}
    if isinstance(value, dict):
        return {"dict": {key: _packed(part, f"{place}.{key}", named) for key, part in value.items()}}
    if value is None or isinstance(value, (bool, int, float)):  # torch cannot restore text
        return value
    raise TypeError(f"{place} is of type {type(value).__name__}, and may be of tensors and numbers")


def _unpacked(value: Any, found: Mapping[str, Tensor], used: set[str]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        used.add(content)
        return found[content]
    if kind == "dict":
        return {key: _unpacked(part, found, used) for key, part in content.items()}
    return {"list": list, "tuple": tuple}[kind](_unpacked(part, found, used) for part in content)


def _alike(own: Any, given: Any) -> bool:
    """Whether a value is of the kind that an optimizer's own is: finite numbers, the same parameters, lists as long."""
    if isinstance(own, dict):
        inside = (key == "params" or _alike(own[key], value) for key, value in given.items() if key in own)
        return given.keys() <= own.keys() and given.get("params") == own["params"] and all(inside)
    if isinstance(own, (list, tuple)):
        return isinstance(given, list) and len(own) == len(given) and all(map(_alike, own, given))
    if isinstance(own, bool) or own is None:
        return isinstance(given, bool) or given is None
    if isinstance(own, (int, float)):
        return isinstance(given, (int, float)) and not isinstance(given, bool) and math.isfinite(given)
    return isinstance(given, type(own))


def kept_threads(folder: Path) -> int | None:
    """With how many threads the training was done whose state lies in ``folder``; None where that is not known.

    Whether the state is to be believed is seen when it is restored.
    """
    from safetensors import safe_open

    try:
        with safe_open(regular(Path(folder) / FILE), "pt") as file:
            threads = json.loads(file.metadata()["zoo"])["threads"]
        return whole(threads, "threads", 1, 4 * (os.cpu_count() or 1))
    except Exception:
        return None


def _under(prefix: str, values: Mapping[str, T]) -> dict[str, T]:
    return {key[len(prefix) :]: value for key, value in values.items() if key.startswith(prefix)}
