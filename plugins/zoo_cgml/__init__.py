"""cGML: conditional generation by learning how latent codes move, with and without momentum, and the same networks by L1."""

from zoo import Preset
from zoo_cgml.config import CGMLConfig, L1Config
from zoo_cgml.model import CGML, L1

norho = Preset(CGML, rho=False)

__all__ = ["CGML", "L1", "CGMLConfig", "L1Config", "norho"]
