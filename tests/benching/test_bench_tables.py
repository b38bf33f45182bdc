"""The statistics and the words of a bench's tables, by hand, and its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zoo.benching.record import write_pages
from zoo.benching.tables.latex import latex_table
from zoo.benching.tables.ranking import ranks_of
from zoo.benching.tables.rows import OVER_ITEMS, OVER_SEEDS, best, columns, interval
from zoo.benching.tables.shown import ranking, task_table, value_text
from zoo.reporting import pages
from zoo.reporting.pages import at_largest

PAPER = {"published": 0.25, "published_source": "Paper, Table 1 (other, n = 5)"}


def row(model: str, metric: str, mean: float, better: str | None = "lower", **more: Any) -> dict[str, Any]:
    return {
        "task": "t", "model": model, "metric": metric, "unit": "u", "better": better, "mean": mean, "low": mean - 0.25,
        "high": mean + 0.25, "interval": OVER_SEEDS, "seeds": {}, "published": None, "published_source": None, **more,
    }  # fmt: skip


def bench(rows: list[dict[str, Any]], metrics: list[str], seeds: int = 2, **more: Any) -> dict[str, Any]:
    models = list(dict.fromkeys(row["model"] for row in rows))
    done = {"task": "t", "status": "done", "seconds": {"fit": 2.0}, "test_items": 7, "folder": "f", "device": "cpu"}
    done |= {"fit_seconds": 2.0, "pairs": 1500}
    cells = [{**done, "model": model, "seed": seed} for model in models for seed in range(seeds)]
    digest = {"items": 1200, "digest": "abc" * 20}
    data = {"t": {"name": "some", "seeds": {"0": {"train": digest, "test": digest}}}}
    return {
        "title": "T", "suite": None, "command": "zoo bench", "tasks": ["t"], "models": models, "metrics": metrics,
        "table": rows, "cells": cells, "seeds": list(range(seeds)), "data": data, "n": 5, "items": None, "commit": "c0ffee",
        "device": "cpu", "quick": False, "left_out": [], "versions": {"python": "3"}, "platform": "P", "started": "today",
        "fair": None, "tune": 0, "ranks": {}, "references": [],
        **more,
    }  # fmt: skip


def test_the_interval_over_seeds_is_student_t() -> None:
    mean, low, high = interval([1.0, 2.0, 4.0])
    assert mean == pytest.approx(7 / 3)
    # s = sqrt(((4/3)^2 + (1/3)^2 + (5/3)^2) / 2) = 1.527525, t(0.975, 2) = 4.302653, half = t s / sqrt(3)
    assert high - mean == pytest.approx(4.302653 * 1.527525 / 3**0.5, rel=1e-6)
    assert mean - low == pytest.approx(high - mean)
    assert interval([0.1, 0.1, 0.1]) == (0.1, 0.1, 0.1)
    assert interval([0.0, 1.0])[2] == pytest.approx(0.5 + 12.706205 * 0.5, rel=1e-6)


def test_the_best_respects_the_direction_of_a_metric() -> None:
    rows = [row("a", "m", 1), row("b", "m", 2), row("a", "up", 1, "higher"), row("b", "up", 2, "higher"), row("a", "alone", 1)]
    rows += [
        row("a", "none", 1, None),
        row("b", "none", 2, None),
        *(row(name, "tie", 1) for name in "ab"),
        row("c", "tie", 2),
    ]
    winners = {metric: best(rows, "t", metric, "abc") for metric in ("m", "up", "none", "alone", "tie")}
    assert winners == {"m": {"a"}, "up": {"b"}, "none": set(), "alone": set(), "tie": {"a", "b"}}


def test_columns_are_those_wanted_that_were_measured() -> None:
    rows = [row("a", "e@3", 1), row("a", "e@10", 1), row("b", "v", 1), row("b", "other", 1)]
    assert columns(rows, "t", ["v", "e@10", "e@30"]) == ["v", "e@10"]
    assert columns(rows, "t", ["e@30", "v"]) == ["e@3", "e@10", "v"], "fewer samples than any of those wanted"
    assert columns(rows, "t", []) == ["e@3", "e@10", "v", "other"]


def test_the_largest_number_of_samples() -> None:
    cases = [(["e@3", "e@30", "e@10", "v"], "e"), (["v"], "v"), (["v", "e@x"], "e")]
    assert [at_largest(*case) for case in cases] == ["e@30", "v", None]


def test_numbers_and_durations_are_short() -> None:
    numbers = {-1850.1: "-1,850", 12345.6: "12,346", 999.94: "999.9", 0: "0", 1e-7: "1e-07", 0.012345: "0.01235"}
    assert {value: pages.number(value) for value in numbers} == numbers
    assert (pages.number(123, 2), pages.duration(0.718), pages.duration(130)) == ("123", "0.72 s", "2.2 min")


def test_a_value_says_what_its_interval_is_over() -> None:
    assert value_text(row("a", "m", 2)) == "2 ± 0.25"
    assert value_text(row("a", "m", 2, interval=OVER_ITEMS)) == "2 [1.75, 2.25]"
    caption = task_table(bench([row("a", "m", 2, interval=OVER_ITEMS)], ["m"], seeds=1), "t").caption
    assert "bootstrap interval over items" in caption
    assert "Student" not in caption
    assert "1 seed;" in caption


def test_a_table_has_a_row_a_model_and_the_published_value_beside_ours() -> None:
    rows = [row("a", "m", 1, **PAPER), row("b", "m", 2), row("b", "v", 3)]
    table = task_table(bench(rows, ["m", "v"]), "t")
    assert [head.text for head in table.heads] == ["model", "m", "published", "v", "seconds", "pairs"]
    assert [[entry.text for entry in line] for line in table.rows] == [
        ["a", "1 ± 0.25", "0.25 [1]", "–", "2.0", "1,500"],
        ["b", "2 ± 0.25", "", "3 ± 0.25", "2.0", "1,500"],
    ]
    assert [line[1].bold for line in table.rows] == [True, False]
    assert table.notes[0] == "[1] Paper, Table 1 (other, n = 5)."
    assert "another data set" in table.notes[1]
    for word in ("some (1,200 training pairs, sha256 abcabcabcabc; 7 test items scored", "n = 5", "2 seeds", "commit c0ffee"):
        assert word in table.caption
    own = ["published" not in head.text for head in table.heads]
    assert all([not entry.published for entry in line] == own for line in (table.heads, *table.rows))
    same = {**PAPER, "published_source": "Paper, Table 1 (some, n = 5)"}
    assert len(task_table(bench([row("a", "m", 1, **same)], ["m"]), "t").notes) == 1


def test_nothing_is_bold_inside_a_tie() -> None:
    """Where ties were looked for, a model that is best alone is bold, and those of a tie are marked; elsewhere what is best
    by more than its interval is bold.
    """
    ties = {"m": (True, True, False), "up": (False, False, True), "old": (None,) * 3, "near": (None,) * 3, "size": (None,) * 3}
    rows = [
        row(model, metric, i, "higher" if metric == "up" else "lower", tied=tied[i], ranked=metric != "size")
        for metric, tied in ties.items()
        for i, model in enumerate("abc")
    ]
    rows = [{**one, "low": one["mean"] - 0.5, "high": one["mean"] + 0.5} if one["metric"] == "near" else one for one in rows]
    table = task_table(bench(rows, []), "t")
    assert [[entry.bold for entry in line[1:6]] for line in table.rows] == [
        [False, False, True, False, False], [False] * 5, [False, True, False, False, False],
    ]  # fmt: skip
    assert [line[1].text for line in table.rows] == ["0 ± 0.25 ≈", "1 ± 0.25 ≈", "2 ± 0.25"]
    assert all("≈" not in entry.text for line in table.rows for entry in line[2:])
    assert table.headline == "By m none is best beyond chance: a and b are tied."
    assert table.notes[0].startswith("≈ is tied with the best")
    assert table.notes[1].endswith(": old, near."), "models are not ranked by their size"
    said = [task_table(bench(rows, [name]), "t").headline for name in ("up", "old", "near", "size")]
    assert [text[: text.index("best") + 4] for text in said[:2]] == ["By up c is best", "By old a is best"]
    assert (said[2][:24], said[3]) == ("By near a has the best m", "")


def test_reference_answers_stand_apart_and_are_never_best() -> None:
    rows = [row("floor", "m", 0), row("a", "m", 1, tied=True, not_better_than=["floor"]), row("b", "m", 2, tied=False)]
    content = bench(rows, ["m"], references=["floor"])
    content["models"] = ["a", "floor", "b"]
    content["cells"][0] |= {"verdict": None}
    for cell in content["cells"][2:]:
        fault = {"fault": "too narrow"}
        cell["verdict"] = {"text": f"{cell['model']} is too narrow.", "findings": [fault, fault, {"fault": ""}]}
    table = task_table(content, "t")
    assert [(line[0].text, line[0].apart, line[1].bold) for line in table.rows] == [
        ("floor", True, False), ("a", False, True), ("b", False, False),
    ]  # fmt: skip
    assert table.headline == "By m a is best, beyond chance. No better than floor, beyond chance: a."
    assert table.verdicts == {m: f"too narrow (2 of 2 seeds). Seed 0: {m} is too narrow." for m in "ab"}


def test_a_table_for_a_paper_marks_what_the_bench_marks() -> None:
    ties = {"m": (True, True, False), "up_%": (False, False, True), "size": (None,) * 3}
    better: dict[str, Any] = {"m": "lower", "up_%": "higher", "size": None}
    rows = [row(f"a_{i}", name, i, better[name], tied=tied[i]) for name, tied in ties.items() for i in range(3)]
    rows.append(row("floor", "m", 5))
    text = latex_table(bench(rows, [], references=["floor"]), "t", ["up_%", "m", "size"])
    lines = text.splitlines()
    assert lines[lines.index(r"\toprule") + 1] == r"model & up\_\% $\uparrow$ & m $\downarrow$ & size \\"
    assert r"a\_0 & 0 $\pm$ 0.25 & 0 $\pm$ 0.25 $\approx$ & 0 $\pm$ 0.25 \\" in lines
    assert r"a\_2 & \textbf{2 $\pm$ 0.25} & 2 $\pm$ 0.25 & 2 $\pm$ 0.25 \\" in lines
    assert lines[lines.index(r"\midrule") + 1].startswith(r"\textit{floor} & ")
    assert lines.count(r"\midrule") == 2
    assert "t on some: n = 5 samples for each of 7 test items, 2 seeds." in text
    assert text.count("{") == text.count("}")
    assert "[95" not in text
    rows[0]["interval"] = OVER_ITEMS  # of one seed: the others failed
    assert r"Mean $\pm$ half the 95 \% interval. Of one seed: mean [95 \% interval]." in latex_table(bench(rows, []), "t")


def test_models_are_ranked_over_tasks_and_seeds() -> None:
    starts = {"a": 1, "b": 2, "c": 9}
    seeds = {model: {str(seed): {"value": start + seed} for seed in range(3)} for model, start in starts.items()}
    rows = [{**row(model, "m", 1, seeds=of), "task": task} for task in "tu" for model, of in seeds.items()]
    rows += [{**row(model, "size", 1, ranked=False), "task": task} for task in "tu" for model in "abc"]
    rows += [row(model, "one task", 1, seeds=of) for model, of in seeds.items()]
    del rows[5]["seeds"]["1"], rows[5]  # c has no value in one of the tasks
    found = ranks_of(rows, "tu", "abc", [])
    assert list(found) == ["m"]
    assert found["m"]["means"] == {"a": 1.0, "b": 2.0}
    assert found["m"]["blocks"] == 6
    shown = ranking(bench(rows, ["m"], ranks=found))
    assert shown is not None
    assert shown[0] == [("a", "1"), ("b", "2")]
    assert "So few blocks can tell little." in shown[1]


def test_what_stands_in_a_page_cannot_break_it(tmp_path: Path) -> None:
    rows = [row("a|b", "m", 1), row("<b>c</b>", "m", 2)]
    left = [{"task": "t", "model": "d", "reason": "no | <script>\nthing"}]
    write_pages(bench(rows, ["m"], title='"T" & <i>', left_out=left), tmp_path)
    text, page = ((tmp_path / name).read_text() for name in ("bench.md", "report.html"))
    assert "| a\\|b | **1 ± 0.25** | 2.0 | 1,500 |" in text.splitlines()
    assert "d is left out: no \\| \\<script\\> thing" in text.splitlines()
    assert text.endswith("thing\n")
    for word in ("&#34;T&#34; &amp; &lt;i&gt;", "&lt;b&gt;c&lt;/b&gt;", "no | &lt;script&gt;"):
        assert word in page
    assert not any(word in page for word in ("<b>c", "<i>", "<script>"))
