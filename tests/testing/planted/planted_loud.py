"""A metric whose module prints when it is imported."""

from planted_right import RightMetric, fault

print("welcome to the plugin")
fault(RightMetric, "loud-import", "importing_it_prints_nothing")
