-- Repairing duplicates. Both engines' files have the same names in the same order.
-- Each statement names one account.

-- name: list_duplicates
-- Current vehicles whose VIN several have, and the number of vehicles with that VIN. Parameters: VINs after one ($2),
-- a maximum of VINs ($3), a maximum of rows ($4). A vehicle with a slot above 0 can be the only one with its VIN now,
-- because another one may have a new VIN.
-- LATERAL makes the planner look up each VIN and each vehicle, even without statistics.
WITH asked AS MATERIALIZED (
    SELECT DISTINCT d.vin FROM identities AS d
    WHERE d.account_id = $1 AND d.slot > 0 AND d.vin > $2 AND EXISTS (
        SELECT 1 FROM identities AS o
        WHERE o.account_id = $1 AND o.vin = d.vin AND o.slot >= 0 AND o.vehicle_id <> d.vehicle_id)
    ORDER BY d.vin LIMIT $3
), counted AS MATERIALIZED (
    SELECT asked.vin, count(*) AS held
    FROM asked JOIN identities AS o ON o.account_id = $1 AND o.vin = asked.vin AND o.slot >= 0
    GROUP BY asked.vin
)
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to, counted.held
FROM counted
CROSS JOIN LATERAL (
    SELECT k.* FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
    WHERE i.account_id = $1 AND i.vin = counted.vin AND i.slot >= 0 ORDER BY i.vehicle_id LIMIT $4) AS h
CROSS JOIN LATERAL (
    SELECT * FROM versions WHERE account_id = $1 AND vehicle_id = h.vehicle_id AND is_former = 0 LIMIT 1) AS v
ORDER BY h.vin, h.vehicle_id LIMIT $4;

-- name: has_vehicle
-- Whether a vehicle, current or former, has a VIN.
SELECT 1 FROM vehicles WHERE account_id = $1 AND vehicle_id = $2 AND vin = $3;

-- name: find_former
-- The former vehicle with a VIN that was the last one to become former.
SELECT vehicle_id FROM identities WHERE account_id = $1 AND vin = $2 AND slot < 0 ORDER BY slot LIMIT 1;

-- name: lock_former
-- Former vehicles.
SELECT vehicle_id, vin, slot, 2 AS status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[]) AND slot < 0 ORDER BY vehicle_id FOR UPDATE;

-- name: load_former_details
-- The last core data of vehicles, current or former.
SELECT DISTINCT ON (vehicle_id) vehicle_id, details FROM versions
WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[]) ORDER BY vehicle_id, began DESC;

-- name: retire_identity
-- A vehicle becomes former: it moves to the next slot below 0, and a look-up by plate no longer finds it.
UPDATE identities AS i
SET slot = coalesce((
        SELECT r.slot FROM identities AS r WHERE r.account_id = $1 AND r.vin = i.vin AND r.slot < 0
        ORDER BY r.slot LIMIT 1), 0) - 1,
    plate = NULL
WHERE i.account_id = $1 AND i.vehicle_id = $2;

-- name: retire_vehicle
-- The same in the vehicle's own row, afterwards. Other statements see the vehicle as not operational.
UPDATE vehicles
SET slot = (SELECT i.slot FROM identities AS i WHERE i.account_id = $1 AND i.vehicle_id = $2),
    plate = NULL, status = 0, status_since = $3, status_by = $4, status_reason = $5, revision = $6, updated_at = $3
WHERE account_id = $1 AND vehicle_id = $2;

-- name: restore_vehicle
-- A former vehicle is current again.
UPDATE vehicles
SET slot = $3, plate = $4, status = $5, status_since = $6, status_by = $7, status_reason = $8, revision = $9,
    updated_at = $6
WHERE account_id = $1 AND vehicle_id = $2;

-- name: move_vehicle
-- A current vehicle gets another slot: 0 when it is the only one with its VIN.
UPDATE vehicles SET slot = $3 WHERE account_id = $1 AND vehicle_id = $2;

-- name: save_identity
-- The row that look-ups use, after the vehicle's own row was restored or moved.
UPDATE identities AS i SET slot = h.slot, plate = h.plate
FROM vehicles AS h
WHERE i.account_id = $1 AND i.vehicle_id = $2 AND h.account_id = $1 AND h.vehicle_id = $2;
