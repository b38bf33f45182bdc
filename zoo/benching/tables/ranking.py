"""Models of a bench ranked over its tasks and seeds, and the picture of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.benching.tables.rows import columns
from zoo.reporting.report import SHADES, label, plot
from zoo.utils.files import whole_file
from zoo.utils.sheet import INK, MUTED


def ranks_of(
    rows: Sequence[Mapping[str, Any]], tasks: Sequence[str], models: Sequence[str], wanted: Sequence[str]
) -> dict[str, Any]:
    """The mean ranks of ``models`` (:class:`zoo.measuring.ranks.Ranks`) by each score that all tasks have in their tables.

    A block is one task with one seed. A model that lacks some block is left out.
    """
    from zoo.measuring.ranks import mean_ranks

    shown = [columns(rows, task, wanted) for task in tasks]
    found: dict[str, Any] = {}
    for metric in (name for name in shown[0] if all(name in names for names in shown)):
        own = [row for row in rows if row["metric"] == metric and row["model"] in models]
        if not own or not all(row.get("ranked", True) for row in own):
            continue
        values: dict[str, dict[tuple[str, str], float]] = {}
        for row in own:
            scores = {(row["task"], seed): float(score["value"]) for seed, score in row["seeds"].items()}
            values.setdefault(row["model"], {}).update(scores)
        blocks = sorted({block for scores in values.values() for block in scores})
        full = {model: [scores[block] for block in blocks] for model, scores in values.items() if len(scores) == len(blocks)}
        if len(full) > 1 and blocks and own[0]["better"] in ("lower", "higher"):
            found[metric] = asdict(mean_ranks(full, own[0]["better"]))
    return found


def draw_ranks(bench: Mapping[str, Any], path: Path) -> None:
    """Write the critical-difference diagram of the first score that ranks models, if any: those that a bar joins are alike."""
    found = next(iter(bench["ranks"].items()), None)
    if found is None:
        return
    metric, ranks = found
    means, count = ranks["means"], len(ranks["means"])
    left, tall = (count + 1) // 2, 0.3
    size = 6.4, 1.1 + tall * (left + len(ranks["alike"]))
    with whole_file(path) as part, plot(part, size, format="png", metadata={"Software": None}) as (axes,):
        bars = 0.35 * len(ranks["alike"])
        for i, (model, mean) in enumerate(means.items()):
            row, side = (i, 0) if i < left else (count - 1 - i, 1)
            low, end, colour = -bars - 0.6 - 0.6 * row, (0.7, count + 0.3)[side], SHADES[i % len(SHADES)]
            axes.plot([mean, mean, end], [0, low, low], color=colour, lw=1.2)
            text = f"{label(model)}  {mean:.2f}" if side == 0 else f"{mean:.2f}  {label(model)}"
            axes.text(end, low, f" {text} ", ha=("right", "left")[side], va="center", fontsize=10, color=colour)
        for i, names in enumerate(ranks["alike"]):
            ends = [means[names[0]] - 0.04, means[names[-1]] + 0.04]
            axes.plot(ends, [-0.25 - 0.35 * i] * 2, color=INK, lw=3.5, solid_capstyle="butt")
        axes.plot([1, 1 + min(ranks["critical"], count - 1)], [0.75] * 2, color=MUTED, lw=1.5, marker="|")
        axes.text(1, 0.85, f"critical difference {ranks['critical']:.2f}", fontsize=9, color=MUTED, va="bottom")
        axes.axhline(0, color=INK, lw=1, xmin=0, xmax=1)
        for tick in range(1, count + 1):
            axes.plot([tick, tick], [0, 0.12], color=INK, lw=1)
            axes.text(tick, 0.18, str(tick), ha="center", va="bottom", fontsize=9)
        axes.set(xlim=(0.7, count + 0.3), ylim=(-bars - 0.6 * left - 0.5, 1.5))
        axes.set_title(label(f"mean rank by {metric}, 1 is the best"))
        axes.axis("off")
