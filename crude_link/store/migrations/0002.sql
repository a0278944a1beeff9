-- Fan-outs: steps that run once for each input. A row for each task, small, for there may be millions.

-- `source` tells the state of the inputs in which the input at position n is task n; NULL: numbered by digest since.
CREATE TABLE fans (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    source TEXT,
    UNIQUE (run, step)
);

-- The newest end of each task. `attempt` is that of the fan-out as a whole, `number` that of the try; `digest` is the
-- signed number of 64 bits that its hex digits stand for, `ending` the letter that the archives use.
CREATE TABLE tasks (
    fan INTEGER NOT NULL REFERENCES fans (id) ON DELETE CASCADE,
    task INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    number INTEGER NOT NULL,
    digest INTEGER,
    slot INTEGER NOT NULL,
    ending TEXT NOT NULL,
    exit_status INTEGER,
    signal INTEGER,
    began_us INTEGER NOT NULL,
    wall_us INTEGER NOT NULL,
    cpu_us INTEGER NOT NULL,
    peak_memory INTEGER,
    stdout_bytes INTEGER NOT NULL,
    stderr_bytes INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (fan, task)
) WITHOUT ROWID;

-- What is said of the tasks that have ended and not succeeded, and only of those.
CREATE TABLE task_words (
    fan INTEGER NOT NULL REFERENCES fans (id) ON DELETE CASCADE,
    task INTEGER NOT NULL,
    reason TEXT NOT NULL,
    last_line TEXT NOT NULL,
    PRIMARY KEY (fan, task)
) WITHOUT ROWID;

-- One bit for each task that has succeeded, 8192 tasks a block: to read a million of them takes no time.
CREATE TABLE task_blocks (
    fan INTEGER NOT NULL REFERENCES fans (id) ON DELETE CASCADE,
    block INTEGER NOT NULL,
    done BLOB NOT NULL,
    PRIMARY KEY (fan, block)
) WITHOUT ROWID;

-- Up to where the ends in an archive are rows.
CREATE TABLE fan_archives (
    fan INTEGER NOT NULL REFERENCES fans (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    read_to INTEGER NOT NULL,
    PRIMARY KEY (fan, attempt, slot)
) WITHOUT ROWID;
