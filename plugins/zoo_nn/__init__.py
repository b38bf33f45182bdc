"""Reference answers, beside which the numbers of a model can be read, and nearest neighbours."""

from zoo_nn.constant import Centres, CentresConfig, SingleAnswer, SingleAnswerConfig
from zoo_nn.lenders import Copycat, NearestNeighbours, NearestNeighboursConfig, RandomField, gaussian_smooth
from zoo_nn.oracle import Oracle

__all__ = [
    "Centres",
    "CentresConfig",
    "Copycat",
    "NearestNeighbours",
    "NearestNeighboursConfig",
    "Oracle",
    "RandomField",
    "SingleAnswer",
    "SingleAnswerConfig",
    "gaussian_smooth",
]
