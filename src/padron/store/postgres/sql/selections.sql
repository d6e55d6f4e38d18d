-- The statements on selections. Both engines' files have the same names in the same order.
-- Each names one account, except the board's at the end.

-- name: lock_selector
-- The lock to add a selection, so that two concurrent transactions do not both see room for one.
SELECT account_id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE;

-- name: insert_selection
-- A new selection.
INSERT INTO selections (account_id, selection_id, state, source, created_by, created_at, expires_at, count, fault_count, digest,
    wanted_status, reason, effective_at, until, request_id, applied_by, applied_at, ended_at,
    position, changed, unchanged, planned, refused, changed_since, detail, tries, attempt,
    lease_holder, lease_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
    $23, $24, $25, $26, $27, $28, $29);

-- name: lock_selection
-- One selection, for change. A transaction locks it after vehicles and the counter.
SELECT selection_id, state, source, created_by, created_at, expires_at, count, fault_count, digest,
    wanted_status, reason, effective_at, until, request_id, applied_by, applied_at, ended_at,
    position, changed, unchanged, planned, refused, changed_since, detail, tries, attempt,
    lease_holder, lease_until
FROM selections WHERE account_id = $1 AND selection_id = $2 FOR UPDATE;

-- name: save_selection
-- All columns of a locked selection.
UPDATE selections
SET state = $3, source = $4, created_by = $5, created_at = $6, expires_at = $7, count = $8,
    fault_count = $9, digest = $10, wanted_status = $11, reason = $12, effective_at = $13,
    until = $14, request_id = $15, applied_by = $16, applied_at = $17, ended_at = $18,
    position = $19, changed = $20, unchanged = $21, planned = $22, refused = $23,
    changed_since = $24, detail = $25, tries = $26, attempt = $27, lease_holder = $28,
    lease_until = $29
WHERE account_id = $1 AND selection_id = $2;

-- name: list_all_selections
-- All selections of the account. There are few.
SELECT selection_id, state, source, created_by, created_at, expires_at, count, fault_count, digest,
    wanted_status, reason, effective_at, until, request_id, applied_by, applied_at, ended_at,
    position, changed, unchanged, planned, refused, changed_since, detail, tries, attempt,
    lease_holder, lease_until
FROM selections WHERE account_id = $1 ORDER BY selection_id;

-- name: list_selections
-- Selections with a lower id, newest first.
SELECT selection_id, state, source, created_by, created_at, expires_at, count, fault_count, digest,
    wanted_status, reason, effective_at, until, request_id, applied_by, applied_at, ended_at,
    position, changed, unchanged, planned, refused, changed_since, detail, tries, attempt,
    lease_holder, lease_until
FROM selections WHERE account_id = $1 AND selection_id < $2 AND state <> 'making'
ORDER BY selection_id DESC LIMIT $3;

-- name: find_selection
-- One selection.
SELECT selection_id, state, source, created_by, created_at, expires_at, count, fault_count, digest,
    wanted_status, reason, effective_at, until, request_id, applied_by, applied_at, ended_at,
    position, changed, unchanged, planned, refused, changed_since, detail, tries, attempt,
    lease_holder, lease_until
FROM selections WHERE account_id = $1 AND selection_id = $2;

-- name: list_expired_selections
-- Selections that expired before an instant and are not being applied.
SELECT selection_id FROM selections
WHERE account_id = $1 AND expires_at <= $2 AND state NOT IN ('queued', 'running') ORDER BY selection_id;

-- name: delete_selection
-- A selection that has nothing left.
DELETE FROM selections WHERE account_id = $1 AND selection_id = $2;

-- name: insert_selected
-- A vehicle of a selection.
INSERT INTO selected_vehicles (account_id, selection_id, vehicle_id, vin, tag, status, outcome, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: save_selected
-- What is known about a vehicle of a locked selection.
UPDATE selected_vehicles SET vin = $4, tag = $5, status = $6, outcome = $7, detail = $8
WHERE account_id = $1 AND selection_id = $2 AND vehicle_id = $3;

-- name: list_selected
-- The vehicles of a selection after one of them.
SELECT vehicle_id, vin, tag, status, outcome, detail FROM selected_vehicles
WHERE account_id = $1 AND selection_id = $2 AND vehicle_id > $3 ORDER BY vehicle_id LIMIT $4;

-- name: list_selected_among
-- Some vehicles of a selection.
SELECT vehicle_id, vin, tag, status, outcome, detail FROM selected_vehicles
WHERE account_id = $1 AND selection_id = $2 AND vehicle_id = ANY($3::bigint[]) ORDER BY vehicle_id;

-- name: delete_selected
-- Deletes some vehicles of a selection.
DELETE FROM selected_vehicles WHERE account_id = $1 AND selection_id = $2 AND vehicle_id IN (
    SELECT vehicle_id FROM selected_vehicles WHERE account_id = $1 AND selection_id = $2
    ORDER BY vehicle_id LIMIT $3)
RETURNING vehicle_id;

-- name: insert_selection_fault
-- A name of a list that gives no vehicle of its own.
INSERT INTO selection_faults (account_id, selection_id, place, line, text, reason, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: list_selection_faults
-- The faults of a list after a place.
SELECT place, line, text, reason, detail FROM selection_faults
WHERE account_id = $1 AND selection_id = $2 AND place > $3 ORDER BY place LIMIT $4;

-- name: delete_selection_faults
-- Deletes some faults of a list.
DELETE FROM selection_faults WHERE account_id = $1 AND selection_id = $2 AND place IN (
    SELECT place FROM selection_faults WHERE account_id = $1 AND selection_id = $2 ORDER BY place LIMIT $3)
RETURNING place;

-- name: list_present
-- Current vehicles by id, each with the number of current vehicles with its VIN.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at,
    (SELECT count(*) FROM identities AS o WHERE o.account_id = $1 AND o.vin = h.vin AND o.slot >= 0) AS namesake_count
FROM vehicles AS h
WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[]) AND slot >= 0
ORDER BY vehicle_id;

-- name: list_with_return
-- Which of some vehicles have a pending return to an earlier status.
SELECT DISTINCT vehicle_id FROM planned_changes
WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[]) AND state = 'pending' AND kind = 'return';

-- name: count_open_work
-- The queued and claimed work of some vehicles. The longer list is the condition of the index.
SELECT vehicle_id, count(*) FROM work
WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[])
    AND state IN ('queued', 'claimed', 'exhausted') AND state <> 'exhausted'
GROUP BY vehicle_id;

-- name: find_named
-- Current vehicles by VIN, by plate or by unit number. The last ones are found by their sort keys.
SELECT 'vin' AS kind, vin AS name, vehicle_id FROM identities
WHERE account_id = $1 AND vin = ANY($2::text[]) AND slot >= 0
UNION ALL
SELECT 'plate', plate, vehicle_id FROM versions
WHERE account_id = $1 AND is_former = 0 AND plate = ANY($3::text[]) AND plate <> ''
UNION ALL
SELECT 'unit', custom_id, vehicle_id FROM versions
WHERE account_id = $1 AND is_former = 0 AND custom_id = ANY($4::text[]) AND custom_id <> '';

-- name: list_waiting_selections
-- The selections of enabled accounts that wait for a worker, oldest first.
SELECT account_id, selection_id FROM selections
WHERE state IN ('queued', 'running')
    AND (state = 'queued' OR lease_until IS NULL OR lease_until <= $1 OR lease_holder = $2)
    AND account_id NOT IN (SELECT account_id FROM accounts WHERE disabled_at IS NOT NULL)
ORDER BY selection_id LIMIT $3;

-- name: survey_selections
-- For the operator: the selections that wait for a worker or have one, by state.
SELECT state, count(*) FROM selections WHERE state IN ('queued', 'running') GROUP BY state;
