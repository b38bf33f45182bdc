"""What `zoo show` tells of a setting comes from the docstrings of its config, and of those that it is made of."""

from __future__ import annotations

import pytest

from zoo import registry
from zoo.contracts.describe import describe, of_training

OURS = [
    (kind, name)
    for kind in ("models", "tasks")
    for name in registry.names(kind)
    if registry.entry(kind, name).distribution == registry.OWN
]


@pytest.mark.parametrize(("kind", "name"), OURS)
def test_every_setting_of_ours_says_what_it_is(kind: str, name: str) -> None:
    assert [setting.name for setting in describe(kind, name).settings or () if not setting.says] == []


def test_a_setting_says_what_its_own_class_says_of_it_and_else_what_the_class_below_does() -> None:
    cdvae = {setting.name: setting for setting in describe("models", "cdvae-mdn12").settings or ()}
    assert cdvae["weight_decay"].says == "of the MDN."
    assert cdvae["steps"].says == "steps in all, where no number of epochs is given."
    assert (cdvae["components"].preset, cdvae["components"].default, cdvae["sigma"].preset) == (True, "12", False)
    assert [setting.name for setting in of_training() if not setting.says] == []
    assert {setting.default for setting in of_training() if setting.name in ("steps", "clip")} == {"the model's"}
