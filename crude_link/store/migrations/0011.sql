-- What downloads of what is new have brought to succeeded runs: the names of files, and marks of their content.
CREATE TABLE hauls (
    id INTEGER PRIMARY KEY,
    pipeline TEXT NOT NULL,
    remote TEXT NOT NULL,
    UNIQUE (pipeline, remote)
);
CREATE TABLE hauled (
    haul INTEGER NOT NULL REFERENCES hauls (id),
    name TEXT NOT NULL,
    mark TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (haul, name, mark)
) WITHOUT ROWID;
