"""Pairs held out of others: by what they are of, so that no video, scene or photo is in both parts."""

from __future__ import annotations

import random

import torch

from zoo.data.pairs import Pairs
from zoo.utils.errors import RequestError


def apart(pairs: Pairs, share: float, seed: int, instead: str) -> tuple[Pairs, Pairs]:
    """The pairs in two parts, the second of which has about this share of them; those of one group are in one part.

    Each part has one group at least. ``instead`` ends the message where that cannot be.

    Raises:
        RequestError: all are of one group.
    """
    groups = list(pairs.groups) or [str(i) for i in range(len(pairs))]
    names = sorted(set(groups))
    if len(names) < 2:
        raise RequestError(
            f"all training pairs are of one video, scene or photo, and some of others must be held out: {instead}"
        )
    random.Random(seed).shuffle(names)
    sizes = dict.fromkeys(names, 0)
    for name in groups:
        sizes[name] += 1
    # None that is further from that share than nothing is, as a long video among short ones; if it must be, the smallest.
    few = [name for name in names if sizes[name] / 2 <= share * len(groups)] or [min(names, key=sizes.__getitem__)]
    held, count = {few[0]}, sizes[few[0]]
    for name in few[1 : len(names) - 1]:
        if count + sizes[name] / 2 > share * len(groups):
            break
        held.add(name)
        count += sizes[name]
    inside = torch.tensor([name in held for name in groups])
    return pairs.subset((~inside).nonzero()[:, 0]), pairs.subset(inside.nonzero()[:, 0])
