"""How long the command line takes to start, in starts of the bare interpreter.

    python benchmarks/cli.py [--runs 25]

The commands take turns, so that whatever else the machine does falls on all of them; medians are compared. Leaves with 1
where ``zoo --help`` or ``zoo list`` takes more than :data:`LIMIT` times as long as ``python -c pass``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

LIMIT = 10.0


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
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}  # the first one fills caches
    base = medians["python -c pass"]
    for name, median in medians.items():
        print(f"{name:16} {median * 1e3:7.1f} ms  {median / base:5.2f} x")
    sys.exit(max(medians["zoo --help"], medians["zoo list"]) > LIMIT * base)


if __name__ == "__main__":
    main()
