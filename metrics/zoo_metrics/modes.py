"""The share of the answers there are that samples reach, where these are few and known."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo import Fitted, Metric, NotApplicable, RequestError


class Modes(Metric):
    """The share of samples that are right answers (``@hit``), and that of those at the least visited answer (``@least``);
    the share of the answers that any sample reaches (``@reached``).

    The answers for x are its different true draws, y among them: at most eight, and few enough to be drawn again and again. A
    sample is one of them, the nearest, if it lies within 0.5 of it (a vector y: Euclidean distance, in the units of y), or
    nearer to it, by root mean square, than half the distance between the two draws that are nearest to each other (a field y;
    the median of that over the items where an item has one draw alone). Of m equally visited answers, ``@least`` is 1 / m.
    """

    unit = "share of samples, or of answers"
    better = "higher"
    source = "cGML, section 5 and Figure 3 (the branches of a toy), and Figure 5 (two modes of a completion)"
    cites = ("ramasinghe2021cgml",)
    needs = "fitted"
    radius: float | None = None  # of items with a single draw

    def prepare(self, fitted: Fitted) -> None:
        """Look at the true draws; NotApplicable where there are none, too many different ones, or one alone for every x."""
        pairs = fitted.pairs
        if pairs.pool is None or not pairs.pool.shape[1]:
            raise NotApplicable("the data does not know the true answers")
        different, gap = [], []
        for y, pool in zip(pairs.y.split(64), pairs.pool.split(64), strict=True):
            mask, distance = _answers(_known(y, pool))
            different.append(mask.sum(1))
            gap.append(_nearest(mask, distance))
        counts, gaps = torch.cat(different), torch.cat(gap)
        drawn = pairs.pool.shape[1] + 1
        seldom = drawn > 2 and (counts == drawn).double().mean() > 0.5
        if seldom or int(counts.max()) > 8:
            raise NotApplicable(f"the true answers to an x are not known to be few: of {drawn} draws hardly any repeat")
        if not gaps.isfinite().any():
            raise NotApplicable("every x has a single true answer")
        self.radius = 0.5 if pairs.pool.ndim == 3 else float(gaps[gaps.isfinite()].median()) / 2

    def __call__(self, samples: Tensor, y: Tensor, *, pool: Tensor | None = None, **known: Tensor | None) -> dict[str, Tensor]:
        if pool is None or self.radius is None:
            raise RequestError("modes are looked for among true draws (pool) of a run (prepare); one of them is not given")
        answers = _known(y, pool)
        size = answers.shape[2]
        mask, among = _answers(answers)
        radius = torch.full((len(y), 1), self.radius, device=y.device)
        if pool.ndim > 3:
            half = _nearest(mask, among)[:, None] / 2
            radius = torch.where(half.isfinite(), half, radius) * size**0.5
        distance = torch.cdist(samples.flatten(2), answers, compute_mode="donot_use_mm_for_euclid_dist")
        distance = distance.masked_fill(~mask[:, None], torch.inf)
        nearest, which = distance.min(2)
        hit = nearest <= radius if pool.ndim == 3 else nearest < radius
        visits = torch.zeros_like(answers[:, :, 0]).scatter_add_(1, which, hit.to(answers.dtype))
        least = visits.masked_fill(~mask, torch.inf).amin(1) / samples.shape[1]
        reached = (visits > 0).sum(1) / mask.sum(1)
        return {"@hit": hit.to(answers.dtype).mean(1), "@least": least, "@reached": reached.to(answers.dtype)}


def _known(y: Tensor, pool: Tensor) -> Tensor:
    """All true draws that are known, (B, 1 + M, D): y is one of them."""
    return torch.cat([y[:, None], pool], 1).flatten(2)


def _answers(draws: Tensor) -> tuple[Tensor, Tensor]:
    """Of draws (B, M, D): the first of each that are alike to 1e-4, (B, M) bool; root mean square distances, (B, M, M)."""
    alike = torch.cdist(draws, draws, p=torch.inf) <= 1e-4
    mask = ~alike.tril(-1).any(2)
    distance = torch.cdist(draws, draws, compute_mode="donot_use_mm_for_euclid_dist") / draws.shape[2] ** 0.5
    return mask, distance


def _nearest(mask: Tensor, distance: Tensor) -> Tensor:
    """(B,) the distance of the two different draws that are nearest to each other; infinite where there is one."""
    pair = mask[:, :, None] & mask[:, None, :] & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    return distance.masked_fill(~pair, torch.inf).flatten(1).amin(1)
