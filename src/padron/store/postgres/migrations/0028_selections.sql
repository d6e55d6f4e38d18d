-- expand
-- Sets of vehicles that somebody chose, to change all their statuses at once, with each vehicle as it was seen.
CREATE TABLE selections (
    account_id bigint NOT NULL REFERENCES accounts,
    selection_id bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('making', 'ready', 'queued', 'running', 'done', 'failed', 'cancelled')),
    source text COLLATE "C" NOT NULL CHECK (source IN ('vehicles', 'filter', 'list')),
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    count integer NOT NULL,
    fault_count integer NOT NULL,
    digest text COLLATE "C" NOT NULL,
    wanted_status integer,
    reason text COLLATE "C",
    effective_at timestamptz,
    until timestamptz,
    request_id text COLLATE "C",
    applied_by text COLLATE "C",
    applied_at timestamptz,
    ended_at timestamptz,
    position bigint NOT NULL,
    changed integer NOT NULL,
    unchanged integer NOT NULL,
    planned integer NOT NULL,
    refused integer NOT NULL,
    changed_since integer NOT NULL,
    detail text COLLATE "C",
    tries integer NOT NULL,
    attempt integer NOT NULL,
    lease_holder text COLLATE "C",
    lease_until timestamptz,
    PRIMARY KEY (account_id, selection_id)
);

CREATE INDEX selections_open ON selections (account_id, selection_id) WHERE state IN ('queued', 'running');

CREATE TABLE selected_vehicles (
    account_id bigint NOT NULL,
    selection_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    vin text COLLATE "C" NOT NULL,
    tag text COLLATE "C" NOT NULL,
    status integer NOT NULL,
    outcome text COLLATE "C" CHECK (outcome IN ('changed', 'unchanged', 'planned', 'refused', 'changedSince')),
    detail text COLLATE "C",
    PRIMARY KEY (account_id, selection_id, vehicle_id),
    FOREIGN KEY (account_id, selection_id) REFERENCES selections (account_id, selection_id)
);

CREATE TABLE selection_faults (
    account_id bigint NOT NULL,
    selection_id bigint NOT NULL,
    place integer NOT NULL,
    line integer NOT NULL,
    text text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL CHECK (reason IN ('unknown', 'malformed', 'ambiguous', 'duplicate')),
    detail text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, selection_id, place),
    FOREIGN KEY (account_id, selection_id) REFERENCES selections (account_id, selection_id)
);
