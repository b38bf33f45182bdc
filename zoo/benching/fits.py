"""Fits that cells share: those that differ only in settings that no fit reads, and in what is drawn and scored after it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.benching.cells import RECORD, Cell, former
from zoo.benching.forms import difference, read_record
from zoo.contracts import make
from zoo.utils.config import sampling

SCORED = ("n", "items", "metrics")
"""The parts of what decides a cell's numbers that its fit does not depend on."""


def share(cells: Sequence[Cell]) -> tuple[list[Cell], list[Cell]]:
    """Let cells take fits that others make, or that they had before; gives those to do first, and those that wait for these.

    Only what is to be done anew is changed. The run itself sees whether the fit is the one that it would make
    (:func:`zoo.running.fitted.fitted`); where it is not there, as on another machine, it makes its own.
    """
    done: dict[str, Cell] = {}
    for cell in cells:
        if cell.status == "done":
            done.setdefault(_fit_of(cell), cell)
    first: dict[str, Cell] = {}
    now, later = list[Cell](), list[Cell]()
    for cell in cells:
        if cell.status == "stopped":
            now.append(cell)
        if cell.status != "new":
            continue
        fit = _fit_of(cell)
        if source := done.get(fit) or first.get(fit):
            cell.request = dataclasses.replace(cell.request, fit_of=str(source.folder))
        elif _was(cell, cell.folder / RECORD) or _was(cell, former(cell.folder) / RECORD):
            cell.request = dataclasses.replace(cell.request, fit_of=str(former(cell.folder)))
        (later if fit in first else now).append(cell)
        first.setdefault(fit, cell)
    return now, later


def _was(cell: Cell, record: Any) -> bool:
    """Whether a cell that was done with other samples or scores had the same fit."""
    old = (read_record(record) or {}).get("request")
    if not isinstance(old, dict):
        return False
    return not difference(_kept(cell, old), _kept(cell, cell.numbers), _kept(cell, cell.added))


def _fit_of(cell: Cell) -> str:
    """All that decides the fit of a cell, as a text: the class for the name of its model, as presets are names of settings."""
    model = make.model_class(str(cell.request.model))[0]
    return json.dumps({**_kept(cell, cell.numbers), "model": f"{model.__module__}.{model.__qualname__}"}, sort_keys=True)


def _kept(cell: Cell, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The part of what decides a cell's numbers that decides its fit."""
    free = sampling(make.model_class(str(cell.request.model))[0].Config)
    kept = {key: value for key, value in numbers.items() if key not in SCORED}
    return {**kept, "config": {key: value for key, value in dict(kept.get("config") or {}).items() if key not in free}}
