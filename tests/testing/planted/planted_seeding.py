import torch
from planted_right import task

torch.manual_seed(0)
task("seeding-import", "importing_it_changes_nothing_global")
