-- What `padron doctor` looks at, in portions. Both engines' files have the same names in the same order.
-- Each statement but the first names one account, and means every row of a portion.

-- name: examine_next_account
-- The next account id that any table knows, whether or not there is such an account.
SELECT min(account_id) FROM (
    SELECT min(account_id) AS account_id FROM accounts WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM counters WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM vehicles WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM versions WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM search_texts WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM changes WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM api_keys WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM administration WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM runs WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM work WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM results WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM planned_changes WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM webhook_endpoints WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM webhook_deliveries WHERE account_id > $1
    UNION ALL SELECT min(account_id) FROM imports WHERE account_id > $1
) AS known;

-- name: examine_account
-- What an account's counters say, and what there is.
SELECT (SELECT count(*) FROM accounts WHERE account_id = $1) AS account_count,
    (SELECT count(*) FROM accounts WHERE account_id = $1 AND deleting_at IS NOT NULL) AS deleting_count, c.last_change,
    (SELECT max(number) FROM changes WHERE account_id = $1) AS last_number, c.last_at, c.vehicle_count,
    (SELECT count(*) FROM vehicles WHERE account_id = $1 AND slot >= 0) AS current_count
FROM (SELECT 1 AS one) AS here LEFT JOIN counters AS c ON c.account_id = $1;

-- name: examine_numbers
-- A portion of the record after a number ($2): how many changes, from where to where, and how many of no vehicle.
-- Archived changes are left out; the last value is the number of the last of them.
SELECT count(*), min(number), max(number), count(*) FILTER (WHERE NOT EXISTS (
    SELECT 1 FROM vehicles AS h WHERE h.account_id = $1 AND h.vehicle_id = portion.vehicle_id)),
    coalesce((SELECT max(archived_to) FROM counters WHERE account_id = $1), 0)
FROM (
    SELECT number, vehicle_id FROM changes WHERE account_id = $1 AND number > $2
        AND number > coalesce((SELECT archived_to FROM counters WHERE account_id = $1), 0)
    ORDER BY number LIMIT $3
) AS portion;

-- name: examine_portion
-- The last of the next vehicles after an id ($2), and their number.
SELECT max(vehicle_id), count(*) FROM (
    SELECT vehicle_id FROM vehicles WHERE account_id = $1 AND vehicle_id > $2 ORDER BY vehicle_id LIMIT $3
) AS portion;

-- name: examine_histories
-- Vehicles of a portion whose record does not lead to what they are now. Each change must begin where the one before it
-- ended, and the last one must end at the present status. A vehicle that is former has no status of its own. Up to the
-- archive's end only some changes are left, so they are neither counted nor compared with each other.
WITH archive AS (
    SELECT coalesce(max(archived_to), 0) AS start FROM counters WHERE account_id = $1
), steps AS (
    SELECT c.vehicle_id, c.number, c.type, c.from_status, c.to_status,
        lag(c.number) OVER (PARTITION BY c.vehicle_id ORDER BY c.number) AS number_before,
        lag(c.to_status) OVER (PARTITION BY c.vehicle_id ORDER BY c.number) AS status_before
    FROM changes AS c WHERE c.account_id = $1 AND c.vehicle_id > $2 AND c.vehicle_id <= $3
), sums AS (
    SELECT vehicle_id, count(*) AS change_count, min(number) AS first_number, max(number) AS last_number,
        count(*) FILTER (WHERE CASE
            WHEN number_before IS NULL THEN type <> 'registered'
            WHEN number <= (SELECT start FROM archive) THEN 1 = 0
            WHEN type IN ('registered', 'statusChanged', 'deleted') THEN from_status IS DISTINCT FROM status_before
            WHEN type IN ('infoChanged', 'erased') THEN to_status IS DISTINCT FROM status_before
            ELSE 1 = 1 END) AS broken_count
    FROM steps GROUP BY vehicle_id
)
SELECT h.vehicle_id, h.vin, h.revision, coalesce(s.change_count, 0), h.status,
    l.to_status, coalesce(s.broken_count, 0)
FROM vehicles AS h
LEFT JOIN sums AS s ON s.vehicle_id = h.vehicle_id
LEFT JOIN changes AS l ON l.account_id = $1 AND l.number = s.last_number
WHERE h.account_id = $1 AND h.vehicle_id > $2 AND h.vehicle_id <= $3 AND (
    s.change_count IS NULL OR s.change_count > h.revision
    OR (s.change_count < h.revision AND h.vehicle_id > (SELECT start FROM archive)) OR s.broken_count > 0 OR s.first_number <> h.vehicle_id
    OR l.vin <> h.vin OR l.changed_at <> h.updated_at
    OR CASE WHEN h.slot >= 0 THEN l.to_status <> h.status ELSE l.to_status <> 2 OR h.status <> 0 END)
ORDER BY h.vehicle_id LIMIT 100;

-- name: examine_versions
-- Vehicles of a portion without their core data, with too much of it, or with the core data of another one.
SELECT h.vehicle_id, h.vin, count(v.vehicle_id)
FROM vehicles AS h LEFT JOIN versions AS v
    ON v.account_id = h.account_id AND v.vehicle_id = h.vehicle_id AND v.is_former = 0
WHERE h.account_id = $1 AND h.vehicle_id > $2 AND h.vehicle_id <= $3
GROUP BY h.vehicle_id, h.vin, h.slot, h.plate
HAVING count(v.vehicle_id) <> CASE WHEN h.slot >= 0 THEN 1 ELSE 0 END OR max(v.vin) <> h.vin
    OR max(v.plate) <> coalesce(h.plate, '')
ORDER BY h.vehicle_id LIMIT 100;

-- name: examine_identities
-- Vehicles of a portion that are found by something else than what their own row says.
SELECT coalesce(h.vehicle_id, i.vehicle_id), coalesce(h.vin, i.vin)
FROM (SELECT * FROM vehicles WHERE account_id = $1 AND vehicle_id > $2 AND vehicle_id <= $3) AS h
FULL JOIN (SELECT * FROM identities WHERE account_id = $1 AND vehicle_id > $2 AND vehicle_id <= $3) AS i
    ON i.vehicle_id = h.vehicle_id
WHERE (h.vin, h.slot, h.plate) IS DISTINCT FROM (i.vin, i.slot, i.plate)
ORDER BY 1 LIMIT 100;

-- name: examine_namesakes
-- Current vehicles of a portion that share a VIN and a slot, or a plate, with another one.
SELECT h.vehicle_id, h.vin FROM vehicles AS h
WHERE h.account_id = $1 AND h.vehicle_id > $2 AND h.vehicle_id <= $3 AND h.slot >= 0 AND (
    EXISTS (SELECT 1 FROM identities AS o
        WHERE o.account_id = $1 AND o.vin = h.vin AND o.slot = h.slot AND o.vehicle_id <> h.vehicle_id)
    OR EXISTS (SELECT 1 FROM identities AS o
        WHERE h.slot = 0 AND o.account_id = $1 AND o.plate = h.plate AND o.plate IS NOT NULL AND o.slot = 0
            AND o.vehicle_id <> h.vehicle_id))
ORDER BY h.vehicle_id LIMIT 100;

-- name: examine_search_texts
-- Current vehicles of a portion, with what they are and the text in which they are found.
SELECT v.vehicle_id, v.vin, v.details, s.text
FROM versions AS v LEFT JOIN search_texts AS s ON s.account_id = v.account_id AND s.vehicle_id = v.vehicle_id
WHERE v.account_id = $1 AND v.vehicle_id > $2 AND v.vehicle_id <= $3 AND v.is_former = 0
ORDER BY v.vehicle_id;

-- name: examine_grams
-- A vehicle that has a text ($3) but not its grams ($4).
SELECT s.vehicle_id FROM search_texts AS s WHERE s.account_id = $1 AND s.vehicle_id = $2 AND s.text = $3
    AND s.grams <> $4::integer[];

-- name: examine_orders
-- No vehicle: on this engine lists by an instant read an index of their own.
SELECT vehicle_id, vin FROM vehicles WHERE account_id = $1 AND vehicle_id > $2 AND vehicle_id <= $3 AND vehicle_id < 0;

-- name: examine_orphans
-- How many rows of an account lack what they belong to.
SELECT 'versions without a vehicle' AS what, count(*) AS rows FROM versions AS v WHERE v.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM vehicles AS h WHERE h.account_id = $1 AND h.vehicle_id = v.vehicle_id)
UNION ALL SELECT 'texts of vehicles that are not current', count(*) FROM search_texts AS s WHERE s.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM vehicles AS h
        WHERE h.account_id = $1 AND h.vehicle_id = s.vehicle_id AND h.slot >= 0)
UNION ALL SELECT 'planned changes without a vehicle', count(*) FROM planned_changes AS p WHERE p.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM vehicles AS h WHERE h.account_id = $1 AND h.vehicle_id = p.vehicle_id)
UNION ALL SELECT 'work without a run', count(*) FROM work AS w WHERE w.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.account_id = $1 AND r.run_id = w.run_id)
UNION ALL SELECT 'open work of vehicles that are not operational', count(*) FROM work AS w
    LEFT JOIN vehicles AS h ON h.account_id = $1 AND h.vehicle_id = w.vehicle_id
    WHERE w.account_id = $1 AND w.state IN ('queued', 'claimed') AND h.status IS DISTINCT FROM 1
UNION ALL SELECT 'results without work', count(*) FROM results AS r WHERE r.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM work AS w WHERE w.account_id = $1 AND w.run_id = r.run_id
        AND w.vehicle_id = r.vehicle_id)
UNION ALL SELECT 'deliveries without a webhook', count(*) FROM webhook_deliveries AS d WHERE d.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM webhook_endpoints AS e WHERE e.account_id = $1 AND e.endpoint_id = d.endpoint_id)
UNION ALL SELECT 'webhooks beyond the record', count(*) FROM webhook_endpoints AS e
    LEFT JOIN counters AS c ON c.account_id = $1
    WHERE e.account_id = $1 AND e.position > coalesce(c.last_change, 0)
UNION ALL SELECT 'parts of files without an import', count(*) FROM import_parts AS p WHERE p.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM imports AS i WHERE i.account_id = $1 AND i.import_id = p.import_id)
UNION ALL SELECT 'API keys without an account', count(*) FROM api_keys AS k WHERE k.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.account_id = $1)
UNION ALL SELECT 'members who are nobody', count(*) FROM members AS m WHERE m.account_id = $1
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = m.user_id);
