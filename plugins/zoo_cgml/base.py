"""What the models of this family share."""

from __future__ import annotations

from typing import ClassVar

from zoo_networks import regression


class Regression(regression.Regression):
    """The networks and units of :class:`zoo_networks.regression.Regression`."""

    owner: ClassVar[str] = "cGML"


__all__ = ["Regression"]
