"""The statistics and the words of a bench's tables, by hand, and its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zoo.benching.record import write_pages
from zoo.benching.tables import OVER_ITEMS, OVER_SEEDS, best, columns, interval, task_table, value_text
from zoo.reporting import pages
from zoo.reporting.pages import at_largest

PAPER = {"published": 0.25, "published_source": "Paper, Table 1 (other, n = 5)"}


def row(model: str, metric: str, mean: float, better: str = "lower", **more: Any) -> dict[str, Any]:
    return {
        "task": "t", "model": model, "metric": metric, "unit": "u", "better": better, "mean": mean, "low": mean - 0.5,
        "high": mean + 0.5, "interval": OVER_SEEDS, "seeds": {}, "published": None, "published_source": None, **more,
    }  # fmt: skip


def bench(rows: list[dict[str, Any]], metrics: list[str], seeds: int = 2, **more: Any) -> dict[str, Any]:
    models = list(dict.fromkeys(row["model"] for row in rows))
    done = {"task": "t", "status": "done", "seconds": {"fit": 2.0}, "test_items": 7, "folder": "f", "device": "cpu"}
    cells = [{**done, "model": model, "seed": seed} for model in models for seed in range(seeds)]
    digest = {"items": 1200, "digest": "abc" * 20}
    data = {"t": {"name": "some", "seeds": {"0": {"train": digest, "test": digest}}}}
    return {
        "title": "T", "suite": None, "command": "zoo bench", "tasks": ["t"], "models": models, "metrics": metrics,
        "table": rows, "cells": cells, "seeds": list(range(seeds)), "data": data, "n": 5, "items": None, "commit": "c0ffee",
        "device": "cpu", "quick": False, "left_out": [], "versions": {"python": "3"}, "platform": "P", "started": "today",
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
        row("a", "none", 1, "none"),
        row("b", "none", 2, "none"),
        *(row(name, "tie", 1) for name in "ab"),
        row("c", "tie", 2),
    ]
    winners = {metric: best(rows, "t", metric) for metric in ("m", "up", "none", "alone", "tie")}
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
    assert value_text(row("a", "m", 2)) == "2 ± 0.5"
    assert value_text(row("a", "m", 2, interval=OVER_ITEMS)) == "2 [1.5, 2.5]"
    caption = task_table(bench([row("a", "m", 2, interval=OVER_ITEMS)], ["m"], seeds=1), "t").caption
    assert "bootstrap interval over items" in caption
    assert "Student" not in caption
    assert "1 seed;" in caption


def test_a_table_has_a_row_a_model_and_the_published_value_beside_ours() -> None:
    rows = [row("a", "m", 1, **PAPER), row("b", "m", 2), row("b", "v", 3)]
    table = task_table(bench(rows, ["m", "v"]), "t")
    assert [head.text for head in table.heads] == ["model", "m", "published", "v", "fit, s"]
    assert [[entry.text for entry in line] for line in table.rows] == [
        ["a", "1 ± 0.5", "0.25 [1]", "–", "2.0"],
        ["b", "2 ± 0.5", "", "3 ± 0.5", "2.0"],
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
    """Where ties were looked for: a model that is best alone is bold, those of a tie are marked; elsewhere as ever."""
    columns = {"m": (True, True, False), "up": (False, False, True), "old": (None, None, None)}
    better = {"m": "lower", "up": "higher", "old": "lower"}
    rows = [
        row(model, metric, i, better[metric], tied=tied[i])
        for metric, tied in columns.items()
        for i, model in enumerate("abc")
    ]
    table = task_table(bench(rows, ["m", "up", "old"]), "t")
    assert [[entry.bold for entry in line[1:4]] for line in table.rows] == [
        [False, False, True], [False, False, False], [False, True, False],
    ]  # fmt: skip
    assert [[entry.text for entry in line[1:4]] for line in table.rows] == [
        ["0 ± 0.5 ≈", "0 ± 0.5", "0 ± 0.5"], ["1 ± 0.5 ≈", "1 ± 0.5", "1 ± 0.5"], ["2 ± 0.5", "2 ± 0.5", "2 ± 0.5"],
    ]  # fmt: skip
    assert table.notes[0].startswith("≈ is tied with the best")
    assert table.notes[1].endswith(": old.")
    plain = task_table(bench([row("a", "m", 1), row("b", "m", 2)], ["m"]), "t")
    assert plain.notes == []


def test_what_stands_in_a_page_cannot_break_it(tmp_path: Path) -> None:
    rows = [row("a|b", "m", 1), row("<b>c</b>", "m", 2)]
    left = [{"task": "t", "model": "d", "reason": "no | <script>\nthing"}]
    write_pages(bench(rows, ["m"], title='"T" & <i>', left_out=left), tmp_path)
    text, page = ((tmp_path / name).read_text() for name in ("bench.md", "report.html"))
    assert "| a\\|b | **1 ± 0.5** | 2.0 |" in text.splitlines()
    assert "d is left out: no \\| \\<script\\> thing" in text.splitlines()
    assert text.endswith("thing\n")
    for word in ("&#34;T&#34; &amp; &lt;i&gt;", "&lt;b&gt;c&lt;/b&gt;", "no | &lt;script&gt;"):
        assert word in page
    assert not any(word in page for word in ("<b>c", "<i>", "<script>"))
