"""The only memory: a SQLite database, and a folder for each run beside it."""

from crude_link.store.place import Project, find_project
from crude_link.store.sqlite_store import SqliteStore, open_store

__all__ = ["Project", "SqliteStore", "find_project", "open_store"]
