"""The table of a bench that a cluster did, worker and scheduler being killed meanwhile, beside that of one machine.

    python tools/cluster.py [--seeds 3] [--steps 300]

Three workers of dask each have a network of their own (a network namespace, joined to the scheduler's by a bridge), a working
folder of their own with photos of their own, a cache of their own, and do not see the folder of the bench. A fourth has
another photo, and must be refused. Where this machine does not let us make namespaces, the workers have their own folders
only, which is said. Then, with one command for the bench throughout:

1. one worker is killed (SIGKILL) in the middle of a cell;
2. after more cells the scheduler is killed: the bench must end with one line, and what was done must be there;
3. scheduler and workers are started again and the command is given again: it must do only what is left.

Leaves with 1 where the numbers of any cell are not, to the digit, those of one machine.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SUITE = """
schema = 1
title = "What a cluster gives"
models = ["nn", "random", "l1"]
metrics = ["energy_score", "error_of_best", "variance"]
n = 10
items = 8
settings = { "l1.width" = 8 }
tasks = { resaturate = ["folder"] }
"""
BRIDGE, NET, PORT = "zoobridge", "10.213.77", 8786
TIMES = {"seconds"}  # the metric that no two runs share
ENDED = 120.0


class Net:
    """Namespaces ``zoo1`` ... ``zooN`` on a bridge, where they can be made."""

    def __init__(self, count: int) -> None:
        self.count, self.made = count, False
        try:
            self.close()
            self._ip(f"link add {BRIDGE} type bridge")
            self._ip(f"addr add {NET}.1/24 dev {BRIDGE}")
            self._ip(f"link set {BRIDGE} up")
            for i in range(1, count + 1):
                self._ip(f"netns add zoo{i}")
                self._ip(f"link add zoo{i} type veth peer name eth0 netns zoo{i}")
                self._ip(f"link set zoo{i} master {BRIDGE} up")
                for words in (f"addr add {NET}.{10 + i}/24 dev eth0", "link set eth0 up", "link set lo up"):
                    self._ip(f"-n zoo{i} {words}")
            self.made = True
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            print(f"no network namespaces here ({error}): workers with their own folders only")
        self.host = f"{NET}.1" if self.made else "127.0.0.1"

    def _ip(self, words: str) -> None:
        subprocess.run(["ip", *words.split()], check=True, capture_output=True)

    def close(self) -> None:
        for i in range(1, self.count + 1):
            subprocess.run(["ip", "netns", "del", f"zoo{i}"], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)

    def inside(self, i: int, hidden: Path, words: list[str]) -> list[str]:
        """The command in the i-th namespace, where the folder ``hidden`` is an empty one."""
        if not self.made:
            return words
        return ["ip", "netns", "exec", f"zoo{i}", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(hidden), *words]


def photos(folder: Path, seed: int, count: int = 40) -> None:
    """Small photos of coloured patches."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for i in range(count):
        small = random.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC).save(folder / f"{i:03}.png")


def start(words: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "ZOO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    env |= {"ZOO_REGISTRY": str(log.parent / "registry.toml")}
    with log.open("ab") as file:
        return subprocess.Popen(words, cwd=folder, env=env, stdout=file, stderr=file, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(true: object, what: str, seconds: float = ENDED * 4) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not in {seconds:.0f} s")
        time.sleep(0.2)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "bench.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["metric"] not in TIMES]


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    asked = parser.parse_args()
    name = tempfile.mkdtemp(prefix="zoo-cluster-")
    net, running = Net(4), list[subprocess.Popen[bytes]]()
    try:
        prove(Path(name), net, asked, running)
    finally:
        for process in running:
            if process.poll() is None:
                kill(process)
        net.close()
        shutil.rmtree(name, ignore_errors=True)


def prove(root: Path, net: Net, asked: argparse.Namespace, running: list[subprocess.Popen[bytes]]) -> None:
    (out := root / "benches").mkdir()
    (root / "suites").mkdir()
    (root / "suites" / "proof.toml").write_text(SUITE)
    (root / "registry.toml").write_text("schema = 1\n")
    for i in range(5):
        photos(root / f"machine{i}" / "photos", 0)
    photos(root / "other", 1, 1)
    shutil.copy(root / "other" / "000.png", root / "machine4" / "photos" / "007.png")
    dask = [sys.executable, "-m", "dask"]
    scheduler = [*dask, "scheduler", "--host", net.host, "--port", str(PORT), "--no-dashboard"]

    def worker(i: int) -> subprocess.Popen[bytes]:
        own = root / f"machine{i}"
        words = [*dask, "worker", f"tcp://{net.host}:{PORT}", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
        words += ["--local-directory", str(own / "scratch")]
        return start(net.inside(i, out, words), own, root / f"worker{i}.log")

    def cluster(workers: list[int]) -> dict[int, subprocess.Popen[bytes]]:
        found = {0: start(scheduler, root, root / "scheduler.log")} | {i: worker(i) for i in workers}
        running.extend(found.values())
        return found

    words = [sys.executable, "-m", "zoo", "bench", "proof", "--data", "folder:photos", "--no-references", "--device", "cpu"]
    words += ["--seeds", str(asked.seeds), "--set", f"training.steps={asked.steps}"]
    far = [*words, "--out", str(out / "far"), "--engine", f"dask:tcp://{net.host}:{PORT}"]
    near = start([*words, "--out", str(out / "near"), "--workers", "1"], root / "machine0", root / "near.log")
    running.append(near)

    def done() -> int:
        return len(list((out / "far").glob("cells/*/*/cell.json")))

    def busy(i: int) -> bool:
        """Whether a worker has begun a cell: its folder is there."""
        return any((root / f"machine{i}" / "scratch").glob("**/zoo-*/*/training"))

    parts = cluster([4, 1, 2, 3])
    bench = start(far, root / "machine0", root / "far.log")
    running.append(bench)
    until(lambda: done() >= 1 and busy(1), "a cell done, and another begun by the first worker")
    kill(parts[1])
    print(f"a worker killed in the middle of a cell, {done()} cells done", flush=True)
    until(lambda: done() >= 3 and (busy(2) or busy(3)), "three cells done, and others begun")
    kill(parts[0])
    code, kept = bench.wait(ENDED), done()
    said = (root / "far.log").read_text()
    print(f"the scheduler killed, {kept} cells done; the bench leaves with {code}: {said.splitlines()[-1]}", flush=True)
    refused = [line for line in said.splitlines() if "is refused" in line]
    print(f"refused: {refused}", flush=True)
    for process in parts.values():
        if process.poll() is None:
            kill(process)
    cluster([2, 3])
    again = start(far, root / "machine0", root / "again.log")
    running.append(again)
    code_again = again.wait()
    said = (root / "again.log").read_text()
    print(said.splitlines()[0] if said else "", flush=True)
    assert near.wait() == 0, (root / "near.log").read_text()
    ours, theirs = rows(out / "near"), rows(out / "far")
    same = ours == theirs
    cells = [len(list((out / which / "cells").glob("*/*/cell.json"))) for which in ("near", "far")]
    print(f"the same command again leaves with {code_again}; {len(ours)} rows of {cells[0]} cells, {cells[1]} by the cluster")
    print(f"bench.csv, but for times: {'the same, to the digit' if same else 'NOT the same'}", flush=True)
    right = same and (code, code_again, len(refused)) == (1, 0, 1) and f"{kept} of {cells[0]} runs are done already" in said
    if not right:
        print((root / "far.log").read_text(), said)
    sys.exit(not right)


if __name__ == "__main__":
    main()
