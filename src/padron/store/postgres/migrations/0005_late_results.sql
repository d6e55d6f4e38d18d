-- Exhausted work can still be answered late, so a deactivation withdraws it like what is queued or claimed.

DROP INDEX work_open;
CREATE INDEX work_answerable ON work (account_id, vehicle_id) WHERE state IN ('queued', 'claimed', 'exhausted');

-- Without statistics the planner takes a state for rare, and so takes the index of that state. With those of a moment
-- when all work was queued it walked the primary key, over more and more work that was done.
ALTER TABLE work ALTER COLUMN state SET STATISTICS 0;
