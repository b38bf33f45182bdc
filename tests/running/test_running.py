"""A whole run of a third party's model, task, metric and data: what it leaves, resumes and refuses."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from installed import distribution
from PIL import Image
from toyruns import run

import zoo
from zoo.catalog.verify import verify
from zoo.measuring.values import VALUES, read_values
from zoo.reporting.pages import short
from zoo.reporting.report import write_report
from zoo.running.plan import Request
from zoo.utils.errors import RequestError, ZooError

WISHES: dict[str, Any] = {"seed": 4, "settings": {"spread": "0.3", "task.size": "6"}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> zoo.RunResult:
    """One whole run."""
    return run(tmp_path_factory.mktemp("whole") / "a", **WISHES)


def test_a_run_leaves_everything(whole: zoo.RunResult) -> None:
    names = sorted(p.name for p in whole.out.iterdir())
    assert names == ["checkpoint", "log.txt", "metrics.json", "report.html", "run.json", "samples.png", VALUES]
    metrics = json.loads((whole.out / "metrics.json").read_text())
    assert metrics == whole.metrics
    assert {k: metrics[k] for k in ("model", "task", "data", "n", "test_items")} == {
        "model": "toy-wide", "task": "toy-shade", "data": "toy-photos", "n": 9, "test_items": 6,
    }  # fmt: skip
    assert list(metrics["metrics"]) == ["toy-best@1", "toy-best@3", "toy-best@9", "toy-density"]
    assert set(metrics["metrics"]["toy-best@1"]) == {"value", "low", "high", "unit", "better"}
    record = json.loads((whole.out / "run.json").read_text())
    assert record["model"] == {
        "name": "toy-wide", "distribution": "toy-zoo", "version": "0.1.0", "config": {"spread": 0.3, "layers": 2},
    }  # fmt: skip
    assert record["data"]["test"] == {"items": 6, "digest": ("test" * 40)[:64]}
    assert record["task"]["config"] == {"size": 6}
    assert record["versions"]["torch"]
    assert record["items"] is None
    for word in ("--seed 4", "--set spread=0.3", "--set task.size=6", "--metric toy-best"):
        assert word in record["command"]
    loaded = zoo.load(f"dir:{whole.out / 'checkpoint'}")
    assert loaded.task.x_shape == (1, 6, 6)
    assert loaded.facts.scores["toy-best@9"]["value"] == metrics["metrics"]["toy-best@9"]["value"]


def test_a_run_at_hand_is_a_line_a_table_and_a_small_page(whole: zoo.RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    text = repr(whole)
    assert len(text) < 300
    for word in (
        str(whole.out),
        "'toy-wide' on task 'toy-shade', 6 items, n=9",
        f"{whole.scores['toy-best@1'].value:.3g}"[:4],
    ):
        assert word in text
    page = whole._repr_html_()
    assert len(page) < 200_000
    assert whole.verdict is not None
    for word in ("data:image/jpeg;base64,", "toy-best@9", whole.verdict.text[:20]):
        assert word in page
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ZooError, match=re.escape("to_pandas needs pandas (pip install 'cond-zoo[pandas]')")):
        whole.to_pandas()
    monkeypatch.undo()
    pytest.importorskip("pandas", reason="pandas is not installed: pip install -e '.[dev]'")
    table, items = whole.to_pandas(), whole.to_pandas(items=True)
    assert table.loc["toy-best@3", "value"] == whole.scores["toy-best@3"].value
    assert items["toy-best@3"].mean() == pytest.approx(table.loc["toy-best@3", "value"])
    assert len(items) == 6


@pytest.mark.parametrize(("items", "data", "scored"), [(None, None, 6), (4, None, 1), (None, "toy-photos:more", 0)])
def test_a_run_is_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items: int | None, data: str | None, scored: int
) -> None:
    """One model, one evaluation, one record, and every test item sampled once.

    Golden samples are as many as are always kept. The small score is of samples that were scored, but where those were of
    other data than ``zoo verify`` has.
    """
    from toy_zoo import Toy

    from zoo.measuring import small
    from zoo.running import run as module

    calls: list[Any] = []

    def count(patch: pytest.MonkeyPatch, where: Any, name: str, call: Any) -> None:
        plain = getattr(where, name)
        patch.setattr(where, name, lambda *args, **more: (calls.append(call(*args)), plain(*args, **more))[1])

    with monkeypatch.context() as patch:
        count(patch, Toy, "__init__", lambda *_: "make" + " without memory" * (torch.get_default_device().type == "meta"))
        count(patch, Toy, "sample", lambda _, x, n: (len(x), n))
        for name in ("evaluate", "run_json"):
            count(patch, module, name, lambda *_, name=name: name)
        out = run(tmp_path / "a", items=items, data=data, seed=3).out
    apart = [] if scored else [(6, small.N)]
    made = ["make", "make without memory", "make without memory"]  # the last two prove that it can be saved, and is
    assert calls == [*made, "evaluate", (items or 6, 9), *apart, (2, 4), "run_json"]
    steps = {step.name: step for step in verify(f"dir:{out / 'checkpoint'}").steps}
    assert steps["golden samples"].outcome == steps["score"].outcome == "ok"
    assert re.fullmatch(rf"toy-best@9 \S+ on {scored or 6} items of toy-photos, kept .*", steps["score"].detail)


def test_the_values_of_every_item_are_kept(whole: zoo.RunResult) -> None:
    kept = read_values(whole.out)
    assert kept is not None
    for name, score in whole.metrics["metrics"].items():
        assert torch.equal(kept.scores[name], whole.values[name])
        assert (kept.scores[name].shape, kept.scores[name].dtype) == ((6,), torch.float64)
        assert kept.scores[name].mean().item() == pytest.approx(score["value"], rel=1e-12)
        assert msgspec.structs.asdict(kept.origin.scores[name]) == {key: score[key] for key in ("unit", "better")}
    origin = kept.origin
    assert (origin.model, origin.task, origin.data, origin.seed, origin.n) == ("toy-wide", "toy-shade", "toy-photos", 4, 9)


def test_some_items_of_all_are_scored_where_that_is_asked_for(whole: zoo.RunResult, tmp_path: Path) -> None:
    part = run(tmp_path / "b", items=2, **WISHES)
    assert part.metrics["test_items"] == 2
    assert part.metrics["metrics"] != whole.metrics["metrics"]
    kept = [read_values(run.out) for run in (whole, part)]
    assert len({each.origin.digest for each in kept if each}) == 2, "other items are not to be compared"
    assert part.pairs is not None
    assert list(part.pairs.names) == ["test-0", "test-3"], "spread over all"
    record = json.loads((part.out / "run.json").read_text())
    assert (record["items"], record["data"]["test"]["items"]) == (2, 2)
    assert "--items 2" in record["command"]


def test_the_same_request_gives_the_same_numbers(whole: zoo.RunResult, tmp_path: Path) -> None:
    assert run(tmp_path / "a", items=100, **WISHES).metrics == whole.metrics
    assert run(tmp_path / "b", **{**WISHES, "seed": 2}).metrics != whole.metrics
    assert "--split-seed 3" in Request("toy", "toy-shade", split_seed=3).command()


def test_the_report_is_one_page_that_needs_no_network(whole: zoo.RunResult, tmp_path: Path) -> None:
    page = (whole.out / "report.html").read_text()
    kept = [json.loads((whole.out / name).read_text()) for name in ("run.json", "metrics.json")]
    write_report(tmp_path / "again.html", *kept, whole.task, whole.pictures)
    again = (tmp_path / "again.html").read_text()
    before = page.index('<div class="charts">')
    assert again[:before] == page[:before], "it is made of what lies beside it, and the pictures"
    assert again.count("<svg") == page.count("<svg") == 7
    assert re.findall(r"(\w+) of 6: toy-best@9 [0-9.]+<", page) == ["worst", "median", "best"]
    worst = f"test-{int(whole.values['toy-best@9'].argmax())}"
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(sources) > 3 * 6
    assert all(source.startswith("data:image/") for source in sources)
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    for word in ("95 % interval", "toy-best@9", "another data set", "The Toy Paper, Table 9", "0.25", worst, "--seed 4"):
        assert word in page, word
    sheet = Image.open(whole.out / "samples.png")
    assert sheet.width > 1000
    assert len(sheet.convert("RGB").getcolors(1 << 24) or []) > 1000


def test_a_checkpoint_is_scored_as_it_is(whole: zoo.RunResult, tmp_path: Path) -> None:
    given = {"model": None, "task": None, "checkpoint": f"dir:{whole.out / 'checkpoint'}"}
    scored = run(tmp_path / "b", seed=4, **given)
    known = whole.metrics["figures"]["references"]
    assert scored.metrics["figures"]["references"] == {"true draws": known["true draws"]}, "the others are of training pairs"
    assert {**scored.metrics, "figures": 0} == {**whole.metrics, "figures": 0}
    assert not (tmp_path / "b" / "checkpoint").exists()
    for wrong in ({"task": "relight"}, {"model": "toy"}, {"epochs": 3}, {"settings": {"task.size": 1}}):
        with pytest.raises(RequestError, match=r"leave (it )?out"):
            run(tmp_path / "c", **{**given, **wrong})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": "toi"}, "did you mean 'toy'"),
        ({"task": "toy-shades"}, "did you mean 'toy-shade'"),
        ({"data": "toy-photo"}, "did you mean 'toy-photos'"),
        ({"data": ":x"}, "KIND"),
        ({"data": "toy-photos:missing"}, "is no folder"),
        ({"metrics": ["toy-bests"]}, "did you mean 'toy-best'"),
        ({"metrics": "toy-density,toy-bests"}, "did you mean 'toy-best'"),
        ({"metrics": 3}, "metrics are 3; they must be names"),
        ({"model": None}, "no model is named"),
        ({"task": None}, "no task is named"),
        ({"n": 0}, "from 1 to"),
        ({"n": 2.5}, "whole number"),
        ({"epochs": 0}, "epochs is 0"),
        ({"items": 0}, "items is 0"),
        ({"items": True}, "whole number"),
        ({"device": "tpu"}, "device"),
        ({"settings": {"spred": 1}}, "did you mean 'spread'"),
        ({"settings": {"task.sise": 4}}, "did you mean 'size'"),
        ({"settings": {"training.batchsize": 4}}, "did you mean 'batch_size'"),
        ({"settings": {"data.x": 4}}, "task.KEY"),
        ({"checkpoint": "dir:nowhere", "model": None, "task": None}, "there is no folder"),
        ({"resume": True, "out": None}, "name the folder"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        run(**{"out": tmp_path / "a", **wrong})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    (tmp_path / "file").touch()
    for out, message in (("full", "not empty"), ("file", "is a file"), ("file/below", "cannot be made")):
        with pytest.raises(RequestError, match=message):
            run(tmp_path / out)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_without_a_folder_a_run_gets_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (run(None, n=3, metrics=["toy-best"]) for _ in range(2))
    assert first.out != second.out
    assert re.fullmatch(r"\d{8}-\d{6}-toy-wide-toy-shade(-2)?", second.out.name)
    assert second.out.parent == Path("runs")


def test_a_broken_package_costs_only_its_own_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo import registry

    distribution(tmp_path, "broken", "[zoo.metrics]\nworse = not_there:Worse\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    result = run(tmp_path / "a", model="toy", metrics=None)
    assert "toy-best@9" in result.scores
    assert "broken 1.0" in result.skipped["worse"]
    assert "no density" in result.skipped["toy-density"]
    with pytest.raises(ZooError, match=r"broken 1\.0"):
        run(tmp_path / "b", metrics=["worse"])


def test_another_process_only_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    result = run(tmp_path / "a")
    assert result.model.fitted
    assert result.scores == {}
    assert not (tmp_path / "a" / "run.json").exists()
    with pytest.raises(RequestError, match="several processes"):
        run(None)


def test_captions_say_which_frame_of_what() -> None:
    assert list(map(short, ("test/a.jpg", "bear/00012", "00012"))) == ["a.jpg", "bear/00012", "00012"]
