-- Leases may be shares of an item, so an item can have several rows. No version before this one wrote any.

DROP TABLE leases;

-- An item of a pool that a slot, or a try at a task, holds; `item` is a digest where the pool is secret. What a run
-- that nobody holds has left here is worth nothing.
CREATE TABLE leases (
    id INTEGER PRIMARY KEY,
    pool TEXT NOT NULL,
    item TEXT NOT NULL,
    share REAL NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    slot INTEGER NOT NULL,
    task INTEGER NOT NULL,
    number INTEGER NOT NULL,
    since TEXT NOT NULL
);
CREATE INDEX leases_by_pool ON leases (pool, item);
CREATE INDEX leases_by_holder ON leases (run, step, slot, task, number);

-- Fan-outs that want more of a pool than is free, in the order in which they are served.
CREATE TABLE lease_waits (
    id INTEGER PRIMARY KEY,
    pool TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    since TEXT NOT NULL,
    UNIQUE (pool, run, step)
);
