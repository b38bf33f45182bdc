"""A plugin as it was written for the zoo before recipes and before its rooms; it stays as it is."""
