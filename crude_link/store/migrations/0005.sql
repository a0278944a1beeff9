-- The ledger of schedules. Slot times are in UTC. One row is about one slot time, or about `count` in a row with the
-- same fate, the last of them `until`.
CREATE TABLE firings (
    id INTEGER PRIMARY KEY,
    pipeline TEXT NOT NULL,
    entry TEXT NOT NULL,
    slot_time TEXT NOT NULL,
    until TEXT NOT NULL,
    count INTEGER NOT NULL,
    fate TEXT NOT NULL,
    run INTEGER,
    blocker INTEGER,
    reason TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX firings_by_time ON firings (pipeline, entry, slot_time);
CREATE INDEX firings_by_run ON firings (run) WHERE run IS NOT NULL;
-- Whatever happens, two schedulers or a clock that steps back: a slot time begins one run.
CREATE UNIQUE INDEX firings_once ON firings (pipeline, entry, slot_time) WHERE run IS NOT NULL AND fate <> 'repeated';

-- Up to when the ledger knows what became of an entry's slot times. What lies before `since` was never due.
CREATE TABLE schedules (
    pipeline TEXT NOT NULL,
    entry TEXT NOT NULL,
    since TEXT NOT NULL,
    settled TEXT NOT NULL,
    PRIMARY KEY (pipeline, entry)
) WITHOUT ROWID;

CREATE TABLE pauses (
    pipeline TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    "by" TEXT NOT NULL,
    why TEXT NOT NULL
) WITHOUT ROWID;

-- The scheduler of this project, the living one or the last.
CREATE TABLE scheduler (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    began TEXT NOT NULL,
    seen TEXT NOT NULL,
    config_files TEXT NOT NULL,
    log_file TEXT
);
