"""CDVAE, the co-embedding deep variational auto-encoder, and its presets."""

from zoo import Preset
from zoo_cdvae.config import CDVAEConfig
from zoo_cdvae.model import CDVAE

mdn12 = Preset(CDVAE, components=12)
skip = Preset(CDVAE, components=12, tied_at="mean", maps=12)
mdn4 = Preset(CDVAE, components=4)
noemb = Preset(CDVAE, components=12, guidance=(0.0, 0.0))
gauss = Preset(CDVAE, tie="gauss", guidance=(10.0, 0.0), standard=(1.0, 1.0), temperature=0.6)
shallow = Preset(CDVAE, tie="gauss", guidance=(10.0, 0.0), standard=(1.0, 1.0), temperature=1.0, codes=(64,), widths=(512,))

__all__ = ["CDVAE", "CDVAEConfig", "gauss", "mdn4", "mdn12", "noemb", "shallow", "skip"]
