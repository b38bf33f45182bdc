"""A bench by a cluster: one scheduler and its workers of dask in this process, which have folders of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toybenches import bench, stamps

import zoo

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed: pip install 'cond-zoo[cluster]'")
pytestmark = pytest.mark.usefixtures("toys", "no_figures")


@pytest.fixture(scope="module")
def cluster(toys: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = str(tmp_path_factory.mktemp("workers"))
    how = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None, "local_directory": folder}
    with distributed.LocalCluster(host="127.0.0.1", protocol="tcp", silence_logs=50, **how) as cluster:
        yield cluster


@pytest.fixture
def engine(cluster: Any) -> str:
    return f"dask:{cluster.scheduler_address}"


def test_a_cluster_makes_the_table_of_one_machine(tmp_path: Path, engine: str, whole: zoo.BenchResult) -> None:
    result = bench(tmp_path / "out", workers=None, engine=engine)
    assert (result.failed, result.reused) == ([], 0)
    assert result.bench["table"] == whole.bench["table"]
    assert (tmp_path / "out/bench.csv").read_bytes() == (whole.out / "bench.csv").read_bytes()
    assert sorted(stamps(tmp_path / "out")) == [
        path.replace(str(whole.out), str(tmp_path / "out")) for path in stamps(whole.out)
    ]
    assert bench(tmp_path / "out", workers=None, engine="dask:127.0.0.1:1").reused == 4  # nothing is left to ask a cluster for
