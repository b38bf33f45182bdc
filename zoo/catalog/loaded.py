"""A fitted model bound to its task: from a photo, or from what else the task starts from, to n pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import registry
from zoo.catalog.choosing import Wishes, most_different, not_nearer, strength_of
from zoo.catalog.samples import Samples, SamplesList
from zoo.catalog.writing import reduced
from zoo.contracts.model import Model
from zoo.contracts.task import Task
from zoo.data.decoding import MIN_SIDE
from zoo.data.origin import Origin, origin_of
from zoo.hub.push import Pushed, push
from zoo.saving.facts import Facts
from zoo.utils.bounds import afford, whole
from zoo.utils.config import sampling
from zoo.utils.errors import RequestError, border
from zoo.utils.near import Near, steps_of
from zoo.utils.noise import noise_seed
from zoo.utils.words import one_line

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    Item = str | os.PathLike[str] | PILImage | NDArray[np.uint8] | Mapping[str, Any]


Steps = tuple[int, float] | Sequence[tuple[int, float]]


class Drawing(NamedTuple):
    """The fields that a model drew for B items.

    Attributes:
        fields: (B, n, *y_shape) on the CPU.
        x_hat: (B, *x_shape), the model's own rendering of x; None where it has none.
        remarks: of each item a sentence where samples that are to be near one hardly are; mostly "".
    """

    fields: Tensor
    x_hat: Tensor | None
    remarks: list[str]


class Loaded:
    """A checkpoint ready for use; made by :func:`zoo.load`.

    Attributes:
        model: tensors in, tensors out; x is ``(B, *model.x_shape)``.
        task: from a photo (or what else it starts from) to x, and from y back to a picture.
        facts: what the checkpoint says of itself.
        card: the model card, Markdown.
        name: what it was loaded as; of the Hub always with the commit, so that it names the same again.
        folder: where its files lie.

    Examples:
        >>> import numpy as np
        >>> loaded = zoo.load("cvae/relight", device="cpu")
        >>> loaded
        Loaded('cvae/relight': model 'cvae-residual', task 'relight')
        >>> black, white = np.zeros((24, 32, 3), np.uint8), np.full((9, 9, 3), 255, np.uint8)
        >>> loaded.sample([black, white], 2, seed=0)
        [Samples(2 of 32 x 24 pixels, fields (1, 32, 32)), Samples(2 of 9 x 9 pixels, fields (1, 32, 32))]
        >>> loaded.model.x_shape, loaded.task.x_name
        ((1, 32, 32), 'albedo')
    """

    def __init__(self, name: str, model: Model, task: Task, facts: Facts, card: str, folder: Path) -> None:
        self.name, self.model, self.task, self.facts, self.card, self.folder = name, model, task, facts, card, folder
        self._own: Any = model.config

    def __repr__(self) -> str:
        settings = "".join(f", {key}={value!r}" for key, value in self.settings.items())
        task = self.facts.task and self.facts.task["name"]
        return f"Loaded({self.name!r}: model {self.model.name!r}, task {task!r}{settings})"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of sampling that are others than the checkpoint's own (:meth:`zoo.Model.set_sampling`), by name."""
        own, now = ({key: getattr(config, key) for key in sampling(config)} for config in (self._own, self.model.config))
        return {key: now[key] for key in sorted(now) if now[key] != own[key]}

    def push_to_hub(self, repo: str, **more: Any) -> Pushed:
        """Push this checkpoint to ``ORG/REPO`` in one commit; see :func:`zoo.hub.push.push`."""
        return push(self.folder, repo, **more)

    @overload
    def sample(
        self,
        img: Item,
        n: int,
        seed: int | None = None,
        *,
        strength: float = 1.0,
        distinct: int | None = None,
        size: int | None = None,
        near: Steps | None = None,
    ) -> Samples: ...
    @overload
    def sample(
        self,
        img: list[Item] | tuple[Item, ...],
        n: int,
        seed: int | None = None,
        *,
        strength: float = 1.0,
        distinct: int | None = None,
        size: int | None = None,
        near: Steps | None = None,
    ) -> list[Samples]: ...
    def sample(
        self,
        img: Item | list[Item] | tuple[Item, ...],
        n: int,
        seed: int | None = None,
        *,
        strength: float = 1.0,
        distinct: int | None = None,
        size: int | None = None,
        near: Steps | None = None,
    ) -> Samples | list[Samples]:
        """n different pictures for one photo (or for what else the task starts from), or for each of a list of them.

        Args:
            img: for a task on photos a path, a PIL image, or an array (H, W, 3) uint8; for others what :meth:`Task.read`
                takes (``"Eyeglasses,Blond_Hair"``); or a list of them.
            n: samples a photo, at least 1.
            seed: a whole number of either sign; the same one gives the same samples. None for new ones at every call.
            strength: how far to go from the photo's own field, 0, to the sampled one, 1, or beyond, up to 1.5.
            distinct: keep only so many of the n, the most different; the others are not even composed.
            size: make a photo smaller first, so that its longest side has at most so many pixels.
            near: (place, amount) for more like one sample: like that at the place, from 0, among the n that there are with
                this seed and without ``near``. At 0 they are that one itself, at 1 nothing is left of it. Of several, each
                goes on from the one before; see :meth:`zoo.Model.sample`. :attr:`Samples.places` has the places.

        Returns:
            :class:`~zoo.Samples` of the photo, or a list of one for each photo, which a notebook shows as small pictures.

        Raises:
            RequestError: a photo cannot be read or is no photo, a number is out of range or no wish that the task can meet, or
                there is no memory for so many.
            ZooError: the model or the task is broken.
        """
        n, seed = whole(n, "n", 1), None if seed is None else noise_seed(seed)
        wishes = self.wishes(n, strength, distinct, size, near)
        if wishes.near and seed is None:
            raise RequestError("near counts among the samples of a seed: give that seed too")
        many = isinstance(img, (list, tuple))
        given: list[Any] = list(img) if isinstance(img, (list, tuple)) else [img]
        items = [self.read(one, wishes.size) for one in given]
        if not items:
            return SamplesList()
        self.check_room(items, n, wishes.distinct)
        samples = self.make(items, given, n, seed, wishes)
        return SamplesList(samples) if many else samples[0]

    def wishes(
        self, n: int, strength: float | None, distinct: int | None, size: int | None, near: Steps | None = None
    ) -> Wishes:
        """How n samples are to be, seen to be such that the task can meet it; raises as :meth:`sample`."""
        right = Wishes(
            1.0 if strength is None else strength_of(strength),
            None if distinct is None else whole(distinct, "distinct", 1, n),
            None if size is None else whole(size, "size", MIN_SIDE),
            () if near is None else steps_of(near, n),
        )
        if right.strength != 1 and not self.has_strength:
            raise RequestError(f"{self._task_name} knows of no {self.task.y_name} of the item itself: leave out strength")
        if size is not None and self.task.item != "photo":
            raise RequestError(f"{self._task_name} starts from a {self.task.item}, not from a photo: leave out size")
        return right

    def read(self, given: Any, size: int | None = None) -> Any:
        """The item that somebody gave, as the task takes it, a photo of at most ``size`` a side; raises as :meth:`sample`."""
        with self._calling_task("it cannot read"):
            item = self.task.read(given)
        if self.task.holes and (origin := self.origin(given, item)) is not None and origin.alpha is not None:
            item = np.dstack([item, origin.alpha])
        if size is not None and isinstance(item, np.ndarray) and item.ndim == 3 and max(item.shape[:2]) > size:
            item = np.array(reduced(item, size))
        return item

    def check_room(self, items: Sequence[Any], n: int, distinct: int | None = None) -> None:
        """Refuse (RequestError) n samples of each item that memory has no room for: fields, pictures, and what makes them."""
        field = 4 * math.prod(self.model.y_shape)
        pictures = (math.prod(item.shape[:2]) if isinstance(item, np.ndarray) else field for item in items)
        needed = sum(n * 3 * field + (distinct or n) * 30 * pixels for pixels in pictures)
        afford(needed, f"{n} samples{f' of each of {len(items)}' if len(items) > 1 else ''}", "take fewer (n)")

    def make(self, items: Sequence[Any], given: Sequence[Any], n: int, seed: int | None, wishes: Wishes) -> list[Samples]:
        """:meth:`sample` for items that have been read, and looked at, of what was given; its settings are right."""
        conditions = [self.condition(item) for item in items]
        drawing = self.draw(torch.stack([x for x, _ in conditions]), n, seed, wishes.near)
        samples = []
        for i, (_, context) in enumerate(conditions):
            y, places = drawing.fields[i], torch.arange(n)
            if wishes.distinct is not None:
                y = y[places := most_different(y, wishes.distinct)]
            x_hat = None if drawing.x_hat is None else drawing.x_hat[i]
            y, images = self.compose(context, y, x_hat, wishes.strength)
            with self._calling_task("it fails at this item"):
                remark = one_line(self.task.remark(items[i]))
            remark = "; ".join(filter(None, (remark, drawing.remarks[i])))
            samples.append(Samples(images, y, self.origin(given[i], items[i]), remark, places.tolist()))
        return samples

    def condition(self, item: Any) -> tuple[Tensor, Any]:
        """x (*x_shape) of an item that has been read, and what :meth:`compose` needs of it; raises as :meth:`sample`."""
        with self._calling_task("it fails at this item"):
            return self.task.condition(item)

    def draw(self, x: Tensor, n: int, seed: int | None, near: Sequence[Near] = ()) -> Drawing:
        """n fields for each of x (B, *x_shape); raises as :meth:`sample`."""
        with registry.calling("models", self.model.name, "it cannot be sampled"), torch.no_grad():
            fields = self._sample(x, n, seed, near)
            x_hat = self.model.reconstruct(x.to(self.model.device))
            remarks = [""] * len(x)
            if near:
                pool = self._sample(x, n, seed, near[:-1])
                remarks = [not_nearer(*pair, near[-1].place) for pair in zip(fields, pool, strict=True)]
        return Drawing(fields, None if x_hat is None else x_hat.cpu(), remarks)

    def _sample(self, x: Tensor, n: int, seed: int | None, near: Sequence[Near]) -> Tensor:
        if near:
            return self.model.sample(x, n, seed=seed, near=near).cpu()
        return self.model.sample(x, n, seed=seed).cpu()  # a model of somebody's own may know of nothing more

    def compose(
        self, context: Any, y: Tensor, x_hat: Tensor | None = None, strength: float = 1.0
    ) -> tuple[Tensor, NDArray[np.uint8]]:
        """Fields (n, *y_shape), of this strength, and the pictures (n, H, W, 3) that they make; raises as :meth:`sample`."""
        with self._calling_task("it fails at this item"):
            if strength != 1 and (own := self.task.own_y(context)) is not None:
                y = own + strength * (y - own)
            return y, self.task.compose(context, y, x_hat=x_hat).numpy()

    @property
    def has_strength(self) -> bool:
        """Whether the task knows the y of an item itself, which samples may be nearer to or farther from."""
        return type(self.task).own_y is not Task.own_y

    def origin(self, given: Any, item: Any) -> Origin | None:
        """The photo that an item was read from, with its EXIF and transparency; None where it is none."""
        if self.task.item != "photo" or not isinstance(item, np.ndarray) or item.ndim != 3:
            return None
        with border("what the photo's file says of it cannot be read", RequestError):
            origin = origin_of(given, item[..., :3])
            return replace(origin, alpha=None) if item.shape[2] == 4 else origin  # its holes are filled

    @property
    def _task_name(self) -> str:
        return f"task {self.facts.task['name'] if self.facts.task else type(self.task).__name__}"

    def _calling_task(self, doing: str) -> AbstractContextManager[None]:
        return registry.calling("tasks", self._task_name.removeprefix("task "), doing)
