"""The test items that a report shows: photo, truth and samples, as pictures."""

from __future__ import annotations

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
        photo: the photo, which is the ground truth; None where the data has no photos.
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
            photo = _small(pixels)
            samples = [_small(one) for one in plan.task.compose(context, fields[i], x_hat=hat).numpy()]
        made.append(
            Picture(
                name=name,
                photo=photo,
                samples=samples,
                x=field_image(part.x[i]),
                y=field_image(part.y[i]),
                fields=_fields(fields[i]),
                draws=[] if part.pool is None else _fields(part.pool[i][:SAMPLES]),
            )
        )
    return made


def field_image(field: Tensor) -> PILImage | None:
    """A field (1, h, w) or (3, h, w) in [0, 1] as a picture of as many pixels; None if it is of another shape."""
    from PIL import Image

    if field.ndim != 3 or field.shape[0] not in (1, 3):
        return None
    levels = (field.detach().float().cpu().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return Image.fromarray(levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0).copy())


def _fields(fields: Tensor) -> list[PILImage]:
    made = [field_image(field) for field in fields]
    return [one for one in made if one is not None]


def _small(pixels: Any) -> PILImage:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image
