"""A bench in shares: each does its part, and what they have done is put together into the very same table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calls import call_here
from toybenches import bench, stamps

import zoo
from zoo.utils.errors import RequestError, ZooError

pytestmark = pytest.mark.usefixtures("toys", "no_figures")


@pytest.fixture(scope="module")
def dealt(toys: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the whole bench's request, done as three shards."""
    out = tmp_path_factory.mktemp("dealt") / "out"
    for number in (1, 2, 3):
        result = bench(out, shard=f"{number}/3")
        assert (result.failed, result.out) == ([], out / "shards" / f"{number}-of-3")
    return out


def cells_of(shard: Path) -> list[str]:
    return sorted(path.parent.name for path in shard.glob("cells/*/*/cell.json"))


def test_shards_collected_make_the_table_of_one_bench(dealt: Path, whole: zoo.BenchResult) -> None:
    done = [cells_of(dealt / "shards" / f"{number}-of-3") for number in (1, 2, 3)]
    assert done == [["random-s0", "toy-wide-s1"], ["toy-wide-s0"], ["random-s1"]]
    assert not (dealt / "bench.json").exists()
    result = zoo.bench(collect=dealt, progress=False)
    assert (result.failed, result.reused) == ([], 4)
    assert (dealt / "bench.csv").read_bytes() == (whole.out / "bench.csv").read_bytes()
    assert result.bench["table"] == whole.bench["table"]
    before = stamps(dealt)
    again = bench(dealt)  # the bench itself takes what shards have done as done
    assert (again.reused, again.bench["table"]) == (4, whole.bench["table"])
    assert stamps(dealt) == before


def test_what_no_shard_has_done_is_named_and_can_be_done_later(tmp_path: Path, whole: zoo.BenchResult) -> None:
    out = tmp_path / "out"
    words = ["bench", "toys", "--models", "random,toy-wide", "--data", "toy-photos", "--device", "cpu", "--no-references"]
    code, printed, _, _ = call_here(*words, "--out", str(out), "--shard", "2/3", "--workers", "0")
    assert (code, printed) == (0, f"shard 2/3: 1 runs are done; zoo bench --collect {out} makes the tables\n")
    code, printed, err, _ = call_here("bench", "--collect", str(out), "--json")
    assert code == 1
    assert err.splitlines()[-1].startswith("zoo: 3 of 4 runs failed: toy-shade random seed 0: no shard has done it; ")
    assert {cell["status"] for cell in json.loads(printed)["cells"]} == {"done", "failed"}
    assert bench(out).bench["table"] == whole.bench["table"]


def test_shards_that_were_asked_for_other_things_are_not_mixed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    bench(out, models=["random"], seeds=1, shard="1/2")
    bench(out, models=["random"], seeds=1, n=3, shard="2/2")
    with pytest.raises(RequestError, match=r"2-of-2 is of another bench than 1-of-2 \(n was null, is 3\)"):
        zoo.bench(collect=out)
    (out / "shards/2-of-2/shard.json").write_text("{}")
    with pytest.raises(ZooError, match="no record of a shard"):
        zoo.bench(collect=out)
    with pytest.raises(RequestError, match="holds no shards"):
        zoo.bench(collect=tmp_path)
    with pytest.raises(RequestError, match="leave out all but"):
        zoo.bench(collect=out, seeds=1)
    with pytest.raises(RequestError, match=r"shard is '3/2'; it must be I/N"):
        bench(tmp_path / "other", shard="3/2")
    assert not (tmp_path / "other").exists()


def test_fits_that_settings_are_chosen_by_stay_in_one_shard(tmp_path: Path) -> None:
    """The seeds of the toy's photos have the same training data, and share them."""
    out = tmp_path / "out"
    for number in (1, 2):
        bench(out, models=["weak", "toy-wide"], seeds=2, n=3, items=3, tune=2, tune_by="toy-best", shard=f"{number}/2")
    assert cells_of(out / "shards/2-of-2") == ["weak-s0", "weak-s1"]
    assert (out / "shards/2-of-2/tuning/toy-shade/weak-s0-1/trial.json").is_file()
    result = zoo.bench(collect=out, progress=False)
    assert result.failed == []
    assert {(trial["model"], trial["status"]) for trial in result.bench["trials"]} == {("weak", "done")}
