"""What a distribution requires and is not there; asked only where plugins are looked at closely."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from zoo.registry import Installed


def lacking(plugin: Installed) -> list[str]:
    """A clause for each requirement that is not installed or not of the version that is asked for; [] where all are met.

    Without the package ``packaging`` nothing is known, and nothing is said.
    """
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return []
    clauses = []
    for text in plugin.requires:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            clauses.append(f"its requirement {text!r} cannot be read")
            continue
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            clauses.append(f"it requires {wanted.name}{wanted.specifier}, which is not installed")
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            clauses.append(f"it requires {wanted.name}{wanted.specifier}, and {there} is installed")
    return clauses
