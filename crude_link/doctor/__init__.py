"""Doctor: what the scheduler will see of this machine, next to what this shell sees. It changes nothing."""
