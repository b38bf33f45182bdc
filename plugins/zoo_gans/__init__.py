"""The adversarial baselines of cGML, on its encoder and generator: context encoder, pix2pix and BicycleGAN."""

from zoo_gans.config import BicycleGANConfig, ContextEncoderConfig, Pix2PixConfig
from zoo_gans.models import BicycleGAN, ContextEncoder, Pix2Pix

__all__ = ["BicycleGAN", "BicycleGANConfig", "ContextEncoder", "ContextEncoderConfig", "Pix2Pix", "Pix2PixConfig"]
