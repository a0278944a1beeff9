"""Looking: looks for new files, each in a process of its own, so that nothing waits while a store is listed."""
