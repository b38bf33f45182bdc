"""The test items that a report shows: photo, truth and samples, as pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.pairs import Pairs
    from zoo.plan import Plan

ITEMS, SAMPLES = 8, 6
"""How many test items a report shows, and how many samples of each."""
DRAWS = 6
"""True draws of p(y | x) asked for, to be shown where the data knows them."""
SIDE = 320
"""Pixels: the larger side of a photo in a report."""


@dataclass
class Picture:
    """One test item.

    Attributes:
        name: of the item.
        photo: the photo, which is the ground truth, or the photo with the true field put in its place where that is
            something it does not show (vectors); None where the data has no photos.
        samples: the photo with each sampled field in its place; empty where there is no photo.
        x, y: the fields of the pair; None where they are not images.
        fields: the sampled fields; empty where they are not images.
        draws: true draws of p(y | x); empty where the data knows none.
    """

    name: str
    photo: PILImage | None
    samples: list[PILImage]
    x: PILImage | None
    y: PILImage | None
    fields: list[PILImage]
    draws: list[PILImage]


@torch.no_grad()
def take_pictures(plan: Plan, test: Pairs) -> list[Picture]:
    """Pictures of items spread over the whole test split, from the run's own seed."""
    index = torch.linspace(0, len(test) - 1, min(ITEMS, len(test))).round().long()
    part = test.subset(index)
    x = part.x.to(plan.model.device)
    fields = plan.model.sample(x, SAMPLES, seed=plan.seed).cpu()
    x_hat = plan.model.reconstruct(x)
    records = plan.data.read("test", seed=plan.seed)
    place = {name: i for i, name in enumerate(records.names)}
    made = []
    for i, item in enumerate(index.tolist()):
        name = part.names[i] if part.names else str(item)
        photo, samples = None, []
        if name in place:
            pixels = records.image(place[name])
            _, context = plan.task.condition(pixels)
            hat = None if x_hat is None else x_hat[i].cpu()
            photo = _small(plan.task.compose(context, part.y[i : i + 1])[0].numpy() if part.vectors else pixels)
            samples = [_small(one) for one in plan.task.compose(context, fields[i], x_hat=hat).numpy()]
        draws = [] if part.pool is None else list(part.pool[i][:SAMPLES])
        reach = reach_of([part.y[i], *fields[i], *draws]) if part.vectors else None
        made.append(
            Picture(
                name=name,
                photo=photo,
                samples=samples,
                x=field_image(part.x[i]),
                y=field_image(part.y[i], reach),
                fields=_fields(fields[i], reach),
                draws=_fields(draws, reach),
            )
        )
    return made


def field_image(field: Tensor, reach: float | None = None) -> PILImage | None:
    """A field as a picture of as many pixels; None if it is of another shape than these.

    (1, h, w) and (3, h, w) in [0, 1] are grey and R, G, B. (2, h, w) are vectors, shown by :func:`colour_wheel`.

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


def colour_wheel(vectors: Tensor, reach: float) -> Tensor:
    """Vectors (2, ...) as colours R, G, B (3, ...) in [0, 1]: the hue is the direction, the saturation the length.

    White is no motion, full colour ``reach`` and beyond; to the right is red, downwards yellow-green, to the left cyan,
    upwards violet.
    """
    length = vectors.square().sum(0).sqrt()
    saturation = (length / max(reach, 1e-6)).clamp(max=1)
    sixths = torch.atan2(vectors[1], vectors[0]) * (3 / math.pi)
    k = torch.stack([(sixths + start) % 6 for start in (5, 3, 1)])
    return 1 - saturation * torch.minimum(k, 4 - k).clamp(0, 1)


def reach_of(fields: Sequence[Tensor]) -> float:
    """The length that nearly all vectors (99 %) of ``fields``, each (2, h, w), stay within."""
    lengths = torch.stack([field.detach().float().cpu() for field in fields]).square().sum(1).sqrt().flatten()
    return float(lengths.sort().values[int(0.99 * (len(lengths) - 1))])


def _fields(fields: Iterable[Tensor], reach: float | None) -> list[PILImage]:
    made = [field_image(field, reach) for field in fields]
    return [one for one in made if one is not None]


def _small(pixels: Any) -> PILImage:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image
