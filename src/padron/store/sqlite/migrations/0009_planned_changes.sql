-- Planned changes, and what came of them. vin is the vehicle's when it was planned; the vehicle may have another by
-- now. planned_changes_next is the one index that does not begin with the account: by it a server finds what is due.
CREATE TABLE planned_changes (
    account_id INTEGER NOT NULL,
    plan_id TEXT NOT NULL,
    vehicle_id INTEGER NOT NULL,
    vin TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('change', 'return')),
    status INTEGER NOT NULL,
    reason TEXT,
    effective_at INTEGER NOT NULL,
    until INTEGER,
    reverts INTEGER,
    follows TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'executed', 'cancelled', 'lapsed', 'refused')),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    request_id TEXT NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    ended_request_id TEXT,
    detail TEXT,
    number INTEGER,
    PRIMARY KEY (account_id, plan_id)
) STRICT;

CREATE INDEX planned_changes_by_time ON planned_changes (account_id, effective_at, plan_id);
CREATE INDEX planned_changes_by_state ON planned_changes (account_id, state, effective_at, plan_id);
CREATE INDEX planned_changes_by_vehicle ON planned_changes (account_id, vehicle_id, effective_at, plan_id);
CREATE INDEX planned_changes_by_request ON planned_changes (account_id, request_id, effective_at, plan_id);
CREATE INDEX planned_changes_pending ON planned_changes (account_id, vehicle_id, effective_at, plan_id)
    WHERE state = 'pending';
CREATE INDEX planned_changes_next ON planned_changes (effective_at, account_id) WHERE state = 'pending';
