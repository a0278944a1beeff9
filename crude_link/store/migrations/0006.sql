-- What was done once and for all: the inputs of fan-outs with `once`, by pipeline and step. It outlives the runs.

CREATE TABLE memories (
    id INTEGER PRIMARY KEY,
    pipeline TEXT NOT NULL,
    step TEXT NOT NULL,
    UNIQUE (pipeline, step)
);

-- An input that has succeeded, as the signed number of 64 bits that its digest stands for, and the run that did it
-- first, which may be removed since.
CREATE TABLE remembered (
    memory INTEGER NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    digest INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (memory, digest)
) WITHOUT ROWID;

-- Where the tasks of a fan-out are remembered beyond its run; NULL: nowhere.
ALTER TABLE fans ADD COLUMN memory INTEGER REFERENCES memories (id);
