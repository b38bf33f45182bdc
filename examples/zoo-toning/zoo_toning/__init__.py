"""Toning of black-and-white prints: a plugin of the zoo, with a task, a model, a metric and a checkpoint."""
