-- contract
-- How much of an account's record is archived: up to which number, the latest instant up to there, how far the portion
-- goes that is being written, and up to which number superseded changes have been deleted.
ALTER TABLE counters ADD COLUMN archived_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN archived_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN archiving_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN cleared_to INTEGER NOT NULL DEFAULT 0;
