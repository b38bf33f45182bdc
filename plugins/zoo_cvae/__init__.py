"""CVAE, the conditional variational auto-encoder with a multiplied code, and its presets."""

from zoo import Preset
from zoo_cvae.model import CVAE, CVAEConfig

residual = Preset(CVAE, offset=1.0, output_variance=10.0)

__all__ = ["CVAE", "CVAEConfig", "residual"]
