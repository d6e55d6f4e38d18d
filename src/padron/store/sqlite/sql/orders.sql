-- Which changes a page by an instant follows. Both engines' files have the same names in the same order.
-- PostgreSQL has an index for each instant, so its statements are empty.

-- name: list_accounts_to_follow
-- The accounts with many vehicles (?1), or with bits already, that have at least ?2 changes after their bits or are
-- being surveyed: where they are, how many changes follow, and whether they are being surveyed.
SELECT c.account_id, coalesce(m.next_number, 0), c.last_change - coalesce(m.next_number, 0),
    coalesce(m.next_number < m.built_to, 0)
FROM counters AS c
JOIN accounts AS a ON a.account_id = c.account_id LEFT JOIN last_change_marks AS m ON m.account_id = c.account_id
WHERE a.deleting_at IS NULL AND (c.vehicle_count >= ?1 OR m.account_id IS NOT NULL) AND coalesce(m.is_ordered, 1) = 1
    AND (c.last_change - coalesce(m.next_number, 0) >= ?2 OR m.next_number < m.built_to)
ORDER BY c.account_id;

-- name: load_order_mark
-- How far the account's bits are, and the record.
SELECT m.next_number, m.built_to, m.is_ordered, c.last_change, c.vehicle_count
FROM last_change_marks AS m JOIN counters AS c ON c.account_id = m.account_id
JOIN accounts AS a ON a.account_id = m.account_id
WHERE m.account_id = ?1 AND a.deleting_at IS NULL;

-- name: begin_order
-- No change has a bit yet. Those that there are now, in whole blocks (?2), are surveyed.
INSERT INTO last_change_marks (account_id, next_number, built_to, is_ordered)
SELECT c.account_id, 0, c.last_change - c.last_change % ?2, 1
FROM counters AS c JOIN accounts AS a ON a.account_id = c.account_id
WHERE c.account_id = ?1 AND a.deleting_at IS NULL
ON CONFLICT (account_id) DO NOTHING;

-- name: move_order_mark
-- All changes before a number (?3) are in the bits. Before, it was another number (?2).
UPDATE last_change_marks SET next_number = ?3, is_ordered = ?4 WHERE account_id = ?1 AND next_number = ?2;

-- name: save_block
-- The bits of a block.
INSERT INTO last_changes (account_id, sort, block, bits) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (account_id, sort, block) DO UPDATE SET bits = excluded.bits;

-- name: delete_block
-- A block without a bit that is set.
DELETE FROM last_changes WHERE account_id = ?1 AND sort = ?2 AND block = ?3;

-- name: load_blocks
-- The bits of some blocks (?3).
SELECT b.block, b.bits FROM json_each(?3) AS asked CROSS JOIN last_changes AS b
WHERE b.account_id = ?1 AND b.sort = ?2 AND b.block = asked.value;

-- name: list_blocks_up
-- The next blocks (?5) from one (?3) to another one (?4).
SELECT block, bits FROM last_changes WHERE account_id = ?1 AND sort = ?2 AND block >= ?3 AND block <= ?4
ORDER BY block LIMIT ?5;

-- name: list_blocks_down
-- The same from the last one on.
SELECT block, bits FROM last_changes WHERE account_id = ?1 AND sort = ?2 AND block >= ?3 AND block <= ?4
ORDER BY block DESC LIMIT ?5;

-- name: survey_changes
-- Of the changes from a number (?2) to before another one (?3), those after which their vehicle changed no more
-- (is_last), or got no other status (is_last_status).
WITH portion AS MATERIALIZED (
    SELECT c.number, c.vehicle_id, c.type IN ('registered', 'statusChanged', 'deleted') AS is_status,
        NOT EXISTS (SELECT 1 FROM changes AS l INDEXED BY changes_by_vehicle
            WHERE l.account_id = ?1 AND l.vehicle_id = c.vehicle_id AND l.number > c.number) AS is_last
    FROM changes AS c WHERE c.account_id = ?1 AND c.number >= ?2 AND c.number < ?3
), judged AS (
    SELECT p.number, p.is_last, p.is_status AND (p.is_last OR NOT EXISTS (
        SELECT 1 FROM changes AS l INDEXED BY changes_by_vehicle
        WHERE l.account_id = ?1 AND l.vehicle_id = p.vehicle_id AND l.number > p.number
            AND l.type IN ('registered', 'statusChanged', 'deleted'))) AS is_last_status
    FROM portion AS p
)
SELECT number, is_last, is_last_status FROM judged WHERE is_last OR is_last_status;

-- name: find_disorder
-- A change from a number (?2) to before another one (?3) with an earlier instant than the one before.
SELECT number FROM (
    SELECT number, changed_at, lag(changed_at) OVER (ORDER BY number) AS before_at FROM changes
    WHERE account_id = ?1 AND number >= ?2 AND number < ?3
) AS portion WHERE changed_at < before_at LIMIT 1;

-- name: list_portion
-- For each vehicle with a change from a number (?2) to before another one (?3): the last of these changes, the last of
-- them that set its status, and the last change before them all. In the order of the vehicles, because then the look-ups
-- read each page of the index once.
WITH portion AS MATERIALIZED (
    SELECT vehicle_id, max(number) AS last_number,
        max(number) FILTER (WHERE type IN ('registered', 'statusChanged', 'deleted')) AS status_number
    FROM changes WHERE account_id = ?1 AND number >= ?2 AND number < ?3 GROUP BY vehicle_id
)
SELECT p.vehicle_id, p.last_number, p.status_number, (SELECT c.number FROM changes AS c INDEXED BY changes_by_vehicle
    WHERE c.account_id = ?1 AND c.vehicle_id = p.vehicle_id AND c.number < ?2 ORDER BY c.number DESC LIMIT 1)
FROM portion AS p;

-- name: find_last_status_before
-- The last change of a vehicle (?3) before a number (?2) that set its status.
SELECT c.number FROM changes AS c INDEXED BY changes_by_vehicle
WHERE c.account_id = ?1 AND c.vehicle_id = ?3 AND c.number < ?2 AND c.type IN ('registered', 'statusChanged', 'deleted')
ORDER BY c.number DESC LIMIT 1;

-- name: list_changed_vehicles
-- The vehicles of these changes (?2), in their order; if ?3 is 1, only of those that set a status. Changes that only an
-- archive has are left out.
SELECT c.number, c.vehicle_id, c.changed_at FROM json_each(?2) AS asked CROSS JOIN changes AS c
WHERE c.account_id = ?1 AND c.number = asked.value
    AND (?3 = 0 OR c.type IN ('registered', 'statusChanged', 'deleted'))
ORDER BY asked.key;

-- name: find_change_from
-- The first change from a number on (?2), and its instant.
SELECT number, changed_at FROM changes WHERE account_id = ?1 AND number >= ?2 ORDER BY number LIMIT 1;

-- name: count_current_between
-- How many current vehicles have an id from a number (?2) to another one (?3). This index is the narrowest one.
SELECT count(*) FROM versions INDEXED BY versions_current
WHERE account_id = ?1 AND is_former = 0 AND vehicle_id >= ?2 AND vehicle_id <= ?3;

-- name: list_no_registrations
-- The first changes (?4) from a number (?2) to another one (?3) that registered no vehicle.
SELECT number FROM changes WHERE account_id = ?1 AND number >= ?2 AND number <= ?3 AND type <> 'registered'
ORDER BY number LIMIT ?4;

-- name: count_not_active
-- How many vehicles have one of these statuses (?2), none of which is Active, up to a limit (?3).
SELECT count(*) FROM (SELECT 1 FROM vehicles INDEXED BY vehicles_by_status
    WHERE account_id = ?1 AND status <> 1 AND status IN (SELECT value FROM json_each(?2)) LIMIT ?3);

-- name: choose_among
-- Which of some vehicles belong to a list, and their places in it. listing.py fills in the hook.
SELECT p.vehicle_id, p.sort_key FROM (:page) AS p;

-- name: forget_order_marks
-- The bits of all accounts begin anew. Blocks that stay are overwritten.
DELETE FROM last_change_marks RETURNING account_id;
