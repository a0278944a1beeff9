-- Items of pools that a step of a run does without, because its tasks failed with them again and again.

CREATE TABLE put_aside (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    pool TEXT NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (run, step, pool, item)
) WITHOUT ROWID;
