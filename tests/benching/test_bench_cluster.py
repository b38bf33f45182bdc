"""A bench by a cluster: a scheduler of dask and two workers in this process, which have folders of their own."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calls import call_here
from processes import wait
from toybenches import bench

import zoo
from zoo.benching import cluster as engines
from zoo.benching import remote
from zoo.benching.cells import Cell
from zoo.benching.same import difference, proof_of
from zoo.running.plan import Request
from zoo.utils.errors import RequestError, ZooError

LACKS = pytest.mark.skipif(
    not find_spec("distributed"), reason="distributed is not installed: pip install 'cond-zoo[cluster]'"
)
pytestmark = [pytest.mark.usefixtures("toys", "no_figures"), LACKS]


def start(folder: Path) -> Any:
    from distributed import LocalCluster  # not by every process that collects the tests

    how = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0", "silence_logs": 50}
    return LocalCluster(host="127.0.0.1", protocol="tcp", local_directory=str(folder), **how)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start(tmp_path_factory.mktemp("workers")) as cluster:
        yield cluster


def by(cluster: Any, out: Path, **more: Any) -> zoo.BenchResult:
    return bench(out, workers=None, engine=f"dask:{cluster.scheduler_address}", **more)


class Pretence:
    """What workers do in place of cells: give those of a bench that is done, or first what ``instead`` gives, if anything."""

    done: Path
    instead: Callable[[str, Any], Any]


def pretend(task: dict[str, Any]) -> dict[str, Any]:
    from distributed import get_worker

    worker, name = get_worker(), Path(task["request"]["out"]).name
    answer = {"reason": "", "refused": "", "worker": worker.address, **(Pretence.instead(name, worker) or {})}
    return {"files": remote.packed(Pretence.done / "cells/toy-shade" / name), **answer}


@pytest.fixture
def pretence(monkeypatch: pytest.MonkeyPatch, whole: zoo.BenchResult) -> type[Pretence]:
    monkeypatch.setattr(remote, "do", pretend)
    Pretence.done, Pretence.instead = whole.out, lambda name, worker: None
    return Pretence


def test_a_cell_is_what_one_machine_makes_of_it(tmp_path: Path, cluster: Any, whole: zoo.BenchResult) -> None:
    result = by(cluster, tmp_path / "out", models=["toy-wide"], seeds=1)
    assert (result.failed, result.reused) == ([], 0)
    there, here = (out / "cells/toy-shade/toy-wide-s0" for out in (result.out, whole.out))
    assert {path.name for path in there.iterdir()} == {path.name for path in here.iterdir()}
    assert [path.name for path in there.parent.iterdir()] == ["toy-wide-s0"], "a log or a note of what was begun is left"
    for name in ("cell.json", "metrics.json", "samples.png"):
        assert (there / name).read_bytes() == (here / name).read_bytes(), name
    again = bench(result.out, models=["toy-wide"], seeds=1, workers=None, engine="dask:127.0.0.1:1")
    assert again.reused == 1, "nothing is left that a cluster would be asked for"


def test_a_worker_that_is_not_the_same_is_refused_and_one_that_stumbles_is_not(
    tmp_path: Path, cluster: Any, pretence: type[Pretence], whole: zoo.BenchResult, capfd: pytest.CaptureFixture[str]
) -> None:
    other, tried = cluster.workers[0].address, set[str]()

    def instead(name: str, worker: Any) -> Any:
        if worker.address == other:
            return {"refused": "it has other data", "files": {}}
        if name not in tried:
            tried.add(name)
            raise OSError("the disk of this worker is full")
        return None

    pretence.instead = instead
    result = by(cluster, tmp_path / "out", progress=True)
    assert result.failed == []
    assert (tmp_path / "out/bench.csv").read_bytes() == (whole.out / "bench.csv").read_bytes()
    assert len(tried) == 4
    said = capfd.readouterr().err.splitlines()
    assert [line for line in said if "refused" in line] == [f"the worker at {other} is refused: it has other data"]


def test_where_no_worker_is_the_same_the_bench_ends(tmp_path: Path, cluster: Any, pretence: type[Pretence]) -> None:
    pretence.instead = lambda name, worker: {"refused": "it has other data", "files": {}}
    with pytest.raises(ZooError, match=r"all workers .* are refused, the one at tcp:\S+ because it has other data"):
        by(cluster, tmp_path / "out", models=["random"], seeds=1)


def test_packages_and_data_decide_whether_a_worker_is_the_same(whole: zoo.BenchResult) -> None:
    numbers = json.loads((whole.out / "cells/toy-shade/random-s0/cell.json").read_text())["request"]
    cell = Cell("toy-shade", "random", 0, Path("a"), Request("random", "toy-shade", "toy-photos"), numbers)
    proof = json.loads(json.dumps(proof_of(cell)))
    assert difference(proof) == ""
    other = {**proof["digests"], "test": "0" * 64}
    assert "toy-photos is other data there (test has sha256 " in difference({**proof, "digests": other})
    assert "is no folder" in difference({**proof, "data": "toy-photos:missing"})
    kinds = [[*one[:3], "9.9"] if one[1] == "random" else one for one in proof["packages"]]
    assert difference({**proof, "packages": kinds}).endswith(", and not cond-zoo 9.9")


def test_a_cell_that_fails_there_leaves_its_log_and_its_state_here(
    tmp_path: Path, cluster: Any, pretence: type[Pretence], whole: zoo.BenchResult
) -> None:
    def instead(name: str, worker: Any) -> Any:
        files = {f"{name}.log": b"all of it", f"{name}.begun.json": b"{}", f"{name}/training/request.json": b"half"}
        return {"reason": "it\ndiverged", "files": files} if name == "random-s1" else None

    pretence.instead = instead
    result = by(cluster, tmp_path / "out")
    assert result.failed == ["toy-shade random seed 1: it diverged"]
    cells = tmp_path / "out/cells/toy-shade"
    assert (cells / "random-s1.log").read_bytes() == b"all of it"
    assert (cells / "random-s1/training/request.json").read_bytes() == b"half"
    pretence.instead = lambda name, worker: None
    again = by(cluster, tmp_path / "out")
    assert (again.failed, again.reused, again.bench["table"]) == ([], 3, whole.bench["table"])
    assert sorted(path.name for path in cells.iterdir()) == ["random-s0", "random-s1", "toy-wide-s0", "toy-wide-s1"]


def test_a_scheduler_that_dies_costs_nothing_that_was_finished(
    tmp_path: Path, cluster: Any, pretence: type[Pretence], whole: zoo.BenchResult
) -> None:
    out, let = tmp_path / "out", threading.Event()
    pretence.instead = lambda name, worker: name != "random-s0" and let.wait(20) and None
    with start(tmp_path / "workers") as mortal:

        def die() -> None:
            wait(lambda: (out / "cells/toy-shade/random-s0/cell.json").is_file())
            mortal.sync(mortal.scheduler.close, reason="killed")
            let.set()

        (killer := threading.Thread(target=die)).start()
        with pytest.raises(ZooError, match=r"the scheduler .* is gone.*; what is done is kept: the same command"):
            by(mortal, out)
        killer.join()
    again = by(cluster, out)
    assert (again.reused, again.bench["table"]) == (1, whole.bench["table"])


def test_what_keeps_a_bench_from_a_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_PATIENCE", 0.2)
    with pytest.raises(ZooError, match=r"no scheduler of dask answers at 127\.0\.0\.1:1"):
        bench(tmp_path / "out", workers=None, engine="dask:127.0.0.1:1")
    with pytest.raises(RequestError, match=r"none\.json is no file"):
        bench(tmp_path / "out", workers=None, engine="dask:none.json")
    with pytest.raises(RequestError, match="leave out workers"):
        bench(tmp_path / "out", engine="dask:127.0.0.1:1")
    with pytest.raises(RequestError, match="engine is 'slurm:x'"):
        bench(tmp_path / "out", engine="slurm:x")
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ["--models", "random", "--tasks", "toy-shade", "--no-references", "--out", str(tmp_path / "out")]
    code, _, err, _ = call_here("bench", *words, "--engine", "dask:127.0.0.1:1")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "pip install 'cond-zoo[cluster]'" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("offers", "device", "asks"), [(1, "auto", 1), (0, "auto", 0), (0, "cuda", 1), (1, "cpu", 0)])
def test_a_cell_on_a_gpu_asks_for_one(monkeypatch: pytest.MonkeyPatch, offers: int, device: str, asks: int) -> None:
    sent: dict[str, Any] = {}

    def submit(do: Any, task: dict[str, Any], **how: Any) -> Any:
        sent.update(how, **task)
        raise ZooError("enough")

    workers = {"tcp://a": {"resources": {"GPU": 1.0} if offers else {}}}
    client = SimpleNamespace(
        submit=submit, cancel=lambda *_, **__: None, scheduler_info=lambda n_workers: {"workers": workers}
    )
    monkeypatch.setattr(engines, "proof_of", lambda cell: {})
    cell = Cell("toy-shade", "random", 0, Path("random-s0"), Request("random", "toy-shade", out="random-s0"))
    with pytest.raises(ZooError, match="enough"):
        list(engines.Cluster(client, "tcp://a", device, lambda line: None).do([cell]))
    assert sent["resources"] == ({"GPU": 1} if asks else None)
    assert sent["request"]["device"] == ("cuda" if asks else device)


def test_what_travels_is_bounded_and_stays_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    (folder / "checkpoint").mkdir(parents=True)
    (folder / "checkpoint/model").write_bytes(b"12345")
    (folder / "link").symlink_to("/etc/hostname")
    assert remote.packed(folder) == {"a/checkpoint/model": b"12345"}
    for name in ("../b", "a/../../b", "b", "/b", "a/c\\..\\b"):
        with pytest.raises(ZooError, match="the worker sent"):
            remote.unpack({"a/x": b"", name: b""}, folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    assert (folder / "checkpoint/model").is_file(), "what was there was thrown away for what cannot be had"
    monkeypatch.setattr(remote, "MOST", 4)
    with pytest.raises(ZooError, match="has 5 bytes, and at most 4"):
        remote.packed(folder)
    worker = SimpleNamespace(local_directory=str(tmp_path), address="tcp://a", get_current_task=lambda: "key")
    monkeypatch.setattr("distributed.get_worker", lambda: worker)
    monkeypatch.setattr(remote, "_crew", lambda *_: SimpleNamespace(do=lambda *_: {}))
    large = {"bench": "b", "asked": {}, "request": {"out": "a"}, "files": {"a/x": b"12345"}}
    answer = remote.do(large)  # without an error, which dask would try again
    assert (answer["reason"], answer["files"]) == ("its folder has 5 bytes, and at most 4 are sent through the network", {})
    client = SimpleNamespace(cancel=lambda *_, **__: None, scheduler_info=lambda n_workers: {"workers": {}})
    monkeypatch.setattr(engines, "proof_of", lambda cell: {})
    cell = Cell("toy-shade", "random", 0, folder, Request("random", "toy-shade", out=str(folder)), status="stopped")
    assert list(engines.Cluster(client, "tcp://a", "cpu", lambda line: None).do([cell])) == [cell]
    assert cell.status == "failed"
    assert "goes on without --engine" in cell.reason
    assert (folder / "checkpoint/model").is_file()
