-- The archive of the record. Both engines' files have the same names in the same order.

-- name: find_record_start
-- Up to which number the account's changes are archived, and the latest instant up to there.
SELECT archived_to, archived_at FROM counters WHERE account_id = $1;

-- name: load_archive_mark
-- How far the archiving of an account has come.
SELECT archived_to, archived_at, archiving_to, cleared_to FROM counters WHERE account_id = $1;

-- name: lock_archive_mark
-- The same, locked until the transaction ends.
SELECT archived_to, archived_at, archiving_to, cleared_to FROM counters WHERE account_id = $1 FOR UPDATE;

-- name: find_portion
-- Among the next changes ($4) after a number ($2): the last one so that it and all before it are earlier than an
-- instant ($3), their number, and the first one's instant.
SELECT max(number), count(*), min(changed_at) FROM (
    SELECT number, changed_at, max(changed_at) OVER (ORDER BY number) AS latest_at FROM (
        SELECT number, changed_at FROM changes WHERE account_id = $1 AND number > $2
        ORDER BY number LIMIT $4) AS next
) AS portion WHERE latest_at < $3;

-- name: find_needed_by_webhooks
-- The last number that no webhook needs any more: neither its position in the feed nor a delivery comes before it.
SELECT min(e.position), min((SELECT d.number FROM webhook_deliveries AS d
    WHERE d.account_id = $1 AND d.endpoint_id = e.endpoint_id ORDER BY d.number LIMIT 1)) - 1
FROM webhook_endpoints AS e WHERE e.account_id = $1;

-- name: list_archived
-- The changes after a number ($2) up to another one ($3), in order, with the core data of a version that began.
SELECT c.number, c.type, c.changed_at, c.changed_by, c.request_id, c.from_status, c.to_status, c.reason,
    c.differences, c.vehicle_id, c.vin, v.details
FROM changes AS c LEFT JOIN versions AS v
    ON v.account_id = c.account_id AND v.vehicle_id = c.vehicle_id AND v.began = c.number
WHERE c.account_id = $1 AND c.number > $2 AND c.number <= $3 ORDER BY c.number LIMIT $4;

-- name: begin_portion
-- Notes the last number ($3) of the portion after $2 that is now being written.
UPDATE counters SET archiving_to = $3
WHERE account_id = $1 AND archived_to = $2 AND archiving_to <= archived_to RETURNING 1;

-- name: settle_portion
-- Notes that the changes after a number ($2) up to another one ($3) are in an archive, none later than $4.
UPDATE counters SET archived_to = $3, archived_at = greatest(archived_at, $4)
WHERE account_id = $1 AND archived_to = $2 AND archiving_to = $3 RETURNING 1;

-- name: clear_changes
-- Deletes archived changes from a number ($2) up to another one ($3), and those that they supersede. Kept are: a
-- vehicle's registration, its last change and its last change of status up to the archive's end ($4), and the changes
-- of a request that goes on after it. Later questions need these and no others. The change at the archive's end is the
-- last one of its vehicle.
DELETE FROM changes WHERE account_id = $1 AND number IN (
    SELECT c.number FROM changes AS c
    WHERE c.account_id = $1 AND c.number >= $2 AND c.number <= $3 AND NOT (c.number = c.vehicle_id
        OR c.number = (SELECT l.number FROM changes AS l
            WHERE l.account_id = $1 AND l.vehicle_id = c.vehicle_id AND l.number <= $4
            ORDER BY l.number DESC LIMIT 1)
        OR c.number = (SELECT l.number FROM changes AS l
            WHERE l.account_id = $1 AND l.vehicle_id = c.vehicle_id AND l.number <= $4
                AND l.type IN ('registered', 'statusChanged', 'deleted')
            ORDER BY l.number DESC LIMIT 1)
        OR (SELECT l.number FROM changes AS l
            WHERE l.account_id = $1 AND l.request_id = c.request_id AND l.number > $4
            ORDER BY l.number LIMIT 1) IS NOT NULL)
    UNION ALL
    SELECT o.number FROM (
        SELECT DISTINCT p.vehicle_id FROM changes AS p
        WHERE p.account_id = $1 AND p.number >= $2 AND p.number <= $3) AS seen
    JOIN changes AS o ON o.account_id = $1 AND o.vehicle_id = seen.vehicle_id AND o.number < $2
        AND NOT (o.number = o.vehicle_id
        OR o.number = (SELECT l.number FROM changes AS l
            WHERE l.account_id = $1 AND l.vehicle_id = o.vehicle_id AND l.number <= $4
            ORDER BY l.number DESC LIMIT 1)
        OR o.number = (SELECT l.number FROM changes AS l
            WHERE l.account_id = $1 AND l.vehicle_id = o.vehicle_id AND l.number <= $4
                AND l.type IN ('registered', 'statusChanged', 'deleted')
            ORDER BY l.number DESC LIMIT 1)
        OR (SELECT l.number FROM changes AS l
            WHERE l.account_id = $1 AND l.request_id = o.request_id AND l.number > $4
            ORDER BY l.number LIMIT 1) IS NOT NULL))
RETURNING 1;

-- name: note_cleared
-- Notes up to which number superseded changes are deleted.
UPDATE counters SET cleared_to = $2 WHERE account_id = $1 AND cleared_to < $2;
