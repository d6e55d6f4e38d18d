-- The gate and its refusals. Both engines' files have the same names in the same order.
-- Each statement names one account.

-- name: load_gate
-- Current vehicles with some VINs, and the account's last change, at one instant.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, c.last_change, l.request_id, l.changed_at, l.vin AS last_vin
FROM counters AS c LEFT JOIN changes AS l ON l.account_id = c.account_id AND l.number = c.last_change
LEFT JOIN vehicles AS h
    ON h.account_id = c.account_id AND h.vin IN (SELECT value FROM json_each(?2)) AND h.slot >= 0
WHERE c.account_id = ?1 ORDER BY h.vin, h.slot;

-- name: load_gate_of_one
-- Current vehicles with one VIN, and the account's last change, at one instant.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, c.last_change, l.request_id, l.changed_at, l.vin AS last_vin
FROM counters AS c LEFT JOIN changes AS l ON l.account_id = c.account_id AND l.number = c.last_change
LEFT JOIN vehicles AS h ON h.account_id = c.account_id AND h.vin = ?2 AND h.slot >= 0
WHERE c.account_id = ?1 ORDER BY h.slot;

-- name: save_refusal
-- Counts refusals by hour, vehicle, operation and actor, and keeps the latest reason.
INSERT INTO gate_refusals (account_id, hour_at, vin, operation, actor, reason, status, count, first_at, last_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (account_id, hour_at, vin, operation, actor) DO UPDATE
SET count = gate_refusals.count + excluded.count, reason = excluded.reason, status = excluded.status,
    last_at = excluded.last_at;

-- name: delete_refusals
-- Deletes some refusals of hours before an instant, the oldest first.
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

-- name: read_gate_set_head
-- The account's last change, and how many VINs its current vehicles have.
SELECT c.last_change, l.request_id, l.changed_at, l.vin, c.vehicle_count - (
    SELECT count(*) FROM vehicles AS d WHERE d.account_id = ?1 AND d.slot > 0 AND EXISTS (
        SELECT 1 FROM vehicles AS k
        WHERE k.account_id = ?1 AND k.vin = d.vin AND k.slot >= 0 AND k.slot < d.slot)) AS vin_count
FROM counters AS c LEFT JOIN changes AS l ON l.account_id = c.account_id AND l.number = c.last_change
WHERE c.account_id = ?1;

-- name: list_gate_set
-- The VINs among the next vehicles after an id (?2) that the gate allows, or those that it refuses (?4), one on each
-- line. Of several vehicles with the same VIN the first one counts, and is refused. The row also says how many VINs
-- these are, how many vehicles were looked at, and the id of the last one.
SELECT max(asked.vehicle_id), count(*), count(asked.chosen), group_concat('"' || asked.chosen || '"', char(10)) AS lines
FROM (
    SELECT h.vehicle_id, CASE
        WHEN h.slot < 0 OR (h.slot > 0 AND EXISTS (
            SELECT 1 FROM vehicles AS k
            WHERE k.account_id = ?1 AND k.vin = h.vin AND k.slot >= 0 AND k.slot < h.slot)) THEN NULL
        WHEN (h.status = 1 AND NOT EXISTS (
            SELECT 1 FROM vehicles AS k
            WHERE k.account_id = ?1 AND k.vin = h.vin AND k.slot > 0 AND k.slot > h.slot)) = ?4 THEN h.vin
        END AS chosen
    FROM vehicles AS h WHERE h.account_id = ?1 AND h.vehicle_id > ?2 ORDER BY h.vehicle_id LIMIT ?3) AS asked;
