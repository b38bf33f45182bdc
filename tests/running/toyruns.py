"""Runs of the toy plugin, quick and small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zoo

ASKED: dict[str, Any] = {"model": "toy-wide", "task": "toy-shade", "n": 9, "metrics": ("toy-best", "toy-density")}


def run(out: Path | None, **more: Any) -> zoo.RunResult:
    return zoo.run(**{**ASKED, "out": out, "device": "cpu", "progress": False, **more})


LEFT = ["checkpoint", "log.txt", "metrics.json", "report.html", "run.json", "samples.png", "values.safetensors"]
"""The names in the folder of a finished run."""
