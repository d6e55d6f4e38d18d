-- contract
-- Runs can be cancelled, and are listed by their operation.
ALTER TABLE runs ADD COLUMN cancelled_at timestamptz;
ALTER TABLE runs ADD COLUMN cancelled_by text COLLATE "C";
CREATE INDEX runs_by_operation ON runs (account_id, operation, run_id);
