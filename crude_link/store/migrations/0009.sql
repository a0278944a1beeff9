-- The outbox: alerts on their way, one row for each recipient. They hold references to secrets, never values.
CREATE TABLE dispatches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline TEXT NOT NULL,
    kind TEXT NOT NULL,
    run INTEGER,
    at TEXT NOT NULL,
    recipient_words TEXT NOT NULL,
    recipient TEXT NOT NULL,
    secrets TEXT NOT NULL,
    alert TEXT NOT NULL,
    state TEXT NOT NULL,
    due TEXT NOT NULL,
    tries INTEGER NOT NULL,
    answer TEXT NOT NULL,
    tried TEXT
);
CREATE INDEX dispatches_waiting ON dispatches (due) WHERE state = 'waiting';

-- What people have been told is wrong with a pipeline, and is not over.
CREATE TABLE troubles (
    pipeline TEXT NOT NULL,
    plight TEXT NOT NULL,
    since TEXT NOT NULL,
    told TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (pipeline, plight)
) WITHOUT ROWID;
