-- Look-ups for many vehicles at once, by name: the same names, in the same order, as in the other engine's file.

-- name: lock_by_vins
-- Current vehicles with some VINs. The write transaction holds the only lock there is.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = ?1 AND vin IN (SELECT value FROM json_each(?2)) AND slot >= 0
ORDER BY vin, slot;

-- name: lock_by_plates
-- Current vehicles that bear any of some plates, by their folded form; kept duplicates may share one.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles
WHERE account_id = ?1 AND vehicle_id IN (
    SELECT vehicle_id FROM versions
    WHERE account_id = ?1 AND is_former = 0 AND plate IN (SELECT value FROM json_each(?2)) AND plate <> '')
ORDER BY vehicle_id;

-- name: load_many_details
-- The core data of some current vehicles.
SELECT vehicle_id, details FROM versions
WHERE account_id = ?1 AND vehicle_id IN (SELECT value FROM json_each(?2)) AND is_former = 0;
