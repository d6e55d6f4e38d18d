-- Operations, their runs, the work on each vehicle, and its results.

-- Operations: kinds of work that an account declares.
CREATE TABLE operations (
    account_id INTEGER NOT NULL REFERENCES accounts,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    lease_s INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, name)
) STRICT, WITHOUT ROWID;

-- Runs: an operation queued for many vehicles. Later runs have higher ids. question says which vehicles; while
-- is_queueing is 1, those up to position are in, and position_max is where it ends.
CREATE TABLE runs (
    account_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    operation TEXT NOT NULL,
    question TEXT NOT NULL,
    is_queueing INTEGER NOT NULL,
    position INTEGER NOT NULL,
    position_max INTEGER NOT NULL,
    queued_count INTEGER NOT NULL,
    refused_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, run_id)
) STRICT;

CREATE INDEX runs_queueing ON runs (account_id, operation, run_id) WHERE is_queueing = 1;

-- Vehicles that a run left out: the first of them.
CREATE TABLE refusals (
    account_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    vin TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER,
    since INTEGER,
    PRIMARY KEY (account_id, run_id, place)
) STRICT, WITHOUT ROWID;

-- The work on one vehicle in one run. Open work (queued or claimed) belongs to an operational vehicle, always.
CREATE TABLE work (
    account_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    operation TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    lease_until INTEGER,
    claimed_by TEXT,
    ended_at INTEGER,
    PRIMARY KEY (account_id, run_id, vehicle_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX work_open ON work (account_id, vehicle_id) WHERE state IN ('queued', 'claimed');
CREATE INDEX work_queued ON work (account_id, operation, run_id, vehicle_id) WHERE state = 'queued';
CREATE INDEX work_claimed ON work (account_id, operation, lease_until) WHERE state = 'claimed';

-- What workers answered: one row for a claim, never altered. result is JSON as it was given.
CREATE TABLE results (
    account_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    result TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    PRIMARY KEY (account_id, run_id, vehicle_id, attempt)
) STRICT;

CREATE INDEX results_by_vehicle ON results (account_id, vehicle_id, given_at, run_id, attempt);
