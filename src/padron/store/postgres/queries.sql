-- Every statement of the engine, by name: the same names, in the same order, as in the other engine's file.
-- Each names one account, but for the directory's at the end.
-- Whoever locks takes vehicles in the order of vehicle_id, then the counter, then work, so that nobody waits in a
-- circle.

-- name: lock_by_vin
-- Current vehicles with some VINs. After a wait PostgreSQL looks at the vehicle's row anew, which therefore has the VIN
-- and the slot as well, and leaves out one that has another VIN by then.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
WHERE i.account_id = $1 AND i.vin = ANY($2::text[]) AND i.slot >= 0 AND h.vin = i.vin AND h.slot >= 0
ORDER BY h.vehicle_id FOR UPDATE OF h;

-- name: lock_by_plate
-- Current vehicles that bear any of some plates, by their folded form; kept duplicates may share one. The index of
-- versions finds them, and the plate in the vehicle's own row is what is looked at anew after a wait.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles
WHERE account_id = $1 AND plate = ANY($2::text[]) AND vehicle_id IN (
    SELECT vehicle_id FROM versions
    WHERE account_id = $1 AND is_former = 0 AND plate = ANY($2::text[]) AND plate <> '')
ORDER BY vehicle_id FOR UPDATE;

-- name: load_details
-- The core data of current vehicles.
SELECT vehicle_id, details FROM versions
WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[]) AND is_former = 0;

-- name: load_together
-- Current vehicles of several accounts with some VINs, for the next statement. LATERAL makes the planner look each up.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, h.account_id
FROM unnest($1::bigint[], $2::text[]) AS asked (account_id, vin) CROSS JOIN LATERAL (
    SELECT k.* FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
    WHERE i.account_id = asked.account_id AND i.vin = asked.vin AND i.slot >= 0 ORDER BY i.slot) AS h
ORDER BY h.vin, h.slot;

-- name: save_statuses
-- A batch of status changes, of several accounts, in one round trip: one row for each, numbered within its account ($12).
-- The last change of a vehicle bears the revision that the vehicle had when it was read ($11). Nothing is written of an
-- account of which one of these is not found any more; with SKIP LOCKED neither of one in which vehicles, counter or
-- work are locked by somebody else. They are locked in this order, each by account. Work of those deactivated
-- ($13, $14, $15) is withdrawn by a function, because each statement of one sees what is committed by then: so it finds
-- what was claimed or queued while this statement waited for the vehicle. If a row was moved without a new revision,
-- the numbers are NULL, which the record refuses, and nothing is written at all. No change goes before the account's last
-- one, whose instant stands beside the counter.
WITH given AS MATERIALIZED (
    SELECT g.*
    FROM :given unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::integer[],
        $8::integer[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
        AS g (account_id, vehicle_id, vin, at, by, request_id, from_status, to_status, reason, revision, seen, place)
), locked AS MATERIALIZED (
    SELECT g.*, h.ctid AS row
    FROM given AS g JOIN vehicles AS h
        ON h.account_id = g.account_id AND h.vehicle_id = g.vehicle_id AND h.revision = g.seen
    ORDER BY h.account_id, h.vehicle_id FOR UPDATE OF h :skip
), free AS MATERIALIZED (
    SELECT a.*, c.last_at
    FROM (SELECT account_id, max(place) AS changes, count(seen) AS vehicles, max(at) AS at FROM given GROUP BY account_id) AS a
    JOIN (SELECT account_id, count(*) AS vehicles FROM locked GROUP BY account_id) AS l USING (account_id, vehicles)
    JOIN counters AS c USING (account_id)
    ORDER BY c.account_id FOR UPDATE OF c :skip
), clear AS MATERIALIZED (
    SELECT f.*
    FROM free AS f LEFT JOIN (
        SELECT account_id, array_agg(vehicle_id ORDER BY vehicle_id) AS vehicle_ids, array_agg(at ORDER BY vehicle_id) AS ats
        FROM unnest($13::bigint[], $14::bigint[], $15::timestamptz[]) AS u (account_id, vehicle_id, at)
        GROUP BY account_id) AS d USING (account_id)
    WHERE CASE WHEN d.vehicle_ids IS NULL THEN true
        WHEN f.last_at <= ALL (d.ats) THEN :withdraw(f.account_id, d.vehicle_ids, d.ats)
        ELSE :withdraw(f.account_id, d.vehicle_ids, array_fill(greatest(f.at, f.last_at), ARRAY[cardinality(d.ats)])) END
), saved AS (
    UPDATE vehicles AS h
    SET status = g.to_status, status_since = greatest(g.at, clear.last_at), status_by = g.by, status_reason = g.reason,
        revision = g.revision, updated_at = greatest(g.at, clear.last_at)
    FROM locked AS g JOIN clear USING (account_id) WHERE h.account_id = g.account_id AND h.ctid = g.row
    RETURNING 1
), taken AS (
    UPDATE counters AS c SET last_change = c.last_change + f.changes, last_at = greatest(f.at, f.last_at)
    FROM clear AS f WHERE c.account_id = f.account_id
    RETURNING c.account_id, c.last_at, f.last_at AS former_at, CASE WHEN (SELECT count(*) FROM saved) = (SELECT sum(vehicles) FROM clear)
        THEN c.last_change - f.changes END AS base
), recorded AS (
    INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id,
        from_status, to_status, reason)
    SELECT g.account_id, t.base + g.place, g.vehicle_id, g.vin, 'statusChanged', greatest(g.at, t.former_at), g.by,
        g.request_id,
        g.from_status, g.to_status, g.reason
    FROM taken AS t JOIN given AS g USING (account_id)
)
SELECT account_id, last_at, base FROM taken;

-- name: update_status
-- A status change of one vehicle, among changes of other kinds.
UPDATE vehicles
SET status = $1, status_since = $2, status_by = $3, status_reason = $4, revision = $5, updated_at = $6
WHERE account_id = $7 AND vehicle_id = $8;

-- name: withdraw_work
-- The work of deactivated vehicles that is open or could still be answered, whoever has claimed it, locked by vehicle
-- and run, as everywhere. LATERAL makes the planner look each vehicle up in the index of such work, even when a run of
-- a million is a moment old.
UPDATE work AS w SET state = 'withdrawn', ended_at = held.at
FROM (
    SELECT o.run_id, o.vehicle_id, d.at
    FROM unnest($2::bigint[], $3::timestamptz[]) AS d (vehicle_id, at) CROSS JOIN LATERAL (
        SELECT run_id, vehicle_id FROM work
        WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN ('queued', 'claimed', 'exhausted')
        ORDER BY run_id FOR UPDATE) AS o
) AS held
WHERE w.account_id = $1 AND w.run_id = held.run_id AND w.vehicle_id = held.vehicle_id;

-- name: update_identity
-- What a change of core data does to the vehicle's own row.
UPDATE vehicles SET vin = $1, plate = $2, revision = $3, updated_at = $4
WHERE account_id = $5 AND vehicle_id = $6;

-- name: insert_identity
-- What a new vehicle is found by.
INSERT INTO identities (account_id, vehicle_id, vin, slot, plate) VALUES ($1, $2, $3, $4, $5);

-- name: edit_identity
-- What a change of core data does to what its vehicle is found by: mostly nothing.
UPDATE identities SET vin = $1, plate = $2
WHERE account_id = $3 AND vehicle_id = $4 AND (vin, plate) IS DISTINCT FROM ($1, $2);

-- name: insert_vehicle
-- A new vehicle.
INSERT INTO vehicles (account_id, vehicle_id, vin, slot, plate, status, status_since, status_by, status_reason,
    revision, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: end_version
-- The current version becomes a former one.
UPDATE versions SET is_former = 1, ended = $1, valid_to = $2
WHERE account_id = $3 AND vehicle_id = $4 AND is_former = 0;

-- name: insert_version
-- A vehicle's core data from a change on: as given, then folded. It has ended already when the same batch
-- changes the vehicle again.
INSERT INTO versions (account_id, vehicle_id, began, ended, is_former, valid_from, valid_to, vin, details,
    custom_id, plate, state_id, rfc_name, tax_identifier, lessor_name, brand_name, model_name,
    country, class, type, doors, variation, cilinders, axes, vehicle_color, version, assembly_place,
    supplementary_data, registration_institution, plate_entity, registration_sheet, observations,
    owner_name, engine_number, legal_name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
    $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30,
    $31, $32, $33, $34, $35);

-- name: take_numbers
-- The account's next change numbers, the last of them, and the instant that its changes cannot go before from now on.
UPDATE counters SET last_change = last_change + $1, last_at = greatest(last_at, $2) WHERE account_id = $3
RETURNING last_change, last_at;

-- name: insert_change
-- One row of the record.
INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id,
    from_status, to_status, reason, differences)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: list_by_vin
-- Current vehicles with one VIN, for reading.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
WHERE i.account_id = $1 AND i.vin = $2 AND i.slot >= 0 ORDER BY i.slot;

-- name: list_versions_by_vin
-- Current vehicles with one VIN and their core data, of one instant.
SELECT h.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
JOIN versions AS v ON v.account_id = h.account_id AND v.vehicle_id = h.vehicle_id AND v.is_former = 0
WHERE i.account_id = $1 AND i.vin = $2 AND i.slot >= 0 ORDER BY i.slot;

-- name: list_vehicles
-- A page of vehicles or of former versions; the hooks are filled in by listing.py.
WITH page AS MATERIALIZED (:page)
SELECT p.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to, p.sort_key
FROM page AS p
JOIN versions AS v ON v.account_id = $1 AND v.vehicle_id = p.vehicle_id AND :version
JOIN vehicles AS h ON h.account_id = $1 AND h.vehicle_id = p.vehicle_id
ORDER BY :order;

-- name: list_history
-- A vehicle's changes below a number, newest first.
SELECT number, type, changed_at, changed_by, request_id, from_status, to_status, reason, differences
FROM changes WHERE account_id = $1 AND vehicle_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4;

-- name: list_changes
-- The account's changes above a number, in order, and what their vehicles are by now; instead of one that is former
-- by now (slot below 0), what the vehicle is that has its VIN.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END
FROM changes AS c JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE c.account_id = $1 AND c.number > $2 ORDER BY c.number LIMIT $3;

-- name: list_request_changes
-- What one request changed, in order, and what the vehicles are by now.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END
FROM changes AS c JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE c.account_id = $1 AND c.request_id = $2 AND c.number > $3 ORDER BY c.number LIMIT $4;

-- name: find_later_changes
-- Of some vehicles ($2), the first change after a number ($3) that is not of a request ($5) up to another number ($4).
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS asked (vehicle_id, first, last)
CROSS JOIN LATERAL (
    SELECT * FROM changes AS one
    WHERE one.account_id = $1 AND one.vehicle_id = asked.vehicle_id AND one.number > asked.first
        AND (one.request_id <> $5 OR one.number > asked.last)
    ORDER BY one.number LIMIT 1) AS c
JOIN vehicles AS h ON h.account_id = $1 AND h.vehicle_id = c.vehicle_id;

-- name: find_last_change
-- The number of the account's last change.
SELECT last_change FROM counters WHERE account_id = $1;

-- name: find_last_instant
-- The instant of the account's last change.
SELECT last_at FROM counters WHERE account_id = $1;

-- name: find_change
-- What tells one change from any other that had its number in another life of the register.
SELECT request_id, changed_at, vin FROM changes WHERE account_id = $1 AND number = $2;

-- name: find_request_end
-- The number of a request's last change; of the account's when it made none.
SELECT coalesce((SELECT max(number) FROM changes WHERE account_id = $1 AND request_id = $2), last_change)
FROM counters WHERE account_id = $1;

-- name: load_last_changes
-- The numbers of several accounts' last changes, for the server's own watch.
SELECT account_id, last_change FROM counters WHERE account_id = ANY($1::bigint[]);

-- name: load_gate
-- Current vehicles with some VINs, and the account's last change, of one instant.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, c.last_change, l.request_id, l.changed_at, l.vin
FROM counters AS c LEFT JOIN changes AS l ON l.account_id = c.account_id AND l.number = c.last_change
LEFT JOIN (identities AS i JOIN vehicles AS h USING (account_id, vehicle_id))
    ON i.account_id = c.account_id AND i.vin = ANY($2::text[]) AND i.slot >= 0
WHERE c.account_id = $1 ORDER BY h.vin, h.slot;

-- name: save_refusal
-- Counts refusals of one hour, vehicle, operation and actor; the latest reason stays.
INSERT INTO gate_refusals (account_id, hour_at, vin, operation, actor, reason, status, count, first_at, last_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (account_id, hour_at, vin, operation, actor) DO UPDATE
SET count = gate_refusals.count + excluded.count, reason = excluded.reason, status = excluded.status,
    last_at = excluded.last_at;

-- name: delete_refusals
-- Some refusals of hours before an instant, the oldest first.
DELETE FROM gate_refusals WHERE account_id = $1 AND (hour_at, vin, operation, actor) IN (
    SELECT hour_at, vin, operation, actor FROM gate_refusals WHERE account_id = $1 AND hour_at < $2
    ORDER BY hour_at, vin, operation, actor LIMIT $3)
RETURNING 1;

-- name: list_refusals
-- Refusals, newest hour first: of an operation ($2), a VIN ($3), a period ($4, $5), after a row ($6 to $9).
SELECT hour_at, vin, operation, actor, reason, status, count, first_at, last_at FROM gate_refusals
WHERE account_id = $1 AND ($2::text IS NULL OR operation = $2) AND ($3::text IS NULL OR vin = $3)
    AND ($4::timestamptz IS NULL OR hour_at >= $4) AND ($5::timestamptz IS NULL OR hour_at < $5)
    AND ($6::timestamptz IS NULL OR hour_at < $6
        OR (hour_at = $6 AND (vin, operation, actor) > ($7::text, $8::text, $9::text)))
ORDER BY hour_at DESC, vin, operation, actor LIMIT $10;

-- name: find_epoch
-- The name of the register's present life.
SELECT epoch FROM register;

-- name: renew_epoch
-- A new life of the register: cursors of the one before are refused from now on.
UPDATE register SET epoch = $1;

-- name: insert_account
-- A new account.
INSERT INTO accounts (name, created_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING account_id;

-- name: insert_counter
-- A new account's change counter.
INSERT INTO counters (account_id, last_change) VALUES ($1, 0);

-- name: list_accounts
-- All accounts, by name.
SELECT account_id, name, created_at FROM accounts ORDER BY name;

-- name: find_account
-- The account with a name.
SELECT account_id, name, created_at FROM accounts WHERE name = $1;

-- name: insert_key
-- A new key.
INSERT INTO api_keys (account_id, key_id, label, scopes, secret_sha256, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: list_keys
-- An account's keys, oldest first.
SELECT account_id, key_id, label, scopes, secret_sha256, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE account_id = $1 ORDER BY created_at, key_id;

-- name: find_key
-- One key.
SELECT account_id, key_id, label, scopes, secret_sha256, created_at, expires_at, revoked_at, last_used_at
FROM api_keys WHERE account_id = $1 AND key_id = $2;

-- name: find_keys
-- Several keys, of any accounts.
SELECT k.account_id, k.key_id, k.label, k.scopes, k.secret_sha256, k.created_at, k.expires_at, k.revoked_at,
    k.last_used_at
FROM unnest($1::bigint[], $2::text[]) AS asked (account_id, key_id) JOIN api_keys AS k USING (account_id, key_id);

-- name: revoke_key
-- The first revocation counts.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1) WHERE account_id = $2 AND key_id = $3 RETURNING key_id;

-- name: touch_key
-- When a key was last used.
UPDATE api_keys SET last_used_at = $1 WHERE account_id = $2 AND key_id = $3;
