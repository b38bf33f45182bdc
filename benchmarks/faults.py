"""Which metric catches which fault: true draws, spoilt in known ways and amounts, are measured like a model's samples.

    python benchmarks/faults.py [--items 200] [--samples 100] [--repeats 200] [--out docs/faults.json]

The table is written to docs/faults.md, between the two marks there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.contracts import make
from zoo.contracts.metric import Fitted
from zoo.data.pairs import Pairs, Truth
from zoo.measuring.compare import paired
from zoo.measuring.evaluate import Evaluation, evaluate
from zoo.measuring.verdict import Verdict, judge
from zoo.utils.files import whole_file

METRICS = (
    "energy_score",
    "error_of_best",
    "variance",
    "crps",
    "excess_energy",
    "miscoverage",
    "spread_skill",
    "rank_histogram",
    "mode_frequencies",
)


@dataclass(frozen=True)
class World:
    """Test pairs with a pool; true draws (N, n, *y_shape) for the samplers and the mode of each, (N, n); training pairs."""

    test: Pairs
    draws: Tensor
    modes: Tensor
    train: Pairs


def made_world(items: int, n: int, side: int = 16, pool: int = 20, training: int = 400, seed: int = 0) -> World:
    """A world that is quick to draw: y is what x tells, plus one of three answers of unequal weights, plus a smooth and a
    rough part."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.Generator().manual_seed(7)  # the world is the same, only its items are others

    def smooth(*count: int, generator: torch.Generator) -> Tensor:
        coarse = torch.randn(*count, 1, 4, 4, generator=generator).flatten(0, -4)
        return F.interpolate(coarse, size=(side, side), mode="bicubic").unflatten(0, count)

    answers = smooth(3, generator=basis)
    weights = torch.tensor([0.5, 0.3, 0.2])

    def draw(told: Tensor, count: int) -> tuple[Tensor, Tensor]:
        mode = torch.multinomial(weights.expand(len(told), 3), count, replacement=True, generator=generator)
        y = 0.3 * told[:, None] + 0.4 * answers[mode] + 0.2 * smooth(len(told), count, generator=generator)
        return y + 0.1 * torch.randn(y.shape, generator=generator), mode

    told = smooth(items + training, generator=generator)
    y, mode = draw(told[:items], 1 + pool + n)
    truth = Truth.of(mode[:, 1 : 1 + pool], mode[:, 0], weights.expand(items, 3))
    test = Pairs(told[:items], y[:, 0], pool=y[:, 1 : 1 + pool], truth=truth)
    train = Pairs(told[items:], draw(told[items:], 1)[0][:, 0])
    return World(test, y[:, 1 + pool :], mode[:, 1 + pool :], train)


def _about_mean(factor: float, world: World) -> Tensor:
    middle = world.draws.mean(1, keepdim=True)
    return middle + factor * (world.draws - middle)


def _deviation(world: World) -> Tensor:
    return world.draws.var(1).mean().sqrt()


def _biased(size: float, world: World) -> Tensor:
    return world.draws + size * _deviation(world)


def _moved(size: float, world: World) -> Tensor:
    """Off by a smooth field that is the same for all items, and has no mean."""
    side = world.draws.shape[-1]
    wave = 2**0.5 * torch.cos(torch.linspace(0, 2 * torch.pi, side + 1)[:-1])
    return world.draws + size * _deviation(world) * wave


def _other_modes(size: float, world: World, wanted: Callable[[Tensor], Tensor]) -> Tensor:
    """The first share ``size`` of the draws that are not of ``wanted`` modes (N, n) are replaced by draws that are."""
    draws, good = world.draws.clone(), wanted(world.modes)
    for i in range(len(draws)):
        bad, source = (~good[i]).nonzero()[:, 0], good[i].nonzero()[:, 0]
        bad = bad[: round(size * len(bad))]
        if len(source):
            draws[i, bad] = draws[i, source[torch.arange(len(bad)) % len(source)]]
    return draws


def _dropped(size: float, world: World) -> Tensor:
    """Of the mode that is seldom among an item's draws, so many are left out."""
    counts = F.one_hot(world.modes).sum(1)
    least = counts.masked_fill(counts == 0, counts.max() + 1).argmin(1)
    return _other_modes(size, world, lambda modes: modes != least[:, None])


def _wrong_weights(size: float, world: World) -> Tensor:
    """So many of the draws of other modes are of the most frequent mode."""
    most = F.one_hot(world.modes).sum(1).argmax(1)
    return _other_modes(size, world, lambda modes: modes == most[:, None])


def _ignores_x(size: float, world: World) -> Tensor:
    draws = world.draws.clone()
    draws[:, : round(size * draws.shape[1])] = world.draws.roll(1, 0)[:, : round(size * draws.shape[1])]
    return draws


def _copycat(size: float, world: World) -> Tensor:
    """So many different draws, again and again."""
    return world.draws[:, torch.arange(world.draws.shape[1]) % round(size)]


def _memorised(size: float, world: World) -> Tensor:
    n = round(size * world.draws.shape[1])
    far = torch.cdist(world.test.x.flatten(1), world.train.x.flatten(1))
    nearest = far.topk(min(max(n, 1), len(world.train)), largest=False).indices
    draws = world.draws.clone()
    draws[:, :n] = world.train.y[nearest[:, torch.arange(n) % nearest.shape[1]]]
    return draws


def _noisy(size: float, world: World) -> Tensor:
    noise = torch.randn(world.draws.shape, generator=torch.Generator().manual_seed(1))
    return world.draws + size * _deviation(world) * noise


def _smooth(size: float, world: World) -> Tensor:
    return torch.lerp(world.draws, blurred(world.draws), size)


def blurred(fields: Tensor) -> Tensor:
    """Fields (N, n, C, h, w) with each pixel the mean of the 3 x 3 around it."""
    flat = fields.flatten(0, 2)[:, None]
    return F.avg_pool2d(F.pad(flat, (1, 1, 1, 1), mode="replicate"), 3, 1)[:, 0].reshape(fields.shape)


@dataclass(frozen=True)
class Fault:
    """A way to spoil true draws, the amounts to try, from small to whole, and the words that a verdict may find it by."""

    spoil: Callable[[float, World], Tensor]
    sizes: tuple[float, ...]
    words: frozenset[str]
    amount: str


def _fault(spoil: Callable[[float, World], Tensor], sizes: tuple[float, ...], amount: str, *words: str) -> Fault:
    return Fault(spoil, sizes, frozenset(words), amount)


FAULTS: Mapping[str, Fault] = {
    "over-dispersed": _fault(_about_mean, (1.1, 1.25, 1.5, 2.0), "times the spread", "too wide"),
    "under-dispersed": _fault(_about_mean, (0.9, 0.8, 0.67, 0.5), "times the spread", "too narrow"),
    "biased": _fault(_biased, (0.1, 0.25, 0.5, 1.0), "deviations", "biased"),
    "moved": _fault(_moved, (0.1, 0.25, 0.5, 1.0), "deviations, as a wave", "biased", "too narrow"),
    "a mode dropped": _fault(_dropped, (0.5, 1.0), "of its draws", "misses modes", "wrong weights"),
    "wrong weights": _fault(_wrong_weights, (0.25, 0.5, 1.0), "of the others' draws", "wrong weights", "misses modes"),
    "ignores x": _fault(_ignores_x, (0.25, 0.5, 1.0), "of the draws", "does not listen to x", "leaves x unused"),
    "copycat": _fault(_copycat, (10, 3, 1), "different draws", "too narrow"),
    "memorised": _fault(_memorised, (0.25, 0.5, 1.0), "of the draws", "memorised"),
    "noise added": _fault(_noisy, (0.05, 0.1, 0.25, 0.5), "deviations", "noise"),
    "detail left out": _fault(_smooth, (0.1, 0.25, 0.5, 1.0), "of the 3 x 3 detail", "detail missing"),
}


class Planted:
    """Gives the ``samples`` (N, n, *y_shape) that were planted for each x of ``pairs``."""

    device, name = torch.device("cpu"), "planted"

    def __init__(self, pairs: Pairs, samples: Tensor) -> None:
        self.places = {x.numpy().tobytes(): i for i, x in enumerate(pairs.x)}
        self.samples = samples

    def sample(self, x: Tensor, n: int, *, seed: int = 0) -> Tensor:
        return self.samples[[self.places[each.numpy().tobytes()] for each in x]][:, :n]


def measured(world: World, samples: Tensor, names: tuple[str, ...] = METRICS, seed: int = 0) -> tuple[Evaluation, Verdict]:
    """The scores of planted samples, and the verdict on them."""
    model: Any = Planted(world.test, samples)
    metrics = {name: make.metric(name) for name in names}
    task: Any = type("Task", (), {"y_unit": ""})()
    run = Fitted(model, task, task, world.test, seed)
    found = evaluate(model, world.test, metrics, samples.shape[1], seed=seed, fitted=run)
    return found, judge(found, metrics, groups=world.test.groups, n=samples.shape[1])


BESIDE = ("energy_score", "crps", "x_gain@energy_score", "error_of_best", "variance")
"""Scores without a right value: they are compared with those of true draws, item by item."""
PAGE, MARKS = Path(__file__).parents[1] / "docs/faults.md", ("<!-- table -->\n", "<!-- end -->\n")


def rows(items: int, n: int, side: int = 16) -> list[dict[str, Any]]:
    """Each fault at each size: the p-value of each score, and the faults that the verdict names."""
    world = made_world(items, n, side)
    right, found = measured(world, world.draws)[0], []
    for name, fault in FAULTS.items():
        for size in fault.sizes:
            scores, verdict = measured(world, fault.spoil(size, world))
            told = {key: score.p for key, score in scores.scores.items() if score.p is not None and "x_gain" not in key}
            better, more = list[str](), list[str]()
            for start in BESIDE:
                key = [each for each in scores.values if each.startswith(start)][-1]
                other = paired(scores.values[key], right.values[key])
                told[key] = other.p
                way = scores.scores[key].better
                if other.p < 0.01 and (other.value < 0) == (way == "lower"):
                    (more if way is None else better).append(key)
            at = {"fault": name, "size": size, "amount": fault.amount, "p": told, "prefers": better, "more": more}
            found.append(at | {"named": sorted(verdict.faults), "right_word": bool(fault.words & {*verdict.faults})})
    return found


def alarms(items: int, n: int, repeats: int, side: int = 8) -> dict[str, Any]:
    """The share of pools of true draws that each score has at p < 0.01, and that the verdict accuses."""
    names = tuple(name for name in METRICS if make.metric(name).reads)
    accused, below = 0, dict[str, int]()
    for seed in range(repeats):
        world = made_world(items, n, side, training=1, seed=1000 + seed)
        scores, verdict = measured(world, world.draws, names)
        accused += verdict.word == "wrong"
        for key, score in scores.scores.items():
            below[key] = below.get(key, 0) + (score.p is not None and score.p < 0.01)
    return {"repeats": repeats, "verdict": accused / repeats, "scores": {key: hits / repeats for key, hits in below.items()}}


def table(found: list[dict[str, Any]], alarm: Mapping[str, Any]) -> str:
    """The rows as Markdown: where a score has p < 0.01, and where spoilt samples are better by it than true ones, or more."""
    keys = [*found[0]["p"]]
    lines = ["| fault | size | " + " | ".join(f"`{key}`" for key in keys) + " | the verdict |", "|---" * (len(keys) + 3) + "|"]
    for row in found:
        odd = {key: word for word, of in (("better", "prefers"), ("more", "more")) for key in row[of]}
        cells = [odd.get(key, "found" if row["p"][key] < 0.01 else "") for key in keys]
        named = ", ".join(row["named"]) or "about right"
        lines.append(f"| {row['fault']} | {row['size']:g} {row['amount']} | {' | '.join(cells)} | {named} |")
    shares = [f"{100 * alarm['scores'][key]:.1f} %" if key in alarm["scores"] else "" for key in keys]
    share = f"{100 * alarm['verdict']:.1f} % accused"
    lines.append(f"| none: false alarms | {alarm['repeats']} pools of true draws | {' | '.join(shares)} | {share} |")
    return "\n".join(lines) + "\n"


def missed(found: list[dict[str, Any]]) -> str:
    """What error of best and variance do not tell, or have better or more than true draws: a sentence of each, and of both."""
    of: dict[str, dict[str, list[str]]] = {}
    for row in found:
        blind = [key for key in row["p"] if key.startswith(("error_of_best", "variance")) and not _tells(row, key)]
        for key in [*blind, *(["both"] if len(blind) > 1 else [])]:
            of.setdefault(key, {}).setdefault(row["fault"], []).append(f"{row['size']:g}")
    told = {key: "; ".join(f"{fault} ({', '.join(sizes)})" for fault, sizes in rows.items()) for key, rows in of.items()}
    named = {key: key if key == "both" else f"`{key}`" for key in told}
    return "".join(f"\nMissed, or taken for better or more, by {named[key]}: {rows}.\n" for key, rows in told.items())


def _tells(row: Mapping[str, Any], key: str) -> bool:
    return bool(row["p"][key] < 0.01 and key not in row["prefers"] + row["more"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Which metric catches which fault.")
    for name, default in (("items", 200), ("samples", 100), ("repeats", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--out", type=Path, default=PAGE.with_suffix(".json"))
    given = parser.parse_args()
    found, alarm = rows(given.items, given.samples), alarms(given.items, given.samples, given.repeats)
    told = {"items": given.items, "samples": given.samples, "rows": found, "false_alarms": alarm}
    with whole_file(given.out) as part:
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    shown = table(found, alarm) + missed(found)
    print(shown)
    if given.out == PAGE.with_suffix(".json"):
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
        with whole_file(PAGE) as part:
            part.write_text(head + MARKS[0] + shown + MARKS[1] + rest.partition(MARKS[1])[2], encoding="utf-8")


if __name__ == "__main__":
    main()
