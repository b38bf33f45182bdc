"""The records in the folder of a cell, as far as a bench reads them, and how two requests differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from zoo.running.folder import read_json
from zoo.saving.strict import Number


class ScoreForm(msgspec.Struct):
    value: Number
    low: Number
    high: Number
    unit: str
    better: Literal["lower", "higher"] | None = None


class VerdictForm(msgspec.Struct):
    """The words that close a run; runs of before have none."""

    text: str
    findings: list[dict[str, Any]] = []


class MetricsForm(msgspec.Struct):
    """The part of ``metrics.json`` that a bench needs."""

    metrics: dict[str, ScoreForm]
    test_items: int
    verdict: VerdictForm | None = None


class _Splits(msgspec.Struct):
    train: dict[str, Any] | None
    test: dict[str, Any]


class _Made(msgspec.Struct):
    config: dict[str, Any]


class RunForm(msgspec.Struct):
    """The part of ``run.json`` that a bench needs."""

    data: _Splits
    model: _Made
    task: _Made
    skipped_metrics: dict[str, str]
    seconds: dict[str, Number]
    history: dict[str, Any] | None
    device: str
    started: str
    command: str


class TrialForm(msgspec.Struct):
    """The part of a trial's record that a bench needs."""

    request: dict[str, Any]
    metrics: dict[str, ScoreForm]
    items: dict[str, int]
    history: dict[str, Any] | None
    seconds: dict[str, Number]


def read_record(path: Path, form: type[msgspec.Struct] | None = None) -> dict[str, Any] | None:
    """The object in a file; None where it cannot be read, or is not of this form."""
    try:
        content = read_json(path)
        if form is not None:
            msgspec.convert(content, form)
    except Exception:  # of many kinds; such a cell is done again
        return None
    return content


def difference(old: Any, new: Mapping[str, Any], added: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The first thing in which a request that was made differs from one that is made now; "" for none.

    What the old one lacks it had as ``added`` says, part by part: these settings came later, with what was done before. What
    it alone has is left aside; but of a part that both have, as the settings of training are, everything has to be the same.

    Examples:
        >>> difference({"n": 3, "training": {"steps": 5}}, {"training": {}})
        'training steps was 5, is not given'
    """
    if not isinstance(old, dict):
        return "its record cannot be read"
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict):
            before = added.get(key, {}) | before
        if why := _differ(before, value):
            return f"{key} {why}"
    return ""


def _differ(before: Any, value: Any) -> str:
    if not isinstance(before, dict) or not isinstance(value, dict):
        return "" if before == value else f"was {_short(before)}, is {_short(value)}"
    for key in {**before, **value}:
        if key not in value:
            return f"{key} was {_short(before[key])}, is not given"
        if key not in before:
            return f"{key} was not given, is {_short(value[key])}"
        if why := _differ(before[key], value[key]):
            return f"{key} {why}"
    return ""


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 40 else text[:36] + "..."
