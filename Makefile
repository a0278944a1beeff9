.PHONY: check format lint types test bench bench-fan-out bench-warm bench-transfers bench-schedules docs

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

bench-fan-out:
	python benchmarks/fan_out.py

bench-warm:
	python benchmarks/warm.py

bench-transfers:
	python benchmarks/transfers.py

bench-schedules:
	python benchmarks/schedules.py
	python benchmarks/schedules.py --files

docs:
	python docs/generate.py
