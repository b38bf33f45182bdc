"""Flow and engression: samples that look at x, by an ordinary differential equation and in one pass."""

from zoo_flow.config import EngressionConfig, FlowConfig
from zoo_flow.engression import Engression
from zoo_flow.model import Flow

__all__ = ["Engression", "EngressionConfig", "Flow", "FlowConfig"]
