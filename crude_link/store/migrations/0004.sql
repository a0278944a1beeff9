-- A request can be about one step, and say a number: how many slots are wanted.

ALTER TABLE requests ADD COLUMN step TEXT;
ALTER TABLE requests ADD COLUMN number INTEGER;
