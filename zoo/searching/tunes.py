"""A search for settings as it is asked for, and as it ends."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.benching.plan import LENGTHS
from zoo.contracts import make
from zoo.running.plan import MOST, written
from zoo.searching import space as spaces
from zoo.utils.bounds import seed_of, whole
from zoo.utils.config import names_in, plain
from zoo.utils.errors import RequestError, shown
from zoo.utils.extras import extra
from zoo.utils.words import typed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class TuneRequest:
    """Everything that a search is asked for, as for :func:`tune`."""

    models: Sequence[str]
    task: str
    data: Any = None
    fits: int = 20
    seconds: float = 60.0
    by: str | None = None
    over: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    n: int = 30
    items: int | None = None
    workers: int = 1
    device: str = "auto"
    out: str | None = None
    progress: bool = True
    split_seed: int = 0

    def __post_init__(self) -> None:
        names = tuple(dict.fromkeys(names_in(self.models, "models") or ()))
        for kind, name in [*(("models", name) for name in names), ("tasks", self.task)]:
            registry.entry(kind, name)
        if not names:
            raise RequestError("no model is named: name those whose settings are to be searched")
        if not isinstance(self.seconds, (int, float)) or not 0 < self.seconds < math.inf:
            raise RequestError(f"seconds are {shown(self.seconds)}; they must be a number above 0, for each fit")
        if not isinstance(self.settings, Mapping) or not all(isinstance(key, str) for key in self.settings):
            raise RequestError(f"settings are {shown(self.settings)}; they must be values by name")
        if twice := next((key for key in LENGTHS if key in self.settings), None):
            raise RequestError(f"every fit has as many steps as its seconds allow: leave out {twice}")
        over = spaces.checked(self.over)
        if twice := next((key for key in over if key in self.settings), None):
            raise RequestError(f"{twice} is set and searched over: leave one of these out")
        parts: dict[str, Any] = {"models": names, "fits": whole(self.fits, "fits", 1, 10_000), "seed": seed_of(self.seed)}
        parts |= {
            "split_seed": seed_of(self.split_seed, "split_seed"),
            "n": whole(self.n, "n", 1, MOST),
            "workers": whole(self.workers, "workers", 0),
        }
        parts |= {"items": None if self.items is None else whole(self.items, "items", 1)}
        parts |= {"settings": {key: plain(value) for key, value in self.settings.items()}, "over": over}
        if self.data is not None and not isinstance(self.data, str):  # which is not sent to workers
            parts |= {"data": make.given_data(self.data), "workers": 0}
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    def command(self) -> str:
        """The command line that does this again."""
        words = ["zoo", "tune", "--models", ",".join(self.models), "--task", self.task]
        for part in dataclasses.fields(self)[2:]:
            value = getattr(self, part.name)
            if part.name == "over":
                for key, values in value.items():
                    ends = isinstance(values, spaces.Range)
                    words += ["--over", f"{key}={f'{values.low}..{values.high}' if ends else ','.join(map(written, values))}"]
            elif part.name == "settings":
                words += [word for key, one in value.items() for word in ("--set", f"{key}={written(one)}")]
            elif part.name not in ("workers", "progress") and value != part.default:
                words += ["-n" if part.name == "n" else f"--{part.name.replace('_', '-')}", str(value)]
        return typed(words)


@dataclass(repr=False)
class TuneResult:
    """A finished search: its folder, and the settings that were best for each model.

    Examples:
        >>> best = {"nn": {"settings": {"sigma": 2.0}, "command": "zoo run --model nn --task toy --set sigma=2.0"}}
        >>> zoo.TuneResult(Path("runs/tune"), {"task": "toy", "best": best, "trials": []}).best
        {'nn': {'sigma': 2.0}}

    Attributes:
        out: the folder with ``tune.json``, and for each model its fits and the journal of Optuna's study.
        tune: the content of ``tune.json``.
    """

    out: Path
    tune: dict[str, Any]

    @property
    def best(self) -> dict[str, dict[str, Any]]:
        """The best settings of each model, those in which it differs from itself as it is; none of a model without a fit."""
        return {model: dict(found["settings"]) for model, found in self.tune["best"].items()}

    @property
    def commands(self) -> dict[str, str]:
        """The command that fits each model with its best settings to all training pairs."""
        return {model: str(found["command"]) for model, found in self.tune["best"].items()}

    def __repr__(self) -> str:
        return f"TuneResult({str(self.out)!r}: {len(self.tune['trials'])} fits of {', '.join(self.best) or 'no model'})"

    def to_pandas(self) -> pandas.DataFrame:
        """The fits, a row each, the best of each model first; it takes pandas (``pip install 'cond-zoo[pandas]'``)."""
        pandas = extra("pandas", "pandas", "to_pandas")
        kept = ("model", "number", "value", "low", "high", "fit_seconds", "steps", "status")
        return pandas.DataFrame([{key: trial[key] for key in kept} | trial["settings"] for trial in self.tune["trials"]])
