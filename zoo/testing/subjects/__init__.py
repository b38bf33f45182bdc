"""What is checked: a model, a task, a metric, each in a small world of its own."""
