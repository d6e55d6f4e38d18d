-- Repairing duplicates. Both engines' files have the same names in the same order.
-- Each statement names one account.

-- name: list_duplicates
-- Current vehicles whose VIN several have, and the number of vehicles with that VIN. Parameters: VINs after one (?2),
-- a maximum of VINs (?3), a maximum of rows (?4). A vehicle with a slot above 0 can be the only one with its VIN now,
-- because another one may have a new VIN.
-- By default the planner walks all of the account's vehicles.
WITH asked AS MATERIALIZED (
    SELECT DISTINCT d.vin FROM vehicles AS d INDEXED BY vehicles_duplicate
    WHERE d.account_id = ?1 AND d.slot > 0 AND d.vin > ?2 AND EXISTS (
        SELECT 1 FROM vehicles AS o
        WHERE o.account_id = ?1 AND o.vin = d.vin AND o.slot >= 0 AND o.vehicle_id <> d.vehicle_id)
    ORDER BY d.vin LIMIT ?3
), counted AS MATERIALIZED (
    SELECT asked.vin, count(*) AS held
    FROM asked CROSS JOIN vehicles AS o ON o.account_id = ?1 AND o.vin = asked.vin AND o.slot >= 0
    GROUP BY asked.vin
)
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to, counted.held
FROM counted
CROSS JOIN vehicles AS h ON h.account_id = ?1 AND h.vin = counted.vin AND h.slot >= 0
CROSS JOIN versions AS v ON v.account_id = h.account_id AND v.vehicle_id = h.vehicle_id AND v.is_former = 0
ORDER BY h.vin, h.vehicle_id LIMIT ?4;

-- name: has_vehicle
-- Whether a vehicle, current or former, has a VIN.
SELECT 1 FROM vehicles WHERE account_id = ?1 AND vehicle_id = ?2 AND vin = ?3;

-- name: find_former
-- The former vehicle with a VIN that was the last one to become former.
SELECT vehicle_id FROM vehicles WHERE account_id = ?1 AND vin = ?2 AND slot < 0 ORDER BY slot LIMIT 1;

-- name: lock_former
-- A former vehicle. The write transaction already holds the only lock.
SELECT vehicle_id, vin, slot, 2 AS status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = ? AND vehicle_id = ? AND slot < 0;

-- name: load_former_details
-- The last core data of one vehicle, current or former.
SELECT details FROM versions WHERE account_id = ? AND vehicle_id = ? ORDER BY began DESC LIMIT 1;

-- name: retire_identity
-- Empty: on this engine look-ups use the vehicle's own row.

-- name: retire_vehicle
-- A vehicle becomes former, at the next slot below 0. Other statements see it as not operational.
UPDATE vehicles
SET slot = coalesce((
        SELECT r.slot FROM vehicles AS r WHERE r.account_id = ?1 AND r.vin = ?3 AND r.slot < 0
        ORDER BY r.slot LIMIT 1), 0) - 1,
    plate = NULL, status = 0, status_since = ?4, status_by = ?5, status_reason = ?6, revision = ?7, updated_at = ?4
WHERE account_id = ?1 AND vehicle_id = ?2;

-- name: restore_vehicle
-- A former vehicle is current again.
UPDATE vehicles
SET slot = ?3, plate = ?4, status = ?5, status_since = ?6, status_by = ?7, status_reason = ?8, revision = ?9,
    updated_at = ?6
WHERE account_id = ?1 AND vehicle_id = ?2;

-- name: move_vehicle
-- A current vehicle gets another slot: 0 when it is the only one with its VIN.
UPDATE vehicles SET slot = ?3 WHERE account_id = ?1 AND vehicle_id = ?2;

-- name: save_identity
-- Empty: on this engine look-ups use the vehicle's own row.
