"""Models of a bench compared item by item, where all have values of the same test items."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from zoo.benching.cells import Cell
from zoo.utils.words import visible

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.measuring.draws import Row

    Better = Literal["lower", "higher"]


def tied(cells: Sequence[Cell]) -> dict[str, set[str]]:
    """The models that are tied with the best, that one among them, by the score; of the cells of one task that are done.

    A score is left out where neither way is better, or that cannot be tested: fewer than two models have it, not all for the
    same seeds, some cell has no values, or those of other items or of no single item (one number for the whole run, such as
    the size of a model).
    """
    from zoo.measuring.compare import tied_with_best

    return {metric: tied_with_best(rows, better, groups=groups) for metric, rows, groups, better in _comparable(cells)}


def surpassed(cells: Sequence[Cell], references: Collection[str]) -> dict[str, dict[str, set[str]]]:
    """By score and model those of the ``references`` than which it is better beyond chance, where that can be tested."""
    from zoo.measuring.compare import surpassed as compare

    found = {}
    for metric, rows, groups, better in _comparable(cells):
        theirs = {model: row for model, row in rows.items() if model in references}
        ours = {model: row for model, row in rows.items() if model not in references}
        if theirs and ours:
            found[metric] = compare(ours, theirs, better, groups=groups)
    return found


def over_both(cells: Sequence[Cell]) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Mean and interval of each model by each score, over its seeds and items together, where its cells have such values and
    there are several seeds, or several items of one video, scene or photo.
    """
    from zoo.measuring.compare import intervals

    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    for model in dict.fromkeys(cell.model for cell in cells):
        own = sorted((cell for cell in cells if cell.model == model), key=lambda cell: cell.seed)
        names = [name for name in own[0].metrics["metrics"] if all(visible(name) in _values(cell) for cell in own)]
        plain = len(own) == 1 and (own[0].values is None or own[0].values.groups is None)
        if not names or plain:
            continue
        rows, groups = _rows({name: [_values(cell)[visible(name)] for cell in own] for name in names}, own)
        for name, ends in intervals(rows, groups=groups).items():
            if all(map(math.isfinite, ends)):
                found[model, name] = ends
    return found


def _comparable(cells: Sequence[Cell]) -> Iterator[tuple[str, dict[str, Row], Row, Better]]:
    """The scores by which models can be compared item by item: the rows of the models, the items' groups, what is better."""
    for metric in dict.fromkeys(name for cell in cells for name in cell.metrics["metrics"]):
        rows: dict[str, dict[int, Cell]] = {}
        for cell in cells:
            if metric in cell.metrics["metrics"]:
                rows.setdefault(cell.model, {})[cell.seed] = cell
        first = next(iter(rows.values()))
        if len(rows) < 2 or any(row.keys() != first.keys() or not _same(row, first) for row in rows.values()):
            continue
        if any(visible(metric) not in _values(cell) for row in rows.values() for cell in row.values()):
            continue
        better = {cell.metrics["metrics"][metric].get("better") for row in rows.values() for cell in row.values()}
        values = {model: [_values(row[seed])[visible(metric)] for seed in sorted(row)] for model, row in rows.items()}
        (direction, *others) = better
        if others or direction is None or any(all(bool((part == part[0]).all()) for part in row) for row in values.values()):
            continue
        yield metric, *_rows(values, [first[seed] for seed in sorted(first)]), direction


def _rows(values: Mapping[str, list[Tensor]], cells: Sequence[Cell]) -> tuple[dict[str, Row], Row]:
    """Rows of values, and the groups of their items, as these are compared; ``cells`` are those of one model, a seed each."""
    import torch

    groups = [_groups(cell) for cell in cells]
    if len({_digest(cell) for cell in cells}) > 1:
        return {**values}, groups
    return {model: torch.stack(row) for model, row in values.items()}, groups[0]


def _same(row: dict[int, Cell], first: dict[int, Cell]) -> bool:
    """Whether the cells of two models with the same seeds have values of the same items."""
    return all(_digest(cell) is not None and _digest(cell) == _digest(first[seed]) for seed, cell in row.items())


def _digest(cell: Cell) -> str | None:
    return None if cell.values is None else cell.values.origin.digest


def _values(cell: Cell) -> Mapping[str, Tensor]:
    return {} if cell.values is None else cell.values.scores


def _groups(cell: Cell) -> Tensor:
    """The number of what each item is of; each stands alone where nothing is said of that."""
    import torch

    groups = None if cell.values is None else cell.values.groups
    return torch.arange(cell.metrics["test_items"]) if groups is None else groups
