"""The contracts of the zoo as checks, for ``zoo check NAME`` and for the tests of whoever brings a model, task or metric.

docs/checks.md lists the checks. What a model, task or metric cannot do by its nature, it says itself, with the reason:
``expected_failures = {"another_seed_gives_other_samples": "neighbours are ranked, not drawn"}``.
"""

from zoo.testing.checking import Check, checks, page
from zoo.testing.outcome import Outcome, check, parametrize
from zoo.testing.verdicts import Kind

__all__ = ["Check", "Kind", "Outcome", "check", "checks", "page", "parametrize"]
