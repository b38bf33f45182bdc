"""Everything that this project registers keeps the contracts of the zoo, and skips what it must alone."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
import torch.nn.functional as F

from zoo import registry, testing
from zoo.contracts.model import Model
from zoo.contracts.task import Task
from zoo.testing.checking import subject_of
from zoo.testing.checks import (
    data_items,
    data_reading,
    metric,
    model_able,
    model_fitting,
    model_samples,
    model_saving,
    task_pairs,
    task_photos,
)
from zoo.testing.outcome import run_all
from zoo.testing.subjects.data import NO_PATH, DataSubject
from zoo.testing.subjects.metric import NOWHERE, MetricSubject
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.subjects.task import TaskSubject
from zoo.testing.verdicts import Skipped, Subject
from zoo_metrics import features
from zoo_networks import efficientnet
from zoo_tasks.denoise3d import Denoise3d

ALIKE = {"attribute-cvae-b25", "attribute-cvae-b50", "attribute-cvae-b75", "cdvae-mdn4"}
"""Presets that differ in a number alone from others, which are checked."""
READ = {"arrays", "branches", "folder"}
"""Kinds of data that are read here: of the others some make hundreds of items, and most need files."""
NAMES = [
    pytest.param(kind, name, id=f"{kind}-{name}")
    for kind in ("model", "task", "metric", "data")
    for name in registry.names(registry.plural(kind))
    if registry.entry(registry.plural(kind), name).own and name not in ALIKE and (kind != "data" or name in READ)
]
EXTRA = {"lpips": "lpips", "pieapp": "piq"}
"""Metrics of packages that need not be installed, and whose weights cannot always be had."""
OF_MORE = {"motion"}
"""Tasks whose pairs take more than a photo."""


class FewFeatures(efficientnet.EfficientNet):
    """Two stages of features, in the place of those whose weights need not be here."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        g = torch.Generator().manual_seed(0)
        self.kernel = torch.nn.Buffer(torch.randn(6, 3, 3, 3, generator=g))

    def stages(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        fine = F.conv2d(pictures, self.kernel, stride=2)
        return [F.normalize(stage, dim=1) for stage in (fine, F.avg_pool2d(fine.relu(), 4))]


@pytest.fixture
def few_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_network", FewFeatures)
    monkeypatch.setattr(efficientnet, "LEAST", 16)


@pytest.fixture
def few_solids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Denoise3d, "data", "solids:40")


@pytest.mark.usefixtures("few_features", "few_solids")
@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_it_keeps_the_contracts_of_the_zoo(kind: testing.Kind, name: str) -> None:
    """No check fails or is left out, and those that have nothing to look at are those of which it is known beforehand."""
    subject = subject_of(name, kind)
    outcome = run_all(subject, testing.checks(kind))
    assert (outcome.failed, outcome.ok) == ({}, True)
    if name in EXTRA and find_spec(EXTRA[name]):
        pytest.skip(f"{EXTRA[name]} is installed: what can be checked depends on whether its weights can be had")
    known = reasons(subject)
    skipped = {check.name for check in testing.checks(kind) if any(known[reason] for reason in check.skips)}
    assert set(outcome.skipped) == skipped
    assert outcome.expected == dict(subject.expected_failures)


def reasons(subject: Subject) -> dict[str, bool]:
    """Whether each reason for skipping checks holds of a subject, by what it is and brings."""
    known = {model_samples.NO_ACCELERATOR: not torch.cuda.is_available()}
    if isinstance(subject, ModelSubject):
        overridden = {
            model_able.NO_LOG_PROB: "log_prob",
            model_able.NO_JOINT: "joint_log_prob",
            model_able.NO_FEATURES: "features",
            model_able.NO_RECONSTRUCTION: "reconstruct",
            model_able.NO_DIAGNOSIS: "diagnose",
        }
        known |= {why: getattr(subject.cls, name) is getattr(Model, name) for why, name in overridden.items()}
        known[model_fitting.NO_GRADIENT] = not subject.by_gradient
        known[model_saving.NO_TENSORS] = not subject.fitted.state_dict()
    if isinstance(subject, TaskSubject):
        known[task_pairs.NO_POOL] = subject.test.pool is None
        known[task_pairs.NO_GUIDE] = subject.train.guide is None
        known[task_photos.OTHER_ITEMS] = not subject.takes_photos
        known[task_photos.NO_PHOTOS] = subject.name in OF_MORE
        known[task_photos.NO_CHOICES] = subject.cls.choices is Task.choices
    if isinstance(subject, MetricSubject):
        known[metric.SAMPLES_ALONE] = subject.metric.needs == "samples"
        known[metric.NO_DIRECTION] = subject.metric.better is None
        known[NOWHERE] = subject.name in EXTRA
    if isinstance(subject, DataSubject):
        parts = (data_reading.NO_FILES, data_reading.MADE_HERE, *data_items.LACKING)
        known |= dict.fromkeys((NO_PATH, *parts), False)
        try:
            records = subject.test
        except Skipped:
            return known | {NO_PATH: True}
        known |= dict.fromkeys(parts[:2], subject.place is None)
        lacks = [data_reading.see(records, 0), records.attributes, records.annotations]
        arrays = [records.array(name) for name in data_items.ARRAYS]
        known |= {why: part is None for why, part in zip(parts[2:5], lacks, strict=True)}
        known[data_items.NO_ARRAYS] = all(array is None for array in arrays)
    return known
