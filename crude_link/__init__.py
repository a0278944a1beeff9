"""Run a pipeline of scripts from one YAML file, by hand or on a schedule, and keep a record of it."""

__version__ = "0.1.0"
