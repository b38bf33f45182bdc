"""The contracts of a model, a task and a metric; making and describing what keeps them."""
