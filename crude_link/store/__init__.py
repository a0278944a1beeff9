"""The only memory: a SQLite database, and a folder for each run beside it."""
