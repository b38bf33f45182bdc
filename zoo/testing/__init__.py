"""The contracts of the zoo as checks, for ``zoo check NAME`` and for the tests of plugins.

docs/checks.md lists the checks. What one of these cannot do by its nature, it says itself, with the reason:
``expected_failures = {"another_seed_gives_other_samples": "neighbours are ranked, not drawn"}``.
"""

from zoo.testing.checking import Check, checks, page
from zoo.testing.outcome import Outcome, check, parametrize
from zoo.testing.verdicts import Kind

__all__ = ["Check", "Kind", "Outcome", "check", "checks", "page", "parametrize"]
