.PHONY: check format lint types test bench docs

check: format lint types test

format:
	ruff format --check .

lint:
	ruff check .

types:
	mypy

test:
	pytest -n 4

bench:
	python benchmarks/run.py

docs:
	python docs/generate.py
