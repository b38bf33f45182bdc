"""What the engine of a cluster costs beside that of one machine: a bench of many cells that sleep.

    python benchmarks/cluster.py [--quick] [--cells 100] [--seconds 1] [--rounds 3]

A scheduler and two workers of dask run on this machine, each worker doing one cell at a time; the local engine has two
processes. Both do the same bench, whole: 100 cells of a model whose fit sleeps for a second. They take turns, and medians are
compared: by the clock, which asks for a machine that does nothing else, and by the processor seconds of scheduler, workers and
bench, less those that the bench takes with the local engine. Processes that do the cells are counted in neither. Leaves with 1
where the cluster costs more than :data:`LIMIT` of the seconds of the cells by both, or has another table.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

LIMIT = 0.05
SUITE = """
schema = 1
title = "Sleepers"
models = ["sleeper"]
metrics = ["variance"]
n = 2
items = 4
tasks = { toy = [] }
"""
SLEEPER = '''
"""A model that sleeps, and answers with nothing."""
import time
from dataclasses import dataclass

import torch

import zoo


class Sleeper(zoo.Model):
    """y = 0, after so many seconds."""

    @dataclass(frozen=True)
    class Config:
        wait: float = 1.0

    def fit(self, pairs, **more):
        time.sleep(self.config.wait)
        self.fitted = True

    def encode(self, x):
        return x.flatten(1)

    def draw(self, code, n, noise):
        return torch.zeros(len(code), n, *self.y_shape)
'''


def install(site: Path) -> None:
    """The model as a package of its own, in the folder ``site``."""
    info = site / "zoo_sleeper-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-sleeper\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo.models]\nsleeper = zoo_sleeper:Sleeper\n")
    (site / "zoo_sleeper.py").write_text(SLEEPER)
    (site / "suites").mkdir()
    (site / "suites" / "sleepers.toml").write_text(SUITE)
    (site / "registry.toml").write_text("schema = 1\n")


@contextlib.contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[psutil.Process]]]:
    """A scheduler and workers of dask; gives the file with the scheduler's address, and their processes."""
    file, here = folder / "scheduler.json", ("--host", "127.0.0.1", "--no-dashboard")
    dask = [sys.executable, "-m", "dask"]
    commands = [[*dask, "scheduler", *here, "--port", "0", "--scheduler-file", str(file)]]
    commands += [[*dask, "worker", *here, "--nthreads", "1", "--no-nanny", "--scheduler-file", str(file)]] * workers
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(words, cwd=folder, start_new_session=True, **quiet) for words in commands]
    try:
        from distributed import Client

        while not file.is_file():
            time.sleep(0.1)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
        yield str(file), [psutil.Process(process.pid) for process in processes]
    finally:
        for process in processes[::-1]:
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:  # it waits for another one
                process.kill()
                process.wait()


def spent(processes: list[psutil.Process]) -> float:
    """The processor seconds of these, without those of processes that they have started."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round of 20 cells, to see that all of it works; no bar")
    asked = parser.parse_args()
    cells, rounds = (20, 1) if asked.quick else (asked.cells, asked.rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(folder / "site")
        sys.path.insert(0, str(folder / "site"))
        os.environ |= {"PYTHONPATH": str(folder / "site"), "ZOO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
        os.environ["ZOO_REGISTRY"] = str(folder / "site" / "registry.toml")
        import zoo

        request = {
            "seeds": cells,
            "references": False,
            "device": "cpu",
            "progress": False,
            "settings": {"wait": asked.seconds},
        }
        taken: dict[str, list[tuple[float, float]]] = {"local": [], "cluster": []}
        tables = []
        with cluster(folder, 2) as (address, processes):
            for turn in range(rounds):
                for engine, how in (("local", {"workers": 2}), ("cluster", {"engine": f"dask:{address}"})):
                    began, before = time.monotonic(), spent([*processes, psutil.Process()])
                    result = zoo.bench("sleepers", out=folder / f"{engine}{turn}", **request, **how)
                    taken[engine].append((time.monotonic() - began, spent([*processes, psutil.Process()]) - before))
                    assert result.failed == [], result.failed
                    tables.append([row for row in result.bench["table"] if row["unit"] != "s"])
                    clock, processor = taken[engine][-1]
                    print(
                        f"round {turn + 1}: {engine:8} {clock:7.1f} s by the clock, {processor:6.2f} of processors", flush=True
                    )
    slept = cells * asked.seconds
    (near, own), (far, more) = (map(statistics.median, zip(*taken[engine], strict=True)) for engine in taken)
    clock, processor = (far - near) / near, (more - own) / slept
    same = all(table == tables[0] for table in tables)
    print(
        f"the cluster takes {clock:+.1%} by the clock; its own processor seconds are {processor:.1%} of {slept:.0f} s of cells"
    )
    print(f"the tables are {'the same' if same else 'not the same'}")
    sys.exit(not same or (min(clock, processor) > LIMIT and not asked.quick))


if __name__ == "__main__":
    main()
