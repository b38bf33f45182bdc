"""CDVAE, the co-embedding deep variational auto-encoder, and its presets."""

from zoo import Preset
from zoo_cdvae.config import CDVAEConfig
from zoo_cdvae.model import CDVAE

mdn12 = Preset(CDVAE, components=12, tied_at="mean")
skip = Preset(CDVAE, components=12, tied_at="mean", maps=16, learning_rate=2e-3)
mdn4 = Preset(CDVAE, components=4, tied_at="mean")
noemb = Preset(CDVAE, components=4, tied_at="mean", guidance=(0.0, 0.0))  # as many as paper 2, section 5.2, compares
gauss = Preset(CDVAE, tie="gauss", guidance=(10.0, 0.0), standard=(1.0, 1.0), temperature=0.6)
shallow = Preset(CDVAE, tie="gauss", guidance=(10.0, 0.0), standard=(1.0, 1.0), temperature=1.0, codes=(64,), widths=(512,))

__all__ = ["CDVAE", "CDVAEConfig", "gauss", "mdn4", "mdn12", "noemb", "shallow", "skip"]
