"""CGAN, the conditional generative adversarial network over a fixed embedding of x."""

from zoo_cgan.model import CGAN, CGANConfig

__all__ = ["CGAN", "CGANConfig"]
