-- Planned changes, and what came of them. vin is the vehicle's when it was planned; the vehicle may have another by
-- now. planned_changes_next is the one index that does not begin with the account: by it a server finds what is due.
CREATE TABLE planned_changes (
    account_id bigint NOT NULL,
    plan_id text COLLATE "C" NOT NULL,
    vehicle_id bigint NOT NULL,
    vin text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('change', 'return')),
    status integer NOT NULL,
    reason text COLLATE "C",
    effective_at timestamptz NOT NULL,
    until timestamptz,
    reverts bigint,
    follows text COLLATE "C",
    state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'executed', 'cancelled', 'lapsed', 'refused')),
    created_at timestamptz NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    ended_at timestamptz,
    ended_by text COLLATE "C",
    ended_request_id text COLLATE "C",
    detail text COLLATE "C",
    number bigint,
    PRIMARY KEY (account_id, plan_id)
);

CREATE INDEX planned_changes_by_time ON planned_changes (account_id, effective_at, plan_id);
CREATE INDEX planned_changes_by_state ON planned_changes (account_id, state, effective_at, plan_id);
CREATE INDEX planned_changes_by_vehicle ON planned_changes (account_id, vehicle_id, effective_at, plan_id);
CREATE INDEX planned_changes_by_request ON planned_changes (account_id, request_id, effective_at, plan_id);
CREATE INDEX planned_changes_pending ON planned_changes (account_id, vehicle_id, effective_at, plan_id)
    WHERE state = 'pending';
CREATE INDEX planned_changes_next ON planned_changes (effective_at, account_id) WHERE state = 'pending';
