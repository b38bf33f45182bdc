"""CDVAE, the co-embedding deep variational auto-encoder, and its presets."""

from zoo.model import Preset
from zoo_cdvae.model import CDVAE, CDVAEConfig

mdn12 = Preset(CDVAE, components=12)
mdn4 = Preset(CDVAE, components=4)
noemb = Preset(CDVAE, components=12, guidance=(0.0, 0.0))

__all__ = ["CDVAE", "CDVAEConfig", "mdn4", "mdn12", "noemb"]
