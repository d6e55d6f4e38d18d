-- The whole schema, as the migrations leave it. A test compares the two.
-- Instants are microseconds since 1970 in UTC.

-- Accounts and keys: the directory, the only tables read without knowing the account first.
CREATE TABLE accounts (
    account_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
, disabled_at INTEGER, deleting_at INTEGER) STRICT;

CREATE INDEX accounts_disabled ON accounts (account_id) WHERE disabled_at IS NOT NULL;

CREATE TABLE api_keys (
    account_id INTEGER NOT NULL REFERENCES accounts,
    key_id TEXT NOT NULL,
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER, networks TEXT NOT NULL DEFAULT '', last_used_from TEXT, replaced_by TEXT, requests_per_s INTEGER,
    PRIMARY KEY (account_id, key_id)
) STRICT, WITHOUT ROWID;

-- Who administered what in an account, and when. No secret is in the details, which are JSON.
CREATE TABLE administration (
    account_id INTEGER NOT NULL REFERENCES accounts,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    acted_at INTEGER NOT NULL,
    acted_by TEXT NOT NULL,
    request_id TEXT,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (account_id, number)
) STRICT, WITHOUT ROWID;

-- Accounts that were deleted: nothing of them but their numbers, which no later account gets.
CREATE TABLE former_accounts (
    former_id INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL
) STRICT;

-- One row: the register itself. The epoch is the name of its present life, which every cursor carries: a restored
-- backup is given a new one (`padron register renew`). The migration puts the row in, with a random epoch.
CREATE TABLE register (
    part INTEGER PRIMARY KEY CHECK (part = 1),
    epoch TEXT NOT NULL
) STRICT;

-- The number and the instant of the account's last change: no later one goes before it. And how many current vehicles
-- there are. Its row is the last thing that a transaction locks. Changes up to archived_to are in an archive; of them,
-- only what later questions need is still in the record. strict_gates counts how often it was switched whether
-- deactivations wait for leases: 0 is off, 1 on, 2 ending, 3 off again, and so on.
CREATE TABLE counters (
    account_id INTEGER NOT NULL PRIMARY KEY REFERENCES accounts,
    last_change INTEGER NOT NULL
, last_at INTEGER NOT NULL DEFAULT 0, vehicle_count INTEGER NOT NULL DEFAULT 0, archived_to INTEGER NOT NULL DEFAULT 0, archived_at INTEGER NOT NULL DEFAULT 0, archiving_to INTEGER NOT NULL DEFAULT 0, cleared_to INTEGER NOT NULL DEFAULT 0, strict_gates INTEGER NOT NULL DEFAULT 0) STRICT;

-- Current vehicles: identity and status, and no more, because the status call rewrites this row.
-- slot is 0; vehicles kept from legacy data beside another with the same VIN have 1, 2 and so on.
-- Below 0 the vehicle is former: another one with its VIN was kept. It bears no plate then, and its status is 0.
CREATE TABLE vehicles (
    account_id INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    vin TEXT NOT NULL,
    slot INTEGER NOT NULL,
    plate TEXT,
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 9 AND status <> 2),
    status_since INTEGER NOT NULL,
    status_by TEXT NOT NULL,
    status_reason TEXT,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, vehicle_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX vehicles_by_vin ON vehicles (account_id, vin, slot);
CREATE UNIQUE INDEX vehicles_by_plate ON vehicles (account_id, plate) WHERE plate IS NOT NULL AND slot = 0;
-- With the instants, so that a page by one of them reads this index alone. A status call writes this entry anyway.
CREATE INDEX vehicles_by_status ON vehicles (account_id, status, vehicle_id, slot, status_since, updated_at)
    WHERE status <> 1;
CREATE INDEX vehicles_duplicate ON vehicles (account_id, vin) WHERE slot > 0;

-- Core data over time. A vehicle has one current version and any number of former ones (status id 2).
-- began and ended are change numbers. details is what was given; the columns after it hold the same values
-- as sort keys, to find and sort by: '' or -1 where there is none.
CREATE TABLE versions (
    account_id INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER,
    is_former INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    vin TEXT NOT NULL,
    details TEXT NOT NULL,
    custom_id TEXT NOT NULL,
    plate TEXT NOT NULL,
    state_id INTEGER NOT NULL,
    rfc_name TEXT NOT NULL,
    tax_identifier TEXT NOT NULL,
    lessor_name TEXT NOT NULL,
    brand_name TEXT NOT NULL,
    model_name TEXT NOT NULL,
    country TEXT NOT NULL,
    class TEXT NOT NULL,
    type TEXT NOT NULL,
    doors INTEGER NOT NULL,
    variation TEXT NOT NULL,
    cilinders TEXT NOT NULL,
    axes TEXT NOT NULL,
    vehicle_color TEXT NOT NULL,
    version TEXT NOT NULL,
    assembly_place TEXT NOT NULL,
    supplementary_data TEXT NOT NULL,
    registration_institution TEXT NOT NULL,
    plate_entity TEXT NOT NULL,
    registration_sheet TEXT NOT NULL,
    observations TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    engine_number TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    PRIMARY KEY (account_id, vehicle_id, began),
    FOREIGN KEY (account_id, vehicle_id) REFERENCES vehicles (account_id, vehicle_id)
) STRICT, WITHOUT ROWID;

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
    account_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    vin TEXT NOT NULL,
    type TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    request_id TEXT NOT NULL,
    from_status INTEGER,
    to_status INTEGER NOT NULL,
    reason TEXT,
    differences TEXT,
    PRIMARY KEY (account_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX changes_by_vehicle ON changes (account_id, vehicle_id, number);
CREATE INDEX changes_by_request ON changes (request_id, account_id, number);
CREATE INDEX changes_deleted ON changes (account_id, number) WHERE type = 'deleted';

-- Of each change of a large account, whether it may still be the last one of its vehicle (sort updatedAt), or the last
-- one that set its status (statusSince): a bit for each number of a block. So a page by an instant follows the record and
-- need not look at all vehicles. A block without a bit that is set has no row. A bit goes only when a later change was
-- seen, so the bits may be behind the record at any time.
CREATE TABLE last_changes (
    account_id INTEGER NOT NULL,
    sort TEXT NOT NULL,
    block INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (account_id, sort, block)
) STRICT, WITHOUT ROWID;

-- How far these bits are: to the change before next_number. The changes before built_to are those that there were when
-- it began. is_ordered is 0 if an instant is earlier than that of the change before, and then no page follows them.
CREATE TABLE last_change_marks (
    account_id INTEGER NOT NULL PRIMARY KEY,
    next_number INTEGER NOT NULL,
    built_to INTEGER NOT NULL,
    is_ordered INTEGER NOT NULL
) STRICT;

-- What the gate refused: one row for each hour, vehicle, operation and actor. It is no part of the record.
CREATE TABLE gate_refusals (
    account_id INTEGER NOT NULL,
    hour_at INTEGER NOT NULL,
    vin TEXT NOT NULL,
    operation TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, hour_at, vin, operation, actor)
) STRICT, WITHOUT ROWID;

CREATE INDEX gate_refusals_by_vin ON gate_refusals (account_id, vin, hour_at);

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
    moved_at INTEGER NOT NULL, cancelled_at INTEGER, cancelled_by TEXT,
    PRIMARY KEY (account_id, run_id)
) STRICT;

CREATE INDEX runs_queueing ON runs (account_id, operation, run_id) WHERE is_queueing = 1;
CREATE INDEX runs_by_operation ON runs (account_id, operation, run_id);

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

-- The work on one vehicle in one run. Open work (queued or claimed) belongs to an operational vehicle, always; so does
-- exhausted work, because a late result is still taken for it.
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

CREATE INDEX work_answerable ON work (account_id, vehicle_id) WHERE state IN ('queued', 'claimed', 'exhausted');
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

-- Who hears of changes, over HTTP. position is the number of the last change that was cut into deliveries; a worker
-- holds an endpoint by its lease. Event types and status ids are words between spaces.
CREATE TABLE webhook_endpoints (
    account_id INTEGER NOT NULL REFERENCES accounts,
    endpoint_id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    event_types TEXT NOT NULL,
    statuses_left TEXT NOT NULL,
    statuses_entered TEXT NOT NULL,
    secret TEXT NOT NULL,
    former_secret TEXT,
    former_secret_until INTEGER,
    off_reason TEXT,
    off_at INTEGER,
    failing_since INTEGER,
    position INTEGER NOT NULL,
    is_full INTEGER NOT NULL,
    wake_at INTEGER,
    rest_until INTEGER,
    lease_holder TEXT,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (account_id, endpoint_id)
) STRICT, WITHOUT ROWID;

-- One change on its way to one endpoint. number is the change's.
CREATE TABLE webhook_deliveries (
    account_id INTEGER NOT NULL,
    endpoint_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    tries INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (account_id, endpoint_id, number),
    FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, endpoint_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (account_id, endpoint_id, state, number);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (account_id, endpoint_id, vehicle_id, number)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (account_id, endpoint_id, settled_at)
    WHERE state <> 'pending';

-- The log of attempts. body is the beginning of the answer, escaped.
CREATE TABLE webhook_attempts (
    account_id INTEGER NOT NULL,
    endpoint_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    attempted_at INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    body TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, endpoint_id, number, attempt),
    FOREIGN KEY (account_id, endpoint_id, number)
        REFERENCES webhook_deliveries (account_id, endpoint_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Requests sent with an Idempotency-Key, and their answers. open: nothing of it is committed; done: its work is;
-- answered: so is its answer. attempt names who works on it: another's work on it cannot be committed.
CREATE TABLE idempotency_keys (
    account_id INTEGER NOT NULL,
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'answered')),
    attempt TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    request_id TEXT,
    status INTEGER,
    headers TEXT,
    body BLOB,
    PRIMARY KEY (account_id, actor, key)
) STRICT;

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (account_id, expires_at);

-- How many keys an account has, and the size of their answers: both are bounded.
CREATE TABLE idempotency_totals (
    account_id INTEGER NOT NULL PRIMARY KEY,
    key_count INTEGER NOT NULL,
    byte_count INTEGER NOT NULL
) STRICT;

-- Uploaded files of vehicles. byte_count and part_count are the upload's; bytes_read is how far the work on it has come,
-- in the very transaction of the rows. Whoever works on it holds the lease, under the number of an attempt.
CREATE TABLE imports (
    account_id INTEGER NOT NULL REFERENCES accounts,
    import_id INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('uploading', 'queued', 'running', 'done', 'failed', 'cancelled')),
    file_name TEXT,
    keep_duplicates INTEGER NOT NULL,
    dry_run INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    byte_count INTEGER NOT NULL,
    part_count INTEGER NOT NULL,
    bytes_read INTEGER NOT NULL,
    bytes_total INTEGER NOT NULL,
    read INTEGER NOT NULL,
    registered INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    kept_duplicates INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    refusals_kept INTEGER NOT NULL,
    detail TEXT,
    tries INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    lease_holder TEXT,
    lease_until INTEGER, options TEXT, header TEXT, source_id INTEGER, kept_until INTEGER,
    PRIMARY KEY (account_id, import_id)
) STRICT;

CREATE INDEX imports_open ON imports (account_id, import_id) WHERE state IN ('uploading', 'queued', 'running');
CREATE UNIQUE INDEX imports_running ON imports (account_id) WHERE state = 'running';
CREATE INDEX imports_ended ON imports (account_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX imports_leftover ON imports (account_id, import_id) WHERE part_count > 0 AND ended_at IS NOT NULL;

-- The bytes of an uploaded file, until its import ends.
CREATE TABLE import_parts (
    account_id INTEGER NOT NULL,
    import_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (account_id, import_id, number),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, import_id)
) STRICT;

-- The lines that an import refused: the first of them.
CREATE TABLE import_refusals (
    account_id INTEGER NOT NULL,
    import_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    line INTEGER NOT NULL,
    column_name TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (account_id, import_id, place),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, import_id)
) STRICT, WITHOUT ROWID;
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

-- People, their membership of accounts, their sessions, the links that open one, and the record of who signed in.
-- Of a token there is only the SHA-256 digest. An actor is the id of a person, which begins with u, or of a key.
CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    email TEXT UNIQUE,
    name TEXT,
    language TEXT,
    time_zone TEXT,
    password_hash TEXT,
    is_break_glass INTEGER NOT NULL CHECK (is_break_glass IN (0, 1)),
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    erased_at INTEGER,
    password_changed_at INTEGER
, theme TEXT) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    account_id INTEGER NOT NULL REFERENCES accounts,
    user_id TEXT NOT NULL REFERENCES users,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'manager', 'owner')),
    added_at INTEGER NOT NULL, suspended_at INTEGER,
    PRIMARY KEY (account_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user_id);

-- Everybody who is or was a member of an account: its record may name them, also after they left.
CREATE TABLE known_people (
    account_id INTEGER NOT NULL REFERENCES accounts,
    user_id TEXT NOT NULL,
    PRIMARY KEY (account_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_sha256 BLOB NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts,
    way TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_actor ON sessions (actor, used_at);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_end ON sessions (ends_at);

CREATE TABLE invitations (
    token_sha256 BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    purpose TEXT NOT NULL CHECK (purpose IN ('invite', 'reset', 'sign-in')),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_by_user ON invitations (user_id);
CREATE INDEX invitations_by_end ON invitations (expires_at);

CREATE TABLE sign_ins (
    number INTEGER PRIMARY KEY,
    actor TEXT,
    account_id INTEGER REFERENCES accounts,
    kind TEXT NOT NULL,
    way TEXT,
    at INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT;

CREATE INDEX sign_ins_by_actor ON sign_ins (actor, number);
CREATE INDEX sign_ins_by_account ON sign_ins (account_id, number);
CREATE INDEX sign_ins_by_time ON sign_ins (at);

-- The texts in which current vehicles are found, and an index of their grams: a row for each text, under the account
-- and the vehicle in one number. Triggers keep the index, so that no writer can forget it. The functions are the
-- program's own (searching.py). secure-delete removes the grams of a former text at once.
CREATE TABLE search_texts (
    account_id INTEGER NOT NULL,
    vehicle_id INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (account_id, vehicle_id)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE search_index USING fts5 (grams, content = '', columnsize = 0, detail = none, tokenize = 'ascii');

CREATE TRIGGER search_texts_inserted AFTER INSERT ON search_texts BEGIN
    INSERT INTO search_index (rowid, grams)
    VALUES ((new.account_id << 40) | new.vehicle_id, search_grams(new.text, ''));
END;

CREATE TRIGGER search_texts_updated AFTER UPDATE OF text ON search_texts BEGIN
    INSERT INTO search_index (search_index, rowid, grams)
    VALUES ('delete', (old.account_id << 40) | old.vehicle_id, search_grams(old.text, new.text));
    INSERT INTO search_index (rowid, grams)
    VALUES ((new.account_id << 40) | new.vehicle_id, search_grams(new.text, old.text));
END;

CREATE TRIGGER search_texts_deleted AFTER DELETE ON search_texts BEGIN
    INSERT INTO search_index (search_index, rowid, grams)
    VALUES ('delete', (old.account_id << 40) | old.vehicle_id, search_grams(old.text, ''));
END;

INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1);

-- Who somebody is at an identity provider, the memberships that come from there, and sign-ins that have not come back.
CREATE TABLE user_identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users,
    linked_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_identities_by_user ON user_identities (user_id);

CREATE TABLE provided_members (
    account_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    PRIMARY KEY (account_id, user_id),
    FOREIGN KEY (account_id, user_id) REFERENCES members ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX provided_members_by_user ON provided_members (user_id);

CREATE TABLE pending_sign_ins (
    state_sha256 BLOB NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    wanted TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_sign_ins_by_end ON pending_sign_ins (expires_at);

-- Passkeys of people, and what browsers were asked to sign. Neither belongs to an account.
CREATE TABLE passkeys (
    credential_id BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users,
    host TEXT NOT NULL,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX passkeys_by_user ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    challenge_sha256 BLOB NOT NULL PRIMARY KEY,
    network TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX passkey_challenges_by_network ON passkey_challenges (network);
CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);

-- How an account mapped the columns of a file: for the next file with the same names.
CREATE TABLE import_mappings (
    account_id INTEGER NOT NULL REFERENCES accounts,
    fingerprint TEXT NOT NULL,
    mapping TEXT NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, fingerprint)
) STRICT, WITHOUT ROWID;

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

-- Views of the list of vehicles. A view is one person's own, or shared with the account.
CREATE TABLE saved_views (
    account_id INTEGER NOT NULL REFERENCES accounts,
    view_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    shown_columns TEXT NOT NULL,
    made_by TEXT NOT NULL,
    is_shared INTEGER NOT NULL CHECK (is_shared IN (0, 1)),
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, view_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX saved_views_by_maker ON saved_views (made_by);
CREATE UNIQUE INDEX saved_views_default ON saved_views (account_id) WHERE is_default;

-- The view that a person sees first; 0 means all vehicles.
CREATE TABLE chosen_views (
    account_id INTEGER NOT NULL REFERENCES accounts,
    user_id TEXT NOT NULL,
    view_id INTEGER NOT NULL,
    PRIMARY KEY (account_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX chosen_views_by_user ON chosen_views (user_id);

-- Leases of local gates. One ends when its renewals do not change for its time, by the clock of a server that looks. acknowledged is the
-- last change that its holder has applied. One that is ending takes no renewal.
CREATE TABLE gate_leases (
    account_id INTEGER NOT NULL REFERENCES accounts,
    lease_id TEXT NOT NULL,
    name TEXT,
    milliseconds INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    renewals INTEGER NOT NULL,
    is_ending INTEGER NOT NULL,
    PRIMARY KEY (account_id, lease_id)
) STRICT, WITHOUT ROWID;
