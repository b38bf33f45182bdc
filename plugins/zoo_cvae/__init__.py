"""CVAE, the conditional variational auto-encoder with a multiplied code."""

from zoo_cvae.config import CVAEConfig
from zoo_cvae.model import CVAE

__all__ = ["CVAE", "CVAEConfig"]
