"""Searches for the settings of models on held-out training pairs. What is public is :func:`zoo.tune`."""
