"""The subjects of checks: a model, a task, a metric, each in a small world of its own."""
