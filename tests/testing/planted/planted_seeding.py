"""A task whose module seeds torch when it is imported."""

import torch
from planted_right import RightTask, fault

torch.manual_seed(0)
fault(RightTask, "seeding-import", "importing_it_changes_nothing_global")
