-- Every statement of the engine, by name: the same names, in the same order, as in the other engine's file.
-- Each names one account, but for the directory's at the end.

-- name: lock_by_vin
-- Current vehicles with one VIN. The write transaction holds the only lock there is.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = ? AND vin = ? AND slot >= 0 ORDER BY slot;

-- name: lock_by_plate
-- Current vehicles that bear a plate, by its folded form; kept duplicates may share it.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles
WHERE account_id = ?1 AND vehicle_id IN (
    SELECT vehicle_id FROM versions WHERE account_id = ?1 AND is_former = 0 AND plate = ?2 AND plate <> '')
ORDER BY vehicle_id;

-- name: load_details
-- The core data of one current vehicle.
SELECT details FROM versions WHERE account_id = ? AND vehicle_id = ? AND is_former = 0;

-- name: load_together
-- Empty: without round trips to save, each account's vehicles are looked up one after the other.

-- name: save_statuses
-- Empty: without round trips to save, the statements below, one after the other, are as fast as one for a batch.

-- name: update_status
-- A status change of one vehicle.
UPDATE vehicles
SET status = ?, status_since = ?, status_by = ?, status_reason = ?, revision = ?, updated_at = ?
WHERE account_id = ? AND vehicle_id = ?;

-- name: withdraw_work
-- The work of a deactivated vehicle that is open or could still be answered, whoever has claimed it. Left to itself
-- the planner walks all of the account's work.
UPDATE work INDEXED BY work_answerable SET state = 'withdrawn', ended_at = ?
WHERE account_id = ? AND vehicle_id = ? AND state IN ('queued', 'claimed', 'exhausted');

-- name: update_identity
-- What a change of core data does to the vehicle's own row.
UPDATE vehicles SET vin = ?, plate = ?, revision = ?, updated_at = ?
WHERE account_id = ? AND vehicle_id = ?;

-- name: insert_identity
-- Empty: on this engine the vehicle's own row is what it is found by.

-- name: edit_identity
-- Empty: on this engine the vehicle's own row is what it is found by.

-- name: insert_vehicle
-- A new vehicle.
INSERT INTO vehicles (account_id, vehicle_id, vin, slot, plate, status, status_since, status_by, status_reason,
    revision, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: end_version
-- The current version becomes a former one.
UPDATE versions SET is_former = 1, ended = ?, valid_to = ?
WHERE account_id = ? AND vehicle_id = ? AND is_former = 0;

-- name: insert_version
-- A vehicle's core data from now on: as given, then folded.
INSERT INTO versions (account_id, vehicle_id, began, is_former, valid_from, vin, details,
    custom_id, plate, state_id, rfc_name, tax_identifier, lessor_name, brand_name, model_name,
    country, class, type, doors, variation, cilinders, axes, vehicle_color, version, assembly_place,
    supplementary_data, registration_institution, plate_entity, registration_sheet, observations,
    owner_name, engine_number, legal_name)
VALUES (?, ?, ?, 0, ?, ?, ?,
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: take_numbers
-- The account's next change numbers, the last of them, and the instant that its changes cannot go before from now on.
UPDATE counters SET last_change = last_change + ?, last_at = max(last_at, ?) WHERE account_id = ?
RETURNING last_change, last_at;

-- name: insert_change
-- One row of the record.
INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id,
    from_status, to_status, reason, differences)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: list_by_vin
-- Current vehicles with one VIN, for reading.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = ? AND vin = ? AND slot >= 0 ORDER BY slot;

-- name: list_versions_by_vin
-- Current vehicles with one VIN and their core data, of one instant.
SELECT h.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to
FROM vehicles AS h JOIN versions AS v
    ON v.account_id = h.account_id AND v.vehicle_id = h.vehicle_id AND v.is_former = 0
WHERE h.account_id = ? AND h.vin = ? AND h.slot >= 0 ORDER BY h.slot;

-- name: list_vehicles
-- A page of vehicles or of former versions; the hooks are filled in by listing.py. CROSS JOIN keeps SQLite to the order
-- of the tables as they stand.
WITH page AS MATERIALIZED (:page)
SELECT p.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to, p.sort_key
FROM page AS p
CROSS JOIN versions AS v ON v.account_id = ?1 AND v.vehicle_id = p.vehicle_id AND :version
CROSS JOIN vehicles AS h ON h.account_id = ?1 AND h.vehicle_id = p.vehicle_id
ORDER BY :order;

-- name: list_history
-- A vehicle's changes below a number, newest first.
SELECT number, type, changed_at, changed_by, request_id, from_status, to_status, reason, differences
FROM changes INDEXED BY changes_by_vehicle
WHERE account_id = ? AND vehicle_id = ? AND number < ? ORDER BY number DESC LIMIT ?;

-- name: list_changes
-- The account's changes above a number, in order, and what their vehicles are by now; instead of one that is former
-- by now (slot below 0), what the vehicle is that has its VIN.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM vehicles AS k WHERE k.account_id = h.account_id AND k.vin = h.vin AND k.slot >= 0
        ORDER BY k.slot LIMIT 1), 2) END
FROM changes AS c JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE c.account_id = ? AND c.number > ? ORDER BY c.number LIMIT ?;

-- name: list_request_changes
-- What one request changed, in order, and what the vehicles are by now.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM vehicles AS k WHERE k.account_id = h.account_id AND k.vin = h.vin AND k.slot >= 0
        ORDER BY k.slot LIMIT 1), 2) END
FROM changes AS c INDEXED BY changes_by_request JOIN vehicles AS h
    ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE c.account_id = ?1 AND c.request_id = ?2 AND c.number > ?3 ORDER BY c.number LIMIT ?4;

-- name: find_later_changes
-- The first change of one vehicle after a number (?3) that is not of a request (?5) up to another number (?4).
-- Left to itself the planner walks all later changes of the account.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM vehicles AS k WHERE k.account_id = h.account_id AND k.vin = h.vin AND k.slot >= 0
        ORDER BY k.slot LIMIT 1), 2) END
FROM changes AS c INDEXED BY changes_by_vehicle JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE c.account_id = ?1 AND c.vehicle_id = ?2 AND c.number > ?3
    AND (c.request_id <> ?5 OR c.number > ?4)
ORDER BY c.number LIMIT 1;

-- name: find_last_change
-- The number of the account's last change.
SELECT last_change FROM counters WHERE account_id = ?;

-- name: find_last_instant
-- The instant of the account's last change.
SELECT last_at FROM counters WHERE account_id = ?;

-- name: find_change
-- What tells one change from any other that had its number in another life of the register.
SELECT request_id, changed_at, vin FROM changes WHERE account_id = ?1 AND number = ?2;

-- name: find_request_end
-- The number of a request's last change; of the account's when it made none.
SELECT coalesce((SELECT max(number) FROM changes WHERE account_id = ?1 AND request_id = ?2), last_change)
FROM counters WHERE account_id = ?1;

-- name: load_last_changes
-- The numbers of several accounts' last changes, for the server's own watch.
SELECT account_id, last_change FROM counters WHERE account_id IN (SELECT value FROM json_each(?));

-- name: load_gate
-- Current vehicles with some VINs, and the account's last change, of one instant.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, c.last_change, l.request_id, l.changed_at, l.vin
FROM counters AS c LEFT JOIN changes AS l ON l.account_id = c.account_id AND l.number = c.last_change
LEFT JOIN vehicles AS h
    ON h.account_id = c.account_id AND h.vin IN (SELECT value FROM json_each(?2)) AND h.slot >= 0
WHERE c.account_id = ?1 ORDER BY h.vin, h.slot;

-- name: save_refusal
-- Counts refusals of one hour, vehicle, operation and actor; the latest reason stays.
INSERT INTO gate_refusals (account_id, hour_at, vin, operation, actor, reason, status, count, first_at, last_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (account_id, hour_at, vin, operation, actor) DO UPDATE
SET count = gate_refusals.count + excluded.count, reason = excluded.reason, status = excluded.status,
    last_at = excluded.last_at;

-- name: delete_refusals
-- Some refusals of hours before an instant, the oldest first.
DELETE FROM gate_refusals WHERE account_id = ?1 AND (hour_at, vin, operation, actor) IN (
    SELECT hour_at, vin, operation, actor FROM gate_refusals WHERE account_id = ?1 AND hour_at < ?2
    ORDER BY hour_at, vin, operation, actor LIMIT ?3)
RETURNING 1;

-- name: list_refusals
-- Refusals, newest hour first: of an operation (?2), a VIN (?3), a period (?4, ?5), after a row (?6 to ?9).
SELECT hour_at, vin, operation, actor, reason, status, count, first_at, last_at FROM gate_refusals
WHERE account_id = ?1 AND (?2 IS NULL OR operation = ?2) AND (?3 IS NULL OR vin = ?3)
    AND (?4 IS NULL OR hour_at >= ?4) AND (?5 IS NULL OR hour_at < ?5)
    AND (?6 IS NULL OR hour_at < ?6
        OR (hour_at = ?6 AND (vin, operation, actor) > (?7, ?8, ?9)))
ORDER BY hour_at DESC, vin, operation, actor LIMIT ?10;

-- name: find_epoch
-- The name of the register's present life.
SELECT epoch FROM register;

-- name: renew_epoch
-- A new life of the register: cursors of the one before are refused from now on.
UPDATE register SET epoch = ?1;

-- name: insert_account
-- A new account.
INSERT INTO accounts (name, created_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING RETURNING account_id;

-- name: insert_counter
-- A new account's change counter.
INSERT INTO counters (account_id, last_change) VALUES (?, 0);

-- name: list_accounts
-- All accounts, by name.
SELECT account_id, name, created_at FROM accounts ORDER BY name;

-- name: find_account
-- The account with a name.
SELECT account_id, name, created_at FROM accounts WHERE name = ?;

-- name: insert_key
-- A new key.
INSERT INTO api_keys (account_id, key_id, label, scopes, secret_sha256, created_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: list_keys
-- An account's keys, oldest first.
SELECT account_id, key_id, label, scopes, secret_sha256, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE account_id = ? ORDER BY created_at, key_id;

-- name: find_key
-- One key.
SELECT account_id, key_id, label, scopes, secret_sha256, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE account_id = ? AND key_id = ?;

-- name: find_keys
-- Several keys, of any accounts. CROSS JOIN keeps SQLite to the order of the tables as they stand.
SELECT k.account_id, k.key_id, k.label, k.scopes, k.secret_sha256, k.created_at, k.expires_at, k.revoked_at,
    k.last_used_at
FROM json_each(?) AS asked CROSS JOIN api_keys AS k
    ON k.account_id = asked.value ->> 0 AND k.key_id = asked.value ->> 1;

-- name: revoke_key
-- The first revocation counts.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE account_id = ? AND key_id = ? RETURNING key_id;

-- name: touch_key
-- When a key was last used.
UPDATE api_keys SET last_used_at = ? WHERE account_id = ? AND key_id = ?;
