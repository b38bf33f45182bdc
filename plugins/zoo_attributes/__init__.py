"""The attribute CVAE, from a list of attributes to a picture, and its presets."""

from zoo import Preset
from zoo_attributes.model import AttributeCVAE, AttributeCVAEConfig

b25 = Preset(AttributeCVAE, beta=0.25)
b50 = Preset(AttributeCVAE, beta=0.5)
b75 = Preset(AttributeCVAE, beta=0.75)
b90 = Preset(AttributeCVAE, beta=0.9)

__all__ = ["AttributeCVAE", "AttributeCVAEConfig", "b25", "b50", "b75", "b90"]
