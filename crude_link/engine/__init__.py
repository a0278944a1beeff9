"""The heart: what starts now, and the loop that starts it. Imports model, interfaces and errors, nothing else."""
