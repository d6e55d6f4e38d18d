-- expand
-- Sets of vehicles that somebody chose, to change all their statuses at once, with each vehicle as it was seen.
CREATE TABLE selections (
    account_id INTEGER NOT NULL REFERENCES accounts,
    selection_id INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('making', 'ready', 'queued', 'running', 'done', 'failed', 'cancelled')),
    source TEXT NOT NULL CHECK (source IN ('vehicles', 'filter', 'list')),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    fault_count INTEGER NOT NULL,
    digest TEXT NOT NULL,
    wanted_status INTEGER,
    reason TEXT,
    effective_at INTEGER,
    until INTEGER,
    request_id TEXT,
    applied_by TEXT,
    applied_at INTEGER,
    ended_at INTEGER,
    position INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    planned INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    changed_since INTEGER NOT NULL,
    detail TEXT,
    tries INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    lease_holder TEXT,
    lease_until INTEGER,
    PRIMARY KEY (account_id, selection_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX selections_open ON selections (account_id, selection_id) WHERE state IN ('queued', 'running');

CREATE TABLE selected_vehicles (
    account_id INTEGER NOT NULL,
    selection_id INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    vin TEXT NOT NULL,
    tag TEXT NOT NULL,
    status INTEGER NOT NULL,
    outcome TEXT CHECK (outcome IN ('changed', 'unchanged', 'planned', 'refused', 'changedSince')),
    detail TEXT,
    PRIMARY KEY (account_id, selection_id, vehicle_id),
    FOREIGN KEY (account_id, selection_id) REFERENCES selections (account_id, selection_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE selection_faults (
    account_id INTEGER NOT NULL,
    selection_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    line INTEGER NOT NULL,
    text TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('unknown', 'malformed', 'ambiguous', 'duplicate')),
    detail TEXT NOT NULL,
    PRIMARY KEY (account_id, selection_id, place),
    FOREIGN KEY (account_id, selection_id) REFERENCES selections (account_id, selection_id)
) STRICT, WITHOUT ROWID;
