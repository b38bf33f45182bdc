"""How long the command line takes to start, in starts of the bare interpreter.

    python benchmarks/cli.py [--runs 25]

The commands take turns, so that whatever else the machine does falls on all of them; medians are compared. Leaves with 1
where ``zoo --help`` or ``zoo list`` takes more than :data:`LIMIT` times as long as ``python -c pass``, or where a dozen
installed plugins make ``zoo list`` more than :data:`MORE` times as long.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

LIMIT = 10.0
MORE = 1.5
PLUGINS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the start of the command line.")
    parser.add_argument("--runs", type=int, default=25)
    runs = parser.parse_args().runs
    zoo = str(Path(sysconfig.get_path("scripts")) / "zoo")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "zoo --help": [zoo, "--help"],
        "zoo list": [zoo, "list"],
        "zoo list models": [zoo, "list", "models"],
    }
    crowded = f"zoo list, {PLUGINS} plugins"
    commands[crowded] = [zoo, "list"]
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        plain = {**os.environ, "ZOO_CACHE": str(Path(folder) / "cache")}
        plain.pop("PYTHONPATH", None)
        many = {**plain, "PYTHONPATH": install(Path(folder) / "site")}
        subprocess.run([zoo, "list", "plugins"], check=True, stdout=subprocess.DEVNULL, env=many)  # as it is after a first use
        for _ in range(runs + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=many if name == crowded else plain)
                times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}  # the first one fills caches
    base = medians["python -c pass"]
    for name, median in medians.items():
        print(f"{name:22} {median * 1e3:7.1f} ms  {median / base:5.2f} x")
    longer = medians[crowded] / medians["zoo list"]
    print(f"with {PLUGINS} plugins zoo list takes {longer:.2f} times as long")
    sys.exit(max(medians["zoo --help"], medians["zoo list"]) > LIMIT * base or longer > MORE)


def install(site: Path) -> str:
    """Distributions of a model, a task and a metric each, in the folder ``site``; importing any of them would be seen."""
    for i in range(PLUGINS):
        folder = site / f"zoo_made_up{i}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-made-up{i}\nVersion: 1.0\nRequires-Dist: torch\n")
        points = [f"[zoo.{kind}]\nmade-up{i} = zoo_made_up{i}.{kind}:Made\n" for kind in ("models", "tasks", "metrics")]
        (folder / "entry_points.txt").write_text("\n".join(points))
        (site / f"zoo_made_up{i}").mkdir()
        for name in ("__init__", "models", "tasks", "metrics"):
            (site / f"zoo_made_up{i}" / f"{name}.py").write_text("raise SystemExit('imported')\n")
    return str(site)


if __name__ == "__main__":
    main()
