-- Files of vehicles that are uploaded, and imported in the background.

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
