"""Benches: models x tasks x seeds into one table. What is public is :func:`zoo.bench`."""
