"""Triggers: answer, after a given moment, when a schedule fires next."""
