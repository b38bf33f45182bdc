"""The checks, one contract a function."""
