"""Couriers: the ways in which alerts reach people."""
