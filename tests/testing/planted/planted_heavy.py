"""A model whose module brings a heavy package along."""

import huggingface_hub  # noqa: F401
from planted_right import Right, fault

fault(Right, "heavy-import", "importing_it_is_quick")
