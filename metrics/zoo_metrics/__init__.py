"""Metrics of pools of samples."""
