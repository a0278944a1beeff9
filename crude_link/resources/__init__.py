"""What there is to be held: the items of pools, the GPUs, cores and memory of this machine."""
