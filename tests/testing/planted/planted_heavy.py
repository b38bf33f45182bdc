"""A model whose module brings a heavy package along."""

import huggingface_hub  # noqa: F401
from planted_right import Right, fault


@fault("importing_it_is_quick")
class HeavyImport(Right):
    """Importing it imports a client of the Hub."""
