"""The test items that a report shows: item, truth and samples, as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.utils.colours import colour_wheel

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.pairs import Pairs
    from zoo.data.records import Data

ITEMS, SAMPLES = 8, 6
"""How many test items a report shows, and how many samples of each."""
DRAWS = 20
"""True draws of p(y | x) asked for where the data knows them: for metrics, and the first few to be shown."""
SIDE = 320
"""Pixels: the larger side of a photo in a report."""


@dataclass
class Picture:
    """One test item.

    Attributes:
        name: of the item.
        photo: the photo, which is the ground truth; or the item composed with the true field, where the item is no photo or
            does not show it (vectors, a source picture); None where the data does not have the item.
        samples: the item composed with each sampled field; empty where there is no item.
        x, y: the fields of the pair; None where they are not pictures.
        fields: the sampled fields; empty where they are not pictures.
        draws: true draws of p(y | x); empty where the data knows none.
    """

    name: str
    photo: PILImage | None
    samples: list[PILImage]
    x: PILImage | None
    y: PILImage | None
    fields: list[PILImage]
    draws: list[PILImage]


def picture_items(test: Pairs) -> Tensor:
    """The places (K,) int64 of the items that a report shows: spread over the whole test split, at most ``ITEMS``."""
    return torch.linspace(0, len(test) - 1, min(ITEMS, len(test))).round().long()


@torch.no_grad()
def take_pictures(
    model: Model, task: Task, data: Data, seed: int, test: Pairs, samples: Tensor | None = None
) -> list[Picture]:
    """Pictures of the items at :func:`picture_items` of ``test``.

    Args:
        model: fitted; samples and reconstructions are of it.
        task, data: what ``test`` was made by and of.
        seed: of the samples, and of the data.
        test: the test pairs.
        samples: (K, at least SAMPLES, *y_shape), where the model has been sampled for these items already; None to sample
            it here.
    """
    index = picture_items(test)
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
        draws = [] if part.pool is None else list(part.pool[i][:SAMPLES])
        reach = reach_of([part.y[i], *fields[i], *draws]) if part.vectors else None
        own = partial(_fields, task, part.x[i].cpu(), reach=reach)
        pictures.append(
            Picture(
                name=name,
                photo=photo,
                samples=composed,
                x=conditioning_image(part.x[i]),
                y=next(iter(own([part.y[i]])), None),
                fields=own(fields[i]),
                draws=own(draws),
            )
        )
    return pictures


def true_picture(task: Task, item: Any, context: Any, y: Tensor, vectors: bool = False) -> NDArray[np.uint8]:
    """What the truth looks like, (H, W, 3) uint8: the photo itself where it shows y, else the item composed with y.

    Args:
        task: the task.
        item, context: what :meth:`~zoo.Task.condition` took, and what it gave besides x.
        y: (*y_shape), the true field.
        vectors: whether y is vectors, which no photo shows.
    """
    if task.item == "photo" and task.shows_truth and not vectors:
        return np.asarray(item)
    return task.compose(context, y[None])[0].numpy()


def conditioning_image(x: Tensor) -> PILImage | None:
    """x as :func:`field_image` shows it; of 2 or 4 channels the last is a mask, and what stands before it is shown."""
    return field_image(x[:-1] if x.ndim == 3 and x.shape[0] in (2, 4) else x)


def field_image(field: Tensor, reach: float | None = None) -> PILImage | None:
    """A field as a picture of as many pixels; None if it is of another shape than these.

    (1, h, w) and (3, h, w) in [0, 1] are grey and R, G, B. (2, h, w) must be vectors, shown by :func:`colour_wheel`.

    Args:
        field: of one of these shapes.
        reach: the length of the vectors of full colour; None for that of the field itself.
    """
    from PIL import Image

    if field.ndim != 3 or field.shape[0] not in (1, 2, 3):
        return None
    field = field.detach().float().cpu()
    if field.shape[0] == 2:
        field = colour_wheel(field, reach_of([field]) if reach is None else reach)
    levels = (field.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return Image.fromarray(levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0).copy())


def reach_of(fields: Sequence[Tensor]) -> float:
    """The length that nearly all vectors (99 %) of ``fields``, each (2, h, w), stay within."""
    lengths = torch.stack([field.detach().float().cpu() for field in fields]).square().sum(1).sqrt().flatten()
    return float(lengths.sort().values[int(0.99 * (len(lengths) - 1))])


def _fields(task: Task, x: Tensor, fields: Iterable[Tensor], reach: float | None) -> list[PILImage]:
    """Fields of one x as pictures: vectors by the colour wheel of this ``reach``, all others as the task renders them.

    Two channels that are no vectors, and that the task does not render, are no picture.
    """
    made = []
    for field in fields:
        shown: Tensor | None = field.detach().float().cpu()
        if reach is None:
            rendered = task.render(x[None], field[None])
            shown = rendered[0] if rendered is not None else None if field.shape[0] == 2 else field
        picture = None if shown is None else field_image(shown, reach)
        made += [] if picture is None else [picture]
    return made


def _small(pixels: Any) -> PILImage:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image
