"""The test items that a report shows: item, truth and samples, as pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.reporting.pages import at_largest
from zoo.utils.colours import colour_wheel

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.pairs import Pairs
    from zoo.data.records import Data

ITEMS, SAMPLES = 4, 6
"""How many test items are shown beside other models' samples of them, and how many samples of each."""
KEPT = 2**24
"""Numbers kept of the samples from which a report chooses what it shows (64 MB)."""
DRAWS = 20
"""True draws of p(y | x) asked for where the data knows them: for metrics, and the first few to be shown."""
SIDE = 320
"""Pixels: the larger side of a photo in a report."""


@dataclass
class Picture:
    """One test item: x, y and the sampled fields, where they are pictures, and the item composed with each of them.

    ``photo`` is the ground truth: the photo, or the item composed with the true field, where it is no photo or does not
    show it (vectors, a source picture); None where the data does not have the item, which then has no ``samples`` either.
    ``note`` says why the item is shown, and how good its samples are.
    """

    name: str
    photo: PILImage | None
    samples: list[PILImage]
    x: PILImage | None
    y: PILImage | None
    fields: list[PILImage]
    draws: list[PILImage]
    note: str = ""


def kept_places(test: Pairs) -> list[int]:
    """The places of the items whose first samples are kept, so that some can be shown: as many as memory is spent on."""
    most = KEPT // (SAMPLES * max(1, math.prod(test.y_shape)))
    return sorted({*test.spread(ITEMS).tolist(), *test.spread(most).tolist()})


def telling(
    kept: Sequence[int], values: Mapping[str, Tensor], better: Mapping[str, str | None], names: Sequence[str], items: int
) -> list[tuple[int, str]]:
    """The places of the worst, the median and the best of the items that are ``kept``, each with a note that says so.

    ``values`` (N,) are of all ``items`` by each score; the first of ``names`` that is among them, and says which way is
    better, decides, at its largest number of samples. Without any, the items are spread over all, and not chosen.
    """
    directed = {name: value for name, value in values.items() if better.get(name) is not None}
    score = next((found for name in names if (found := at_largest(directed, name)) is not None), None)
    if score is None:
        return [(kept[i], "") for i in sorted({0, len(kept) // 2, len(kept) - 1})]
    sign = 1 if better[score] == "lower" else -1
    order = sorted(kept, key=lambda i: (-sign * float(values[score][i]), i))
    at = {"worst": 0, "median": len(order) // 2, "best": len(order) - 1}
    of = f"{items}" if len(kept) == items else f"{len(order)} of {items}"
    places: dict[int, list[str]] = {}
    for word, place in at.items():
        places.setdefault(order[place], []).append(word)
    return [(i, f"{' and '.join(words)} of {of}: {score} {float(values[score][i]):.3g}") for i, words in places.items()]


@torch.no_grad()
def take_pictures(
    model: Model,
    task: Task,
    data: Data,
    seed: int,
    test: Pairs,
    samples: Tensor | None = None,
    chosen: Sequence[tuple[int, str]] | None = None,
) -> list[Picture]:
    """Pictures of the items of ``test`` that are ``chosen`` by place, each with its note; else of ``ITEMS`` spread over all.

    ``samples`` (K, at least SAMPLES, *y_shape) are of these items, if they are drawn already; else they are drawn here.
    """
    chosen = [(i, "") for i in test.spread(ITEMS).tolist()] if chosen is None else chosen
    index = torch.tensor([i for i, _ in chosen])
    part = test.subset(index)
    x = part.x.to(model.device)
    fields = (model.sample(x, SAMPLES, seed=seed) if samples is None else samples[:, :SAMPLES]).cpu()
    x_hat = model.reconstruct(x)
    records = data.read("test", seed=seed)
    places = {name: i for i, name in enumerate(records.names)}
    pictures = []
    for i, number in enumerate(index.tolist()):
        name = part.names[i] if part.names else str(number)
        photo, composed = None, []
        if name in places:
            item = task.item_of(records, places[name])
            _, context = task.condition(item)
            hat = None if x_hat is None else x_hat[i].cpu()
            photo = _small(true_picture(task, item, context, part.y[i], part.vectors))
            composed = [_small(pixels) for pixels in task.compose(context, fields[i], x_hat=hat).numpy()]
        draws = part.y[:0] if part.pool is None else part.pool[i][:SAMPLES]
        images = _shown(task, part.x[i], torch.cat([part.y[i : i + 1], fields[i], draws]), part.vectors)
        y, shown, true = images[:1], images[1 : 1 + SAMPLES], images[1 + SAMPLES :]
        pictures.append(
            Picture(name, photo, composed, conditioning_image(part.x[i]), y[0] if y else None, shown, true, chosen[i][1])
        )
    return pictures


def true_picture(task: Task, item: Any, context: Any, y: Tensor, vectors: bool = False) -> NDArray[np.uint8]:
    """The truth, (H, W, 3) uint8: the photo itself where it shows y (*y_shape, no vectors), else the item composed with y."""
    if task.item == "photo" and task.shows_truth and not vectors:
        return np.asarray(item)
    return task.compose(context, y[None])[0].numpy()


def conditioning_image(x: Tensor) -> PILImage | None:
    """x as a picture, if it is one; of 2 or 4 channels the last is a mask, and what stands before it is shown."""
    return next(iter(images_of((x[:-1] if x.ndim == 3 and x.shape[0] in (2, 4) else x)[None])), None)


def images_of(fields: Tensor) -> list[PILImage]:
    """Fields (K, 1 or 3, h, w) in [0, 1] as grey or R, G, B pictures of as many pixels; of another shape they are none."""
    from PIL import Image

    if fields.ndim != 4 or fields.shape[1] not in (1, 3):
        return []
    levels = (fields.detach().float().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    return [Image.fromarray(pixels) for pixels in levels.movedim(1, -1).squeeze(-1).numpy()]


def in_colour(vectors: Tensor) -> Tensor:
    """Vectors (K, 2, h, w) by the colour wheel, (K, 3, h, w): full colour is the length that nearly all (99 %) stay within."""
    lengths = vectors.square().sum(1).sqrt().flatten().sort().values
    return colour_wheel(vectors.movedim(1, 0), float(lengths[int(0.99 * (len(lengths) - 1))])).movedim(0, 1)


def _shown(task: Task, x: Tensor, fields: Tensor, vectors: bool) -> list[PILImage]:
    """Fields (K, *y_shape) of one x as pictures: vectors in colour, on one scale, all others as the task renders them."""
    if vectors:
        return images_of(in_colour(fields))
    rendered = task.render(x.expand(len(fields), *x.shape), fields)
    return images_of(fields if rendered is None else rendered)


def _small(pixels: Any) -> PILImage:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image
