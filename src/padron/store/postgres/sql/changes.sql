-- The record of changes and the account's counter. Both engines' files have the same names in the same order.
-- A past instant is the number of the last change before it. Only versions and changes hold the state at that instant.

-- name: take_numbers
-- Takes the account's next change numbers, and counts its vehicles. Gives the last number, the earliest instant allowed
-- for its changes, and the number of current vehicles afterwards.
UPDATE counters
SET last_change = last_change + $1, last_at = greatest(last_at, $2), vehicle_count = vehicle_count + $4
WHERE account_id = $3
RETURNING last_change, last_at, vehicle_count, strict_gates;

-- name: insert_change
-- One row of the record.
INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id,
    from_status, to_status, reason, differences)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: list_history
-- A vehicle's changes below a number, newest first.
SELECT number, type, changed_at, changed_by, request_id, from_status, to_status, reason, differences
FROM changes WHERE account_id = $1 AND vehicle_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4;

-- name: list_changes
-- The account's changes above a number, in order, with the present status of their vehicles. If a vehicle is former
-- now (slot below 0), the status is that of the current vehicle with its VIN. The gate allows a VIN that only one
-- current vehicle has, if it is Active. This is told of the VIN, and of the one before where the change gave another.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END AS present_status,
    (SELECT count(*) = 1 AND max(k.status) = 1 FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = c.vin AND i.slot >= 0) AS allowed,
    CASE WHEN c.type = 'infoChanged' AND (c.differences #>> '{vin,0}') IS NOT NULL THEN (
        SELECT count(*) = 1 AND max(k.status) = 1
        FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = c.differences #>> '{vin,0}' AND i.slot >= 0)
    END AS former_allowed
FROM changes AS c JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE c.account_id = $1 AND c.number > $2 ORDER BY c.number LIMIT $3;

-- name: list_request_changes
-- The changes of one request, in order, with the present status of their vehicles.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END AS present_status
FROM changes AS c JOIN vehicles AS h ON h.account_id = c.account_id AND h.vehicle_id = c.vehicle_id
WHERE c.account_id = $1 AND c.request_id = $2 AND c.number > $3 ORDER BY c.number LIMIT $4;

-- name: list_deletions
-- The deletions between two numbers that were not undone, the last one first, with the vehicle's last core data. An
-- erasure afterwards does not bring a vehicle back.
SELECT c.number, c.vehicle_id, c.vin, c.changed_at, c.changed_by, c.request_id, c.from_status, c.reason, (
    SELECT r.details FROM versions AS r WHERE r.account_id = $1 AND r.vehicle_id = c.vehicle_id
    ORDER BY r.began DESC LIMIT 1) AS details
FROM changes AS c
WHERE c.account_id = $1 AND c.type = 'deleted' AND c.number < $2 AND c.number > $3 AND NOT EXISTS (
    SELECT 1 FROM changes AS l
    WHERE l.account_id = c.account_id AND l.vehicle_id = c.vehicle_id AND l.number > c.number AND l.type <> 'erased')
ORDER BY c.number DESC LIMIT $4;

-- name: find_later_changes
-- The first change of each of some vehicles ($2) after a number ($3), except a request's ($5) up to a number ($4).
-- An erasure is no foreign change: it does not touch what an undo restores.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin,
    CASE WHEN h.slot >= 0 THEN h.status ELSE coalesce((
        SELECT k.status FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
        WHERE i.account_id = $1 AND i.vin = h.vin AND i.slot >= 0 ORDER BY i.slot LIMIT 1), 2) END AS present_status
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS asked (vehicle_id, first, last)
CROSS JOIN LATERAL (
    SELECT * FROM changes AS one
    WHERE one.account_id = $1 AND one.vehicle_id = asked.vehicle_id AND one.number > asked.first
        AND (one.request_id <> $5 OR one.number > asked.last) AND one.type <> 'erased'
    ORDER BY one.number LIMIT 1) AS c
JOIN vehicles AS h ON h.account_id = $1 AND h.vehicle_id = c.vehicle_id;

-- name: find_last_change
-- The number of the account's last change.
SELECT last_change FROM counters WHERE account_id = $1;

-- name: find_last_place
-- The account's last change, with what distinguishes it from others with its number.
SELECT c.last_change, l.request_id, l.changed_at, l.vin
FROM counters AS c LEFT JOIN changes AS l ON l.account_id = c.account_id AND l.number = c.last_change
WHERE c.account_id = $1;

-- name: count_vehicles
-- The number of the account's current vehicles.
SELECT vehicle_count FROM counters WHERE account_id = $1;

-- name: find_last_instant
-- The instant of the account's last change.
SELECT last_at FROM counters WHERE account_id = $1;

-- name: find_change
-- The properties of a change that distinguish it from a change with the same number in another life of the register.
SELECT request_id, changed_at, vin FROM changes WHERE account_id = $1 AND number = $2;

-- name: find_request_end
-- The number of a request's last change, or of the account's last change if the request made no change.
SELECT coalesce((SELECT max(number) FROM changes WHERE account_id = $1 AND request_id = $2), last_change)
FROM counters WHERE account_id = $1;

-- name: load_last_changes
-- The numbers of several accounts' last changes, for the server's own watch.
SELECT account_id, last_change FROM counters WHERE account_id = ANY($1::bigint[]);

-- name: find_cut
-- The number of the last change up to an instant ($2), by binary search from a fixed number. The probed numbers do
-- not depend on the last number. So the answer stays the same as the record grows, even if a clock once went back.
-- Archived changes may be gone, and count as earlier: only instants after all of them are asked for.
WITH RECURSIVE search (found, step) AS (
    SELECT 0::bigint, 1099511627776::bigint
    UNION ALL
    SELECT CASE WHEN c.changed_at <= $2
        OR found + step <= (SELECT archived_to FROM counters WHERE account_id = $1) THEN found + step ELSE found END, step / 2
    FROM search LEFT JOIN LATERAL (
        SELECT o.changed_at FROM changes AS o WHERE o.account_id = $1 AND o.number = found + step LIMIT 1) AS c ON true
    WHERE step > 0)
SELECT found FROM search WHERE step = 0;
