"""CPixel, the conditional gated PixelCNN."""

from zoo_cpixel.config import PixelCNNConfig
from zoo_cpixel.model import PixelCNN

__all__ = ["PixelCNN", "PixelCNNConfig"]
