-- What registering vehicles and changing their statuses would have left, for a range of numbers s.n at once. n is a
-- vehicle's running number, {vin} its VIN, {now} the instant, {json} what builds an object, {rows} the range.

-- name: insert_vehicles
INSERT INTO vehicles (account_id, vehicle_id, vin, slot, plate, status, status_since, status_by, revision,
    created_at, updated_at)
SELECT {account}, s.n + 1, {vin}, 0, {plate}, {status}, {now}, 'bench', 1, {now}, {now} FROM {rows};

-- name: insert_identities
INSERT INTO identities (account_id, vehicle_id, vin, slot, plate) SELECT {account}, s.n + 1, {vin}, 0, {plate} FROM {rows};

-- name: insert_versions
INSERT INTO versions (account_id, vehicle_id, began, is_former, valid_from, vin, details,
    custom_id, plate, state_id, brand_name, model_name, country, type, doors, vehicle_color, owner_name,
    rfc_name, tax_identifier, lessor_name, class, variation, cilinders, axes, version, assembly_place,
    supplementary_data, registration_institution, plate_entity, registration_sheet, observations,
    engine_number, legal_name)
SELECT {account}, s.n + 1, s.n + 1, 0, {now}, {vin}, {json}('customId', {customId}, 'plate', {plate},
        'stateId', {stateId}, 'brandName', {brandName}, 'modelName', {modelName}, 'country', {country},
        'type', {type}, 'doors', {doors}, 'vehicleColor', {vehicleColor}, 'ownerName', {ownerName}),
    {customId}, {plate}, {stateId}, {brandName}, {modelName}, {country}, {type}, {doors}, {vehicleColor}, {ownerName},
    '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''
FROM {rows};

-- name: fill_search_texts
INSERT INTO search_texts (account_id, vehicle_id, text)
SELECT account_id, vehicle_id, search_text(vin, details) FROM versions WHERE is_former = 0
ORDER BY account_id, vehicle_id;

-- name: insert_registrations
INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id, to_status)
SELECT {account}, s.n + 1, s.n + 1, {vin}, 'registered', {now}, 'bench', 'bench', {status} FROM {rows};

-- name: insert_changes
INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id,
    from_status, to_status)
SELECT {account}, {each} + 1 + s.n, 1 + s.n % {each}, {vin}, 'statusChanged', {now}, 'bench', 'bench-' || s.n, 1, 4
FROM {rows};

-- name: set_counter
UPDATE counters SET last_change = {last_change}, vehicle_count = {vehicle_count} WHERE account_id = {account};
