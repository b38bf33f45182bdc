"""The state of a training run on disk: one safetensors file, no pickle, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import whole_file

FILE = "training.safetensors"


class TrainingState:
    """Weights of ``modules``, optimizers and the number of steps done, kept in ``folder``.

    ``fingerprint`` is what a state must have in common with this run to be continued by it.
    """

    def __init__(
        self, folder: Path, modules: dict[str, nn.Module], optimizers: dict[str, Any], fingerprint: dict[str, Any]
    ) -> None:
        self.path = Path(folder) / FILE
        self.modules, self.optimizers = modules, optimizers
        self.fingerprint = json.loads(json.dumps(fingerprint))

    def write(self, done: int) -> None:
        """Write the state after ``done`` steps."""
        tensors = {f"{name}.{k}": v for name, module in self.modules.items() for k, v in module.state_dict().items()}
        groups = {}
        for name, optimizer in self.optimizers.items():
            state = optimizer.state_dict()
            groups[name] = state["param_groups"]
            for index, values in state["state"].items():
                tensors |= {f"optimizer.{name}.{index}.{k}": torch.as_tensor(v) for k, v in values.items()}
        record = {"done": done, "fingerprint": self.fingerprint, "groups": groups}
        with whole_file(self.path) as part:
            try:
                save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, part, {"zoo": json.dumps(record)})
            except Exception as error:  # safetensors has an error of its own for a full disk
                raise ZooError(f"cannot write {self.path}: {error}") from error

    def restore(self, defaults: Mapping[str, Any]) -> int:
        """Put the state on disk into place and give the number of steps done; 0 where there is none.

        ``defaults`` are settings of the config that the state may lack, with what they then were.

        Raises:
            RequestError: the state is that of another run (says what differs).
            ZooError: the file cannot be read.
        """
        if not self.path.exists():
            return 0
        try:
            with safe_open(self.path, "pt") as file:
                record = json.loads(file.metadata()["zoo"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        except Exception as error:
            raise ZooError(f"cannot read {self.path}: {error}; remove it to start anew") from error
        known = record["fingerprint"]
        known["config"] = json.loads(json.dumps(defaults)) | known["config"]
        for key, value in self.fingerprint.items():
            if known.get(key) != value:
                raise RequestError(
                    f"{self.path} belongs to another run: {key} was {known.get(key)}, now {value}; "
                    "repeat the first command, or name another folder"
                )
        for name, module in self.modules.items():
            module.load_state_dict(_under(f"{name}.", tensors))
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(f"optimizer.{name}.", tensors).items():
                index, part = key.split(".", 1)
                state.setdefault(int(index), {})[part] = value
            optimizer.load_state_dict({"state": state, "param_groups": record["groups"][name]})
        return int(record["done"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
