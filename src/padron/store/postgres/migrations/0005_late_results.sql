-- Exhausted work can still be answered late, so a deactivation withdraws it like what is queued or claimed.

DROP INDEX work_open;
CREATE INDEX work_answerable ON work (account_id, vehicle_id) WHERE state IN ('queued', 'claimed', 'exhausted');
