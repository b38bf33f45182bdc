"""CGAN, the conditional generative adversarial network over a fixed embedding of x."""

from zoo_cgan.config import CGANConfig
from zoo_cgan.model import CGAN

__all__ = ["CGAN", "CGANConfig"]
