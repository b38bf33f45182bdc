"""A model whose module takes long to import."""

import time

from planted_right import Right, fault

time.sleep(2.5)
fault(Right, "slow-import", "importing_it_is_quick")
