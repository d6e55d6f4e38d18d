-- The statements on imports. Both engines' files have the same names in the same order.
-- Each names one account, except the board's at the end.

-- name: lock_importer
-- The lock to add or take an import, so that two concurrent transactions do not both see room for one.
SELECT account_id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE;

-- name: insert_import
-- A new import.
INSERT INTO imports (account_id, import_id, state, file_name, keep_duplicates, dry_run, created_by, request_id,
    created_at, moved_at, started_at, ended_at, byte_count, part_count, bytes_read, bytes_total, read, registered, updated,
    unchanged, kept_duplicates, refused, refusals_kept, detail, tries, attempt, lease_holder, lease_until,
    options, header, source_id, kept_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24, $25, $26, $27, $28, $29, $30, $31, $32);

-- name: lock_import
-- One import, for change. A transaction locks it after vehicles and the counter, and before its parts.
SELECT import_id, state, file_name, keep_duplicates, dry_run, created_by, request_id, created_at, moved_at,
    started_at, ended_at, byte_count, part_count, bytes_read, bytes_total, read, registered, updated, unchanged,
    kept_duplicates, refused, refusals_kept, detail, tries, attempt, lease_holder, lease_until,
    options, header, source_id, kept_until
FROM imports WHERE account_id = $1 AND import_id = $2 FOR UPDATE;

-- name: save_import
-- All columns of a locked import.
UPDATE imports
SET state = $3, file_name = $4, keep_duplicates = $5, dry_run = $6, created_by = $7, request_id = $8,
    created_at = $9, moved_at = $10, started_at = $11, ended_at = $12, byte_count = $13, part_count = $14,
    bytes_read = $15, bytes_total = $16, read = $17, registered = $18, updated = $19, unchanged = $20,
    kept_duplicates = $21, refused = $22, refusals_kept = $23, detail = $24, tries = $25, attempt = $26,
    lease_holder = $27, lease_until = $28, options = $29, header = $30, source_id = $31, kept_until = $32
WHERE account_id = $1 AND import_id = $2;

-- name: delete_import
-- An import without parts and refusals.
DELETE FROM imports WHERE account_id = $1 AND import_id = $2;

-- name: list_open_imports
-- The imports that have not ended, oldest first.
SELECT import_id, state, file_name, keep_duplicates, dry_run, created_by, request_id, created_at, moved_at,
    started_at, ended_at, byte_count, part_count, bytes_read, bytes_total, read, registered, updated, unchanged,
    kept_duplicates, refused, refusals_kept, detail, tries, attempt, lease_holder, lease_until,
    options, header, source_id, kept_until
FROM imports WHERE account_id = $1 AND state IN ('uploading', 'queued', 'running') ORDER BY import_id;

-- name: insert_part
-- The next bytes of a file.
INSERT INTO import_parts (account_id, import_id, number, data) VALUES ($1, $2, $3, $4);

-- name: delete_parts
-- Deletes some bytes of a file.
DELETE FROM import_parts WHERE account_id = $1 AND import_id = $2 AND number IN (
    SELECT number FROM import_parts WHERE account_id = $1 AND import_id = $2 ORDER BY number LIMIT $3)
RETURNING number;

-- name: insert_import_refusal
-- A line that was refused.
INSERT INTO import_refusals (account_id, import_id, place, line, column_name, detail)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: delete_import_refusals
-- Deletes some refused lines.
DELETE FROM import_refusals WHERE account_id = $1 AND import_id = $2 AND place IN (
    SELECT place FROM import_refusals WHERE account_id = $1 AND import_id = $2 ORDER BY place LIMIT $3)
RETURNING place;

-- name: list_ended_imports
-- Imports that ended before an instant.
SELECT import_id FROM imports WHERE account_id = $1 AND ended_at < $2 ORDER BY ended_at LIMIT $3;

-- name: list_leftovers
-- Ended imports whose bytes still exist.
SELECT import_id FROM imports WHERE account_id = $1 AND part_count > 0 AND ended_at IS NOT NULL;

-- name: list_imports
-- Imports with a lower id, newest first. An unfinished upload is not yet an import.
SELECT import_id, state, file_name, keep_duplicates, dry_run, created_by, request_id, created_at, moved_at,
    started_at, ended_at, byte_count, part_count, bytes_read, bytes_total, read, registered, updated, unchanged,
    kept_duplicates, refused, refusals_kept, detail, tries, attempt, lease_holder, lease_until,
    options, header, source_id, kept_until
FROM imports WHERE account_id = $1 AND import_id < $2 AND state <> 'uploading' ORDER BY import_id DESC LIMIT $3;

-- name: find_import
-- One import. An unfinished upload is not yet an import.
SELECT import_id, state, file_name, keep_duplicates, dry_run, created_by, request_id, created_at, moved_at,
    started_at, ended_at, byte_count, part_count, bytes_read, bytes_total, read, registered, updated, unchanged,
    kept_duplicates, refused, refusals_kept, detail, tries, attempt, lease_holder, lease_until,
    options, header, source_id, kept_until
FROM imports WHERE account_id = $1 AND import_id = $2 AND state <> 'uploading';

-- name: find_kept_file
-- A file that is kept to be looked at.
SELECT import_id, state, file_name, keep_duplicates, dry_run, created_by, request_id, created_at, moved_at,
    started_at, ended_at, byte_count, part_count, bytes_read, bytes_total, read, registered, updated, unchanged,
    kept_duplicates, refused, refusals_kept, detail, tries, attempt, lease_holder, lease_until,
    options, header, source_id, kept_until
FROM imports WHERE account_id = $1 AND import_id = $2 AND state = 'uploading' AND kept_until > $3;

-- name: find_import_mapping
-- The mapping of files with these names.
SELECT mapping FROM import_mappings WHERE account_id = $1 AND fingerprint = $2;

-- name: save_import_mapping
-- The mapping of files with these names, in place of an earlier one.
INSERT INTO import_mappings (account_id, fingerprint, mapping, used_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, fingerprint) DO UPDATE SET mapping = excluded.mapping, used_at = excluded.used_at;

-- name: drop_old_mappings
-- All mappings but the latest.
DELETE FROM import_mappings WHERE account_id = $1 AND fingerprint NOT IN (
    SELECT fingerprint FROM import_mappings WHERE account_id = $1 ORDER BY used_at DESC, fingerprint LIMIT $2)
RETURNING 1;

-- name: load_part
-- Some bytes of a file.
SELECT data FROM import_parts WHERE account_id = $1 AND import_id = $2 AND number = $3;

-- name: list_import_refusals
-- The refused lines after a place.
SELECT place, line, column_name, detail FROM import_refusals
WHERE account_id = $1 AND import_id = $2 AND place > $3 ORDER BY place LIMIT $4;

-- name: list_waiting_imports
-- The enabled accounts in which an import waits for a worker: it is queued, or it runs and no worker holds it. The account
-- whose last import ended longest ago is first. So the accounts take turns, however many imports each has.
SELECT account_id FROM imports WHERE state IN ('uploading', 'queued', 'running')
    AND account_id NOT IN (SELECT account_id FROM accounts WHERE disabled_at IS NOT NULL)
GROUP BY account_id
HAVING (count(*) FILTER (WHERE state = 'running') = 0 AND count(*) FILTER (WHERE state = 'queued') > 0)
    OR count(*) FILTER (WHERE state = 'running' AND (lease_until IS NULL OR lease_until <= $1 OR lease_holder = $2)) > 0
ORDER BY (SELECT max(ended_at) FROM imports AS past
    WHERE past.account_id = imports.account_id AND past.ended_at IS NOT NULL) NULLS FIRST, account_id
LIMIT $3;

-- name: survey_imports
-- For the operator: the imports that have not ended, by state.
SELECT state, count(*) FROM imports WHERE state IN ('uploading', 'queued', 'running') GROUP BY state;
