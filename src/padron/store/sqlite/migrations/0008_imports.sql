-- Files of vehicles that are uploaded, and imported in the background.

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
    lease_until INTEGER,
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
