-- Operations, their runs, the work on each vehicle, and its results.

-- Operations: kinds of work that an account declares.
CREATE TABLE operations (
    account_id bigint NOT NULL REFERENCES accounts,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    lease_s integer NOT NULL,
    attempts_max integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, name)
);

-- Runs: an operation queued for many vehicles. Later runs have higher ids. question says which vehicles; while
-- is_queueing is 1, those up to position are in, and position_max is where it ends.
CREATE TABLE runs (
    account_id bigint NOT NULL,
    run_id bigint NOT NULL,
    operation text COLLATE "C" NOT NULL,
    question json NOT NULL,
    is_queueing smallint NOT NULL,
    position bigint NOT NULL,
    position_max bigint NOT NULL,
    queued_count bigint NOT NULL,
    refused_count bigint NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, run_id)
);

CREATE INDEX runs_queueing ON runs (account_id, operation, run_id) WHERE is_queueing = 1;

-- Vehicles that a run left out: the first of them.
CREATE TABLE refusals (
    account_id bigint NOT NULL,
    run_id bigint NOT NULL,
    place bigint NOT NULL,
    vin text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    status integer,
    since timestamptz,
    PRIMARY KEY (account_id, run_id, place)
);

-- The work on one vehicle in one run. Open work (queued or claimed) belongs to an operational vehicle, always.
CREATE TABLE work (
    account_id bigint NOT NULL,
    run_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    operation text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    attempts integer NOT NULL,
    lease_until timestamptz,
    claimed_by text COLLATE "C",
    ended_at timestamptz,
    PRIMARY KEY (account_id, run_id, vehicle_id)
) WITH (fillfactor = 80);

CREATE INDEX work_open ON work (account_id, vehicle_id) WHERE state IN ('queued', 'claimed');
CREATE INDEX work_queued ON work (account_id, operation, run_id, vehicle_id) WHERE state = 'queued';
CREATE INDEX work_claimed ON work (account_id, operation, lease_until) WHERE state = 'claimed';

-- What workers answered: one row for a claim, never altered. result is JSON as it was given.
CREATE TABLE results (
    account_id bigint NOT NULL,
    run_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    attempt integer NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    result text COLLATE "C" NOT NULL,
    given_at timestamptz NOT NULL,
    given_by text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, run_id, vehicle_id, attempt)
);

CREATE INDEX results_by_vehicle ON results (account_id, vehicle_id, given_at, run_id, attempt);
