"""Each planted violation is found by the checks that are named for it, and by no other."""

from __future__ import annotations

import planting
import pytest

from zoo import testing

PLANTED = planting.planted()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_by_its_checks_alone(name: str) -> None:
    kind, _, checks = PLANTED[name]
    outcome = testing.check(name, kind)  # type: ignore[arg-type]
    assert set(outcome.failed) == checks, outcome.failed
    assert not outcome.ok


@pytest.mark.parametrize("name", ["right", "right-narrow", "right-task", "right-metric", "right-data"])
def test_what_differs_from_the_planted_ones_in_nothing_passes(name: str) -> None:
    outcome = testing.check(name)
    assert (outcome.failed, outcome.expected, outcome.ok) == ({}, {}, True)
