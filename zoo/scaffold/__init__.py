"""A plugin package to start from, written from templates."""
