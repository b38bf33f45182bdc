"""Scores of samples, with intervals."""
