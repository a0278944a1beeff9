"""Scheduling: what becomes of slot times, decided by pure functions and done by a duty of the scheduler."""
