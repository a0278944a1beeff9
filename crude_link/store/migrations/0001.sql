-- The first shape of the store. Times are ISO 8601 texts in UTC with microseconds, durations whole microseconds,
-- lists and mappings JSON. Text that is not UTF-8 is a BLOB of the bytes it stands for.

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline TEXT NOT NULL,
    origin TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    began TEXT NOT NULL,
    ended TEXT,
    config_file TEXT NOT NULL,
    config_digest TEXT NOT NULL,
    document_number INTEGER NOT NULL DEFAULT 1,
    params TEXT NOT NULL,
    settings TEXT NOT NULL,
    start_at TEXT,
    only_step TEXT,
    "group" TEXT,
    slot_time TEXT,
    rerun_of INTEGER
);
CREATE INDEX runs_by_pipeline ON runs (pipeline, id);
CREATE INDEX runs_by_group ON runs ("group") WHERE "group" IS NOT NULL;

CREATE TABLE sittings (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    began TEXT NOT NULL,
    ended TEXT,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    user TEXT NOT NULL,
    argv TEXT NOT NULL,
    python TEXT NOT NULL,
    code_commit TEXT,
    code_dirty INTEGER,
    code_diff_digest TEXT,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

-- The steps of a run in the pipeline's order, with their cached states.
CREATE TABLE steps (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, name)
) WITHOUT ROWID;

-- `pipeline` repeats the run's, so that the index of successes answers for one pipeline.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    task INTEGER NOT NULL,
    number INTEGER NOT NULL,
    pipeline TEXT NOT NULL,
    sitting INTEGER NOT NULL,
    began TEXT NOT NULL,
    host TEXT NOT NULL,
    slot INTEGER,
    argv TEXT NOT NULL,
    cwd TEXT NOT NULL,
    env TEXT NOT NULL,
    interpreter TEXT,
    script_digest TEXT,
    resolved TEXT NOT NULL,
    pid INTEGER,
    ending TEXT,
    ended TEXT,
    reason TEXT,
    exit_status INTEGER,
    signal INTEGER,
    wall_us INTEGER,
    cpu_us INTEGER,
    peak_memory INTEGER,
    peak_is_bound INTEGER,
    stdout_bytes INTEGER,
    stderr_bytes INTEGER,
    survivors TEXT,
    UNIQUE (run, step, task, number)
);
CREATE INDEX attempts_without_end ON attempts (run) WHERE ending IS NULL;
CREATE INDEX attempts_succeeded ON attempts (pipeline, step, id) WHERE ending = 'exited' AND exit_status = 0;

CREATE TABLE metrics (
    attempt INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (attempt, name)
) WITHOUT ROWID;

CREATE TABLE outputs (
    attempt INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT,
    PRIMARY KEY (attempt, position)
) WITHOUT ROWID;

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step TEXT,
    verdict TEXT NOT NULL,
    at TEXT NOT NULL,
    "by" TEXT NOT NULL,
    why TEXT NOT NULL
);
CREATE INDEX decisions_by_run ON decisions (run);

CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    "by" TEXT NOT NULL,
    at TEXT NOT NULL,
    answer TEXT
);
CREATE INDEX requests_by_run ON requests (run);
CREATE INDEX requests_unanswered ON requests (id) WHERE answer IS NULL;

-- One item of a resource, held across all runs; who holds it is an attempt, or a slot of a host.
CREATE TABLE leases (
    resource TEXT NOT NULL,
    item TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id),
    step TEXT NOT NULL,
    task INTEGER,
    attempt INTEGER,
    slot INTEGER,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (resource, item)
) WITHOUT ROWID;
CREATE INDEX leases_by_run ON leases (run);

-- Runs whose rows are gone and whose folders may still be there.
CREATE TABLE removed (run INTEGER PRIMARY KEY);
