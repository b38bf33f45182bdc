"""The overlap of the shapes that samples stand for with the true one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo import Fitted, Metric, NotApplicable, RequestError, Task


class ShapeOverlap(Metric):
    """The intersection over the union of the voxels of each sample's shape and of the true one; the mean over the samples,
    and ``@best``, the best of them. 1 where both are empty. It is measured only where it is named, because it takes long.
    """

    unit = "intersection over union"
    better = "higher"
    source = "cGML, section 5.4; its Table 6 has a mean average precision that it does not define"
    cites = ("ramasinghe2021cgml",)
    needs = "fitted"
    opt_in = True
    task: Task | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Keep the task; NotApplicable where its fields stand for no shapes."""
        if fitted.task.solids(fitted.pairs.y[:1]) is None:
            raise NotApplicable(f"a {fitted.task.y_name} stands for no shape")
        self.task = fitted.task

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.task is None:
            raise RequestError("a metric of shapes needs the run (prepare), which was not shown")
        n, values = samples.shape[1], []
        step = max(1, 256 // n)
        for few, true in zip(samples.split(step), y.split(step), strict=True):
            shapes, truth = self.task.solids(few.flatten(0, 1)), self.task.solids(true)
            assert shapes is not None
            assert truth is not None
            truth = truth.repeat_interleave(n, 0)
            both, either = (pair.flatten(1).sum(1).double() for pair in (shapes & truth, shapes | truth))
            values.append(torch.where(either > 0, both / either.clamp_min(1), 1).unflatten(0, (-1, n)))
        value = torch.cat(values).to(y.device)
        return {"": value.mean(1), "@best": value.amax(1)}
