-- Vehicles, with their core data and versions. Both engines' files have the same names in the same order.
-- Each statement names one account.

-- name: lock_by_vin
-- Current vehicles with one VIN. The write transaction already holds the only lock.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = ? AND vin = ? AND slot >= 0 ORDER BY slot;

-- name: lock_by_vins
-- Current vehicles with some VINs. The write transaction already holds the only lock.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = ?1 AND vin IN (SELECT value FROM json_each(?2)) AND slot >= 0
ORDER BY vin, slot;

-- name: lock_by_plate
-- Current vehicles with a plate, by its folded form. Kept duplicates may share a plate.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles
WHERE account_id = ?1 AND vehicle_id IN (
    SELECT vehicle_id FROM versions WHERE account_id = ?1 AND is_former = 0 AND plate = ?2 AND plate <> '')
ORDER BY vehicle_id;

-- name: lock_by_plates
-- Current vehicles with any of some plates, by their folded form. Kept duplicates may share a plate.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles
WHERE account_id = ?1 AND vehicle_id IN (
    SELECT vehicle_id FROM versions
    WHERE account_id = ?1 AND is_former = 0 AND plate IN (SELECT value FROM json_each(?2)) AND plate <> '')
ORDER BY vehicle_id;

-- name: load_details
-- The core data of some current vehicles.
SELECT vehicle_id, details FROM versions
WHERE account_id = ?1 AND vehicle_id IN (SELECT value FROM json_each(?2)) AND is_former = 0;

-- name: find_details
-- The core data of one current vehicle.
SELECT details FROM versions WHERE account_id = ?1 AND vehicle_id = ?2 AND is_former = 0;

-- name: update_identity
-- Updates the vehicle's own row after a change of core data.
UPDATE vehicles SET vin = ?, plate = ?, revision = ?, updated_at = ?
WHERE account_id = ? AND vehicle_id = ?;

-- name: insert_identity
-- Empty: on this engine look-ups use the vehicle's own row.

-- name: edit_identity
-- Empty: on this engine look-ups use the vehicle's own row.

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
-- A vehicle's core data from now on, as given and folded.
INSERT INTO versions (account_id, vehicle_id, began, is_former, valid_from, vin, details,
    custom_id, plate, state_id, rfc_name, tax_identifier, lessor_name, brand_name, model_name,
    country, class, type, doors, variation, cilinders, axes, vehicle_color, version, assembly_place,
    supplementary_data, registration_institution, plate_entity, registration_sheet, observations,
    owner_name, engine_number, legal_name)
VALUES (?, ?, ?, 0, ?, ?, ?,
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: list_by_vin
-- Current vehicles with one VIN, for reading.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = ? AND vin = ? AND slot >= 0 ORDER BY slot;

-- name: list_versions_by_vin
-- Current vehicles with one VIN and their core data at one instant.
SELECT h.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to
FROM vehicles AS h JOIN versions AS v
    ON v.account_id = h.account_id AND v.vehicle_id = h.vehicle_id AND v.is_former = 0
WHERE h.account_id = ? AND h.vin = ? AND h.slot >= 0 ORDER BY h.slot;

-- name: list_vehicles
-- A page of vehicles or of former versions. listing.py fills in the hooks. CROSS JOIN makes SQLite keep
-- the written order of the tables.
WITH page AS MATERIALIZED (:page)
SELECT p.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to, p.sort_key
FROM page AS p
CROSS JOIN versions AS v ON v.account_id = ?1 AND v.vehicle_id = p.vehicle_id AND :version
CROSS JOIN vehicles AS h ON h.account_id = ?1 AND h.vehicle_id = p.vehicle_id
ORDER BY :order;

-- name: list_past
-- A page of vehicles, or of former versions, as they were after a change (?2). listing.py fills in the hooks.
WITH page AS MATERIALIZED (:page)
SELECT p.vehicle_id, v.vin, 0 AS slot, s.to_status AS status, s.changed_at AS status_since, s.changed_by AS status_by,
    s.reason AS status_reason,
    h.revision - (SELECT count(*) FROM changes AS c
        WHERE c.account_id = ?1 AND c.vehicle_id = p.vehicle_id AND c.number > ?2) AS revision,
    r.changed_at AS created_at, u.changed_at AS updated_at, v.details, v.began, v.valid_from,
    CASE WHEN v.ended <= ?2 THEN v.valid_to END AS valid_to, p.sort_key
FROM page AS p
JOIN versions AS v ON v.account_id = ?1 AND v.vehicle_id = p.vehicle_id AND v.began = p.began
JOIN vehicles AS h ON h.account_id = ?1 AND h.vehicle_id = p.vehicle_id
JOIN changes AS r ON r.account_id = ?1 AND r.number = p.vehicle_id
JOIN changes AS s ON s.account_id = ?1 AND s.number = (
    SELECT c.number FROM changes AS c INDEXED BY changes_by_vehicle
    WHERE c.account_id = ?1 AND c.vehicle_id = p.vehicle_id AND c.number <= ?2
        AND c.type IN ('registered', 'statusChanged', 'deleted')
    ORDER BY c.number DESC LIMIT 1)
JOIN changes AS u ON u.account_id = ?1 AND u.number = (
    SELECT c.number FROM changes AS c INDEXED BY changes_by_vehicle
    WHERE c.account_id = ?1 AND c.vehicle_id = p.vehicle_id AND c.number <= ?2
    ORDER BY c.number DESC LIMIT 1)
ORDER BY :order;
