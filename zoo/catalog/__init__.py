"""Registered checkpoints: finding, loading, sampling and verifying them."""
