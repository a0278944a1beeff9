"""Values: frozen dataclasses and enums; no I/O, no clock."""
