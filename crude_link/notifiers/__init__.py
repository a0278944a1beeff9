"""Notifiers: whoever tells people of events: the terminal, the log file."""
