-- Of attempts at a whole fan-out: the time of all its slots together, and how much of that no task ran.

ALTER TABLE attempts ADD COLUMN slots_us INTEGER;
ALTER TABLE attempts ADD COLUMN idle_us INTEGER;
