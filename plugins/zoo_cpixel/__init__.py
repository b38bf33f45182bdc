"""CPixel, the conditional gated PixelCNN."""

from zoo_cpixel.model import PixelCNN, PixelCNNConfig

__all__ = ["PixelCNN", "PixelCNNConfig"]
