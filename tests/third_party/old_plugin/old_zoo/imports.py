"""A model that imports from modules of before."""

from zoo.model import Model
from zoo.noise import Noise


class Mean(Model):
    """Nothing of it is reached."""

    def draw(self, code: object, n: int, noise: Noise) -> None:
        return None
