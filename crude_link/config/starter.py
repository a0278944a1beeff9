"""The config that `crude-link init` writes."""

from __future__ import annotations

from pathlib import Path


def starter_config() -> str:
    """Return a short, commented, valid config."""
    return Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")
