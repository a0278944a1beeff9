-- When an entry fires, in words: one that fires at other times has missed none of those. NULL: it was not noted.

ALTER TABLE schedules ADD COLUMN timing TEXT;
