"""CPixel, the conditional gated PixelCNN."""

from zoo_cpixel.model import PixelCNN
from zoo_cpixel.network import PixelCNNConfig

__all__ = ["PixelCNN", "PixelCNNConfig"]
