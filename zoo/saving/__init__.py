"""The files of a checkpoint: facts, weights, card, golden samples."""
