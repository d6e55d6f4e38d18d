-- The whole schema, as the migrations leave it. A test compares the two.

-- Accounts and keys: the directory, the only tables read without knowing the account first.
CREATE TABLE accounts (
    account_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    deleting_at timestamptz
);

CREATE INDEX accounts_disabled ON accounts (account_id) WHERE disabled_at IS NOT NULL;

CREATE TABLE api_keys (
    account_id bigint NOT NULL REFERENCES accounts,
    key_id text COLLATE "C" NOT NULL,
    label text COLLATE "C" NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    secret_sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    networks text COLLATE "C" NOT NULL DEFAULT '',
    last_used_from text COLLATE "C",
    replaced_by text COLLATE "C",
    requests_per_s integer,
    PRIMARY KEY (account_id, key_id)
);

-- Who administered what in an account, and when. No secret is in the details, which are JSON.
CREATE TABLE administration (
    account_id bigint NOT NULL REFERENCES accounts,
    number bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    acted_at timestamptz NOT NULL,
    acted_by text COLLATE "C" NOT NULL,
    request_id text COLLATE "C",
    subject text COLLATE "C" NOT NULL,
    details text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, number)
);

-- Accounts that were deleted: nothing of them but their numbers, which no later account gets.
CREATE TABLE former_accounts (
    former_id bigint PRIMARY KEY,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz NOT NULL
);

-- One row: the register itself. The epoch is the name of its present life, which every cursor carries: a restored
-- backup is given a new one (`padron register renew`). The migration puts the row in, with a random epoch.
CREATE TABLE register (
    part smallint PRIMARY KEY CHECK (part = 1),
    epoch text COLLATE "C" NOT NULL
);

-- The number and the instant of the account's last change: no later one goes before it. And how many current vehicles
-- there are. Its row is the last thing that a transaction locks. Changes up to archived_to are in an archive; of them,
-- only what later questions need is still in the record. strict_gates counts how often it was switched whether
-- deactivations wait for leases: 0 is off, 1 on, 2 ending, 3 off again, and so on.
CREATE TABLE counters (
    account_id bigint NOT NULL PRIMARY KEY REFERENCES accounts,
    last_change bigint NOT NULL,
    last_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    vehicle_count bigint NOT NULL DEFAULT 0,
    archived_to bigint NOT NULL DEFAULT 0,
    archived_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    archiving_to bigint NOT NULL DEFAULT 0,
    cleared_to bigint NOT NULL DEFAULT 0,
    strict_gates bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Current vehicles: identity and status, and no more, because the status call rewrites this row.
-- slot is 0; vehicles kept from legacy data beside another with the same VIN have 1, 2 and so on.
-- Below 0 the vehicle is former: another one with its VIN was kept. It bears no plate then, and its status is 0.
CREATE TABLE vehicles (
    account_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    vin text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    plate text COLLATE "C",
    status integer NOT NULL CHECK (status BETWEEN 0 AND 9 AND status <> 2),
    status_since timestamptz NOT NULL,
    status_by text COLLATE "C" NOT NULL,
    status_reason text COLLATE "C",
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, vehicle_id)
) WITH (fillfactor = 80);

CREATE INDEX vehicles_by_status ON vehicles (account_id, status, vehicle_id) WHERE status <> 1;
CREATE INDEX vehicles_by_status_since ON vehicles (account_id, status_since, vehicle_id);
CREATE INDEX vehicles_by_updated_at ON vehicles (account_id, updated_at, vehicle_id);

-- What vehicles are found by, apart from the rows that the status call rewrites: so it leaves these indexes alone.
-- Each row says the same as the vehicle's own, which is what holds.
CREATE TABLE identities (
    account_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    vin text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    plate text COLLATE "C",
    PRIMARY KEY (account_id, vehicle_id)
);

CREATE UNIQUE INDEX identities_by_vin ON identities (account_id, vin, slot) INCLUDE (vehicle_id);
CREATE UNIQUE INDEX identities_by_plate ON identities (account_id, plate) WHERE plate IS NOT NULL AND slot = 0;
CREATE INDEX identities_duplicate ON identities (account_id, vin) WHERE slot > 0;

-- Core data over time. A vehicle has one current version and any number of former ones (status id 2).
-- began and ended are change numbers. details is what was given; the columns after it hold the same values
-- as sort keys, to find and sort by: '' or -1 where there is none.
CREATE TABLE versions (
    account_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    began bigint NOT NULL,
    ended bigint,
    is_former smallint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    vin text COLLATE "C" NOT NULL,
    details json NOT NULL,
    custom_id text COLLATE "C" NOT NULL,
    plate text COLLATE "C" NOT NULL,
    state_id integer NOT NULL,
    rfc_name text COLLATE "C" NOT NULL,
    tax_identifier text COLLATE "C" NOT NULL,
    lessor_name text COLLATE "C" NOT NULL,
    brand_name text COLLATE "C" NOT NULL,
    model_name text COLLATE "C" NOT NULL,
    country text COLLATE "C" NOT NULL,
    class text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    doors integer NOT NULL,
    variation text COLLATE "C" NOT NULL,
    cilinders text COLLATE "C" NOT NULL,
    axes text COLLATE "C" NOT NULL,
    vehicle_color text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    assembly_place text COLLATE "C" NOT NULL,
    supplementary_data text COLLATE "C" NOT NULL,
    registration_institution text COLLATE "C" NOT NULL,
    plate_entity text COLLATE "C" NOT NULL,
    registration_sheet text COLLATE "C" NOT NULL,
    observations text COLLATE "C" NOT NULL,
    owner_name text COLLATE "C" NOT NULL,
    engine_number text COLLATE "C" NOT NULL,
    legal_name text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, vehicle_id, began),
    FOREIGN KEY (account_id, vehicle_id) REFERENCES vehicles (account_id, vehicle_id)
);

CREATE UNIQUE INDEX versions_current ON versions (account_id, vehicle_id) WHERE is_former = 0;
CREATE INDEX versions_former ON versions (account_id, vehicle_id, began) WHERE is_former = 1;
CREATE INDEX versions_by_vin ON versions (account_id, is_former, vin);
CREATE INDEX versions_by_custom_id ON versions (account_id, is_former, custom_id, vehicle_id)
    WHERE custom_id <> '';
CREATE INDEX versions_by_plate ON versions (account_id, is_former, plate, vehicle_id)
    WHERE plate <> '';
CREATE INDEX versions_by_state_id ON versions (account_id, is_former, state_id, vehicle_id)
    WHERE state_id <> -1;
CREATE INDEX versions_by_rfc_name ON versions (account_id, is_former, rfc_name, vehicle_id)
    WHERE rfc_name <> '';
CREATE INDEX versions_by_tax_identifier ON versions (account_id, is_former, tax_identifier, vehicle_id)
    WHERE tax_identifier <> '';
CREATE INDEX versions_by_lessor_name ON versions (account_id, is_former, lessor_name, vehicle_id)
    WHERE lessor_name <> '';
CREATE INDEX versions_by_brand_name ON versions (account_id, is_former, brand_name, vehicle_id)
    WHERE brand_name <> '';
CREATE INDEX versions_by_model_name ON versions (account_id, is_former, model_name, vehicle_id)
    WHERE model_name <> '';
CREATE INDEX versions_by_country ON versions (account_id, is_former, country, vehicle_id)
    WHERE country <> '';
CREATE INDEX versions_by_class ON versions (account_id, is_former, class, vehicle_id)
    WHERE class <> '';
CREATE INDEX versions_by_type ON versions (account_id, is_former, type, vehicle_id)
    WHERE type <> '';
CREATE INDEX versions_by_doors ON versions (account_id, is_former, doors, vehicle_id)
    WHERE doors <> -1;
CREATE INDEX versions_by_variation ON versions (account_id, is_former, variation, vehicle_id)
    WHERE variation <> '';
CREATE INDEX versions_by_cilinders ON versions (account_id, is_former, cilinders, vehicle_id)
    WHERE cilinders <> '';
CREATE INDEX versions_by_axes ON versions (account_id, is_former, axes, vehicle_id)
    WHERE axes <> '';
CREATE INDEX versions_by_vehicle_color ON versions (account_id, is_former, vehicle_color, vehicle_id)
    WHERE vehicle_color <> '';
CREATE INDEX versions_by_version ON versions (account_id, is_former, version, vehicle_id)
    WHERE version <> '';
CREATE INDEX versions_by_assembly_place ON versions (account_id, is_former, assembly_place, vehicle_id)
    WHERE assembly_place <> '';
CREATE INDEX versions_by_supplementary_data ON versions (account_id, is_former, supplementary_data, vehicle_id)
    WHERE supplementary_data <> '';
CREATE INDEX versions_by_registration_institution ON versions (account_id, is_former, registration_institution, vehicle_id)
    WHERE registration_institution <> '';
CREATE INDEX versions_by_plate_entity ON versions (account_id, is_former, plate_entity, vehicle_id)
    WHERE plate_entity <> '';
CREATE INDEX versions_by_registration_sheet ON versions (account_id, is_former, registration_sheet, vehicle_id)
    WHERE registration_sheet <> '';
CREATE INDEX versions_by_observations ON versions (account_id, is_former, observations, vehicle_id)
    WHERE observations <> '';
CREATE INDEX versions_by_owner_name ON versions (account_id, is_former, owner_name, vehicle_id)
    WHERE owner_name <> '';
CREATE INDEX versions_by_engine_number ON versions (account_id, is_former, engine_number, vehicle_id)
    WHERE engine_number <> '';
CREATE INDEX versions_by_legal_name ON versions (account_id, is_former, legal_name, vehicle_id)
    WHERE legal_name <> '';

-- The record: history, feed and outbox. Numbers count up by one for each account, without a gap.
CREATE TABLE changes (
    account_id bigint NOT NULL,
    number bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    vin text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    from_status integer,
    to_status integer NOT NULL,
    reason text COLLATE "C",
    differences json,
    PRIMARY KEY (account_id, number)
);

CREATE INDEX changes_by_vehicle ON changes (account_id, vehicle_id, number);
CREATE INDEX changes_by_request ON changes (account_id, request_id, number);
CREATE INDEX changes_deleted ON changes (account_id, number) WHERE type = 'deleted';

-- What the gate refused: one row for each hour, vehicle, operation and actor. It is no part of the record.
CREATE TABLE gate_refusals (
    account_id bigint NOT NULL,
    hour_at timestamptz NOT NULL,
    vin text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    status integer,
    count bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, hour_at, vin, operation, actor)
);

CREATE INDEX gate_refusals_by_vin ON gate_refusals (account_id, vin, hour_at);

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
    cancelled_at timestamptz,
    cancelled_by text COLLATE "C",
    PRIMARY KEY (account_id, run_id)
);

CREATE INDEX runs_queueing ON runs (account_id, operation, run_id) WHERE is_queueing = 1;
CREATE INDEX runs_by_operation ON runs (account_id, operation, run_id);

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

-- The work on one vehicle in one run. Open work (queued or claimed) belongs to an operational vehicle, always; so does
-- exhausted work, because a late result is still taken for it.
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

-- Without statistics the planner takes a state for rare, and so takes the index of that state. With those of a moment
-- when all work was queued it walked the primary key, over more and more work that was done.
ALTER TABLE work ALTER COLUMN state SET STATISTICS 0;

CREATE INDEX work_answerable ON work (account_id, vehicle_id) WHERE state IN ('queued', 'claimed', 'exhausted');
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

-- Who hears of changes, over HTTP. position is the number of the last change that was cut into deliveries; a worker
-- holds an endpoint by its lease. Event types and status ids are words between spaces.
CREATE TABLE webhook_endpoints (
    account_id bigint NOT NULL REFERENCES accounts,
    endpoint_id text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    event_types text COLLATE "C" NOT NULL,
    statuses_left text COLLATE "C" NOT NULL,
    statuses_entered text COLLATE "C" NOT NULL,
    secret text COLLATE "C" NOT NULL,
    former_secret text COLLATE "C",
    former_secret_until timestamptz,
    off_reason text COLLATE "C",
    off_at timestamptz,
    failing_since timestamptz,
    position bigint NOT NULL,
    is_full smallint NOT NULL,
    wake_at timestamptz,
    rest_until timestamptz,
    lease_holder text COLLATE "C",
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (account_id, endpoint_id)
) WITH (fillfactor = 70);

-- One change on its way to one endpoint. number is the change's.
CREATE TABLE webhook_deliveries (
    account_id bigint NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    tries integer NOT NULL,
    attempts integer NOT NULL,
    due_at timestamptz NOT NULL,
    settled_at timestamptz,
    PRIMARY KEY (account_id, endpoint_id, number),
    FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, endpoint_id)
) WITH (fillfactor = 80);

CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (account_id, endpoint_id, state, number);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (account_id, endpoint_id, vehicle_id, number)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (account_id, endpoint_id, settled_at)
    WHERE state <> 'pending';

-- The log of attempts. body is the beginning of the answer, escaped.
CREATE TABLE webhook_attempts (
    account_id bigint NOT NULL,
    endpoint_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    attempt integer NOT NULL,
    attempted_at timestamptz NOT NULL,
    status integer,
    error text COLLATE "C",
    body text COLLATE "C" NOT NULL,
    duration_ms bigint NOT NULL,
    PRIMARY KEY (account_id, endpoint_id, number, attempt),
    FOREIGN KEY (account_id, endpoint_id, number)
        REFERENCES webhook_deliveries (account_id, endpoint_id, number) ON DELETE CASCADE
);

-- Requests sent with an Idempotency-Key, and their answers. open: nothing of it is committed; done: its work is;
-- answered: so is its answer. attempt names who works on it: another's work on it cannot be committed.
CREATE TABLE idempotency_keys (
    account_id bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('open', 'done', 'answered')),
    attempt text COLLATE "C" NOT NULL,
    lease_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    request_id text COLLATE "C",
    status integer,
    headers text COLLATE "C",
    body bytea,
    PRIMARY KEY (account_id, actor, key)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (account_id, expires_at);

-- How many keys an account has, and the size of their answers: both are bounded.
CREATE TABLE idempotency_totals (
    account_id bigint NOT NULL PRIMARY KEY,
    key_count bigint NOT NULL,
    byte_count bigint NOT NULL
);

-- Uploaded files of vehicles. byte_count and part_count are the upload's; bytes_read is how far the work on it has come,
-- in the very transaction of the rows. Whoever works on it holds the lease, under the number of an attempt.
CREATE TABLE imports (
    account_id bigint NOT NULL REFERENCES accounts,
    import_id bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('uploading', 'queued', 'running', 'done', 'failed', 'cancelled')),
    file_name text COLLATE "C",
    keep_duplicates bigint NOT NULL,
    dry_run bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    byte_count bigint NOT NULL,
    part_count bigint NOT NULL,
    bytes_read bigint NOT NULL,
    bytes_total bigint NOT NULL,
    read bigint NOT NULL,
    registered bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    kept_duplicates bigint NOT NULL,
    refused bigint NOT NULL,
    refusals_kept bigint NOT NULL,
    detail text COLLATE "C",
    tries bigint NOT NULL,
    attempt bigint NOT NULL,
    lease_holder text COLLATE "C",
    lease_until timestamptz,
    options text COLLATE "C",
    header text COLLATE "C",
    source_id bigint,
    kept_until timestamptz,
    PRIMARY KEY (account_id, import_id)
);

CREATE INDEX imports_open ON imports (account_id, import_id) WHERE state IN ('uploading', 'queued', 'running');
CREATE UNIQUE INDEX imports_running ON imports (account_id) WHERE state = 'running';
CREATE INDEX imports_ended ON imports (account_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX imports_leftover ON imports (account_id, import_id) WHERE part_count > 0 AND ended_at IS NOT NULL;

-- The bytes of an uploaded file, until its import ends.
CREATE TABLE import_parts (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    number bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (account_id, import_id, number),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, import_id)
);

-- The lines that an import refused: the first of them.
CREATE TABLE import_refusals (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    place bigint NOT NULL,
    line bigint NOT NULL,
    column_name text COLLATE "C",
    detail text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, import_id, place),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, import_id)
);
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

-- People, their membership of accounts, their sessions, the links that open one, and the record of who signed in.
-- Of a token there is only the SHA-256 digest. An actor is the id of a person, which begins with u, or of a key.
CREATE TABLE users (
    user_id text COLLATE "C" PRIMARY KEY,
    email text COLLATE "C" UNIQUE,
    name text COLLATE "C",
    language text COLLATE "C",
    time_zone text COLLATE "C",
    password_hash text COLLATE "C",
    is_break_glass boolean NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    erased_at timestamptz,
    password_changed_at timestamptz,
    theme text COLLATE "C"
);

CREATE TABLE members (
    account_id bigint NOT NULL REFERENCES accounts,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    role text COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'editor', 'manager', 'owner')),
    added_at timestamptz NOT NULL,
    suspended_at timestamptz,
    PRIMARY KEY (account_id, user_id)
);

CREATE INDEX members_by_user ON members (user_id);

-- Everybody who is or was a member of an account: its record may name them, also after they left.
CREATE TABLE known_people (
    account_id bigint NOT NULL REFERENCES accounts,
    user_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, user_id)
);

CREATE TABLE sessions (
    token_sha256 bytea PRIMARY KEY,
    session_id text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    account_id bigint NOT NULL REFERENCES accounts,
    way text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    address text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL
);

CREATE INDEX sessions_by_actor ON sessions (actor, used_at);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE invitations (
    token_sha256 bytea PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    purpose text COLLATE "C" NOT NULL CHECK (purpose IN ('invite', 'reset', 'sign-in')),
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX invitations_by_user ON invitations (user_id);
CREATE INDEX invitations_by_end ON invitations (expires_at);

CREATE TABLE sign_ins (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text COLLATE "C",
    account_id bigint REFERENCES accounts,
    kind text COLLATE "C" NOT NULL,
    way text COLLATE "C",
    at timestamptz NOT NULL,
    address text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL
);

CREATE INDEX sign_ins_by_actor ON sign_ins (actor, number);
CREATE INDEX sign_ins_by_account ON sign_ins (account_id, number);
CREATE INDEX sign_ins_by_time ON sign_ins (at);

-- What save_statuses calls: the same as the statement withdraw_work, with a look of its own at what is committed.
CREATE FUNCTION withdraw_work(bigint, bigint[], timestamptz[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE work AS w SET state = 'withdrawn', ended_at = held.at
    FROM (
        SELECT o.run_id, o.vehicle_id, d.at
        FROM unnest($2::bigint[], $3::timestamptz[]) AS d (vehicle_id, at) CROSS JOIN LATERAL (
            SELECT run_id, vehicle_id FROM work
            WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN ('queued', 'claimed', 'exhausted')
            ORDER BY run_id FOR UPDATE) AS o
    ) AS held
    WHERE w.account_id = $1 AND w.run_id = held.run_id AND w.vehicle_id = held.vehicle_id;
    RETURN true;
END $$;

-- What save_statuses calls for several accounts: withdraws an account's work as withdraw_work does, but waits for nobody.
-- Gives false, and has done nothing, when somebody holds some of it.
CREATE FUNCTION withdraw_free_work(bigint, bigint[], timestamptz[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM unnest($2) AS d (vehicle_id) CROSS JOIN LATERAL (
        SELECT run_id FROM work
        WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN ('queued', 'claimed', 'exhausted')
        ORDER BY run_id FOR UPDATE NOWAIT) AS o;
    IF FOUND THEN
        RETURN withdraw_work($1, $2, $3);
    END IF;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;

-- The texts in which current vehicles are found, with their grams: numbers of three characters in a row, under a number
-- of the account and the vehicle's block (searching.py).
-- Without fastupdate every question would read what waits to be put into the index.
CREATE TABLE search_texts (
    account_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    text text COLLATE "C" NOT NULL,
    grams integer[] NOT NULL,
    PRIMARY KEY (account_id, vehicle_id)
);

CREATE INDEX search_texts_by_gram ON search_texts USING gin (grams) WITH (fastupdate = off);

-- Who somebody is at an identity provider, the memberships that come from there, and sign-ins that have not come back.
CREATE TABLE user_identities (
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    linked_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX user_identities_by_user ON user_identities (user_id);

CREATE TABLE provided_members (
    account_id bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, user_id),
    FOREIGN KEY (account_id, user_id) REFERENCES members ON DELETE CASCADE
);

CREATE INDEX provided_members_by_user ON provided_members (user_id);

CREATE TABLE pending_sign_ins (
    state_sha256 bytea PRIMARY KEY,
    provider text COLLATE "C" NOT NULL,
    wanted text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX pending_sign_ins_by_end ON pending_sign_ins (expires_at);

-- Passkeys of people, and what browsers were asked to sign. Neither belongs to an account.
CREATE TABLE passkeys (
    credential_id bytea PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES users,
    host text COLLATE "C" NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    added_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    challenge_sha256 bytea PRIMARY KEY,
    network text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX passkey_challenges_by_network ON passkey_challenges (network);
CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);

-- How an account mapped the columns of a file: for the next file with the same names.
CREATE TABLE import_mappings (
    account_id bigint NOT NULL REFERENCES accounts,
    fingerprint text COLLATE "C" NOT NULL,
    mapping text COLLATE "C" NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, fingerprint)
);

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

-- Views of the list of vehicles. A view is one person's own, or shared with the account.
CREATE TABLE saved_views (
    account_id bigint NOT NULL REFERENCES accounts,
    view_id bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    query text COLLATE "C" NOT NULL,
    shown_columns text COLLATE "C" NOT NULL,
    made_by text COLLATE "C" NOT NULL,
    is_shared boolean NOT NULL,
    is_default boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, view_id)
);

CREATE INDEX saved_views_by_maker ON saved_views (made_by);
CREATE UNIQUE INDEX saved_views_default ON saved_views (account_id) WHERE is_default;

-- The view that a person sees first; 0 means all vehicles.
CREATE TABLE chosen_views (
    account_id bigint NOT NULL REFERENCES accounts,
    user_id text COLLATE "C" NOT NULL,
    view_id bigint NOT NULL,
    PRIMARY KEY (account_id, user_id)
);

CREATE INDEX chosen_views_by_user ON chosen_views (user_id);

-- Leases of local gates. One ends when its renewals do not change for its time, by the clock of a server that looks. acknowledged is the
-- last change that its holder has applied. One that is ending takes no renewal.
CREATE TABLE gate_leases (
    account_id bigint NOT NULL REFERENCES accounts,
    lease_id text COLLATE "C" NOT NULL,
    name text COLLATE "C",
    milliseconds integer NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    acknowledged bigint NOT NULL,
    renewals bigint NOT NULL,
    is_ending boolean NOT NULL,
    PRIMARY KEY (account_id, lease_id)
) WITH (fillfactor = 50);
