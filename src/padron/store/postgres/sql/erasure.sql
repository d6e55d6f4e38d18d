-- Erasing personal values. Both engines' files have the same names in the same order.
-- Each statement names one account.

-- name: find_by_any_vin
-- Vehicles with a VIN, current and former.
SELECT vehicle_id FROM identities WHERE account_id = $1 AND vin = $2;

-- name: find_by_personal_value
-- Some vehicles that had one of these values at any time, by the values' sort keys. NULL leaves a field out.
SELECT vehicle_id FROM versions
WHERE account_id = $1 AND is_former IN (0, 1) AND rfc_name = $3::text AND rfc_name <> ''
UNION
SELECT vehicle_id FROM versions
WHERE account_id = $1 AND is_former IN (0, 1) AND tax_identifier = $4::text AND tax_identifier <> ''
UNION
SELECT vehicle_id FROM versions
WHERE account_id = $1 AND is_former IN (0, 1) AND lessor_name = $5::text AND lessor_name <> ''
UNION
SELECT vehicle_id FROM versions
WHERE account_id = $1 AND is_former IN (0, 1) AND supplementary_data = $6::text AND supplementary_data <> ''
UNION
SELECT vehicle_id FROM versions
WHERE account_id = $1 AND is_former IN (0, 1) AND observations = $7::text AND observations <> ''
UNION
SELECT vehicle_id FROM versions
WHERE account_id = $1 AND is_former IN (0, 1) AND owner_name = $8::text AND owner_name <> ''
UNION
SELECT vehicle_id FROM versions
WHERE account_id = $1 AND is_former IN (0, 1) AND legal_name = $9::text AND legal_name <> ''
ORDER BY vehicle_id LIMIT $2;

-- name: lock_any_vehicle
-- One vehicle, current or former.
SELECT vehicle_id, vin, slot, CASE WHEN slot < 0 THEN 2 ELSE status END AS status, status_since, status_by,
    status_reason, revision, created_at, updated_at
FROM vehicles WHERE account_id = $1 AND vehicle_id = $2 FOR UPDATE;

-- name: load_versions
-- All core data that a vehicle ever had.
SELECT began, details, is_former FROM versions WHERE account_id = $1 AND vehicle_id = $2 ORDER BY began;

-- name: load_differences
-- The differences of all changes of a vehicle's core data.
SELECT number, differences FROM changes
WHERE account_id = $1 AND vehicle_id = $2 AND type = 'infoChanged' ORDER BY number;

-- name: rewrite_version
-- The core data of a version without the erased values, as given and as sort keys.
UPDATE versions SET details = $4, rfc_name = $5, tax_identifier = $6, lessor_name = $7,
    supplementary_data = $8, observations = $9, owner_name = $10, legal_name = $11
WHERE account_id = $1 AND vehicle_id = $2 AND began = $3;

-- name: rewrite_differences
-- The differences of a change without the erased values.
UPDATE changes SET differences = $3 WHERE account_id = $1 AND number = $2;

-- name: touch_vehicle
-- A change of the record that is none of the vehicle's present.
UPDATE vehicles SET revision = $1, updated_at = $2 WHERE account_id = $3 AND vehicle_id = $4;

-- name: empty_attempts
-- Removes what receivers answered to the deliveries of some changes, because they may repeat what they got.
UPDATE webhook_attempts SET body = ''
WHERE account_id = $1 AND endpoint_id IN (SELECT endpoint_id FROM webhook_endpoints WHERE account_id = $1)
    AND number = ANY($2::bigint[]) AND body <> '';

-- name: erase_import_refusals
-- Removes the sentences of refused lines that contain a text ($2).
UPDATE import_refusals SET detail = $3
WHERE account_id = $1 AND strpos(detail, $2) > 0;

-- name: list_answers
-- The next kept answers after a place ($2, $3), and whether they contain a text ($5).
SELECT actor, key, length(body) AS length, position($5::bytea IN body) > 0 AS has_text
FROM idempotency_keys
WHERE account_id = $1 AND (actor, key) > ($2, $3) AND state = 'answered'
ORDER BY actor, key LIMIT $4;

-- name: lose_answer
-- Removes a kept answer, and keeps the note that the work of its request is done.
UPDATE idempotency_keys SET state = 'done', status = NULL, headers = NULL, body = NULL
WHERE account_id = $1 AND actor = $2 AND key = $3 AND state = 'answered'
RETURNING key;
