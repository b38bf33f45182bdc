"""An object of a registered name."""

from __future__ import annotations

from typing import Any

from zoo.registry.entries import OWN, entry, load
from zoo.registry.moved import reason
from zoo.utils.errors import ZooError


def create(kind: str, name: str, *args: Any, **config: Any) -> Any:
    """The object registered as ``name``, called with these arguments.

    Raises:
        RequestError: there is no such name, or it refuses the arguments.
        ZooError: what is registered is broken; says whose it is.
    """
    registered = load(kind, name)
    try:
        return registered(*args, **config)
    except ZooError:
        raise
    except Exception as error:
        where = entry(kind, name)
        if where.distribution == OWN:
            raise
        raise where.broken(f"it cannot be made: {reason(error)}") from error
