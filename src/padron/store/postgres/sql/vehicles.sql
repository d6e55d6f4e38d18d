-- Vehicles, with their core data and versions. Both engines' files have the same names in the same order.
-- Each statement names one account.
-- Transactions lock vehicles in the order of vehicle_id, then the counter, then work, so that no deadlock is possible.

-- name: lock_by_vin
-- Current vehicles with some VINs. After a wait PostgreSQL reads the vehicle's row again. The row therefore
-- has the VIN and the slot too, so that the statement skips a vehicle that has another VIN by then.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
WHERE i.account_id = $1 AND i.vin = ANY($2::text[]) AND i.slot >= 0 AND h.vin = i.vin AND h.slot >= 0
ORDER BY h.vehicle_id FOR UPDATE OF h;

-- name: lock_by_vins
-- Empty: lock_by_vin takes any number.

-- name: lock_by_plate
-- Current vehicles with any of some plates, by their folded form. Kept duplicates may share a plate. The index of
-- versions finds them. After a wait PostgreSQL checks the plate in the vehicle's own row again.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at
FROM vehicles
WHERE account_id = $1 AND plate = ANY($2::text[]) AND vehicle_id IN (
    SELECT vehicle_id FROM versions
    WHERE account_id = $1 AND is_former = 0 AND plate = ANY($2::text[]) AND plate <> '')
ORDER BY vehicle_id FOR UPDATE;

-- name: lock_by_plates
-- Empty: lock_by_plate takes any number.

-- name: load_details
-- The core data of some current vehicles.
SELECT vehicle_id, details FROM versions
WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[]) AND is_former = 0;

-- name: find_details
-- The core data of one current vehicle.
SELECT details FROM versions WHERE account_id = $1 AND vehicle_id = $2 AND is_former = 0;

-- name: update_identity
-- Updates the vehicle's own row after a change of core data.
UPDATE vehicles SET vin = $1, plate = $2, revision = $3, updated_at = $4
WHERE account_id = $5 AND vehicle_id = $6;

-- name: insert_identity
-- The row that look-ups use for a new vehicle.
INSERT INTO identities (account_id, vehicle_id, vin, slot, plate) VALUES ($1, $2, $3, $4, $5);

-- name: edit_identity
-- Updates the row that look-ups use after a change of core data. Mostly the row stays the same.
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
-- A vehicle's core data from a change on, as given and folded. The version has already ended if the same batch changes
-- the vehicle again.
INSERT INTO versions (account_id, vehicle_id, began, ended, is_former, valid_from, valid_to, vin, details,
    custom_id, plate, state_id, rfc_name, tax_identifier, lessor_name, brand_name, model_name,
    country, class, type, doors, variation, cilinders, axes, vehicle_color, version, assembly_place,
    supplementary_data, registration_institution, plate_entity, registration_sheet, observations,
    owner_name, engine_number, legal_name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
    $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30,
    $31, $32, $33, $34, $35);

-- name: list_by_vin
-- Current vehicles with one VIN, for reading.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
WHERE i.account_id = $1 AND i.vin = $2 AND i.slot >= 0 ORDER BY i.slot;

-- name: list_versions_by_vin
-- Current vehicles with one VIN and their core data at one instant.
SELECT h.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
JOIN versions AS v ON v.account_id = h.account_id AND v.vehicle_id = h.vehicle_id AND v.is_former = 0
WHERE i.account_id = $1 AND i.vin = $2 AND i.slot >= 0 ORDER BY i.slot;

-- name: list_vehicles
-- A page of vehicles or of former versions. listing.py fills in the hooks.
WITH page AS MATERIALIZED (:page)
SELECT p.vehicle_id, v.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, v.details, v.began, v.valid_from, v.valid_to, p.sort_key
FROM page AS p
JOIN versions AS v ON v.account_id = $1 AND v.vehicle_id = p.vehicle_id AND :version
JOIN vehicles AS h ON h.account_id = $1 AND h.vehicle_id = p.vehicle_id
ORDER BY :order;

-- name: list_past
-- A page of vehicles, or of former versions, as they were after a change ($2). listing.py fills in the hooks.
WITH page AS MATERIALIZED (:page)
SELECT p.vehicle_id, v.vin, 0 AS slot, s.to_status AS status, s.changed_at AS status_since, s.changed_by AS status_by,
    s.reason AS status_reason,
    h.revision - (SELECT count(*) FROM changes AS c
        WHERE c.account_id = $1 AND c.vehicle_id = p.vehicle_id AND c.number > $2) AS revision,
    r.changed_at AS created_at, u.changed_at AS updated_at, v.details, v.began, v.valid_from,
    CASE WHEN v.ended <= $2 THEN v.valid_to END AS valid_to, p.sort_key
FROM page AS p
JOIN versions AS v ON v.account_id = $1 AND v.vehicle_id = p.vehicle_id AND v.began = p.began
JOIN vehicles AS h ON h.account_id = $1 AND h.vehicle_id = p.vehicle_id
JOIN changes AS r ON r.account_id = $1 AND r.number = p.vehicle_id
CROSS JOIN LATERAL (
    SELECT c.to_status, c.changed_at, c.changed_by, c.reason FROM changes AS c
    WHERE c.account_id = $1 AND c.vehicle_id = p.vehicle_id AND c.number <= $2
        AND c.type IN ('registered', 'statusChanged', 'deleted')
    ORDER BY c.number DESC LIMIT 1) AS s
CROSS JOIN LATERAL (
    SELECT c.changed_at FROM changes AS c
    WHERE c.account_id = $1 AND c.vehicle_id = p.vehicle_id AND c.number <= $2
    ORDER BY c.number DESC LIMIT 1) AS u
ORDER BY :order;
