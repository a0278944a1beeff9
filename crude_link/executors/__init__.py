"""Executors: where attempts run. Each opens agents and speaks to them."""
