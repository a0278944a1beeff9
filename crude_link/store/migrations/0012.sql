-- What entries of schedules that look for new files have seen. A lookout is one such entry; `look` is the number of its
-- newest look, and no two looks of a store have the same.
CREATE TABLE lookouts (
    id INTEGER PRIMARY KEY,
    pipeline TEXT NOT NULL,
    entry TEXT NOT NULL,
    look INTEGER NOT NULL,
    looked TEXT,
    files INTEGER NOT NULL DEFAULT 0,
    new INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since TEXT,
    problem TEXT NOT NULL DEFAULT '',
    UNIQUE (pipeline, entry)
);
-- The looks whose files a run was begun for: this row is written with the run. Sightings of all other looks are new
-- still, so that a look whose run could not begin is found again by the next one.
CREATE TABLE answered_looks (
    look INTEGER PRIMARY KEY,
    run INTEGER NOT NULL
);
-- `file` is a digest of place, name and mark; there may be millions.
CREATE TABLE sightings (
    lookout INTEGER NOT NULL REFERENCES lookouts (id),
    file BLOB NOT NULL,
    look INTEGER NOT NULL,
    PRIMARY KEY (lookout, file)
) WITHOUT ROWID;
