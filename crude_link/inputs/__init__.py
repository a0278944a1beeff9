"""Where the inputs of a fan-out come from: one file for each source, each a stream."""
