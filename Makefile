# What a contributor does often; `make` alone lists it.
.PHONY: help setup lint test docs bench ci

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-6s %s\n", $$1, $$2}' Makefile

setup:  ## the package with all that development needs, and the hooks of git
	pip install -e ".[dev]"
	pre-commit install

lint:  ## style, types, and the order of the rooms
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo

test:  ## the whole suite
	pytest

docs:  ## the documentation with the gallery, served at a local address
	mkdocs serve

bench:  ## the timed comparisons; nothing else should run meanwhile
	python benchmarks/cli.py
	python benchmarks/fit.py

ci:  ## the README's two commands on a clean environment, as before a change lands
	bash .ci/run
