"""The adversarial baselines of cGML, on its encoder and generator: context encoder, pix2pix and BicycleGAN."""

from zoo_gans.bicycle import BicycleGAN
from zoo_gans.config import BicycleGANConfig, ContextEncoderConfig, Pix2PixConfig
from zoo_gans.context import ContextEncoder
from zoo_gans.pix2pix import Pix2Pix

__all__ = ["BicycleGAN", "BicycleGANConfig", "ContextEncoder", "ContextEncoderConfig", "Pix2Pix", "Pix2PixConfig"]
